# tasks.sh - for tests of a task's life without a hub: documents for taskd, and what came of them.
#
#   task NAME STEPS [MEMBERS]        $tmp/NAME.json: steps as in doc/task-document.md without kind and name
#                                    where they are "run", more members of the document
#   play NAME [TASKD-OPTION...]      run it to its end; $status; $tmp/NAME.log
#   events NAME                      its events, one JSON a line
#   outcomes NAME                    "STEP.ATTEMPT=outcome ... end=outcome" in their order
#   output NAME STEP [ATTEMPT]       what the step printed
#   step_of NAME STEP                the JSON of its last step_ended
#   taskd_on NAME [OPTION...]        the command line, for start
#   nothing_left NAME                neither state nor work directories nor processes
#
# SPDX-License-Identifier: Apache-2.0

task_number=0

task()
{
	task_number=$((task_number + 1))
	t_id=$(printf '00000000-0000-4000-8000-%012d' "$task_number")
	echo "$t_id" >"$tmp/$1.id"
	printf '%s' "$2" | sed 's/{"command"/{"kind":"run","name":"a step","command"/g' >"$tmp/$1.steps"
	cat >"$tmp/$1.json" <<END
{"version":1,"id":"$t_id","epoch":1,"token":"t","lease_ms":60000,
"job":{"id":"00000000-0000-4000-8000-0000000000aa","name":"$1","number":1},"resource_class":"a/b"${3:+,$3},
"steps":[$(cat "$tmp/$1.steps")]}
END
	mkdir -p "$tmp/$1.sink"
}

taskd_on()
{
	t_name=$1
	shift
	echo taskd --run-dir "$tmp/$t_name.run" --work-dir "$tmp/$t_name.work" --sink "$tmp/$t_name.sink" "$@" \
		"$tmp/$t_name.json"
}

play()
{
	t_played=$1
	# shellcheck disable=SC2046
	timeout 600 $(taskd_on "$@") >>"$tmp/$t_played.log" 2>&1
	status=$?
}

events()
{
	cat "$tmp/$1.sink/$(cat "$tmp/$1.id").events" 2>/dev/null
}

outcomes()
{
	events "$1" | sed -n \
		-e 's/.*"type":"step_ended","step":\([0-9]*\),"attempt":\([0-9]*\),"outcome":"\([a-z-]*\)".*/\1.\2=\3/p' \
		-e 's/.*"type":"ended","outcome":"\([a-z-]*\)".*/end=\1/p' | tr '\n' ' ' | sed 's/ $//'
}

output()
{
	cat "$tmp/$1.sink/$(cat "$tmp/$1.id").$2.${3:-1}" 2>/dev/null
}

step_of()
{
	events "$1" | grep "\"step_ended\",\"step\":$2," | tail -n 1
}

nothing_left()
{
	[ -z "$(ls "$tmp/$1.run/tasks" 2>/dev/null)" ] && [ -z "$(ls "$tmp/$1.work" 2>/dev/null)" ]
}

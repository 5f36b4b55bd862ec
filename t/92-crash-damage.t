#!/bin/sh
# What cannot be read after a crash is given up without harm to anything else.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/tasks.sh"

actor=$top_builddir/t/actor

# A task that runs, whose agent is killed: $state is its directory, $step_pid its process.
crashed()
{
	task "$1" "{\"command\":\"exec $actor text=here pid=$tmp/$1.pid sleep\"}"
	# shellcheck disable=SC2046
	start "$1" $(taskd_on "$1" --isolation none --ack-after 1h)
	ok "($1) the step runs" wait_until 20 test -s "$tmp/$1.pid"
	state=$tmp/$1.run/tasks/$(cat "$tmp/$1.id")
	ok "($1) its output is in the spool" wait_until 20 test -s "$state/spool.00000001"
	stop "$pid" KILL
	step_pid=$(cat "$tmp/$1.pid")
}

flip()
{
	printf '\377' | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

crashed journal
flip "$state/journal" 700
play journal
like "$(cat "$tmp/journal.log")" 'not recovered: record 3 of the task.s journal cannot be read: its checksum is wrong' \
	'a damaged journal is named'
ok 'what runs is ended' wait_gone "$step_pid" 20
ok 'and nothing is left' nothing_left journal

crashed spool
flip "$state/spool.00000001" 80
play spool
like "$(cat "$tmp/spool.log")" "not recovered: segment 1 of the task's spool is damaged" 'a damaged spool is named'
ok 'what runs is ended' wait_gone "$step_pid" 20
ok 'and nothing is left' nothing_left spool

crashed document
echo '{' >"$state/task.json"
play document
like "$(cat "$tmp/document.log")" 'not recovered: ' 'a damaged document is named'
ok 'what runs is ended' wait_gone "$step_pid" 20
ok 'and nothing is left' nothing_left document

# The host may refuse for a moment: that is no damage, and no task is given up for it.
crashed refused
for point in task.open document.read journal.open spool.open; do
	# shellcheck disable=SC2046
	timeout 60 strike --at $point --fail 1:EMFILE $(taskd_on refused) >>"$tmp/refused.log" 2>&1
	status=$?
	if [ $status -eq 77 ]; then
		skip "$point fails: who recovers ends" 'this host forbids to trace'
	else
		is $status 3 "$point fails: who recovers ends"
	fi
done
ok 'what runs goes on' kill -0 "$step_pid"
kill -TERM "$step_pid"
play refused
is "$(outcomes refused)" '0.1=failed end=failed' 'and the next one finds it'
is "$(output refused 0)" here 'with its output'
ok 'and nothing is left' nothing_left refused

mkdir -p "$tmp/begun.run/tasks/00000000-0000-4000-8000-0000000000ff"
echo '{}' >"$tmp/begun.run/tasks/00000000-0000-4000-8000-0000000000ff/task.json"
task begun '{"command":"echo fine"}'
play begun
is "$(outcomes begun)" '0.1=success end=success' 'a directory that was never claimed harms nothing'
is "$(ls "$tmp/begun.run/tasks")" '' 'and is removed'

done_testing

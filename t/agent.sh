# agent.sh - runnerd against a scripted control plane, behind t/lib.sh:
#	. "${0%/*}/lib.sh"
#	. "${0%/*}/agent.sh"
#
#   script LINE...                   lines for the next start_fakehub, one an argument
#   start_fakehub [OPTION...]        $fakehub_pid; its log is fakehub.log, what it received in $tmp/got
#   hub_say LINE                     run a line now
#   start_runnerd [OPTION...]        $agent_pid; its log is agent.log; the same directories each time
#   start_on_tmpfs DIR SIZE COMMAND...  as agent, with a small file system on DIR that nobody else sees; $agent_pid
#   inside COMMAND                   a line of sh, run where that is seen; what it prints
#   wait_ended NAME [OUTCOME]        until the hub has the end of a task
#   got_output NAME [STEP]           path of what was received
#   events_of NAME                   the types of its events, one a line
#   task_id NAME                     its UUID
#
# SPDX-License-Identifier: Apache-2.0

hub_sock=$tmp/hub.sock
hub_url=unix:$hub_sock
: >"$tmp/script"
echo secret-token >"$tmp/token"
chmod 600 "$tmp/token"
mkdir -p "$tmp/got"

script()
{
	printf '%s\n' "$@" >>"$tmp/script"
}

start_fakehub()
{
	[ -p "$tmp/control" ] || mkfifo "$tmp/control"
	start fakehub fakehub --listen "$hub_url" --dir "$tmp/got" --script "$tmp/script" \
		--control "$tmp/control" "$@"
	fakehub_pid=$pid
	wait_started fakehub 'ready at' 20
}

hub_say()
{
	printf '%s\n' "$1" >"$tmp/control"
}

start_runnerd()
{
	start agent runnerd --hub "$hub_url" --token-file "$tmp/token" --name "test" \
		--run-dir "$tmp/run" --data-dir "$tmp/data" --work-dir "$tmp/work" \
		--cache-dir "$tmp/cache" --orphan-limit 60s "$@"
	agent_pid=$pid
}

# Nobody may look through the eyes of a runnerd that hides, not even its own user: what runs inside is asked for by a file.
start_on_tmpfs()
{
	t_place=$1 t_size=$2
	shift 2
	# shellcheck disable=SC2016 # for the other shell
	start agent env RUNNERD_USER=root unshare -rm sh -c 'mount -t tmpfs -o "size=$2,mode=700" none "$1" || exit
		(while kill -0 $$; do
			[ ! -e "$3" ] || { sh "$3" >"$3.said"; rm "$3"; }
			sleep 0.05
		done >/dev/null 2>&1 &)
		shift 3; exec "$@"' sh "$t_place" "$t_size" "$tmp/inside" "$@"
	agent_pid=$pid
}

inside()
{
	printf '%s\n' "$*" >"$tmp/inside.new"
	mv "$tmp/inside.new" "$tmp/inside"
	wait_until 20 test ! -e "$tmp/inside"
	cat "$tmp/inside.said"
}

wait_ended()
{
	wait_log fakehub "task $1 ended ${2-}" "${3:-30}"
}

got_output()
{
	echo "$tmp/got/$1/step-${2:-0}.out"
}

events_of()
{
	sed -n 's/.*"type":"\([a-z_]*\)".*/\1/p' "$tmp/got/$1/events"
}

# Tasks that a test leaves running must not outlive it: their runner-init ends them without an agent.
end_tasks()
{
	[ -d "$tmp/run/tasks" ] || return 0
	wait_until 20 no_tasks
}

no_tasks()
{
	[ -z "$(ls -A "$tmp/run/tasks" 2>/dev/null)" ]
}

# The id fakehub gives the task called NAME.
task_id()
{
	printf %s "$1" | sha256sum |
		sed 's/^\(.\{8\}\)\(.\{4\}\)\(.\{4\}\)\(.\{4\}\)\(.\{12\}\).*/\1-\2-\3-\4-\5/'
}

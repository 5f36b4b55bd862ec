#!/bin/sh
# The spool is full, or its disk refuses: the job waits, or output is dropped and told of; each is said once.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

actor=$top_builddir/t/actor

# outage NAME COMMAND [OPTION...]: a task that begins to print when the hub is away.
outage()
{
	t_task=$1
	rm -f "$tmp/go"
	hub_say "task $1 while [ ! -e $tmp/go ]; do sleep 0.05; done; $2"
	shift 2
	: >"$tmp/agent.log"
	start_runnerd "$@"
	wait_log fakehub "task $t_task step 0 step_started" 20
	hub_say 'down 600000'
	wait_log agent 'hub .* is away' 20
	touch "$tmp/go"
}

noise="$actor pattern=binary print=6000000"
is_noise()
{
	$noise | cmp - "$(got_output "$1")"
}

# --- block: the job waits ---
start_fakehub
outage block "$noise; touch $tmp/printed" --spool-task-max 2M
waiting_bytes()
{
	find "$tmp/run/tasks" "$tmp/data/spool" -name 'spool.*' -printf '%s\n' | awk '{ n += $1 } END { print n + 0 }'
}
is_full()
{
	[ "$(waiting_bytes)" -ge 1900000 ]
}
has_room()
{
	[ "$(waiting_bytes)" -lt 1000000 ]
}
ok '(block) the spool fills' wait_until 30 is_full
ok '(block) and the log says that the job waits' wait_log agent 'no room for more output: .* of it wait for the hub \(spool-task-max\); until there is, the job waits where it prints \(output-overflow\)' 20
ok '(block) the job waits' test ! -e "$tmp/printed"
hub_say up
ok '(block) it ends well' wait_ended block success 60
ok '(block) every byte is there once' is_noise block
is "$(grep -c 'no room for more output' "$tmp/agent.log")" 1 '(block) it was said once'
stop "$agent_pid"

# The spool is full and empty again many times when the job is faster than the hub.
outage often "$noise" --spool-task-max 1M
ok '(often) the log says that the job waits' wait_log agent 'no room for more output' 20
hub_say up
ok '(often) it ends well' wait_ended often success 60
ok '(often) every byte is there once' is_noise often
is "$(grep -c 'no room for more output' "$tmp/agent.log")" 1 '(often) it was said once'
stop "$agent_pid"

# --- truncate: what has no room is dropped, and told of ---
outage truncate "$actor pattern=binary print=3000000; seq 1 5000000; touch $tmp/through; while [ -e $tmp/go ]; do sleep 0.05; done; echo; echo the end" \
	--spool-task-max 2M --output-overflow truncate
ok '(truncate) the job does not wait' wait_until 60 test -e "$tmp/through"
kill -KILL "$agent_pid"
wait "$agent_pid" 2>/dev/null
start_runnerd --spool-task-max 2M --output-overflow truncate
wait_log agent 'recovered: state' 20
hub_say up
ok '(truncate) there is room again' wait_until 30 has_room
rm "$tmp/go"
ok '(truncate) it ends well' wait_ended truncate success 60
out=$(got_output truncate)
dropped=$(sed -n 's/^\[runnerd: \([0-9]*\) bytes of output were dropped here:.*/\1/p' "$out" | awk '{ n += $1 } END { print n + 0 }')
told=$(grep -ac '^\[runnerd: [0-9]* bytes of output were dropped here:' "$out")
lines=$(grep -a '^\[runnerd: [0-9]* bytes of output were dropped here:' "$out" | wc -c)
wrote=$(($("$actor" pattern=binary print=3000000 | wc -c) + $(seq 1 5000000 | wc -c) + 9))
ok '(truncate) it says how much was dropped' test "$dropped" -gt 1000000
like "$(grep 'no room for more output' "$tmp/agent.log" | tail -n 1)" 'until there is, what it prints is dropped \(output-overflow\)' '(truncate) the log says so'
is $(($(wc -c <"$out") - lines - told + dropped)) "$wrote" '(truncate) and that is exact'
is "$(tail -n 1 "$out")" 'the end' '(truncate) what comes later is seen'
stop "$agent_pid"

# --- the disk is full, then it is not ---
mkdir -p "$tmp/small"
if unshare -rm mount -t tmpfs none "$tmp/small" 2>/dev/null; then
	runnerd_on_small()
	{
		# shellcheck disable=SC2016 # for the other shell
		start_on_tmpfs "$tmp/small" 9m sh -c 'head -c 9100k /dev/zero >"$1/filler"; shift; exec "$@"' sh \
			"$tmp/small" runnerd --hub "$hub_url" --token-file "$tmp/token" --name test --run-dir "$tmp/run" \
			--data-dir "$tmp/data" --work-dir "$tmp/work" --cache-dir "$tmp/cache" --isolation none \
			--spool-dir "$tmp/small/spool" --spool-memory 2M --min-free 0
	}
	rm -f "$tmp/go" "$tmp/printed"
	hub_say "task disk while [ ! -e $tmp/go ]; do sleep 0.05; done; $noise; touch $tmp/printed"
	: >"$tmp/agent.log"
	runnerd_on_small
	wait_log fakehub 'task disk step 0 step_started' 20
	hub_say 'down 600000'
	wait_log agent 'hub .* is away' 20
	touch "$tmp/go"
	ok '(disk) that it is full is said' wait_log agent "cannot write to the spool's directory '.*': No space left on device; output stays in memory" 20
	ok '(disk) the job waits' test ! -e "$tmp/printed"
	inside "rm $tmp/small/filler"
	ok '(disk) that it works again is said' wait_log agent "the spool's directory '.*' works again" 30
	ok '(disk) the job goes on' wait_until 30 test -e "$tmp/printed"
	is "$(grep -c "cannot write to the spool" "$tmp/agent.log")" 1 '(disk) it was said once'
	hub_say up
	ok '(disk) it ends well' wait_ended disk success 60
	ok '(disk) every byte is there once' is_noise disk
	stop "$agent_pid"
else
	for check in 'it is said' 'the job waits' 'it goes on' 'nothing is lost'; do
		skip "(disk) $check" 'this host forbids to mount'
	done
fi
done_testing

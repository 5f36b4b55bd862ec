#!/bin/sh
# Output travels in batches: of many tasks, closed by size, by age and by a step's end; a hub that reads slowly holds up output alone.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

actor=$top_builddir/t/actor

# requests SINCE: "BYTES RECORDS TASKS" of each request with output that came behind line SINCE of the hub's log.
requests()
{
	sed -n "$1,\$s/.*output of \([0-9]*\) bytes: \([0-9]*\) records of \([0-9]*\) tasks.*/\1 \2 \3/p" "$tmp/fakehub.log"
}

here()
{
	echo $(($(wc -l <"$tmp/fakehub.log") + 1))
}

# sum COLUMN | most COLUMN, of requests on standard input
sum()
{
	awk -v column="$1" '{ n += $column } END { print n + 0 }'
}

most()
{
	awk -v column="$1" '$column > n { n = $column } END { print n + 0 }'
}

sample()
{
	curl -sS --max-time 20 --unix-socket "$tmp/m.sock" http://agent/metrics | awk -v name="$1" 'index($0, name " ") == 1 { print $NF }'
}

is_same()
{
	"$actor" pattern=binary print="$2" | cmp - "$(got_output "$1")"
}

start_fakehub --debug
start_runnerd -j 16 --metrics "unix:$tmp/m.sock"
wait_log fakehub 'claim for 16' 20

# --- a quiet step: small writes become few records ---
since=$(here)
hub_say "task quiet exec $actor piece=64 rate=12800 print=12800"
ok '(quiet) it ends well' wait_ended quiet success
is "$(cksum <"$(got_output quiet)")" "$("$actor" print=12800 | cksum)" '(quiet) it is whole'
records=$(requests "$since" | sum 2)
# A record is closed 50 ms after its first byte, not before, but for the step's end.
wall_ms=$(sed -n 's/.*"type":"step_ended".*"wall_ms":\([0-9]*\).*/\1/p' "$tmp/got/quiet/events")
ok "(quiet) a line every 5 ms is not a record every 5 ms ($records of 200 lines in $wall_ms ms)" test "$records" -le $((wall_ms / 50 + 2))

# --- the end of a step closes what there is ---
since=$(here)
hub_say 'task ends echo the end of a step does not wait'
ok '(end) it ends well' wait_ended ends success
is "$(requests "$since" | sum 2)" 1 '(end) its output is one record'

# --- many tasks in one request ---
kept=$(sample runnerd_output_bytes_total)
# The hub stands still from before they print until what all of them have printed lies in the spool.
hub_say "tasks 12 many while [ ! -e $tmp/go ]; do sleep 0.02; done; for i in 1 2 3 4 5 6 7 8; do echo \$i; sleep 0.1; done; mktemp -q $tmp/printed-XXXXXX >/dev/null; until [ -e $tmp/on ]; do sleep 0.02; done"
all_begun()
{
	[ "$(grep -c 'task many[0-9]* step 0 step_started' "$tmp/fakehub.log")" -eq 12 ]
}
wait_until 30 all_begun || diag 'not all have begun'
since=$(here)
kill -STOP "$fakehub_pid"
t_now
began=$t_ms
touch "$tmp/go"
all_printed()
{
	[ "$(ls "$tmp" | grep -c '^printed-')" -eq 12 ]
}
all_kept()
{
	for t_spool in "$tmp"/run/tasks/*/spool.*; do
		[ -s "$t_spool" ] || return 1
	done
	[ "$(sample runnerd_output_bytes_total)" = "$((kept + 12 * 16))" ]
}
wait_until 30 all_printed || diag 'not all have printed'
t_now
took=$((t_ms - began))
wait_until 30 all_kept || diag 'not all is kept'
kill -CONT "$fakehub_pid"
touch "$tmp/on"
for n in 1 2 3 4 5 6 7 8 9 10 11 12; do
	wait_ended "many$n" success || fail "many$n ends well"
done
tasks=$(requests "$since" | most 3)
ok "(many) one request has output of many tasks ($tasks of 12)" test "$tasks" -ge 8
whole=$(seq 1 8 | cksum)
is "$(for n in 1 2 3 4 5 6 7 8 9 10 11 12; do cksum <"$(got_output "many$n")"; done | sort -u)" "$whole" '(many) and what each printed is whole'
# A busy task's record is closed 250 ms after its first byte, the first one sooner.
records=$(requests "$since" | sum 2)
ok "(many) what came while one was under way is merged, not sent line by line ($records records of 96 lines in $took ms)" \
	test "$records" -le $((12 * (took / 250 + 2)))

# --- closed by size ---
since=$(here)
hub_say "task large while [ ! -e $tmp/go.large ]; do sleep 0.02; done; $actor pattern=binary print=1000000; touch $tmp/printed.large"
wait_log fakehub 'task large step 0 step_started' 20
kill -STOP "$fakehub_pid"
touch "$tmp/go.large"
wait_until 30 test -e "$tmp/printed.large"
kill -CONT "$fakehub_pid"
ok '(size) it ends well' wait_ended large success
ok '(size) it is whole' is_same large 1000000
bytes=$(requests "$since" | most 1)
ok "(size) no request is above 256 KiB ($bytes)" test "$bytes" -le 262144
ok '(size) and what waits fills one, but for less than a record' test "$bytes" -gt $((262144 - 66000))
stop "$agent_pid"

# --- a window of 4 KiB that is full: output stands still, everything else goes on ---
start narrow narrow "$tmp/narrow.sock" "$hub_sock" 4096
narrow_pid=$pid
wait_log narrow ready 10
stop "$fakehub_pid"
: >"$tmp/fakehub.log" # so that "ready" is the new one's
hub_url=unix:$hub_sock
start_fakehub --debug
hub_url=unix:$tmp/narrow.sock
start_runnerd -j 8 --metrics "unix:$tmp/m.sock" --spool-task-max 3M
wait_log fakehub 'claim for 8' 20
idle_kb=$(sed -n 's/^VmRSS:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$agent_pid/status")
for n in 1 2 3 4 5 6; do
	hub_say "task narrow$n exec $actor pattern=binary print=6000000"
done
hub_say 'task stopped echo begun; exec sleep 600'
wait_log fakehub 'task stopped step 0 step_started' 20
ok '(window) a request with output has filled its window' wait_log narrow 'stream [0-9]+ is full' 20
ok '(window) the jobs wait' wait_log agent 'no room for more output' 30
hub_say 'cancel stopped'
ok '(window) what is not output goes on: a task is canceled' wait_log agent 'task=[-0-9a-f]* .*cancel' 20
hub_say 'task later echo begun; exec sleep 600'
ok '(window) and another begins' wait_log fakehub 'task later step 0 step_started' 20
ok '(window) memory of output is below its ceiling' test "$(sample runnerd_output_memory_peak_bytes)" -le "$(sample runnerd_output_memory_limit_bytes)"
peak_kb=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$agent_pid/status")
ok "(window) and all of the agent's is idle and that at most ($idle_kb kB idle, $peak_kb kB at most)" test "$peak_kb" -le $((idle_kb + 16384))
kill -USR1 "$narrow_pid"
hub_say 'cancel later'
for n in 1 2 3 4 5 6; do
	ok "(window$n) it ends well when the hub reads on" wait_ended "narrow$n" success 60
	ok "(window$n) every byte is there once" is_same "narrow$n" 6000000
done
hub_say stats
ok '(window) nothing had to be sent again' wait_log fakehub 'stats .* repeated-records=0 gaps=0' 20
ok '(window) the canceled ones end' wait_ended stopped canceled
wait_ended later canceled || fail 'the later one ends'

# --- a hub that stops altogether, and goes on ---
: >"$tmp/agent.log"
hub_say "task still while [ ! -e $tmp/now ]; do sleep 0.02; done; exec $actor pattern=binary print=6000000"
wait_log fakehub 'task still step 0 step_started' 20
kill -STOP "$fakehub_pid"
touch "$tmp/now"
ok '(still) the job waits' wait_log agent 'no room for more output' 30
ok '(still) memory of output is below its ceiling' test "$(sample runnerd_output_memory_peak_bytes)" -le "$(sample runnerd_output_memory_limit_bytes)"
kill -CONT "$fakehub_pid"
ok '(still) it ends well when the hub goes on' wait_ended still success 60
ok '(still) every byte is there once' is_same still 6000000
stop "$agent_pid"
is "$status" 0 'the agent ends'
done_testing

#!/bin/sh
# A hub that is broken or hostile: whatever it answers, to whatever, the agent lives, loses nothing, asks in no loop and says so.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

# Every second request of a kind gets an answer that is none, so that the waits between stay short.
bad()
{
	cat <<BAD
body {"tasks":[{"task"
body []
body null
body {}
body
body {"tasks":{},"positions":7}
cut {"tasks":
cut
lose
status 500 out of order
status 503
flood 100
flood 0
body $(head -c 100000 /dev/zero | tr '\0' '[')
BAD
}
# What is refused is asked for again in half a minute where it is a claim.
bad_of_those()
{
	cat <<'BAD'
body {"tasks":[1,"x",null,[],{}],"positions":[1,"x",null,[],{}]}
body {"tasks":[{"task":"no-id","seq":1,"state":"ok"}],"positions":[{"task":"no-id"}]}
status 302 somewhere else
status 204
status 404
BAD
}
every_second() # KIND
{
	n=2
	while read -r answer; do
		echo "on $1 $n $answer"
		n=$((n + 2))
	done
}
bad | every_second claim >>"$tmp/script"
{
	bad
	bad_of_those
} >"$tmp/bad"
every_second events <"$tmp/bad" >>"$tmp/script"
every_second output <"$tmp/bad" >>"$tmp/script"
script 'on heartbeat 1 flood 0' 'on heartbeat 2 body []' 'on heartbeat 3 cut {'
start_fakehub
start_runnerd
seq 1 200 >"$tmp/wanted"
counted()
{
	[ "$(grep -c ' stats ' "$tmp/fakehub.log")" -gt "$t_counts" ]
}
requests() # KIND
{
	t_counts=$(grep -c ' stats ' "$tmp/fakehub.log")
	hub_say stats
	wait_until 20 counted
	sed -n "s/.* stats .* $1=\([0-9]*\).*/\1/p" "$tmp/fakehub.log" | tail -n 1
}
answers=$(wc -l <"$tmp/bad")
waves=0
while [ $waves -lt 30 ]; do
	waves=$((waves + 1))
	hub_say "tasks 4 wave$waves- seq 1 200"
	wait_log fakehub "all $((4 * waves)) tasks ended" 60 || fail "the tasks of wave $waves end"
	[ "$(requests claim)" -le $((2 * answers)) ] || [ "$(requests output)" -le $((2 * answers)) ] || [ "$(requests events)" -le $((2 * answers)) ] || break
done
for kind in claim events output; do
	ok "($kind) it was given every answer that is none" test "$(requests $kind)" -gt $((2 * answers))
done
all_whole()
{
	for wave in $(seq $waves); do
		for n in 1 2 3 4; do
			cmp "$tmp/wanted" "$(got_output "wave$wave-$n")" && [ -z "$(events_of "wave$wave-$n" | sort | uniq -d)" ] || return 1
		done
	done
}
ok 'all tasks end well' test "$(grep -c 'task wave[-0-9]* ended success' "$tmp/fakehub.log")" -eq $((4 * waves))
ok 'what they printed is whole, and each event came once' all_whole
peak_kb=$(sed -n 's/^VmHWM:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$agent_pid/status")
if grep -q __asan_init "$(command -v runnerd)"; then
	skip 'what it was sent does not stay in memory' 'the sanitizer keeps freed memory'
else
	ok "what it was sent does not stay in memory ($peak_kb kB at most)" test "$peak_kb" -lt 65536
fi
ok 'and is told' grep -q "claim: the hub's answer has no tasks" "$tmp/agent.log"
ok 'of events too' grep -q "events: the hub's answer passes over events that were sent" "$tmp/agent.log"
ok 'it takes no more of a reply without an end' grep -q 'the agent breaks off a reply that is too long' "$tmp/fakehub.log"
stop "$agent_pid"
is "$status" 0 'the agent ends'
stop "$fakehub_pid"

# The same answer for ever: one line, and waits that grow; one more when it is over.
: >"$tmp/script"
script 'on events 3-5 status 503 no room' 'on output 2-4 status 500 out of order' 'on claim 1-3 body {}' 'on heartbeat 1-2 status 502'
start_fakehub
: >"$tmp/agent.log"
start_runnerd -j 2
hub_say 'task long seq 1 3000; sleep 0.3; seq 3001 6000'
ok '(for ever) the task ends' wait_ended long success 90
seq 1 6000 >"$tmp/wanted"
ok '(for ever) its output is whole' cmp "$tmp/wanted" "$(got_output long)"
told_its_end()
{
	grep -q 'output: .*takes it again' "$tmp/agent.log" && grep -q 'events: .*takes it again' "$tmp/agent.log"
}
wait_until 20 told_its_end # the hub has stored the last event before the agent hears of that
is "$(grep -c 'output: .*answers 500' "$tmp/agent.log") $(grep -c 'output: .*takes it again' "$tmp/agent.log")" '1 1' '(for ever) of output it is told once, and its end'
is "$(grep -c 'events: .*answers 503' "$tmp/agent.log") $(grep -c 'events: .*takes it again' "$tmp/agent.log")" '1 1' '(for ever) of events too'
is "$(grep -c "claim: the hub's answer has no tasks" "$tmp/agent.log")" 1 '(for ever) of claims too'
stop "$agent_pid"
is "$status" 0 'the agent ends'

# Nothing to do, said at once instead of when there is: not asked in a loop.
stop "$fakehub_pid"
: >"$tmp/script"
script 'on claim * body {"tasks":[]}'
start_fakehub
start_runnerd
asked() # COUNT
{
	[ "$(requests claim)" -ge "$1" ]
}
ok '(hasty) a hub that does not hold claims is asked again' wait_until 20 asked 4
began=$(date +%s%N)
first=$(requests claim)
wait_until 30 asked $((first + 2))
more=$(($(requests claim) - first))
took=$((($(date +%s%N) - began) / 1000000))
ok "(hasty) and less and less often ($more more in $took ms)" test $((more - 1)) -le $((took / 500))
stop "$agent_pid"
done_testing

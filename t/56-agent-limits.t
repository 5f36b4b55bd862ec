#!/bin/sh
# How much of what tasks print is kept, and how fast it is read; and that all else passes unchanged.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

actor=$top_builddir/t/actor

# cut_line WHAT SIZE OPTION
cut_line()
{
	printf '\n[runnerd: the %s has printed more than %s; what it prints from here on is not kept (%s)]\n' "$@"
}

# Nothing is changed: a line of any length, NUL, bytes that are no text.
start_fakehub
hub_say "task binary $actor pattern=binary print=3000000"
hub_say "task nul $actor pattern=nul print=1000000"
hub_say 'task long head -c 9000000 /dev/zero | tr "\0" x'
start_runnerd -j 3
for name in binary nul long; do
	ok "($name) it ends well" wait_ended $name success 60
done
ok '(binary) it passes unchanged' sh -c "'$actor' pattern=binary print=3000000 | cmp - '$(got_output binary)'"
ok '(nul) it passes unchanged' sh -c "'$actor' pattern=nul print=1000000 | cmp - '$(got_output nul)'"
ok '(long) it passes unchanged' sh -c "head -c 9000000 /dev/zero | tr '\0' x | cmp - '$(got_output long)'"
stop "$agent_pid"

# The limits of a step and of a task: one line, and the job goes on.
hub_say 'task step seq 1 400000; touch "'"$tmp"'/went-on"'
hub_say 'step step echo the next step is seen'
hub_say 'task sum seq 1 150000'
hub_say 'step sum seq 1 150000'
hub_say 'step sum seq 1 150000'
start_runnerd -j 2 --max-step-output 1M --max-output 1200K
ok '(step) it ends well' wait_ended step success 60
(seq 1 400000 | head -c 1048576; cut_line step '1.0 MiB' max-step-output) >"$tmp/wanted"
ok '(step) what is beyond the limit is not kept, and a line says so' cmp "$tmp/wanted" "$(got_output step)"
ok '(step) its process was let print all' test -e "$tmp/went-on"
is "$(cat "$(got_output step 1)")" 'the next step is seen' '(step) the next step is not touched'
ok '(sum) it ends well' wait_ended sum success 60
seq 1 150000 >"$tmp/wanted"
ok '(sum) the first step is whole' cmp "$tmp/wanted" "$(got_output sum 0)"
seq 1 150000 | head -c $((1228800 - $(seq 1 150000 | wc -c))) >"$tmp/wanted"
cut_line task '1.1 MiB' max-output >>"$tmp/wanted"
ok '(sum) the second is cut' cmp "$tmp/wanted" "$(got_output sum 1)"
is "$(cat "$(got_output sum 2)")" "$(cut_line task '1.1 MiB' max-output)" '(sum) the third says that it is'
stop "$agent_pid"

# An agent that is killed all the while keeps the same bytes.
hub_say "task killed i=0; while [ \$i -lt 40 ]; do i=\$((i + 1)); seq 1 20000; sleep 0.05; done"
n=0
start_runnerd --max-step-output 3M
wait_log fakehub 'task killed step 0 step_started' 20
while [ $n -lt 6 ]; do
	n=$((n + 1))
	kill -KILL "$agent_pid"
	wait "$agent_pid" 2>/dev/null
	start_runnerd --max-step-output 3M
	wait_started agent 'connected to the hub' 20
done
ok '(killed) it ends well' wait_ended killed success 60
(i=0; while [ $i -lt 40 ]; do i=$((i + 1)); seq 1 20000; done | head -c 3145728
	cut_line step '3.0 MiB' max-step-output) >"$tmp/wanted"
ok '(killed) the same is kept' cmp "$tmp/wanted" "$(got_output killed)"
stop "$agent_pid"

# A noisy task waits for its rate; a quiet one beside it goes on. 516 KiB at 100 KiB a second: the first 100 come
# at once, and what is in the pipe when it has ended.
hub_say 'task noisy seq 1 90000'
hub_say 'task quiet echo one; echo two'
start_runnerd -j 2 --output-rate 100K
ok '(quiet) it ends well' wait_ended quiet success 30
ok '(noisy) it ends well' wait_ended noisy success 60
wall_ms=$(sed -n 's/.*"type":"step_ended".*"wall_ms":\([0-9]*\).*/\1/p' "$tmp/got/noisy/events")
ok "(noisy) and has waited for its rate ($wall_ms ms)" test "$wall_ms" -ge 1000
seq 1 90000 >"$tmp/wanted"
ok '(noisy) nothing of it is lost' cmp "$tmp/wanted" "$(got_output noisy)"
stop "$agent_pid"
is "$status" 0 'the agent ends'
done_testing

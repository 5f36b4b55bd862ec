#!/bin/sh
# runnerd ends, is killed, comes back; the line is cut at any byte. The hub gets every byte once.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

print='i=0; while [ $i -lt 4000 ]; do i=$((i + 1)); echo "line $i of what is printed while the agent comes and goes"; [ $((i % 400)) -ne 0 ] || sleep 0.1; done'
wanted()
{
	sh -c "$print" >"$tmp/wanted"
}
wanted

script "task quit $print; until [ -e $tmp/go.quit ]; do sleep 0.05; done"
start_fakehub
start_runnerd --orphan-limit 60s
wait_log fakehub 'task quit step 0 step_started' 20
kill -QUIT "$agent_pid"
wait "$agent_pid"
is "$?" 0 'QUIT ends the agent'
ok 'and leaves its task running' wait_log agent 'leaving 1 tasks running' 5
start_runnerd --orphan-limit 60s
ok 'the next agent finds it' wait_log agent 'connected to 1 tasks of an earlier runnerd in [0-9]+ ms' 20
touch "$tmp/go.quit"
ok 'and goes on with it' wait_ended quit success 60
ok 'its output is whole' cmp "$tmp/wanted" "$(got_output quit)"
is "$(events_of quit | sort | uniq -d)" '' 'each event is stored once'

hub_say "task killed $print; until [ -e $tmp/go.killed ]; do sleep 0.05; done"
wait_log fakehub 'task killed step 0 step_started' 20
connections()
{
	grep -c 'connected to the hub' "$tmp/agent.log"
}
is_connected_again()
{
	[ "$(connections)" -gt "$before" ]
}
n=0
while [ $n -lt 5 ]; do
	n=$((n + 1))
	before=$(connections)
	kill -KILL "$agent_pid"
	wait "$agent_pid" 2>/dev/null
	start_runnerd --orphan-limit 60s
	wait_until 20 is_connected_again
done
touch "$tmp/go.killed"
ok 'an agent killed again and again loses no task' wait_ended killed success 60
ok 'and no byte' cmp "$tmp/wanted" "$(got_output killed)"
ok 'nothing is left' wait_until 20 no_tasks
stop "$agent_pid"
is "$status" 0 'the agent ends'

# The same through a line that is cut after a random number of bytes.
start relay relay "$tmp/relay.sock" "$hub_sock" "${RELAY_SEED:-1}" 6000
relay_pid=$pid
wait_log relay ready 10
hub_url=unix:$tmp/relay.sock
hub_say "tasks 4 cut $print"
start_runnerd -j 4 --orphan-limit 60s
cut_often()
{
	[ "$(grep -c 'relay: cut' "$tmp/relay.log")" -ge 8 ]
}
ok 'the line is cut many times' wait_until 60 cut_often
kill -USR1 "$relay_pid"
for n in 1 2 3 4; do
	ok "task $n ends well" wait_ended "cut$n" success 90
	ok "its output is whole" cmp "$tmp/wanted" "$(got_output "cut$n")"
	is "$(events_of "cut$n" | tr '\n' ' ')" 'preparing running step_started step_ended finishing ended ' \
		'its events are there once, in order'
done
ok 'nothing is left' wait_until 30 no_tasks
stop "$agent_pid"
done_testing

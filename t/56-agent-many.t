#!/bin/sh
# 64 tasks at once, on one connection, in few requests.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

go=$tmp/go
script "tasks 64 side while [ ! -e $go ]; do sleep 0.1; done; echo ready"
start_fakehub --debug
start_runnerd -j 64
all_started()
{
	[ "$(grep -c 'step 0 step_started' "$tmp/fakehub.log")" -eq 64 ]
}
ok '64 tasks run at the same time' wait_until 60 all_started
is "$(grep -c 'debug http: .* connected' "$tmp/fakehub.log")" 1 'there is one connection'
touch "$go"
ok 'all end well' wait_log fakehub 'all 64 tasks ended' 60
is "$(grep -c 'ended success' "$tmp/fakehub.log" | head -1)" 128 'each step and each task is a success'
is "$(cat "$tmp"/got/side*/step-0.out | sort | uniq -c | tr -s ' ')" ' 64 ready' 'all output is there'

hub_say 'tasks 300 quick true'
ok '300 trivial tasks end' wait_log fakehub 'all 364 tasks ended' 120
ok 'the agent has forgotten them all' wait_until 20 no_tasks
hub_say stats
wait_log fakehub 'stats ' 10
requests=$(sed -n 's/.* stats .*claim=\([0-9]*\) heartbeat=\([0-9]*\) events=\([0-9]*\) output=\([0-9]*\).*/\1 \2 \3 \4/p' \
	"$tmp/fakehub.log" | tail -1)
# shellcheck disable=SC2086 # four numbers
set -- $requests
diag "364 tasks: $1 claims, $2 heartbeats, $3 events, $4 output"
ok 'at most three requests a task' test $(($1 + $2 + $3 + $4)) -le $((364 * 3))
stop "$agent_pid"
is "$status" 0 'the agent ends'
done_testing

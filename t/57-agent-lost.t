#!/bin/sh
# Lost replies, hubs that are away, refused tokens: nothing is lost or doubled.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

# The first claim registers; the second is the one that takes.
script 'on claim 2 lose' 'on events 1 lose' 'on events 3 status 503 not now' 'on output 1 lose' \
	'on output 2 status 500 our bug' 'on heartbeat 1 lose' 'task once echo x >>"'"$tmp"'/ran"; echo once'
start_runnerd
ok 'a hub that is not there is one warning' wait_log agent 'warn hub at unix:.* is away: .*; tasks go on, next try in' 10
start_fakehub
ok 'the agent connects when the hub is there' wait_log agent 'connected to the hub at unix:.* again after' 40
ok 'a lost claim reply gives the task once' wait_ended once success
is "$(cat "$tmp/ran")" x 'it ran once'
is "$(cat "$(got_output once)")" once 'its output is there once'
is "$(events_of once | sort | uniq -d)" '' 'each event is stored once'
ok 'it is forgotten' wait_until 20 no_tasks

hub_say "task slow for i in 1 2 3; do echo \$i; done; until [ -e $tmp/slow ]; do sleep 0.05; done; for i in 4 5 6; do echo \$i; done"
wait_log fakehub 'task slow step 0 step_started' 20
hub_say 'down 1500'
away_twice()
{
	[ "$(grep -c 'is away' "$tmp/agent.log")" -ge 2 ]
}
wait_until 20 away_twice
touch "$tmp/slow"
ok 'a task goes on while the hub is away' wait_ended slow success 40
is "$(tr '\n' ' ' <"$(got_output slow)")" '1 2 3 4 5 6 ' 'all it printed is there, once'
is "$(grep -c 'is away' "$tmp/agent.log")" 2 'each outage is one warning'

# Away at the end: the task is over before the hub is back.
hub_say 'task end echo ended; while [ ! -e "'"$tmp"'/end" ]; do sleep 0.05; done; echo after'
wait_log fakehub 'task end step 0 step_started' 20
hub_say 'down 2000'
wait_log fakehub 'down for 2000' 10
touch "$tmp/end"
ok 'a task that ends while the hub is away is reported later' wait_ended end success 40
is "$(tr '\n' ' ' <"$(got_output end)")" 'ended after ' 'its output too'
hub_say 'drop'
hub_say 'task again echo again'
ok 'a dropped connection comes back' wait_ended again success 40
stop "$agent_pid"
is "$status" 0 'the agent ends'
hub_say stats
ok 'output was sent without a gap' wait_log fakehub ' stats .* gaps=0$' 10

# Tokens.
hub_say 'token other-token'
start_runnerd
ok 'a refused token is said clearly' wait_log agent 'error hub at unix:.* answers 401: the token .* is not known here; asking again every 30 s' 20
echo other-token >"$tmp/token"
hub_say 'task token echo token'
kill -HUP "$agent_pid"
ok 'HUP reads the new token' wait_ended token success
stop "$agent_pid"
echo wrong-token >"$tmp/token"
start_runnerd
refused_twice()
{
	[ "$(grep -c 'answers 401' "$tmp/agent.log")" -eq 2 ]
}
wait_until 20 refused_twice
kill -TERM "$agent_pid"
ok 'who is refused ends when asked to' wait_gone "$agent_pid" 20
runnerd --hub "$hub_url" --token-file "$tmp/token" --run-dir "$tmp/run" --data-dir "$tmp/data" \
	--work-dir "$tmp/work" --cache-dir "$tmp/cache" --ready-fd 9 9>"$tmp/ready" 2>"$tmp/refused.log"
is "$?" 3 'who waits for --ready-fd sees exit status 3'
ok 'and no word' test ! -s "$tmp/ready"
echo other-token >"$tmp/token"
start_runnerd --ready-fd 9 9>"$tmp/ready"
ok 'ready is said after the first claim' wait_until 20 grep -Eqx 'ready (namespace|none)' "$tmp/ready"
stop "$agent_pid"

# Drained while the hub is away: the next agent reports what is over.
hub_say "task left echo left; while [ ! -e $tmp/leave ]; do sleep 0.05; done"
start_runnerd
wait_log fakehub 'task left step 0 step_started' 20
hub_say 'down 600000'
wait_log fakehub 'down for 600000' 10
touch "$tmp/leave"
kill -TERM "$agent_pid"
wait_gone "$agent_pid" 60
ok 'an agent that drains does not wait for ever for a hub that is away' \
	wait_log agent 'warn hub is away: ending with 1 tasks not yet reported' 1
hub_say up
start_runnerd
ok 'the next one reports the task' wait_ended left success 60
is "$(cat "$(got_output left)")" left 'with its output'
stop "$agent_pid"

hub_say 'protocol 2'
start_runnerd
ok 'a hub of another protocol is named' wait_log agent 'hub speaks protocol 2, this agent speaks 1' 20
stop "$agent_pid"
done_testing

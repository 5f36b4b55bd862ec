#!/bin/sh
# runnerd's log as JSON: every line is an object, and what concerns a task has its id.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

all_json()
{
	python3 -c '
import json, sys
for line in open(sys.argv[1], "rb"):
    entry = json.loads(line.decode("utf-8"))
    assert {"time", "level", "msg"} <= set(entry), entry
    if entry["msg"].startswith(("state ", "step ", "will end")):
        assert entry.get("task"), entry
' "$1"
}

script 'task odd echo "quote\" back\\slash"; exit 3' 'task long sleep 600'
start_fakehub
start_runnerd -j 2 --log-format json --log-level debug
wait_ended odd failed
wait_log fakehub 'task long step 0 step_started' 20
kill -USR1 "$agent_pid"
wait_log agent 'state: hub' 20
hub_say 'cancel long'
wait_ended long canceled
wait_until 20 no_tasks
stop "$fakehub_pid" KILL
wait_log agent 'is away' 20
kill -TERM "$agent_pid"
wait_log agent draining 20
wait "$agent_pid"
ok 'every line of a life is JSON' all_json "$tmp/agent.log"
ok 'a state has its task' grep -q "\"task\":\"$(task_id odd)\",\"msg\":\"state running\"" "$tmp/agent.log"
ok 'a step has its task and its number' \
	grep -q "\"task\":\"$(task_id odd)\",\"step\":0,\"msg\":\"step ended: failed" "$tmp/agent.log"

mkdir -m 777 "$tmp/open"
chmod 777 "$tmp/open"
start refused runnerd --hub "$hub_url" --token-file "$tmp/token" --run-dir "$tmp/open" --data-dir "$tmp/data" \
	--work-dir "$tmp/work" --cache-dir "$tmp/cache" --log-format json
wait "$pid"
is "$?" 3 'a start that is refused'
ok 'says so in JSON' all_json "$tmp/refused.log"
like "$(cat "$tmp/refused.log")" "others may write to it; hint: give it to the user" 'with its hint'

# A second one on the same run directory names the first.
: >"$tmp/script"
rm "$tmp/fakehub.log" "$tmp/agent.log" # their lines are waited for anew
start_fakehub
start_runnerd
wait_log agent ready 20
start second runnerd --hub "$hub_url" --token-file "$tmp/token" --run-dir "$tmp/run" --data-dir "$tmp/data" \
	--work-dir "$tmp/work" --cache-dir "$tmp/cache"
wait "$pid"
is "$?" 3 'a second runnerd on a run directory is refused'
like "$(cat "$tmp/second.log")" "another runnerd uses the run directory '$tmp/run': process $agent_pid\$" \
	'the pid of the first is named'
stop "$agent_pid" QUIT
rm "$tmp/agent.log"
start_runnerd
ok 'the next one has it' wait_log agent ready 20
stop "$agent_pid" QUIT
done_testing

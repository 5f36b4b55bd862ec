#!/bin/sh
# Slots and what classes reserve decide how many tasks run at the same time.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

# Fails when another task is in the same place.
alone="mkdir $tmp/place || exit 9; sleep 0.1; rmdir $tmp/place"
cat >"$tmp/runnerd.yaml" <<END
jobs: 4
capacity: {cpus: 2, memory: 1G}
resource_classes:
  - {name: local/test, token_file: $tmp/token, cpus: 2}
END
script "tasks 4 packed $alone"
start_fakehub
start agent runnerd -c "$tmp/runnerd.yaml" --hub "$hub_url" --run-dir "$tmp/run" --data-dir "$tmp/data" \
	--work-dir "$tmp/work" --cache-dir "$tmp/cache"
agent_pid=$pid
# The hub looks at slots alone and gives all four at once.
ok 'four tasks end' wait_log fakehub 'all 4 tasks ended' 60
is "$(grep -c 'packed[0-9] ended success' "$tmp/fakehub.log")" 4 'no two ran at the same time'

cat >"$tmp/runnerd.yaml" <<END
jobs: 4
capacity: {cpus: 8, memory: 1G}
resource_classes:
  - {name: local/test, token_file: $tmp/token, cpus: 2}
END
kill -HUP "$agent_pid"
ok 'HUP reads the new room' wait_log agent 'settings reloaded: 4 slots, 1 classes' 20
hub_say "tasks 4 wide mktemp $tmp/wide.XXXXXX; while [ \$(ls $tmp/wide.* | wc -l) -lt 4 ]; do sleep 0.05; done"
ok 'now four run at the same time' wait_log fakehub 'all 8 tasks ended' 60

echo 'jobs: many' >"$tmp/runnerd.yaml"
kill -HUP "$agent_pid"
ok 'settings that cannot be read change nothing' wait_log agent 'settings are not reloaded: runnerd.yaml:1: jobs: ' 20
hub_say 'task after echo after'
ok 'and the agent goes on' wait_ended after success
stop "$agent_pid"

# What the hub says of output: refused, a gap, no JSON at all.
hub_say "on output * status 503 wait"
hub_say 'task first echo first'
start_runnerd -j 2
wait_log fakehub 'task first step 0 step_ended' 20
stop "$agent_pid" QUIT
stop "$fakehub_pid"
cat >"$tmp/script" <<END
on claim 2 body this is no JSON
on output 1 body {"positions":[{"task":"$(task_id damaged)","step":0,"attempt":1,"offset":0,"state":"refused","message":"bits fell over"}]}
on output 2 body {"positions":[{"task":"$(task_id gap)","step":0,"attempt":1,"offset":0,"state":"gap"}]}
task damaged echo damaged; sleep 60
END
rm -rf "$tmp/run"
start_fakehub
start_runnerd
ok 'a task whose output is refused ends as infra-fail' wait_ended damaged infra-fail
like "$(cat "$tmp/got/damaged/events")" 'the hub refuses its output: bits fell over' 'with the reason'
ok 'a claim answered with nonsense is sent again' wait_log agent 'state claimed: damaged' 5
hub_say 'task gap echo gap'
ok 'a gap is filled' wait_ended gap success
is "$(cat "$(got_output gap)")" gap 'by sending again'
stop "$agent_pid"
is "$status" 0 'the agent ends'
done_testing

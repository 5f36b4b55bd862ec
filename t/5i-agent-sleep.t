#!/bin/sh
# A machine that sleeps, a paused container, a clock that is set: no task dies of it.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

command -v python3 >/dev/null || skip_all 'python3 is needed'

# Pause everything that runs: the agent, and the task from its runner-init down.
descendants()
{
	ps -e -o pid= -o ppid= | awk -v top="$1" '
		{ parent[$1] = $2 }
		END { for (pid in parent) { for (at = pid; at != "" && at != 0; at = parent[at]) if (at == top) { print pid; break } } }'
}

# --- everything stands still, as in a paused container: the clocks go on ---
hub_script='task talks i=0; while [ $i -lt 60 ]; do i=$((i + 1)); echo "line $i"; sleep 0.05; done'
script "$hub_script"
start_fakehub
start_runnerd -j 2
# The no-output timeout of the script's tasks is longer than the test: this one has its own.
cat >"$tmp/document" <<END
{"version": 1, "id": "$(task_id silent)", "epoch": 1, "token": "t", "lease_ms": 60000, "job": {"id": "$(task_id silent)", "number": 1, "name": "silent"}, "resource_class": "local/test",
 "steps": [{"kind": "run", "name": "s", "command": "echo begun; until [ -e $tmp/go ]; do sleep 0.05; done; echo over", "no_output_timeout_ms": 6000}]}
END
hub_say "document silent $tmp/document"
wait_log fakehub 'task talks step 0 step_started' 20
wait_log fakehub 'task silent step 0 step_started' 20
wait_until 20 test -s "$tmp/got/silent/step-0.out"
stopped=$(descendants "$agent_pid")
# shellcheck disable=SC2086
kill -STOP $stopped
# Longer than the no-output timeout, and longer than late by what a busy host may be; nothing is waited for here but time itself.
python3 -c 'import time; time.sleep(10)'
# The agent first, which would find that the time is over before the step can print.
touch "$tmp/go"
kill -CONT "$agent_pid"
kill -USR1 "$agent_pid"
wait_log agent 'state: hub' 20
is "$(grep -c 'silent ended' "$tmp/fakehub.log")" 0 'time in which nobody could print is no silence'
# shellcheck disable=SC2086
kill -CONT $stopped
ok 'and the silent one ends well' wait_ended silent success 60
ok 'a job goes on when everything has stood still' wait_ended talks success 60
is "$(wc -l <"$(got_output talks)")" 60 'its output is whole'

# --- the time of day is another: what a task has left is counted by the clock that cannot be set ---
journal()
{
	echo "$tmp/run/tasks/$(task_id "$1")/journal"
}

# Rewrite when it began to run: VERSION, hours ago, keep the monotonic time or not.
rewrite()
{
	PYTHONPATH=$top_srcdir/t python3 - "$(journal "$1")" "$2" "$3" "$4" <<'END'
import struct, sys
from crc32c import crc32c
path, version, hours, keep = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4] == "keep"

data = bytearray(open(path, "rb").read())
for at in range(0, len(data), 320):
    record = data[at:at + 320]
    record[0] = version
    if record[1] == 3:  # running
        record[32:40] = struct.pack("<q", struct.unpack("<q", record[32:40])[0] - hours * 3600 * 1000)
        if not keep:
            record[48:56] = bytes(8)
    record[316:320] = struct.pack("<I", crc32c(record[:316]))
    data[at:at + 320] = record
open(path, "wb").write(data)
END
}

two_steps()
{
	cat >"$tmp/document" <<END
{"version": 1, "id": "$(task_id "$1")", "epoch": 1, "token": "t", "lease_ms": 60000, "job": {"id": "$(task_id "$1")", "number": 1, "name": "$1"}, "resource_class": "local/test",
 "max_run_time_ms": 3600000, "steps": [
 {"kind": "run", "name": "a", "command": "until [ -e $tmp/$1.go ]; do sleep 0.05; done", "no_output_timeout_ms": 600000},
 {"kind": "run", "name": "b", "command": "echo b", "no_output_timeout_ms": 600000}]}
END
	hub_say "document $1 $tmp/document"
	wait_log fakehub "task $1 step 0 step_started" 20
	kill -QUIT "$agent_pid"
	wait_gone "$agent_pid" 20
}

two_steps slept
version=$(od -An -tu1 -N1 "$(journal slept)" | tr -d ' ')
rewrite slept "$version" 8 keep
start_runnerd
wait_log agent 'recovered: state running' 20
touch "$tmp/slept.go"
ok 'eight hours by the time of day are none of an hour that a task has' wait_ended slept success 30
two_steps later
rewrite later 200 0 keep
timeout 60 runnerd --hub "$hub_url" --token-file "$tmp/token" --run-dir "$tmp/run" --data-dir "$tmp/data" --work-dir "$tmp/work" \
	--cache-dir "$tmp/cache" >"$tmp/later" 2>&1
is "$?" 3 'a journal that a later runnerd has written is refused'
like "$(cat "$tmp/later")" "file 'journal' has version 200, this runnerd reads up to $version" 'with both versions'
rewrite later "$version" 0 keep
start_runnerd
touch "$tmp/later.go"
ok 'and the task has gone on' wait_ended later success 30
two_steps old
rewrite old 2 8 drop
start_runnerd
touch "$tmp/old.go"
ok 'a journal of version 2 knows no other clock' wait_ended old timedout 30
like "$(cat "$tmp/got/old/events")" 'the task ran longer than 1h00m' 'and says so'
stop "$agent_pid"
done_testing

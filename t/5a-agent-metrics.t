#!/bin/sh
# What is seen of runnerd from outside: /metrics, /healthz, /readyz, and the state on the run directory's socket.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

scrape()
{
	curl -sS --max-time 20 --unix-socket "$tmp/m.sock" "http://agent$1"
}

status_of()
{
	curl -sS --max-time 20 -o /dev/null -w '%{http_code}' --unix-socket "$tmp/m.sock" "$@"
}

# The value of a sample, whose name is taken literally.
sample()
{
	scrape /metrics | awk -v name="$1" 'index($0, name " ") == 1 { print $NF }'
}

has_sample()
{
	[ "$(sample "$1")" = "$2" ]
}

refuses_ready()
{
	[ "$(status_of http://agent/readyz)" = 503 ]
}

script 'task hello printf "one\ntwo\n"' 'task red exit 3' 'task long echo begun; sleep 600'
start_fakehub
start_runnerd -j 4 --metrics "unix:$tmp/m.sock"
wait_ended hello success
wait_ended red failed
wait_log fakehub 'task long step 0 step_started' 20

# --- /metrics -------------------------------------------------------------------------------------
curl -sS -D "$tmp/head" -o "$tmp/text" --unix-socket "$tmp/m.sock" http://agent/metrics
ok 'the content type is that of OpenMetrics' \
	grep -qi '^content-type: application/openmetrics-text; version=1.0.0; charset=utf-8' "$tmp/head"
is "$(tail -n 1 "$tmp/text")" '# EOF' 'the last line says so'
parser=
for python in python3 /usr/bin/python3; do # a python of the user's may hide Debian's modules
	"$python" -c 'import prometheus_client.openmetrics.parser' 2>/dev/null && parser=$python
done
if [ -n "$parser" ]; then
	ok 'a strict parser takes it' "$parser" -c '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
families = list(parse(open(sys.argv[1]).read()))
names = [family.name for family in families]
assert len(names) == len(set(names)) and len(names) > 30, names
for family in families:
    assert family.documentation.endswith("."), family.name
    assert family.unit or not family.name.endswith(("_bytes", "_seconds")), family.name
' "$tmp/text"
else
	skip 'a strict parser takes it' 'python3-prometheus-client is not installed'
fi
ok 'tasks are counted by outcome: success' wait_until 20 has_sample 'runnerd_tasks_ended_total{outcome="success"}' 1
ok 'and failed' wait_until 20 has_sample 'runnerd_tasks_ended_total{outcome="failed"}' 1
is "$(sample runnerd_tasks_claimed_total)" 3 'tasks claimed'
is "$(sample 'runnerd_tasks{state="running"}')" 1 'a running task'
slots_are()
{
	[ "$(sample 'runnerd_slots{state="taken"}') $(sample 'runnerd_slots{state="free"}')" = "$1 $2" ]
}
ok 'slots' wait_until 20 slots_are 1 3
ok 'output is counted' wait_until 20 has_sample runnerd_output_bytes_total 14
is "$(sample runnerd_hub_connects_total)" 1 'connections to the hub'
ok 'the spool is acknowledged' wait_until 20 has_sample runnerd_output_oldest_unsent_seconds 0
ok 'resident memory is that of the process' \
	test "$(sample process_resident_memory_bytes)" -gt 1000000
ok 'open descriptors are counted' test "$(sample process_open_fds)" -gt 8
is "$(sample 'runnerd_loop_turn_seconds_bucket{le="+Inf"}' | grep -c '^[1-9]')" 1 'turns of the loop are measured'
is "$(sample 'runnerd_log_lines_total{level="error"}')" 0 'lines of the log are counted'

sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' "$tmp/text" | sort >"$tmp/served"
sed -n 's/^| `\([a-z_]*\)`.*/\1/p' "$top_srcdir/doc/metrics.md" | sed '/^runnerd_\|^process_/!d' | sort >"$tmp/written"
ok 'doc/metrics.md names each family' cmp "$tmp/served" "$tmp/written"

# --- health ---------------------------------------------------------------------------------------
is "$(scrape /healthz)" ok '/healthz'
is "$(scrape /readyz)" ok '/readyz'
is "$(status_of http://agent/other)" 404 'another path is not found'
ok 'what is neither GET nor HEAD is refused' test "$(status_of -X POST -d x http://agent/healthz)" -ge 400
head -c 65536 /dev/zero | tr '\0' a >"$tmp/long"
long=$(cat "$tmp/long")
status_of -H "x: $long" http://agent/healthz >"$tmp/status" 2>&1
unlike_200=$(cat "$tmp/status")
ok 'a head of 64 KiB is refused' test "$unlike_200" != 200
is "$(scrape /healthz)" ok 'and harms nothing'

# --- many clients, slow clients ---------------------------------------------------------------------
cat >"$tmp/clients.py" <<'END'
import socket, sys, time
path = sys.argv[1]
DEADLINE = 90
def accepted():
    """Connections that the other end has taken: those in the queue have no inode yet."""
    with open("/proc/net/unix") as file:
        lines = [line.split() for line in file]
    return sum(1 for words in lines if words[-1] == path and words[5] == "03" and words[6] != "0")
def wait_until(true):
    deadline = time.monotonic() + DEADLINE
    while not true() and time.monotonic() < deadline:
        time.sleep(0.02)
def connect():
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(DEADLINE)
    client.connect(path)
    return client
wait_until(lambda: accepted() == 0)
crowd = [connect() for _ in range(40)]
wait_until(lambda: accepted() >= 32)
until = time.monotonic() + 0.5
most = accepted()
while time.monotonic() < until:
    most = max(most, accepted())
    time.sleep(0.02)
print("open", most)
crowd[-1].sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
for client in crowd[:-1]:
    client.close()
print("served", crowd[-1].recv(4096).startswith(b"HTTP/1.1 200"))
slow = connect()
slow.settimeout(0.2)
begun = time.monotonic()
slow.sendall(b"GET /healthz HTTP/1.1\r\nX: ")
while time.monotonic() < begun + DEADLINE:
    try:
        slow.sendall(b"y")
        if slow.recv(1) == b"":
            break
    except socket.timeout:
        continue
    except OSError:
        break
print("slow cut", time.monotonic() < begun + DEADLINE)
END
python3 "$tmp/clients.py" "$tmp/m.sock" >"$tmp/clients" 2>&1
is "$(sed -n 1p "$tmp/clients")" 'open 32' 'of 40 connections 32 are open at a time'
is "$(sed -n 2p "$tmp/clients")" 'served True' 'the others are served when those have gone'
is "$(sed -n 3p "$tmp/clients")" 'slow cut True' 'a request that never ends is cut'

# --- the run directory's socket ----------------------------------------------------------------------
curl -sS --http2-prior-knowledge --unix-socket "$tmp/run/agent.sock" http://agent/state >"$tmp/state"
ok 'the state names the task, its step and its last line' python3 -c '
import json, os, sys
state = json.load(open(sys.argv[1]))
[task] = state["tasks"]
assert task["job"] == "long" and task["state"] == "running" and task["step"] == 0, task
assert task["last_line"] == "begun" and task["output_bytes"] == 6, task
assert os.path.exists("/proc/%d" % task["supervisor_pid"]), task
assert state["slots"]["taken"] == 1 and state["hub"]["connected"], state
' "$tmp/state"
is "$(stat -c %a "$tmp/run/agent.sock")" 600 'its socket is for its user alone'
ok 'no scraper learns what jobs print' test "$(scrape /metrics | grep -c begun)" = 0

hub_say 'cancel long'
wait_ended long canceled
wait_until 20 no_tasks

# --- not ready ---------------------------------------------------------------------------------------
stop "$fakehub_pid" KILL
ok 'without its hub it is not ready' wait_until 20 refuses_ready
like "$(scrape /readyz)" '^not ready: the hub at unix:.* is not connected' 'and says why'
says_why()
{
	runnerctl why --run-dir "$tmp/run" >"$tmp/why" && grep -Eq "$1" "$tmp/why"
}
ok 'runnerctl why: since when, and what the last try came to' wait_until 20 says_why '^the hub at unix:.* is not connected, since [0-9.]+s: .*connect'
is "$(scrape /healthz)" ok 'healthy all the same'
is "$(sample runnerd_hub_up)" 0 'the hub is down'
: >"$tmp/script"
start_fakehub
ok 'and ready again' wait_until 30 has_sample runnerd_ready 1
is "$(sample runnerd_hub_connects_total)" 2 'that was a connection more'
ok 'runnerctl why: nothing keeps it from claiming' wait_until 20 says_why '^nothing keeps this host from claiming: 4 of 4 slots are free'
hub_say 'task last sleep 600'
wait_log fakehub 'task last step 0 step_started' 20
kill -TERM "$agent_pid"
wait_log agent draining 20
like "$(scrape /readyz)" '^not ready: draining' 'draining is not ready'
is "$(runnerctl why --run-dir "$tmp/run")" 'draining: nothing more is claimed, asked by a signal; 1 tasks to go' 'runnerctl why: who asked for it'
kill -TERM "$agent_pid"
wait "$agent_pid"
ok 'the sockets go with it' test ! -e "$tmp/m.sock" -a ! -e "$tmp/run/agent.sock"

start_runnerd -j 1
hub_say 'task only sleep 600'
wait_log fakehub 'task only step 0 step_started' 20
ok 'runnerctl why: no slot is free' wait_until 20 says_why '^1 of 1 slots are taken$'
ok 'as JSON with a word' sh -c "runnerctl why --json --run-dir '$tmp/run' | grep -q '\"hindrance\": *\"slots_full\"'"
hub_say 'cancel only'
wait_ended only canceled
stop "$agent_pid"
is "$(runnerctl why --run-dir "$tmp/run" 2>&1 >/dev/null; echo $?)" "runnerctl: no runnerd can be asked in '$tmp/run': No such file or directory
hint: name its run directory with --run-dir, or a hub with --hub
3" 'runnerctl why: nobody is there to be asked'

start_runnerd --metrics 0
ok 'a port alone is on this host only' wait_log agent 'metrics at 127\.0\.0\.1:' 20
stop "$agent_pid"
start_runnerd --metrics '*:0'
ok 'others are let in when it is said' wait_log agent 'are for whoever can connect' 20
stop "$agent_pid"
start_runnerd --metrics nowhere
wait "$agent_pid"
is "$?" 2 'what is no address is refused'
like "$(cat "$tmp/agent.log")" "metrics: 'nowhere' is no address" 'with a sentence'
done_testing

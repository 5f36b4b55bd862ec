#!/bin/sh
# What a service manager does to runnerd, and hears of it: started, upgraded, reloaded, stopped, with other programs each time.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

command -v python3 >/dev/null || skip_all 'python3 is needed'

# The manager's socket; what is told is a line in its log: READY=1 STATUS=...
cat >"$tmp/manager.py" <<'END'
import socket, sys
sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
sock.bind(sys.argv[1])
print("listening", flush=True)
while True:
    print(sock.recv(4096).decode().rstrip("\n").replace("\n", " "), flush=True)
END
start manager python3 "$tmp/manager.py" "$tmp/notify"
wait_log manager listening 20

# As "make install" does: a new file beside, then its name. Each has a byte more, so that one can tell.
install_programs()
{
	mkdir -p "$tmp/bin/helper"
	for program in runnerd runner-init runner-launcher runner-archive helper/circleci-agent; do
		[ -e "$top_builddir/$program" ] || continue
		cat "$top_builddir/$program" >"$tmp/bin/$program.new"
		printf '\0' >>"$tmp/bin/$program.new"
		chmod 755 "$tmp/bin/$program.new"
		mv "$tmp/bin/$program.new" "$tmp/bin/$program"
	done
}

start_service()
{
	: >"$tmp/manager.log"
	start agent env NOTIFY_SOCKET="$tmp/notify" WATCHDOG_USEC="${watchdog:-0}" "$tmp/bin/runnerd" -c "$tmp/runnerd.yaml" \
		--hub "$hub_url" --token-file "$tmp/token" --name test --run-dir "$tmp/run" --data-dir "$tmp/data" \
		--work-dir "$tmp/work" --cache-dir "$tmp/cache" --orphan-limit 60s "$@"
	agent_pid=$pid
	wait_log manager READY=1 30
}

told()
{
	wait_log manager "$1" 20
}

# --- what is told --------------------------------------------------------------------------

install_programs
echo 'jobs: 2' >"$tmp/runnerd.yaml"
watchdog=200000
ok 'runnerd is ready without its hub' start_service
ok 'its state and its socket are there by then' test -S "$tmp/run/agent.sock"
like "$(grep -m 1 READY "$tmp/manager.log")" '^READY=1 STATUS=0 of 2 slots taken; the hub at unix:.* is away$' 'and it says how things are'
fed_often()
{
	[ "$(grep -c '^WATCHDOG=1$' "$tmp/manager.log")" -ge 5 ]
}
ok 'its loop feeds the watchdog' wait_until 30 fed_often
start_fakehub
hub_say "task long env >$tmp/env; i=0; while [ \$i -lt 2000 ]; do i=\$((i + 1)); echo line \$i; done; until [ -e $tmp/go ]; do sleep 0.05; done; echo end"
ok 'when the hub is there, it says so' told '^STATUS=[01] of 2 slots taken; the hub at unix:.* is connected$'
wait_log fakehub 'task long step 0 step_started' 30
ok 'and how many slots are taken' told '^STATUS=1 of 2 slots taken; the hub at unix:.* is connected$'
ok 'a task' wait_until 20 test -s "$tmp/env"
unlike "$(cat "$tmp/env")" 'NOTIFY|WATCHDOG' 'cannot speak for it'

# --- reload ----------------------------------------------------------------------------------

: >"$tmp/manager.log"
echo 'jobs: 3' >"$tmp/runnerd.yaml"
kill -HUP "$agent_pid"
ok 'HUP: it says that it reloads, and since when' told '^RELOADING=1 MONOTONIC_USEC=[0-9]+ STATUS=1 of 2 '
ok 'and that it is ready again' told '^READY=1 STATUS=1 of 3 slots taken'
echo 'jobs: many' >"$tmp/runnerd.yaml"
kill -HUP "$agent_pid"
ok 'settings that cannot be read change nothing' told '^READY=1 STATUS=1 of 3 .*; settings are not reloaded: .*jobs'
echo 'jobs: 3' >"$tmp/runnerd.yaml"
: >"$tmp/manager.log"
kill -HUP "$agent_pid"
ok 'and are forgotten when they can' wait_log manager '^READY=1 STATUS=1 of 3 slots taken; the hub at unix:.* is connected$' 20

# --- upgrade: QUIT, then the new program ---------------------------------------------------------

watchdog=0
install_programs
# Nobody but root may look which program a process that hides is.
program_is() # PATTERN WHAT
{
	t_program=$(readlink "/proc/$agent_pid/exe")
	if [ -n "$t_program" ]; then
		like "$t_program" "$1" "$2"
	else
		skip "$2" 'only root sees that, where it may trace'
	fi
}
program_is ' \(deleted\)$' 'it is replaced while it runs'
hub_say "task mixed echo begun; until [ -e $tmp/go ]; do sleep 0.05; done; echo end"
ok 'a task of the old runnerd has the new runner-init' wait_log fakehub 'task mixed step 0 step_started' 30
stop "$agent_pid" QUIT
is "$status" 0 'QUIT ends it'
ok 'and it says so' told '^STOPPING=1 '
ok 'the new one is ready' start_service
program_is "^$tmp/bin/runnerd\$" 'it is the new program'
like "$(grep -m 1 READY "$tmp/manager.log")" '^READY=1 STATUS=2 of 3 slots taken' 'and has found both tasks before it says so'
kill -KILL "$agent_pid"
wait "$agent_pid" 2>/dev/null
install_programs
ok 'killed, and replaced again, it is ready' start_service
touch "$tmp/go"
ok 'the tasks' wait_ended long success 60
ok 'have gone on all the time' wait_ended mixed success 60
{
	seq 2000 | sed 's/^/line /'
	echo end
} >"$tmp/wanted"
ok 'the output is whole' cmp "$tmp/wanted" "$(got_output long)"
is "$(cat "$(got_output mixed)")" "$(printf 'begun\nend')" 'of both'
ok 'nothing is left' wait_until 30 no_tasks

# --- what a later runnerd has written --------------------------------------------------------------

# As one of the next version would leave FILE: of version 200, checksums right.
cat >"$tmp/later.py" <<'END'
import json, os, struct, sys
from crc32c import crc32c
place, name = sys.argv[1:]
path = os.path.join(place, name)

data = bytearray(open(path, "rb").read()) if os.path.exists(path) else bytearray()
if name == "journal":
    data[-320] = 200
    data[-4:] = struct.pack("<I", crc32c(data[-320:-4]))
elif name == "spool.00000001":
    data[8] = 200
    data[20:24] = struct.pack("<I", crc32c(data[8:20]))
elif name == "masks":
    data[:8] = struct.pack("<II", 0x314b534d, 200)
elif name == "keep":
    data += struct.pack("<II", 200, 0) + bytes(40)
elif name == "init.log":
    data[:1] = bytes([200])
elif name == "task.json":
    document = json.loads(data)
    document["version"] = 200
    data = json.dumps(document).encode()
else:  # of words
    data = b"200 " + data
open(path, "wb").write(data)
END

hub_say "task later echo begun; until [ -e $tmp/go.later ]; do sleep 0.05; done; echo end"
ok 'a task runs' wait_until 30 grep -qs begun "$(got_output later)"
ok 'whose output is in the spool' wait_until 30 test -s "$tmp/run/tasks/$(task_id later)/spool.00000001"
stop "$agent_pid" QUIT
all_state()
{
	(cd "$tmp" && find run data/spool -type f ! -name lock -exec cksum {} + | sort -k 3)
}
later() # DIR FILE KNOWN [TASK]
{
	cp -a "$1/$2" "$tmp/kept" 2>/dev/null
	PYTHONPATH=$top_srcdir/t python3 "$tmp/later.py" "$1" "$2"
	all_state >"$tmp/before"
	timeout 60 "$tmp/bin/runnerd" -c "$tmp/runnerd.yaml" --hub "$hub_url" --token-file "$tmp/token" --run-dir "$tmp/run" --data-dir "$tmp/data" \
		--work-dir "$tmp/work" --cache-dir "$tmp/cache" >"$tmp/later.log" 2>&1
	is "$?" 3 "$2 of a later version is refused"
	like "$(cat "$tmp/later.log")" "${4:+task $(task_id "$4"): }file '$2' has version 200, this runnerd reads up to $3" 'with its name and both versions'
	all_state >"$tmp/after"
	ok 'and nothing is changed' cmp "$tmp/before" "$tmp/after"
	rm "$1/$2"
	[ ! -e "$tmp/kept" ] || mv "$tmp/kept" "$1/$2"
}
numbers=$top_srcdir/include/runner/state_dir.h
known() # NAME
{
	sed -n "s/.*[[:space:]]$1 = \([0-9]*\),.*/\1/p" "$numbers" "$top_srcdir/include/runner/supervisor.h" "$top_srcdir/include/runner/protocol.h" | head -n 1
}
place=$tmp/run/tasks/$(task_id later)
later "$place" journal "$(known JOURNAL_VERSION)" later
later "$place" spool.00000001 "$(known SPOOL_VERSION)" later
later "$place" masks "$(known MASKS_VERSION)" later
later "$place" keep "$(known KEEP_VERSION)" later
later "$place" hooks "$(known HOOKS_VERSION)" later
later "$place" holding "$(known HOLDING_VERSION)" later
later "$place" init.log "$(known SUPERVISOR_VERSION)" later
later "$place" task.json "$(known RUNNER_TASK_DOC)" later
agent=$(cat "$tmp/run/agent.id")
later "$tmp/run" agent.id "$(known AGENT_ID_VERSION)"
later "$tmp/data/spool/$agent" owner "$(known SPOOL_OWNER_VERSION)"
# Another's on the same disk, whose run directory is gone for all that we can read.
other=$tmp/data/spool/00000000-0000-4000-8000-000000000001
mkdir -p "$other/kept"
echo "200 $tmp/elsewhere" >"$other/owner"
ok 'the version that it was of' start_service
touch "$tmp/go.later"
ok 'finds the task, which ends well' wait_ended later success 60
is "$(cat "$(got_output later)")" "$(printf 'begun\nend')" 'with its output'
ok 'what of the disk is a later one'"'"'s stays' test -d "$other/kept"
rm -r "$other"
ok 'nothing else is left' wait_until 30 no_tasks

# --- drain ------------------------------------------------------------------------------------------

hub_say "task last echo begun; until [ -e $tmp/go.last ]; do sleep 0.05; done; echo end"
ok 'a task runs' wait_until 30 grep -qs begun "$(got_output last)"
kill -TERM "$agent_pid"
ok 'TERM drains, and it says so' told '^STATUS=1 of 3 slots taken, draining;'
hub_say 'task more echo more'
unlike "$(cat "$tmp/manager.log")" STOPPING 'as long as tasks run it does not stop'
touch "$tmp/go.last"
wait "$agent_pid"
is "$?" 0 'it ends with its last task'
ok 'then it stops, and says so' told '^STOPPING=1 '
ok 'which has ended well' wait_ended last success 10
ok 'it has taken no other' test ! -e "$tmp/got/more"

# The second TERM cancels; who does not obey has --grace.
hub_say "task deaf trap '' TERM; echo begun; while :; do sleep 0.1; done"
ok 'the next one' start_service --grace 300ms
ok 'has taken it' wait_ended more success 30
wait_until 30 grep -qs begun "$(got_output deaf)"
kill -TERM "$agent_pid"
ok 'TERM' told draining
kill -TERM "$agent_pid"
wait "$agent_pid"
is "$?" 0 'and TERM again: it ends'
ok 'with what it has canceled' wait_ended deaf canceled 10
grep -q '"signal":9' "$tmp/got/deaf/events"
is "$?" 0 'though that does not obey'
ok 'and nothing is left' wait_until 30 no_tasks

# --- certificates ----------------------------------------------------------------------------------

# Two hubs' authorities; the file names the wrong one first.
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
for name in hub other; do
	runner-hub init --data-dir "$tmp/$name" --listen "127.0.0.1:$port" --resource-class test/linux >"$tmp/$name.out" 2>&1 || exit 1
done
cp "$tmp/other/ca.crt" "$tmp/ca.crt"
cp "$tmp/hub/agent.token" "$tmp/token"
start_tls_hub()
{
	start hub runner-hub serve -c "$tmp/hub/runner-hub.yaml"
	hub_pid=$pid
	wait_log hub ' ready$' 30
}
start_tls_hub
hub_url=https://127.0.0.1:$port
: >"$tmp/agent.log"
ok 'an agent that trusts another authority' start_service --cacert "$tmp/ca.crt"
ok 'does not connect' wait_log agent 'is away: .*certificate' 30
cp "$tmp/hub/ca.crt" "$tmp/ca.crt"
kill -HUP "$agent_pid"
ok 'HUP: it reads whom to trust again' told '^READY=1 STATUS=.* is (away|connected)$'
ok 'and connects' wait_log agent 'connected to the hub at https:' 60
: >"$tmp/manager.log"
echo nonsense >"$tmp/ca.crt"
kill -HUP "$agent_pid"
ok 'a file that holds none changes nothing' told "settings are not reloaded: cannot use CA file"
: >"$tmp/agent.log"
stop "$hub_pid"
: >"$tmp/hub.log"
wait_log agent 'is away' 30
start_tls_hub
ok 'the next connection trusts whom the last did' wait_log agent 'connected to the hub at https:.* again' 60

# The hub's own: the one of the other authority, which nobody trusts here yet.
cp "$tmp/other/tls.crt" "$tmp/hub/tls.crt" && cp "$tmp/other/tls.key" "$tmp/hub/tls.key"
cp "$tmp/other/ca.crt" "$tmp/ca.crt"
kill -HUP "$hub_pid"
ok 'the hub reads its certificate again, too' wait_log hub 'certificate reloaded' 20
kill -HUP "$agent_pid"
wait_log manager '^READY=1 STATUS=.* is connected$' 20
ok 'who is connected stays' test "$(grep -c 'connected to the hub' "$tmp/agent.log")" = 1
stop "$agent_pid" QUIT
: >"$tmp/agent.log"
ok 'who comes' start_service --cacert "$tmp/ca.crt"
ok 'is shown the new one' wait_log agent 'connected to the hub at https:' 60
echo nonsense >"$tmp/hub/tls.key"
kill -HUP "$hub_pid"
ok 'one that cannot be read changes nothing' wait_log hub "error the certificate is not reloaded: cannot use key file" 20
stop "$agent_pid" QUIT
ok 'for those who come' start_service --cacert "$tmp/ca.crt"
ok 'later' wait_log agent 'connected to the hub at https:' 60
stop "$agent_pid"
stop "$hub_pid"
is "$status" 0 'the hub ends'

# --- units -------------------------------------------------------------------------------------------

if command -v systemd-analyze >/dev/null; then
	mkdir "$tmp/units"
	for unit in "$top_srcdir"/contrib/systemd/*.service; do
		sed -e "s|@sbindir@|$top_builddir|; s|@sysconfdir@|/etc|" "$unit" >"$tmp/units/${unit##*/}"
	done
	is "$(SYSTEMD_UNIT_PATH=$tmp/units: systemd-analyze verify --man=no "$tmp/units"/*.service 2>&1 | grep -F "$tmp/units" || true)" '' 'systemd finds nothing wrong with the units'
else
	skip 'systemd finds nothing wrong with the units' 'there is no systemd-analyze (Debian: systemd)'
fi
done_testing

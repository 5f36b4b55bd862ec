#!/bin/sh
# A hostile job against everything that is not its own: a row for each barrier and each level of isolation. Rows of a level that does not
# protect say so, so that what the manual promises and what it does not promise are both held to.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/network.sh"
in_own_network
. "${0%/*}/agent.sh"

command -v python3 >/dev/null || skip_all 'python3 is needed'

# What the job tries. Prints "BARRIER broken" or "BARRIER held" for each; looks for a process of another task by what is in its environment.
cat >"$tmp/hostile.py" <<'END'
import ctypes, errno, os, signal, socket, struct, subprocess, sys, tempfile, time, zlib
base, shared, agent, victim, victim_id, launcher = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5], int(sys.argv[6])
libc = ctypes.CDLL(None, use_errno=True)
mark = b"VICTIM_SECRET=s3cret-of-another"

def barrier(name, attempt):
    try:
        broken = attempt()
    except (OSError, PermissionError, ProcessLookupError, subprocess.SubprocessError):
        broken = False
    print(name, "broken" if broken else "held", flush=True)

def reads(path):
    with open(path, "rb") as f:
        return f.read(100) != b""

def writes(path):
    with open(path, "ab"):
        return os.path.getsize(path) > 0

def plants(path):
    with open(path, "xb") as f:
        return f.write(b"x") == 1

def others():
    return [int(p) for p in os.listdir("/proc") if p.isdigit() and int(p) != os.getpid()]

def environment():
    for pid in others():
        try:
            with open(f"/proc/{pid}/environ", "rb") as f:
                if mark in f.read():
                    return True
        except OSError:
            pass
    return False

def is_there(pid):
    return os.path.exists(f"/proc/{pid}") and pid != os.getpid()

def traces(pid):
    PTRACE_SEIZE, PTRACE_DETACH = 0x4206, 17
    if libc.ptrace(PTRACE_SEIZE, pid, None, None) != 0:
        return False
    libc.ptrace(PTRACE_DETACH, pid, None, None)
    return True

def signals(pid):
    os.kill(pid, 0)
    return True

# The first process of our namespace: were it to end, so would we, and no row would follow.
def kills_init():
    for signo in signal.SIGTERM, signal.SIGKILL:
        os.kill(1, signo)
    time.sleep(0.3)
    return not os.path.exists("/proc/1")

# A supervisor that takes it ends the task and answers, one that does not hear us closes.
def forges(path):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(5)
    s.connect(path)
    s.send(struct.pack("<BBH", 1, 3, 8) + struct.pack("<I", 0xffffffff))  # KILL_ALL, at once
    return s.recv(1000) != b""

def connects(path, kind=socket.SOCK_STREAM):
    s = socket.socket(socket.AF_UNIX, kind)
    s.settimeout(5)
    s.connect(path)
    return True

def abstract():
    return connects("\0" + os.path.basename(shared) + "-abstract")

def shares_memory():
    key = str(zlib.crc32(shared.encode()) & 0x7fffffff)
    return any(line.split()[0] == key for line in open("/proc/sysvipc/shm"))

def call(number, *arguments):
    return libc.syscall(number, *arguments) >= 0

# In a user namespace of its own it is root over mounts of its own: are ours undone there?
def uncovers():
    script = f"umount -l {base}/run; umount -l {base}/work; cat {base}/run/tasks/{victim_id}/task.json || cat {base}/token"
    done = subprocess.run(["unshare", "-Urm", "sh", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=20)
    return done.stdout.strip() != b""

def mounts():
    return libc.mount(b"none", b"/mnt", b"tmpfs", 0, None) == 0

# What a file belongs to where disks are counted. Where a file system knows none of it that is not what stops us.
def relabels():
    file = tempfile.NamedTemporaryFile()
    fd, number = file.fileno(), 16 if x86 else 29
    for get, set, size in (0x80086601, 0x40086602, 8), (0x801c581f, 0x401c5820, 28):
        for high in 0, 1 << 32:
            room = ctypes.create_string_buffer(size)
            libc.syscall(number, fd, ctypes.c_ulong(get), room)
            if libc.syscall(number, fd, ctypes.c_ulong(high | set), room) == 0 or ctypes.get_errno() != errno.EPERM:
                return True
    # file_setattr(2), of Linux 6.17: there is a hole in none of the kernels before.
    room = ctypes.create_string_buffer(24)
    return libc.syscall(469, fd, b"", room, 24, 0x1000) == 0 or ctypes.get_errno() not in (errno.EPERM, errno.ENOSYS)

def gains():
    status = open("/proc/self/status").read()
    return "NoNewPrivs:\t0" in status

x86 = os.uname().machine == "x86_64"
barrier("relabel", relabels)
work = f"{base}/work/{victim_id}"
barrier("token", lambda: reads(base + "/token"))
barrier("settings", lambda: reads(base + "/runnerd.yaml"))
barrier("state", lambda: reads(f"{base}/run/tasks/{victim_id}/task.json"))
barrier("journal", lambda: writes(f"{base}/run/tasks/{victim_id}/journal"))
barrier("data", lambda: os.listdir(base + "/data") != [])
barrier("cache", lambda: plants(base + "/cache/planted"))
barrier("files", lambda: reads(work + "/home/project/secret"))
barrier("write", lambda: writes(work + "/bash_env") or os.access(work + "/bash_env", os.W_OK))
barrier("environment", environment)
barrier("see", lambda: is_there(victim))
barrier("signal", lambda: signals(victim))
barrier("trace", lambda: traces(victim))
barrier("memory", lambda: os.close(os.open(f"/proc/{victim}/mem", os.O_RDONLY)) is None)
barrier("root-of", lambda: os.listdir(f"/proc/{victim}/root") != [])
barrier("signal-agent", lambda: signals(agent))
barrier("trace-agent", lambda: traces(agent))
barrier("environment-agent", lambda: reads(f"/proc/{agent}/environ"))
barrier("descriptors-agent", lambda: os.listdir(f"/proc/{agent}/fd") != [])
if launcher:
    barrier("signal-launcher", lambda: signals(launcher))
    barrier("trace-launcher", lambda: traces(launcher))
    barrier("descriptors-launcher", lambda: os.listdir(f"/proc/{launcher}/fd") != [])
# Our own supervisor: who could write to it would start steps without what holds them.
init = 1 if os.path.exists("/proc/1/comm") and open("/proc/1/comm").read().strip() == "runner-init" else os.getppid()
barrier("memory-init", lambda: os.close(os.open(f"/proc/{init}/mem", os.O_RDWR)) is None)
barrier("trace-init", lambda: traces(init))
barrier("descriptors-init", lambda: os.listdir(f"/proc/{init}/fd") != [])
barrier("hooks", lambda: writes(base + "/hooks.d/post-job"))
barrier("user-sockets", lambda: connects(base + "/runtime/bus"))
if os.getppid() == 1 or open("/proc/1/comm").read().strip() == "runner-init":
    barrier("kill-init", kills_init)
barrier("agent-socket", lambda: connects(base + "/run/agent.sock"))
barrier("tmp", lambda: reads("/tmp/" + os.path.basename(shared) + ".victim"))
barrier("shm", lambda: reads("/dev/shm/" + os.path.basename(shared) + ".victim"))
barrier("ipc", shares_memory)
barrier("home", lambda: writes(base + "/real/kept"))
barrier("abstract", abstract)
barrier("mount", mounts)
barrier("uncover", uncovers)
barrier("privileges", gains)
barrier("keyring", lambda: call(250 if x86 else 219, 0, -3, 1))  # keyctl(GET_KEYRING_ID, session)
barrier("perf", lambda: ctypes.get_errno() != 1 if call(298 if x86 else 241, None, 0, -1, -1, 0) else ctypes.get_errno() not in (1, 38))
# What must work all the same.
child = os.fork()
if child == 0:
    libc.ptrace(0, 0, None, None)  # TRACEME
    os.kill(os.getpid(), signal.SIGSTOP)
    os._exit(0)
status = os.waitpid(child, 0)[1]
barrier("debug", lambda: os.WIFSTOPPED(status))
libc.ptrace(7, child, None, None)
os.waitpid(child, 0)
barrier("nest", lambda: subprocess.run(["unshare", "-Ur", "true"], stderr=subprocess.DEVNULL, timeout=20).returncode == 0)
# Last: where it is heard the other task ends.
barrier("forge", lambda: forges(f"{base}/run/tasks/{victim_id}/init.sock"))
barrier("forge-own", lambda: forges(f"{base}/run/tasks/{os.path.basename(os.environ['CIRCLE_INTERNAL_TASK_DATA'])}/init.sock"))
END

# What another task has: a secret in its environment, files in every place, an abstract socket, shared memory.
cat >"$tmp/victim.py" <<'END'
import ctypes, os, socket, sys, time, zlib
shared, go = sys.argv[1:]
open("secret", "w").write("secret\n")
for place in "/tmp", "/dev/shm":
    open(f"{place}/{os.path.basename(shared)}.victim", "w").write("secret\n")
listener = socket.socket(socket.AF_UNIX)
listener.bind("\0" + os.path.basename(shared) + "-abstract")
listener.listen(8)
libc = ctypes.CDLL(None)
# A key of this run alone: at some levels it is the host's, and other runs are beside this one.
segment = libc.shmget(zlib.crc32(shared.encode()) & 0x7fffffff, 4096, 0o1600)
assert segment >= 0
print("begun", flush=True)
deadline = time.monotonic() + 600
while not os.path.exists(go) and time.monotonic() < deadline:
    time.sleep(0.05)
libc.shmctl(segment, 0, None)
for place in "/tmp", "/dev/shm":
    os.unlink(f"{place}/{os.path.basename(shared)}.victim")
print("unharmed")
END
# What listens in $XDG_RUNTIME_DIR of a user: it would start something for who asks.
cat >"$tmp/bus.py" <<'END'
import os, socket, sys
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o666)
s.listen(8)
print("listens", flush=True)
while True:
    s.accept()
END

# In the place of a supervisor and of an agent: hears everybody.
cat >"$tmp/listener.py" <<'END'
import os, socket, sys, threading
def serve(s):
    while True:
        peer = s.accept()[0]
        threading.Thread(target=answer, args=(peer,), daemon=True).start()
def answer(peer):
    if peer.recv(1000):
        peer.send(b"heard")
for path, kind in (sys.argv[1], socket.SOCK_SEQPACKET), (sys.argv[2], socket.SOCK_STREAM):
    s = socket.socket(socket.AF_UNIX, kind)
    s.bind(path)
    os.chmod(path, 0o666)
    s.listen(8)
    threading.Thread(target=serve, args=(s,)).start()
print("listens", flush=True)
END
chmod 755 "$tmp/hostile.py" "$tmp/victim.py"

# The users that slots have, where root starts runnerd: not those of another test that runs beside this one.
first=$((1950000000 + $$ % 100000 * 4))
as=
level_of() # MODE: $level, $as, $more
{
	as=
	more=
	case $1 in
	user | namespace) level=$1 ;;
	*-in-user) level=${1%-in-user} ;;
	esac
	case $1$(id -u) in
	*-in-user0) as='setpriv --reuid 65534 --regid 65534 --clear-groups' ;; # and no function: its pid is runnerd's
	esac
	[ -n "$as" ] || [ "$(id -u)" != 0 ] || more="--user nobody --slot-uids $first-$((first + 3))"
}

make_base() # MODE
{
	base=$tmp/$1
	mkdir "$base" "$base/real" "$base/runtime" "$base/hooks.d"
	printf '#!/bin/sh\n' >"$base/hooks.d/post-job"
	chmod 755 "$base/hooks.d/post-job"
	echo secret-token >"$base/token"
	printf 'hub: %s\ntoken_file: %s\n' "$hub_url" "$base/token" >"$base/runnerd.yaml"
	echo kept >"$base/real/kept"
	chmod 600 "$base/token" "$base/runnerd.yaml"
	[ -z "$as" ] || chown -R 65534:65534 "$base"
	[ -n "$as" ] || [ "$(id -u)" != 0 ] || chown -R "$(id -u nobody)" "$base/runtime"
	chmod 711 "$base"
	chmod 700 "$base/runtime"
	start "bus-$1" python3 "$tmp/bus.py" "$base/runtime/bus"
	wait_log "bus-$1" listens 20
}

start_at() # MODE
{
	level_of "$1"
	make_base "$1"
	# shellcheck disable=SC2086 # options, and a word or none
	HOME=$base/real XDG_RUNTIME_DIR=$base/runtime start "agent-$1" $as runnerd -c "$base/runnerd.yaml" --name "$1" -j 4 --isolation "$level" $more \
		--run-dir "$base/run" --data-dir "$base/data" --work-dir "$base/work" --cache-dir "$base/cache" --orphan-limit 0 --hooks-dir "$base/hooks.d"
	agent_pid=$pid
	wait_until 30 grep -qsE 'ready: 4 slots|runnerd: ' "$tmp/agent-$1.log"
	grep -qs 'ready: 4 slots' "$tmp/agent-$1.log"
}

victim_pid()
{
	for t_proc in /proc/[0-9]*; do
		grep -zqsF "$tmp/victim.py" "$t_proc/cmdline" && grep -qs '^Name:.*python' "$t_proc/status" && echo "${t_proc#/proc/}" && return
	done
}

# held MODE BARRIER...; open MODE BARRIER...; works MODE WHAT...: rows
row() # MODE WANTED SENTENCE BARRIER
{
	is "$(sed -n "s/^$4 //p" "$(got_output "hostile-$1")")" "$2" "($1) $3"
}
held()
{
	t_at=$1
	shift
	for barrier; do
		row "$t_at" held "$barrier: held" "$barrier"
	done
}
open()
{
	t_at=$1
	shift
	for barrier; do
		row "$t_at" broken "$barrier: NOT protected, as the manual says" "$barrier"
	done
}

works()
{
	t_at=$1
	shift
	for barrier; do
		row "$t_at" broken "$barrier: works" "$barrier"
	done
}

unset RUNNERD_USER
start_fakehub
chmod 666 "$hub_sock"

# The same attempts where nothing holds them, by the user that "-in-user" has: one that cannot succeed there would prove nothing elsewhere.
# What a victim that was killed could not take away itself.
clear_victim()
{
	rm -f "/tmp/${tmp##*/}.victim" "/dev/shm/${tmp##*/}.victim"
	ipcrm -M "$(python3 -c 'import sys, zlib; print(zlib.crc32(sys.argv[1].encode()) & 0x7fffffff)' "$tmp")" 2>/dev/null || :
}

play_bare()
{
	python=$(PATH=/usr/bin:/bin command -v python3) || {
		skip '(bare) every attempt succeeds where nothing holds it' 'there is no python3 that every user may run'
		return
	}
	level_of bare-in-user
	make_base bare
	mkdir -p "$base/run/tasks/victim" "$base/data/x" "$base/cache" "$base/work/victim/home/project" "$tmp/got/hostile-bare"
	for t_file in run/tasks/victim/task.json run/tasks/victim/journal work/victim/bash_env; do
		echo x >"$base/$t_file"
	done
	start supervisor-bare python3 "$tmp/listener.py" "$base/run/tasks/victim/init.sock" "$base/run/agent.sock"
	wait_log supervisor-bare listens 20
	[ -z "$as" ] || chown -R 65534:65534 "$base"
	export VICTIM_SECRET=s3cret-of-another CIRCLE_INTERNAL_TASK_DATA="$base/work/victim"
	# shellcheck disable=SC2016,SC2086 # for the other shell; words or none
	start victim-bare $as sh -c 'cd "$1" && shift && exec "$@"' - "$base/work/victim/home/project" "$python" "$tmp/victim.py" "$tmp" "$tmp/go.bare"
	wait_log victim-bare begun 30
	# shellcheck disable=SC2086 # words or none
	start agent-bare $as sleep 300
	agent_pid=$pid
	# shellcheck disable=SC2086 # words or none
	start launcher-bare $as sleep 300
	launcher=$pid
	wait_until 20 grep -qsx sleep "/proc/$agent_pid/comm"
	wait_until 20 grep -qsx sleep "/proc/$launcher/comm"
	# Its parent stands where runner-init would.
	# shellcheck disable=SC2016,SC2086 # for the other shell; words or none
	timeout 60 $as sh -c '"$@"; :' - "$python" "$tmp/hostile.py" "$base" "$tmp" "$agent_pid" "$(victim_pid)" victim "$launcher" \
		>"$(got_output hostile-bare)" 2>"$tmp/hostile-bare.log"
	unset VICTIM_SECRET CIRCLE_INTERNAL_TASK_DATA
	touch "$tmp/go.bare"
	bare_rows
	stop "$agent_pid"
	stop "$launcher"
	clear_victim
}

# What the host itself may keep from everybody is no failure of ours: a seccomp filter of a container, Yama.
bare_rows()
{
	for barrier in $(sed -n 's/^\([a-z-]*\) .*/\1/p' "$(got_output hostile-bare)"); do
		case $barrier in
		mount) continue ;; # no user may
		trace* | memory* | environment* | descriptors* | root-of | keyring | perf | uncover | privileges | debug | nest)
			if grep -q "^$barrier held" "$(got_output hostile-bare)"; then
				skip "(bare) $barrier: succeeds where nothing holds it" 'this host keeps everybody from it'
				continue
			fi
			;;
		esac
		row bare broken "$barrier: succeeds where nothing holds it" "$barrier"
	done
	like "$(cat "$(got_output hostile-bare)")" '^forge-own' '(bare) all of them were made'
}

play_mode()
{
	mode=$1
	if ! start_at "$mode"; then
		skip "($mode)" "this host has no such isolation: $(grep 'runnerd: ' "$tmp/agent-$mode.log" | cut -c1-120)"
		return 1
	fi
	hub_say "task victim-$mode VICTIM_SECRET=s3cret-of-another exec python3 $tmp/victim.py $tmp $tmp/go.$mode"
	ok "($mode) another task runs" wait_until 30 grep -qs begun "$(got_output "victim-$mode")"
	launcher=$(pgrep -P "$agent_pid" -f runner-launcher || echo 0)
	hub_say "task hostile-$mode python3 $tmp/hostile.py $base $tmp $agent_pid $(victim_pid) $(task_id "victim-$mode") $launcher"
	ok "($mode) the hostile one has tried everything" wait_ended "hostile-$mode" '' 60
	touch "$tmp/go.$mode"
	if [ "$level" = none ]; then
		# As its agent hears of it: from its supervisor that was told to end it, or that it has another agent now.
		ok "($mode) the other one has ended: NOT protected" wait_ended "victim-$mode" '(infra-fail|failed)'
	else
		ok "($mode) the other one has gone on" wait_ended "victim-$mode" success
		like "$(cat "$(got_output "victim-$mode")")" unharmed "($mode) and came to its end"
	fi
	is "$(cat "$base/real/kept")" kept "($mode) nothing has changed in HOME"
	stop "$agent_pid"
	clear_victim
}

secrets='token settings state journal data cache'
of_others='files write environment signal trace memory root-of'
agent='signal-agent trace-agent environment-agent descriptors-agent'
launcher_rows='signal-launcher trace-launcher descriptors-launcher'
own='memory-init trace-init descriptors-init'
sockets='forge forge-own agent-socket user-sockets'

play_bare
# shellcheck disable=SC2086 # lists of words
if [ "$(id -u)" = 0 ]; then
	if play_mode namespace; then
		held namespace $secrets hooks $of_others see $agent $launcher_rows $own kill-init $sockets tmp shm ipc home mount uncover privileges relabel keyring perf
		open namespace abstract
		works namespace debug
	fi
	if play_mode user; then
		held user $secrets hooks $of_others $agent $launcher_rows $own $sockets home mount uncover privileges relabel keyring perf
		open user see tmp shm abstract
		works user debug
	fi
fi
# shellcheck disable=SC2086
if play_mode namespace-in-user; then
	held namespace-in-user $secrets hooks $of_others see $agent $own kill-init $sockets tmp shm ipc home mount uncover privileges relabel keyring perf
	open namespace-in-user abstract
	works namespace-in-user debug nest
fi
# shellcheck disable=SC2086
if play_mode none-in-user; then
	held none-in-user mount $own forge-own
	if grep -q __asan_init "$(command -v runnerd)"; then
		skip '(none-in-user) runnerd cannot be looked at' 'the leak checker of the sanitizer looks'
	else
		held none-in-user trace-agent environment-agent descriptors-agent
	fi
	open none-in-user hooks user-sockets cache token settings state journal data files write environment see signal signal-agent tmp shm ipc home forge agent-socket abstract
	works none-in-user debug
fi
done_testing

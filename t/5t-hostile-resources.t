#!/bin/sh
# A hostile job against what it shares with others: memory, processes, disk, processors' time. Without control groups, which are not on
# every host: t/5m-agent-cgroup.t has the same where they are. A row for each barrier and level, those that are not held with them.
#
# SPDX-License-Identifier: Apache-2.0
if [ -z "${ROOM_MOUNTS-}" ]; then
	# Mounts of its own, so that nothing is left of the disk that is filled.
	if [ "$(id -u)" = 0 ]; then user=; else user=-r; fi
	if unshare $user -m true 2>/dev/null; then
		ROOM_MOUNTS=$(id -u) exec unshare $user -m "$0"
	fi
	echo '1..0 # SKIP no mounts of our own on this host'
	exit 0
fi
. "${0%/*}/lib.sh"
. "${0%/*}/network.sh"
in_own_network
. "${0%/*}/agent.sh"

command -v python3 >/dev/null || skip_all 'python3 is needed'

# What the job tries; prints "BARRIER broken" or "BARRIER held" for each. Each attempt is a child's, which may fail as it likes.
cat >"$tmp/hostile.py" <<'END'
import mmap, os, resource, signal, sys, time

MIB = 1 << 20

def barrier(name, attempt):
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.write(write, b"broken" if attempt() else b"held")
        except (OSError, MemoryError, ValueError):
            os.write(write, b"held")
        os._exit(0)
    os.close(write)
    said = os.read(read, 100).decode() or "held"
    os.close(read)
    os.waitpid(child, 0)
    print(name, said, flush=True)

def takes(mib):
    room = mmap.mmap(-1, mib * MIB, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    for at in range(0, mib * MIB, 4096):
        room[at] = 1
    return room

def raises():
    for kind in resource.RLIMIT_DATA, resource.RLIMIT_NPROC:
        hard = resource.getrlimit(kind)[1]
        if hard == resource.RLIM_INFINITY:
            continue
        try:
            resource.setrlimit(kind, (hard * 2, hard * 2))
            return True
        except (ValueError, OSError):
            pass
    return False

# Each says that it has its part and keeps it until all do.
def together(parts, mib):
    read, write = os.pipe()
    children = []
    for _ in range(parts):
        child = os.fork()
        if child == 0:
            try:
                room = takes(mib)
                os.write(write, b".")
                signal.pause()
            finally:
                os._exit(1)
        children.append(child)
    os.close(write)
    said = b""
    while len(said) < parts:
        more = os.read(read, parts)
        if not more:
            break
        said += more
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return len(said) == parts

def multiplies(count):
    children = []
    try:
        while len(children) < count:
            child = os.fork()
            if child == 0:
                signal.pause()
                os._exit(0)
            children.append(child)
    except OSError:
        pass
    for child in children:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
    return len(children) == count

def fills():
    try:
        with open("fill", "wb") as f:
            while True:
                f.write(b"x" * MIB)
                f.flush()
    except OSError:
        return True

barrier("memory-of-one", lambda: takes(160) is not None)
barrier("memory-of-many", lambda: together(3, 40))
barrier("limits", raises)
barrier("processes", lambda: multiplies(70))
barrier("disk", fills)
print("done", flush=True)
deadline = time.monotonic() + 600
while not os.path.exists(sys.argv[1]) and time.monotonic() < deadline:
    time.sleep(0.05)
END
chmod 755 "$tmp/hostile.py"

# Not those of another test that runs beside this one.
first=$((1970000000 + $$ % 100000 * 4))
level_of() # MODE: $level, $as, $more
{
	as=
	more=
	level=${1%-in-user}
	case $1$ROOM_MOUNTS in
	*-in-user0) as='setpriv --reuid 65534 --regid 65534 --clear-groups' ;; # and no function: its pid is runnerd's
	*-in-user*) ;;
	*) more="--user nobody --slot-uids $first-$((first + 3))" ;;
	esac
}

# A disk of 32 MiB for the work directories, beside that of the agent's own state.
start_at() # MODE
{
	level_of "$1"
	base=$tmp/$1
	mkdir "$base" "$base/disk"
	mount -t tmpfs -o size=32m,mode=755 tmpfs "$base/disk" || return 1
	mkdir "$base/disk/work"
	echo secret-token >"$base/token"
	printf 'resource_classes:\n  - {name: local/test, token_file: %s, memory: 64M, pids: 50}\n' "$base/token" >"$base/runnerd.yaml"
	[ -z "$as" ] || chown -R 65534:65534 "$base"
	chmod 711 "$base"
	# shellcheck disable=SC2086 # options, and a word or none
	start "agent-$1" $as runnerd --hub "$hub_url" -c "$base/runnerd.yaml" --name "$1" -j 4 --isolation "$level" $more --cgroup none \
		--min-free 16M --run-dir "$base/run" --data-dir "$base/data" --work-dir "$base/disk/work" --cache-dir "$base/cache" --orphan-limit 0
	agent_pid=$pid
	wait_until 30 grep -qsE 'ready: 4 slots|runnerd: ' "$tmp/agent-$1.log"
	grep -qs 'ready: 4 slots' "$tmp/agent-$1.log"
}

row() # MODE WANTED SENTENCE BARRIER
{
	is "$(sed -n "s/^$4 //p" "$(got_output "hostile-$1")")" "$2" "($1) $4: $3"
}

says_low()
{
	runnerctl why --run-dir "$base/run" 2>/dev/null | grep -q 'less than the 16.0 MiB of --min-free: nothing is claimed'
}

play_mode() # MODE PROCESSES
{
	if ! start_at "$1"; then
		skip "($1)" "this host has no such isolation: $(grep 'runnerd: ' "$tmp/agent-$1.log" | cut -c1-120)"
		umount -l "$base/disk"
		return
	fi
	hub_say "task victim-$1 echo begun; until [ -e $tmp/go.$1 ]; do sleep 0.05; done; sh -c 'echo unharmed'"
	ok "($1) another task runs" wait_until 30 grep -qs begun "$(got_output "victim-$1")"
	hub_say "task hostile-$1 exec python3 $tmp/hostile.py $tmp/go.$1"
	ok "($1) the hostile one has tried everything" wait_until 90 grep -qs done "$(got_output "hostile-$1")"
	row "$1" held 'held' memory-of-one
	row "$1" broken 'NOT held, as the manual says' memory-of-many
	row "$1" held 'held' limits
	if [ "$2" = held ]; then
		row "$1" held 'held' processes
	else
		row "$1" broken 'NOT held, as the manual says' processes
	fi
	row "$1" broken 'NOT held' disk
	ok "($1) the disk that is full is noticed" wait_until 30 says_low
	hub_say "task later-$1 echo later"
	touch "$tmp/go.$1"
	ok "($1) the other task ends well beside it" wait_ended "victim-$1" success 60
	like "$(cat "$(got_output "victim-$1")")" unharmed "($1) and none of its output is lost"
	ok "($1) when the hostile one has gone its disk is free, and the next is claimed" wait_ended "later-$1" success 60
	stop "$agent_pid"
	umount -l "$base/disk"
}

start_fakehub
chmod 666 "$hub_sock"
[ "$ROOM_MOUNTS" != 0 ] || unset RUNNERD_USER
if [ "$ROOM_MOUNTS" = 0 ]; then
	play_mode namespace held
	play_mode user held
fi
play_mode namespace-in-user open
play_mode none-in-user open
done_testing

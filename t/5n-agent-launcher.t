#!/bin/sh
# Started by root, runnerd becomes a user that can do nothing, and each slot's tasks have a user of their own.
. "${0%/*}/lib.sh"
. "${0%/*}/network.sh"
in_own_network
. "${0%/*}/agent.sh"

command -v python3 >/dev/null || skip_all 'python3 is needed'
# Users of this test alone: others run beside it.
first=$((1901000000 + $$ % 60000 * 16))
lack=$(slot_users_lack "$first")
[ -z "$lack" ] || skip_all "$lack"
unset RUNNERD_USER
actor=$top_builddir/t/actor
slots="--slot-uids $first-$((first + 7))"
us="--user nobody --log-level debug $slots"

# --- who is refused ---------------------------------------------------------------------------------------

try()
{
	timeout 60 runnerd --hub "$hub_url" --token-file "$tmp/token" --run-dir "$tmp/run" --data-dir "$tmp/data" \
		--work-dir "$tmp/work" --cache-dir "$tmp/cache" "$@" >"$tmp/try" 2>&1
	status=$?
}

if getent passwd runnerd >/dev/null; then
	skip 'without its user it refuses' 'this host has user runnerd'
else
	try
	is "$status" 2 'without its user it refuses'
	like "$(cat "$tmp/try")" 'hint: .*useradd --system' 'and says how to make it'
fi
try --user no-such-user
like "$(cat "$tmp/try")" "there is no user 'no-such-user'" 'a user that is not there is refused'
try --user nobody --slot-uids 65500-65540
like "$(cat "$tmp/try")" 'slot-uids: .* in use' 'a range that somebody is in is refused'
try --user nobody -j 8 --slot-uids 1901000000-1901000006
like "$(cat "$tmp/try")" 'fewer than the 8 tasks' 'a range that is too small is refused'
try --user nobody $slots --isolation none
is "$status" 2 'none, where tasks would have no user, is refused'
like "$(cat "$tmp/try")" 'isolation none has no user' 'and says why'
is "$(runner-launcher 2>&1)" 'runner-launcher: it is started by runnerd and cannot be used by hand' \
	'runner-launcher refuses by hand'

# --check asks all that a start does, and changes nothing.
check()
{
	timeout 60 runnerd --check --run-dir "$tmp/c/run" --data-dir "$tmp/c/data" --work-dir "$tmp/c/work" --cache-dir "$tmp/c/cache" "$@" >"$tmp/check" 2>&1
	status=$?
}
mkdir "$tmp/c"
others="--slot-uids $((first + 8))-$((first + 15))"
check --user no-such-user
is "$status $(grep -c "^no  users .*there is no user 'no-such-user'.*; hint: make it: useradd" "$tmp/check")" '1 1' 'check finds that a user is missing, and says how to make it'
check --user nobody --slot-uids 65500-65540
is "$status $(grep -c '^no  users .*slot-uids: .* in use' "$tmp/check")" '1 1' 'that somebody is in the range'
check --user nobody $slots --isolation none
is "$status $(grep -c '^no  tasks .*isolation none has no user' "$tmp/check")" '1 1' 'that a level cannot be had'
check --user nobody $others
like "$(cat "$tmp/check")" "^ok  users .*runnerd becomes 'nobody', tasks are users $((first + 8)) to $((first + 15))" 'or who everybody will be'
like "$(cat "$tmp/check")" "^ok  tasks .*isolation '(namespace|user)'" 'and what tasks will have'
like "$(cat "$tmp/check")" '^(ok|--)  metadata address ' 'and who reaches the metadata address'
[ -z "$own_network" ] || unlike "$(nft list tables 2>/dev/null)" "runnerd_$((first + 8))" 'of which it changes nothing'
mkdir -m 700 "$tmp/closed"
check --user nobody $others --work-dir "$tmp/closed/work"
is "$status $(grep -c "^no  way to work .*'$tmp/closed' is closed to the tasks' users" "$tmp/check")" '1 1' 'it finds that tasks cannot get to their directories'
is "$(ls -A "$tmp/closed" "$tmp/c" | tr '\n' ' ')" "$tmp/c:  $tmp/closed: " 'and leaves nothing behind'

# What the launcher makes of requests that runnerd would never send.
mkdir "$tmp/place"
python3 - "$top_builddir" "$tmp/place" "$first" >"$tmp/garbage" 2>&1 <<'END'
import os, socket, struct, subprocess, sys
ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
place = os.open(sys.argv[2], os.O_RDONLY | os.O_DIRECTORY)
def descriptors():
    a, b = os.dup(its.fileno()), os.dup(place)
    a, b = os.dup2(a, 20), os.dup2(b, 21)
    os.dup2(a, 3), os.dup2(b, 4)
process = subprocess.Popen([sys.argv[1] + "/runner-launcher", "--first-uid", sys.argv[3], "--slots", "4", "--agent-uid", "65534",
    "--agent-gid", "65534", "--init", "/bin/false", "--work-dir", sys.argv[2]], preexec_fn=descriptors, close_fds=False, stdin=subprocess.DEVNULL)
its.close()
def answer():
    version, fault, sys_, pid = struct.unpack("IIIi", ours.recv(100))
    return fault
def request(verb, slot=0, level=0, orphan=0, task=bytes(16), version=2, cpus=bytes(128), disk=0):
    return struct.pack("IIIIII16s128s", version, verb, slot, level, orphan, disk, task, cpus)
one = b"\1" * 16
print("ready", answer())
START, MAKE, KEEP, REMOVE, KILL, CLEAN = range(1, 7)
garbage = [b"x", b"\0" * 168, request(MAKE, task=one)[:-1], request(MAKE, task=one) + b"\0", request(0), request(7), request(2**32 - 1),
    request(MAKE, 4, task=one), request(KILL, 4), request(KILL, 2**32 - 1), request(CLEAN, 0, 1), request(CLEAN, 0, 0, 1),
    request(KILL, task=one), request(KEEP, 1, task=one), request(START, 0, 3), request(MAKE, task=one, version=3), os.urandom(168), b"\xff" * 300,
    request(KILL, cpus=b"\1" * 128), request(KEEP, task=one, disk=1)]
for bytes_ in garbage:
    ours.send(bytes_)
    print("refused" if answer() == 1 else "TAKEN %r" % bytes_)
socket.send_fds(ours, [request(START, 0, 1, 0, one)], [place])
print("refused" if answer() == 1 else "TAKEN one descriptor")
socket.send_fds(ours, [request(MAKE, task=one)], [place])
print("refused" if answer() == 1 else "TAKEN a descriptor too many")
socket.send_fds(ours, [request(START, 0, 1, 0, one)], [place] * 5)
print("refused" if answer() == 1 else "TAKEN five descriptors")
name = sys.argv[2] + "/01010101-0101-0101-0101-010101010101"
os.symlink("/etc", name)
ours.send(request(MAKE, task=one))
print("refused" if answer() not in (0, 1) else "TAKEN a link")
os.unlink(name)
os.mkdir(name)
os.chown(name, 12345, 12345)
ours.send(request(MAKE, task=one))
print("refused" if answer() not in (0, 1) else "TAKEN what is another's")
os.rmdir(name)
ours.send(request(MAKE, 3, task=one))
print("made", answer(), os.stat(name).st_uid - int(sys.argv[3]), oct(os.stat(name).st_mode), os.stat("/etc").st_uid)
again, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
second = subprocess.Popen(process.args, preexec_fn=descriptors, close_fds=False, stdin=subprocess.DEVNULL)
its.close()
print("second", struct.unpack("IIIi", again.recv(100))[1], second.wait(30))
ours.close()
print("ended", process.wait(30))
END
is "$(grep -c refused "$tmp/garbage")" 25 'the launcher refuses what is no request, a number beyond its range, and what is another'"'"'s'
unlike "$(cat "$tmp/garbage")" 'TAKEN|Error' 'all of it'
like "$(cat "$tmp/garbage")" 'made 0 3 0o40770 0' 'goes on, and makes a directory for the slot that is named'
like "$(cat "$tmp/garbage")" 'second 3 3' 'a second one does not get users that the first has'
like "$(cat "$tmp/garbage")" 'ended 0' 'and ends with its socket'

# --- who everybody is -------------------------------------------------------------------------------------

start_fakehub
chmod 666 "$hub_sock"
start_runnerd -j 4 $us --cleanup-working-directory false
wait_log agent 'ready: 4 slots' 30
ids()
{
	sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr -s '[:space:]' ' ' | sed 's/ $//'
}
nobody=$(id -u nobody)
is "$(ids "$agent_pid" Uid)" "$nobody $nobody $nobody $nobody" 'runnerd is its user'
is "$(ids "$agent_pid" CapPrm) $(ids "$agent_pid" CapBnd) $(ids "$agent_pid" NoNewPrivs)" \
	'0000000000000000 0000000000000000 1' 'has no capability and no way to one'
launcher=$(pgrep -P "$agent_pid" -f runner-launcher)
is "$(ids "$launcher" Uid) $(ids "$launcher" NoNewPrivs)" '0 0 0 0 1' 'runner-launcher is root'
is "$((0x$(ids "$launcher" CapBnd) & ~0x12091eb))" 0 'with no right that it does not need'
is "$(stat -c '%U %a' "$tmp/run" "$tmp/run/tasks" "$tmp/data/spool" | tr '\n' ' ')" 'nobody 700 nobody 700 nobody 700 ' \
	'its state is closed to others'

check --user nobody $slots
is "$status $(grep -c "^no  tasks .*another runnerd on this host has some of them" "$tmp/check")" '1 1' 'check finds that another runnerd has the users'

# What a hostile job asks about everything that is not its own; prints what it could do.
cat >"$tmp/hostile" <<'END'
reach() { # FILE...: what can be opened
	for file; do ( : <"$file" ) 2>/dev/null && echo "OPENED $file"; done
}
tmp=$1 agent=$2 launcher=$3 other=$4 victim=$5
reach "$tmp/token" "$tmp/run/lock" "$tmp/run/agent.id" "$tmp/run/tasks" "$tmp/run/tasks/$other/journal" "$tmp/run/tasks/$other/task.json" \
	"$tmp/run/tasks/$other/spool.00000001" "$tmp/run/tasks/$other/init.log" "$tmp/data/spool" "$tmp/cache/caches" "$tmp/cache/workspaces"
reach "$tmp/work/$other/home" "$tmp/work/$other/home/project/secret" "$tmp/work/$other/bash_env" "$tmp/work/$other/.passwd"
ls "$tmp/work" >/dev/null 2>&1 && echo "LISTED the work directories"
( echo no >"$tmp/cache/git/written" ) 2>/dev/null && echo "WROTE into the mirrors"
for pid in "$agent" "$launcher" "$victim"; do
	kill -0 "$pid" 2>/dev/null && echo "SIGNALED $pid"
	reach "/proc/$pid/environ" "/proc/$pid/mem" "/proc/$pid/root/etc/hostname"
done
sudo -n true 2>/dev/null && echo "BECAME root"
echo "tried as $(id -u) $(whoami)"
END
chmod 644 "$tmp/hostile"

# --- each level -------------------------------------------------------------------------------------------

# Dead ones that their parent has not looked at are nobody's fault here.
running()
{
	ps -o stat=,pid=,comm= -U "$1" | grep -v '^Z'
}

objects()
{
	ipcs -m -s -q -c | grep -c " $((first + 1)) " || true
}

no_users_but()
{
	[ "$(ls "$tmp"/run/tasks/*/user 2>/dev/null)" = "$tmp/run/tasks/$1/user" ]
}

no_users()
{
	! ls "$tmp"/run/tasks/*/user >/dev/null 2>&1
}

left_files()
{
	ls -d "/tmp/$1" "/tmp/$1.d" "/dev/shm/$1" "/var/tmp/$1" "/run/lock/$1" 2>/dev/null
	[ ! -e "$tmp/queues/$1" ] || echo "queue $1"
}

# What a job leaves in all the places that are everybody's: files, a directory, shared memory, a message queue (mq_open(3)).
cat >"$tmp/leave.py" <<'END'
import ctypes, os, sys
name = sys.argv[1]
for place in "/tmp", "/dev/shm", "/var/tmp", "/run/lock":
    if os.access(place, os.W_OK):
        open(place + "/" + name, "w").write("x")
        print("made", place)
os.makedirs("/tmp/%s.d/e" % name)
open("/tmp/%s.d/e/f" % name, "w").write("x")
queue = ctypes.CDLL("librt.so.1", use_errno=True).mq_open(b"/" + name.encode(), os.O_CREAT | os.O_RDWR, 0o600, None)
print("made a queue" if queue >= 0 else "no queue: " + os.strerror(ctypes.get_errno()))
END
# And processes that would stay: each in its own way, and two that are never there for long.
cat >"$tmp/hop" <<'END'
trap '' TERM
[ "$1" -lt 5000 ] || exit 0
setsid /bin/sh "$0" $(($1 + 1)) >/dev/null 2>&1 </dev/null &
END
cat >"$tmp/stay" <<END
$actor daemon=daemon.pid
setsid nohup $actor text=there sleep >there.nohup 2>&1 </dev/null &
setsid $actor ignore=TERM ignore=HUP text=there sleep >there.deaf &
setsid $actor ignore=TERM text=there kill=STOP sleep >there.stopped &
for i in 1 2 3; do setsid $actor ignore=TERM spawn=4 wait >/dev/null & done
setsid /bin/sh $tmp/hop 0 &
setsid /bin/sh $tmp/hop 0 &
for kind in nohup deaf stopped; do until [ -s there.\$kind ]; do sleep 0.02; done; done
echo stay
END
chmod 644 "$tmp/leave.py" "$tmp/hop" "$tmp/stay"
mkdir "$tmp/queues"
mount -t mqueue none "$tmp/queues" 2>/dev/null || diag 'no message queues can be looked at here'

for level in user namespace; do
	check --user nobody $others --isolation "$level"
	if ! grep -q '^ok  tasks ' "$tmp/check"; then
		skip "($level)" "this host has no such isolation: $(grep '^no  tasks ' "$tmp/check" | cut -c1-120)"
		continue
	fi
	stop "$agent_pid" QUIT
	start_runnerd -j 4 $us --isolation "$level" --grace 300ms --cleanup-working-directory false
	wait_log agent 'ready: 4 slots' 30
	launcher=$(pgrep -P "$agent_pid" -f runner-launcher)
	hub_say "task victim-$level echo secret >secret; chmod 644 secret; echo begun; until [ -e $tmp/go.$level ]; do sleep 0.05; done; echo went on"
	ok "($level) a task runs" wait_until 30 grep -qs begun "$(got_output "victim-$level")"
	victim_id=$(task_id "victim-$level")
	victim_uid=$(cat "$tmp/run/tasks/$victim_id/user")
	init=$(running "$victim_uid" | sed -n 's/^[^ ]* *\([0-9]*\) runner-init$/\1/p')
	victim=$(pgrep -P "$init" | head -n 1)
	is "$(ids "$init" CapPrm) $(ids "$init" CapBnd) $(ids "$init" NoNewPrivs)" '0000000000000000 0000000000000000 1' \
		"($level) its runner-init is the slot's user and can do nothing"
	hub_say "task hostile-$level sh $tmp/hostile $tmp $agent_pid $launcher $victim_id $victim"
	ok "($level) a hostile task ends" wait_ended "hostile-$level" success
	is "$(cat "$(got_output "hostile-$level")")" "tried as $((first + 1)) runner" \
		"($level) another task opens, lists, signals and becomes nothing that is not its own"
	left=runner-t-$$.left.$level
	hub_say "task leaves-$level python3 $tmp/leave.py $left; ipcmk -M 4096 >objects; ipcmk -S 2 >>objects; ipcmk -Q >>objects; sh $tmp/stay; wc -l <objects"
	ok "($level) a task that leaves much behind ends" wait_ended "leaves-$level" success
	like "$(tr '\n' ' ' <"$(got_output "leaves-$level")")" 'made /tmp made /dev/shm .*(made a|no) queue.* stay 3 $' "($level) it has made it"
	ok "($level) its user is free again" wait_until 30 no_users_but "$victim_id"
	is "$(left_files "$left")" '' "($level) then what it left in /tmp, /var/tmp, /dev/shm, /run/lock is deleted, and its message queue"
	is "$(objects)" 0 "($level) and its System V objects"
	is "$(running $((first + 1)))" '' "($level) nothing of its user runs"

	kill -KILL "$agent_pid"
	wait "$agent_pid"
	ok "($level) its launcher ends with runnerd" wait_gone "$launcher" 20
	touch "$tmp/go.$level"
	start_runnerd -j 4 $us --isolation "$level" --grace 300ms --cleanup-working-directory false
	ok "($level) the next runnerd sees the task to its end" wait_ended "victim-$level" success
	is "$(cat "$(got_output "victim-$level")")" 'begun
went on' "($level) with all its output"
	hub_say "task long-$level : $(head -c 150000 /dev/zero | tr '\0' x); id -u"
	ok "($level) a command larger than an argument runs" wait_ended "long-$level" success
	hub_say "task red-$level echo kept >kept; exit 1"
	ok "($level) a task fails" wait_ended "red-$level" failed
	kept=$tmp/work/$(task_id "red-$level")
	ok "($level) no user is taken any more" wait_until 30 no_users
	is "$(stat -c '%U %a' "$kept")" 'nobody 700' "($level) its work directory is kept for people, and for no later task"
done

# --- what dies on the way ---------------------------------------------------------------------------------

hub_say "task stays echo begun; until [ -e $tmp/go.stays ]; do sleep 0.05; done; echo went on"
ok 'a task runs' wait_until 30 grep -qs begun "$(got_output stays)"
kill -KILL "$(pgrep -P "$agent_pid" -f runner-launcher)"
wait "$agent_pid"
is "$?" 3 'without its launcher runnerd ends, to be started anew'
user=$tmp/run/tasks/$(task_id stays)/user
uid=$(cat "$user")
echo "200 $uid" >"$user"
try $us
is "$status" 3 'the user of a task that a later runnerd has written down is refused'
like "$(cat "$tmp/try")" "task $(task_id stays): file 'user' has version 200, this runnerd reads up to 1" 'with both versions'
echo "$uid" >"$user"
start_runnerd -j 4 $us
touch "$tmp/go.stays"
ok 'and the task has gone on' wait_ended stays success
stop "$agent_pid" TERM
start_runnerd -j 4 $us --isolation user
hub_say "task killed setsid $actor ignore=TERM sleep >/dev/null 2>&1 & kill -KILL \$PPID; sleep 1000"
ok 'a task that kills its runner-init ends as infra-fail' wait_ended killed infra-fail
ok 'its user is free again' wait_until 30 no_users
is "$(running "$first")" '' 'when nothing of it is left'
stop "$agent_pid" TERM
ok 'no state is left' no_tasks

# --- after the host's restart: the run directory is lost ---------------------------------------------------

rm -rf "$tmp/run"
: >"$tmp/agent.log"
left=runner-t-$$.left.restart
for slot in 0 7; do
	setpriv --reuid $((first + slot)) --regid $first --clear-groups touch "/var/tmp/$left.$slot"
done
start_runnerd -j 4 $us
wait_log agent 'ready: 4 slots' 30
ok 'what users of slots have left is deleted before a task has one' test ! -e "/var/tmp/$left.0" -a ! -e "/var/tmp/$left.7"
ok 'the agent knows that it was here before' grep -q "is new, this agent is not" "$tmp/agent.log"
stop "$agent_pid" TERM

# --- from a runnerd that was root -------------------------------------------------------------------------

rm -rf "$tmp/run" "$tmp/data" "$tmp/work" "$tmp/cache"
start_runnerd -j 4 --user root
hub_say "task old echo begun; until [ -e $tmp/go.old ]; do sleep 0.05; done; echo went on"
ok 'a task of root runs' wait_until 30 grep -qs begun "$(got_output old)"
stop "$agent_pid" QUIT
try $us
is "$status" 3 'another user does not take over while it runs'
like "$(cat "$tmp/try")" 'tasks of a runnerd that was root' 'and says why'
start_runnerd -j 4 --user root
touch "$tmp/go.old"
ok 'as root it is seen to its end' wait_ended old success
stop "$agent_pid" TERM
start_runnerd -j 4 $us
hub_say 'task new id -un'
ok 'then the user takes over' wait_ended new success
is "$(stat -c %U "$tmp/run" "$tmp/run/agent.id" "$tmp/data/spool" "$tmp/cache/caches" | sort -u)" nobody 'with all that was root'"'"'s'
stop "$agent_pid" TERM
umount "$tmp/queues" 2>/dev/null
done_testing

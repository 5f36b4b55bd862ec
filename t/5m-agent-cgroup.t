#!/bin/sh
# Resources of tasks by control groups of version 2, in a machine that has them.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/machine.sh"
machine_seconds=1800
machine_disk=256
machine_tools=$(command -v chattr)
in_machine
. "${0%/*}/agent.sh"

actor=$top_builddir/t/actor
root=/sys/fs/cgroup
cat >"$tmp/runnerd.yaml" <<END
resource_classes:
  - {name: acme/small, token_file: $tmp/token, memory: 48M, pids: 60, cpus: 1}
END

# runnerd with that one class.
start_limited()
{
	start agent runnerd --hub "$hub_url" -c "$tmp/runnerd.yaml" -j 4 --cgroup /ci --run-dir "$tmp/run" \
		--data-dir "$tmp/data" --work-dir "$tmp/work" --cache-dir "$tmp/cache" --orphan-limit 60s \
		--min-free 0 "$@"
	agent_pid=$pid
}

groups()
{
	find $root/"$1"/tasks -mindepth 1 -type d
}

no_groups()
{
	[ -z "$(groups "$1")" ]
}

reason_of() # NAME
{
	sed -n 's/.*"type":"step_ended".*"reason":"\([^"]*\)".*/\1/p' "$tmp/got/$1/events"
}

ended_of() # NAME MEMBER: of its first step
{
	sed -n "s/.*\"type\":\"step_ended\".*\"$2\":\([0-9]*\).*/\1/p" "$tmp/got/$1/events" | head -n 1
}

# The machine is what the rest needs.
controllers=$(cat $root/cgroup.controllers)
for name in cpuset cpu io memory pids; do
	like " $controllers " " $name " "the machine has the controller of $name"
done
like "$(cat /proc/pressure/memory)" '^full avg10=' 'and tells how much memory is waited for'

# What a step finds itself in.
start_fakehub
hub_say "task limits cd $root\$(sed -n s/0:://p /proc/self/cgroup) && pwd && cat ../memory.max ../pids.max ../cpu.weight memory.oom.group"
hub_say "step limits cd $root\$(sed -n s/0:://p /proc/self/cgroup) && pwd"
start_limited
ok '(limits) it ends well' wait_ended limits success 120
like "$(cat "$tmp/agent.log")" "control groups below '/ci', held by: memory, pids, cpu, cpuset, io" 'the log says what tasks are held by'
is "$(sed 1d "$(got_output limits 0)" | tr '\n' ' ')" '50331648 60 100 1 ' '(limits) its class gives them'
like "$(head -n 1 "$(got_output limits 0)")" "^$root/ci/tasks/$(task_id limits)/0\.1\$" '(limits) a step has a group of its own'
like "$(cat "$(got_output limits 1)")" "/$(task_id limits)/1\.1\$" '(limits) and so has the next'
like "$(cat $root/ci/agent/cgroup.procs)" "^$agent_pid\$" 'runnerd is in a group of its own'
is "$(cat $root/ci/agent/memory.min)" 67108864 'and has memory that tasks cannot take'
ok '(limits) nothing is left of it' wait_until 20 no_groups ci

# What else a class may say, read again.
sed 's/cpus: 1}/cpus: 1, memory_high: 44M, cpu_max: 0.5, cpu_weight: 300, io_weight: 70}/' "$tmp/runnerd.yaml" >"$tmp/more.yaml"
cp "$tmp/runnerd.yaml" "$tmp/less.yaml"
cp "$tmp/more.yaml" "$tmp/runnerd.yaml"
kill -HUP "$agent_pid"
wait_log agent 'settings reloaded' 20
hub_say "task shares cd $root\$(sed -n s/0:://p /proc/self/cgroup)/.. && cat memory.high cpu.max cpu.weight io.weight"
ok '(shares) a class may slow its tasks down, cap them and weigh them' wait_ended shares success 120
is "$(tr '\n' ' ' <"$(got_output shares)")" '46137344 50000 100000 300 default 70 ' '(shares) which is what their groups have'
cp "$tmp/less.yaml" "$tmp/runnerd.yaml"
: >"$tmp/agent.log"
kill -HUP "$agent_pid"
wait_log agent 'settings reloaded' 20

# Memory: what a step has passed, and who; another signal 9 is none of that.
# Above half of it runnerd looks each second who is large: the pause is several looks long.
grow=
for i in 1 2 3 4; do grow="$grow alloc=8000000"; done
grow="$grow sleep=4"
for i in 5 6 7 8 9; do grow="$grow alloc=8000000 sleep=0.1"; done
hub_say "task hog $actor sleep=30 & $actor $grow; echo not reached"
hub_say "task group sh -c '$actor $grow; echo never seen'"
hub_say "task many for i in 1 2 3 4; do $actor alloc=16000000 sleep=60 & done; wait; exit 3"
hub_say "task kill $actor kill=KILL"
hub_say "task exit exit 137"
ok '(hog) a step that needs more memory than its class has fails' wait_ended hog failed 120
like "$(reason_of hog)" '^Killed: passed its 48\.0 MiB, peak 4[78]\.[0-9] MiB, largest process actor$' '(hog) it says what it has passed, and who'
ok '(group) so does one whose child is that large' wait_ended group failed 120
like "$(reason_of group)" '^Killed: passed its 48\.0 MiB.* largest process actor$' '(group) it says who'
unlike "$(cat "$(got_output group)" 2>/dev/null)" 'never seen' '(group) what waited for it goes too'
# Neither is any process's alone: nothing but the group counts it.
ok '(many) so does one with many that are that large together' wait_ended many failed 120
like "$(reason_of many)" '^Killed: passed its 48\.0 MiB, peak 4[78]\.[0-9] MiB' '(many) it says so'
ok '(kill) a step that is killed otherwise fails' wait_ended kill failed 120
is "$(reason_of kill)" '' '(kill) it is not said to have passed anything'
ok '(exit) one that exits as if it had been fails' wait_ended exit failed 120
is "$(reason_of exit)" '' '(exit) nor is that'

# What a step has used, its children included that nobody waited for.
hub_say "task usage sh -c '$actor alloc=20000000; touch $tmp/used' & until [ -e $tmp/used ]; do sleep 0.1; done; i=0; while [ \$i -lt 20000 ]; do i=\$((i + 1)); done"
ok '(usage) it ends well' wait_ended usage success 120
ok '(usage) its peak is that of all its processes' [ "$(ended_of usage peak_bytes)" -gt 20000000 ]
ok '(usage) and it has had a processor' [ "$(ended_of usage user_us)" -gt 1000 ]

# And of disks, what has come from one and has gone to one.
if mkdir /disk && mount -t ext4 $machine_disk_device /disk 2>"$tmp/mount"; then
	hub_say 'task writes dd if=/dev/zero of=/disk/file bs=64k count=128 conv=fsync 2>/dev/null'
	ok '(writes) it ends well' wait_ended writes success 120
	ok '(writes) what it has written to a disk is counted' [ "$(ended_of writes write_bytes)" -ge 8388608 ]
	sync
	echo 3 >/proc/sys/vm/drop_caches
	hub_say 'task reads cat /disk/file | wc -c'
	ok '(reads) it ends well' wait_ended reads success 120
	ok '(reads) what it has read from a disk is counted' [ "$(ended_of reads read_bytes)" -ge 8388608 ]
	ok '(reads) and no more for having been written before' [ "$(ended_of reads write_bytes)" -lt 4194304 ]
	umount /disk
else
	skip '(writes)' "the machine has no disk (mkfs.ext4, Debian: e2fsprogs): $(cat "$tmp/mount")"
fi

# A fork bomb: others go on, and it ends.
hub_say "task bomb exec sh -c 'bomb() { bomb | bomb & }; bomb 2>/dev/null; sleep 100'"
hub_say 'task beside sleep 2; echo unharmed'
ok '(beside) beside a fork bomb a task goes on' wait_ended beside success 120
is "$(cat "$(got_output beside)")" unharmed '(beside) and prints'
hub_say 'cancel bomb'
ok '(bomb) it can be canceled' wait_ended bomb canceled 120
ok '(bomb) nothing is left of it' wait_until 20 no_groups ci

hub_say 'task refused i=0; while [ $i -lt 100 ]; do i=$((i + 1)); sleep 20 & done; exit 3'
ok '(refused) a step that is refused processes fails' wait_ended refused failed 120
like "$(reason_of refused)" '^reached its limit of 60 processes: [0-9]+ more were refused$' '(refused) it says so'

# kill -9 of runnerd: the task goes on in its group, the next one finds it there.
stop "$agent_pid"
hub_say "task over while [ ! -e '$tmp/go' ]; do sleep 0.1; done; cd $root\$(sed -n s/0:://p /proc/self/cgroup) && cat ../memory.max"
hub_say "step over cd $root\$(sed -n s/0:://p /proc/self/cgroup) && pwd"
start_limited
wait_log fakehub 'task over step 0 step_started' 30
mkdir $root/ci/tasks/left-behind
kill -KILL "$agent_pid"
wait "$agent_pid" 2>/dev/null
start_limited
wait_log agent 'recovered: state running' 20
touch "$tmp/go"
ok '(over) it outlives its runnerd' wait_ended over success 120
is "$(cat "$(got_output over 0)")" 50331648 '(over) and its limit does too'
like "$(cat "$(got_output over 1)")" "/$(task_id over)/1\.1\$" '(over) the next step has its group'
ok '(over) nothing is left of it, nor of what nobody knew' wait_until 20 no_groups ci

# One runnerd works in a group.
runnerd --hub "$hub_url" --token-file "$tmp/token" --run-dir "$tmp/run2" --data-dir "$tmp/data" --work-dir "$tmp/work" \
	--cache-dir "$tmp/cache" --cgroup /ci >"$tmp/second" 2>&1
is "$?" 3 'a second runnerd in the same group is refused'
like "$(cat "$tmp/second")" "another runnerd works in control group '/ci'" 'it says so'
stop "$agent_pid"

# Without a PID namespace the group is what holds a task together.
hub_say "task daemon $actor daemon=$tmp/daemon.pid; wait"
start_limited --isolation none
ok '(daemon) a step that leaves a daemon behind ends' wait_ended daemon success 120
ok '(daemon) it ends with the task' wait_until 20 no_groups ci
ok '(daemon) as its process has' t_is_gone "$(cat "$tmp/daemon.pid")"
stop "$agent_pid"

# runnerd as a user of its own, tasks as others: the groups are handed over, and steps get into theirs.
mkdir /run/split
chown 65534:65534 /run/split
hub_say "task split $actor $grow"
start split runnerd --hub "$hub_url" -c "$tmp/runnerd.yaml" --user nobody --cgroup /ci --run-dir /run/split/run \
	--data-dir /run/split/data --work-dir /run/split/work --cache-dir /run/split/cache --min-free 0
agent_pid=$pid
chmod 666 "$tmp/hub.sock"
ok '(split) a task with a user of its own fails for its memory' wait_ended split failed 120
like "$(reason_of split)" '^Killed: passed its 48\.0 MiB' '(split) and says so'
ok '(split) nothing is left of it' wait_until 20 no_groups ci
stop "$agent_pid"

# The same with a disk that can hold them to what their class has of it.
start_held() # OPTION...
{
	start held runnerd --hub "$hub_url" -c "$tmp/disk.yaml" --user nobody --isolation namespace -j 4 --cgroup /ci --run-dir /run/split/run \
		--data-dir /run/split/data --work-dir /disk/work --cache-dir /run/split/cache --min-free 0 --min-free-inodes 0 "$@"
	agent_pid=$pid
}
fill='dd if=/dev/zero bs=64k count=320 of'
sed 's/cpus: 1}/cpus: 1, disk: 8M}/' "$tmp/runnerd.yaml" >"$tmp/disk.yaml"
chmod 644 "$tmp/disk.yaml"
if grep -q nvme /proc/partitions && mount -t ext4 $machine_disk_device /disk; then
	start_held --check && wait "$pid"
	like "$(cat "$tmp/held.log")" '^--  disk of tasks  *nothing holds them to it: its file system is mounted without prjquota' '(held) it can be asked what is missing'
	umount /disk
fi
if grep -q nvme /proc/partitions && mount -t ext4 -o prjquota $machine_disk_device /disk 2>"$tmp/mount"; then
	start_held --check && wait "$pid"
	like "$(cat "$tmp/held.log")" '^ok  disk of tasks  *they are held to it by project quotas' '(held) or is there'
	hub_say "task fits dd if=/dev/zero of=part bs=64k count=64 2>/dev/null; set -- \$(stat -f -c '%S %b %f' .); echo \$((\$1 * \$2)) \$((\$1 * \$3 / 1048576))"
	hub_say "task full $fill=all"
	hub_say "task tmp $fill=/tmp/all"
	hub_say "task flees mkdir out; chattr -p 0 out || chattr -P out || $fill=out/all"
	hub_say 'task other exit 4'
	start_held
	ok '(fits) a task that fits in its disk ends well' wait_ended fits success 120
	is "$(cat "$(got_output fits)")" '8388608 3' '(fits) and sees how large it is, and how much of it is free'
	ok '(full) one that does not fails' wait_ended full failed 120
	is "$(reason_of full)" 'its disk of 8.0 MiB is full' '(full) for that reason'
	like "$(cat "$(got_output full)")" 'No space left|quota exceeded' '(full) which it was told'
	ok '(tmp) its /tmp is part of it' wait_ended tmp failed 120
	is "$(reason_of tmp)" 'its disk of 8.0 MiB is full' '(tmp) and counts'
	ok '(flees) it cannot take a directory out of it' wait_ended flees failed 120
	is "$(reason_of flees)" 'its disk of 8.0 MiB is full' '(flees) either'
	ok '(other) one that fails for something else' wait_ended other failed 120
	is "$(reason_of other)" '' '(other) is not said to have filled it'
	# Busybox's rm does not know what the launcher asks of it: all of it is still there.
	for i in 1 2 3 4 5 6; do
		hub_say "task again$i dd if=/dev/zero of=part bs=64k count=96"
	done
	for i in 1 2 3 4 5 6; do
		ok "(again$i) what was there before it does not count" wait_ended again$i success 120
	done
	stop "$agent_pid"
	sed 's/, disk: 8M//' "$tmp/disk.yaml" >"$tmp/free.yaml" && cp "$tmp/free.yaml" "$tmp/disk.yaml"
	hub_say "task unheld $fill=all"
	start_held
	ok '(unheld) a task of a class without a disk is not held' wait_ended unheld success 120
	stop "$agent_pid"
	umount /disk
else
	skip '(held)' "the machine has no disk with project quotas (mkfs.ext4 and the modules of its kernel): $(cat "$tmp/mount")"
fi

# A user without root, in a group that was handed over: auto.
mkdir $root/svc "$tmp/user"
echo '+memory +pids +cpu' >$root/cgroup.subtree_control
chown 65534:65534 $root/svc $root/svc/cgroup.procs $root/svc/cgroup.subtree_control "$tmp/user"
chmod 644 "$tmp/token" "$tmp/runnerd.yaml"
chmod 666 "$tmp/hub.sock"
: >"$tmp/agent.log"
hub_say "task user $actor $grow"
start agent sh -c "echo \$\$ >$root/svc/cgroup.procs; unset RUNNERD_USER; exec setpriv --reuid 65534 --regid 65534 --clear-groups \"\$@\"" sh \
	runnerd --hub "$hub_url" -c "$tmp/runnerd.yaml" --run-dir "$tmp/user/run" --data-dir "$tmp/user/data" \
	--work-dir "$tmp/user/work" --cache-dir "$tmp/user/cache"
agent_pid=$pid
ok '(user) a user without root has groups too' wait_log agent "control groups below '/svc', held by: memory, pids, cpu" 20
ok '(user) the same hog fails' wait_ended user failed 120
like "$(reason_of user)" '^Killed: passed its 48\.0 MiB' '(user) for the same reason'
ok '(user) nothing is left of it' wait_until 20 no_groups svc
stop "$agent_pid"
cat "$tmp/agent.log" >>"$tmp/user.log"

# Beside others it takes nothing over, and says why.
: >"$tmp/agent.log"
mkdir $root/shared
hub_say 'task plain echo plain'
start agent sh -c "echo \$\$ >$root/shared/cgroup.procs; runnerd \"\$@\"; :" sh --hub "$hub_url" -c "$tmp/runnerd.yaml" \
	--run-dir "$tmp/run3" --data-dir "$tmp/data" --work-dir "$tmp/work" --cache-dir "$tmp/cache" --mode single-task
ok '(plain) a task runs without groups' wait_ended plain success 120
like "$(cat "$tmp/agent.log")" "no control groups.*'/shared' is not runnerd's alone: process [0-9]+ \(sh\) is in it" '(plain) the log says why'

# As a service: no service manager could start it again with tasks below its own group, so it wants a second one.
in_service() # NAME SERVICE: runs a task there
{
	hub_say "task $1 cat /proc/self/cgroup"
	start "$1" sh -c "echo \$\$ >$root/$2/cgroup.procs; exec runnerd \"\$@\"" sh --hub "$hub_url" -c "$tmp/runnerd.yaml" \
		--run-dir "$tmp/run3" --data-dir "$tmp/data" --work-dir "$tmp/work" --cache-dir "$tmp/cache" --mode single-task
	ok "($1) a task runs" wait_ended "$1" success 120
	wait "$pid"
}
mkdir $root/lone.service $root/ci.service $root/ci-tasks.service
in_service lone lone.service
like "$(cat "$tmp/lone.log")" "no control groups.*no control group '/lone-tasks.service'.* need a service of their own, lone-tasks.service" '(lone) without groups, and the log says why'
in_service pair ci.service
like "$(cat "$(got_output pair)")" "^0::/ci-tasks.service/tasks/$(task_id pair)/0\.1\$" '(pair) in a group below the second service'
is "$(cat $root/ci.service/cgroup.subtree_control)" '' '(pair) where runnerd is, it can be started again'
ok '(pair) nothing is left of the task' wait_until 20 no_groups ci-tasks.service
done_testing

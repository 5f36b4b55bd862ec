#!/bin/sh
# While the hub is away output goes to the disk, the agent is killed, the disk fills: every byte is there once.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

actor=$top_builddir/t/actor
spool=$tmp/data/spool

# noise NAME BYTES: a task that prints what does not compress once $tmp/go is there.
noise()
{
	hub_say "task $1 while [ ! -e $tmp/go ]; do sleep 0.05; done; exec $actor pattern=binary print=$2"
}

on_disk()
{
	find "$spool" -name 'spool.*' ! -name '*.part' 2>/dev/null | wc -l
}

has_on_disk()
{
	[ "$(on_disk)" -ge "$1" ]
}

# Bytes of segments in tmpfs.
in_memory()
{
	find "$tmp/run/tasks" -name 'spool.*' -printf '%s\n' 2>/dev/null | awk '{ n += $1 } END { print n + 0 }'
}

is_clean()
{
	[ "$(find "$spool" -type f ! -name owner | wc -l)" -eq 0 ] &&
		[ "$(find "$spool" -mindepth 2 -type d | wc -l)" -eq 0 ]
}

is_same()
{
	"$actor" pattern=binary print="$2" | cmp - "$(got_output "$1")"
}

steps_ended()
{
	[ "$(grep -c 'step ended: success' "$tmp/agent.log")" -ge "$1" ]
}

# --- an outage, and kills while it moves ---
start_fakehub
for n in 1 2 3; do
	noise away$n 14000000
done
start_runnerd -j 4 --spool-memory 4M
for n in 1 2 3; do
	wait_log fakehub "task away$n step 0 step_started" 20
done
hub_say 'down 600000'
wait_log agent 'hub .* is away' 20 || diag 'no word of the outage'
touch "$tmp/go"
n=0
while [ $n -lt 6 ]; do
	n=$((n + 1))
	ok "(away) output goes to the disk ($n)" wait_until 30 has_on_disk $((n * 4))
	kill -KILL "$agent_pid"
	wait "$agent_pid" 2>/dev/null
	start_runnerd -j 4 --spool-memory 4M
	wait_started agent 'recovered: state' 20
done
ok '(away) the jobs end while the hub is away' wait_until 60 steps_ended 3
bytes=$(in_memory)
ok '(away) what is in tmpfs stays below its part' test "$bytes" -le 4194304
diag "$bytes bytes in tmpfs, $(on_disk) segments on the disk"
hub_say up
for n in 1 2 3; do
	ok "(away$n) it ends well" wait_ended away$n success 60
	ok "(away$n) every byte is there once" is_same away$n 14000000
done
ok '(away) nothing is left on the disk' wait_until 20 is_clean

# --- fresh output is not held up by a backlog ---
rm "$tmp/go"
noise backlog 30000000
wait_log fakehub 'task backlog step 0 step_started' 20
hub_say 'down 600000'
touch "$tmp/go"
ok '(backlog) it is on the disk' wait_until 60 has_on_disk 20
ok '(backlog) it has ended' wait_until 60 steps_ended 4
hub_say "on output * delay 200"
hub_say 'task fresh echo fresh'
hub_say up
ok '(fresh) a new task ends well' wait_ended fresh success 60
ok '(fresh) before the backlog is through' sh -c "! grep -q 'task backlog ended' '$tmp/fakehub.log'"
hub_say "on output * delay 0"
ok '(backlog) it ends well' wait_ended backlog success 60
ok '(backlog) every byte is there once' is_same backlog 30000000
stop "$agent_pid"
is "$status" 0 'the agent ends'

# --- tasks that print much and then nothing for long do not hold up one another ---
rm "$tmp/go"
is_whole()
{
	n=$1
	while [ "$n" -gt 0 ]; do
		is_same "burst$n" 393216 2>/dev/null || return 1
		n=$((n - 1))
	done
}
n=0
while [ $n -lt 20 ]; do
	n=$((n + 1))
	hub_say "task burst$n while [ ! -e $tmp/go ]; do sleep 0.05; done; $actor pattern=binary print=393216; while [ -e $tmp/go ]; do sleep 0.05; done"
done
start_runnerd -j 20 --spool-memory 8M
n=0
while [ $n -lt 20 ]; do
	n=$((n + 1))
	wait_log fakehub "task burst$n step 0 step_started" 20
done
hub_say 'down 600000'
touch "$tmp/go"
ok '(burst) much of their output is on the disk' wait_until 30 has_on_disk 10
hub_say up
ok '(burst) all of it comes while they are silent' wait_until 60 is_whole 20
rm "$tmp/go"
n=0
while [ $n -lt 20 ]; do
	n=$((n + 1))
	wait_ended "burst$n" success 60 || diag "burst$n has not ended well"
done
stop "$agent_pid"

# --- the child that writes there is killed; what it wrote is damaged ---
child_of()
{
	for t_child in $(cat "/proc/$1/task/$1/children"); do
		tr '\0' ' ' <"/proc/$t_child/cmdline" | grep -q 'spool-disk' && echo "$t_child"
	done
}
noise child 14000000
hub_say "task damaged while [ ! -e $tmp/go ]; do sleep 0.05; done; $actor pattern=binary print=14000000; while [ -e $tmp/go ]; do sleep 0.05; done"
: >"$tmp/agent.log"
start_runnerd -j 2 --spool-memory 2M
wait_log fakehub 'task child step 0 step_started' 20
wait_log fakehub 'task damaged step 0 step_started' 20
hub_say 'down 600000'
touch "$tmp/go"
ok '(child) output goes to the disk' wait_until 30 has_on_disk 3
kill -KILL "$(child_of "$agent_pid")"
ok '(child) its death is told' wait_log agent "cannot use the spool's directory '.*': the process that writes there has ended" 20
ok '(child) another goes on' wait_until 30 has_on_disk 12
ok '(child) its job ends' wait_until 60 steps_ended 1
find_victim()
{
	victim=$(find "$spool" -path "*/$(task_id damaged)/spool.*" ! -name '*.part' | sort | head -n 1)
	[ -n "$victim" ]
}
wait_until 30 find_victim
printf 'damage' | dd of="$victim" bs=1 seek=5000 conv=notrunc 2>/dev/null
hub_say up
ok '(child) it ends well' wait_ended child success 60
ok '(child) every byte is there once' is_same child 14000000
ok '(damaged) what cannot be read ends its task' wait_ended damaged infra-fail 60
is "$(grep -c "cannot read its output: " "$tmp/agent.log")" 1 '(damaged) and is told once'
stop "$agent_pid"

# --- after the host's restart: the run directory is gone ---
rm "$tmp/go"
stop "$fakehub_pid"
: >"$tmp/script"
start_fakehub
noise reboot 9000000
start_runnerd --spool-memory 2M --orphan-limit 0
wait_log fakehub 'task reboot step 0 step_started' 20
hub_say 'down 600000'
touch "$tmp/go"
ok '(reboot) output is on the disk' wait_until 30 has_on_disk 4
kill -KILL "$agent_pid"
wait "$agent_pid" 2>/dev/null
rm -r "$tmp/run"
: >"$tmp/agent.log"
start_runnerd
ok '(reboot) it is said that output was lost' wait_log agent "deleted .* of output in '.*/spool': its tasks ended with the host" 20
ok '(reboot) and nothing is left' wait_until 20 is_clean
is "$(find "$spool" -mindepth 1 -maxdepth 1 | wc -l)" 1 '(reboot) but the directory of this agent'
stop "$agent_pid"
done_testing

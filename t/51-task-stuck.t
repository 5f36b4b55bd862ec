#!/bin/sh
# A process in uninterruptible sleep, which no signal ends: it is told of, and its slot stays closed until it is gone.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/network.sh"
in_own_network
. "${0%/*}/agent.sh"

[ "$(id -u)" = 0 ] || skip_all 'only root can mount a file system that does not answer'
# What cannot be ended must not be mounted for anybody else.
if [ -z "${RUNNER_OWN_MOUNTS-}" ]; then
	unshare -m true 2>/dev/null || skip_all 'this host makes no mount namespace for us'
	rm -rf "$tmp"
	RUNNER_OWN_MOUNTS=yes exec unshare -m --propagation private "$0" "$@"
fi
command -v python3 >/dev/null || skip_all 'python3 is needed'

# A process of task $1 whose state is one of $2: the first signal puts it into D.
waits()
{
	for t_file in $(grep -lsF "hang.$1/file" /proc/[0-9]*/cmdline); do
		grep -Eqs "^[0-9]+ \(cat\) [$2] " "${t_file%cmdline}stat" && return 0
	done
	return 1
}

line_of()
{
	grep -nE -m 1 "$1" "$tmp/fakehub.log" | cut -d : -f 1
}

says_why()
{
	runnerctl why --run-dir "$tmp/run" 2>/dev/null | grep -q '1 of 1 slots are taken.* do not end'
}

# stuck NAME OPTION...
stuck()
{
	name=$1
	shift
	mkdir "$tmp/hang.$name"
	start "hangfs-$name" python3 "$top_srcdir/t/hangfs.py" "$tmp/hang.$name"
	hangfs_pid=$pid
	wait_until 20 grep -qs . "$tmp/hangfs-$name.log" || return
	start_runnerd -j 1 --grace 200ms "$@"
	wait_started agent 'ready: 1 slots' 30
	hub_say "task stuck-$name cat $tmp/hang.$name/file & cat $tmp/hang.$name/file"
	ok "($name) a process waits for what does not answer" wait_until 30 waits "$name" SD
	hub_say "task next-$name echo next"
	hub_say "cancel stuck-$name"
	ok "($name) it is told of" wait_started agent 'do not end, .*its slot stays closed until they are gone' 60
	ok "($name) by who asks what the host does, too" wait_until 10 says_why
	stop "$agent_pid" KILL
	start_runnerd -j 1 --grace 200ms "$@"
	ok "($name) the next runnerd waits for it, too" wait_started agent 'do not end, .*its slot stays closed until they are gone' 60
	ok "($name) and says it to who asks" wait_until 10 says_why
	ok "($name) it has been killed, and sleeps uninterruptibly" wait_until 10 waits "$name" D
	is "$(line_of "task next-$name (leased|preparing)")" '' "($name) the next task waits for it"
	stop "$hangfs_pid"
	ok "($name) the task ends when it has" wait_ended "stuck-$name" canceled
	ok "($name) and the next one has the slot" wait_ended "next-$name" success
	ok "($name) nothing is left" wait_until 30 no_tasks
	stop "$agent_pid"
}

start_fakehub
mkdir "$tmp/try"
start try python3 "$top_srcdir/t/hangfs.py" "$tmp/try"
if ! wait_log try '^ready' 10; then
	skip_all "no file system in user space here: $(cat "$tmp/try.log")"
fi
stop "$pid"
stuck none --isolation none
stuck namespace --isolation namespace
# A slot's user of its own.
first=$((1905000000 + $$ % 60000 * 16))
lack=$(slot_users_lack "$first")
if [ -z "$lack" ]; then
	unset RUNNERD_USER
	chmod 666 "$hub_sock"
	rm -rf "$tmp/run" "$tmp/data" "$tmp/work" "$tmp/cache"
	stuck user --isolation user --user nobody --slot-uids "$first-$((first + 3))"
else
	skip 'a slot of a user of its own' "$lack"
fi
done_testing

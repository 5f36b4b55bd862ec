#!/bin/sh
# The disk of the work directories runs low: nothing is claimed and it is said, until there is room again.
#
# SPDX-License-Identifier: Apache-2.0
if [ -z "${ROOM_MOUNTS-}" ]; then
	# Mounts of its own, so that nothing is left of them.
	if [ "$(id -u)" = 0 ]; then user=; else user=-r; fi
	if unshare $user -m true 2>/dev/null; then
		ROOM_MOUNTS=yes exec unshare $user -m "$0"
	fi
	echo '1..0 # SKIP no mounts of our own on this host'
	exit 0
fi
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

mkdir -m 755 "$tmp/work"
mount -t tmpfs -o size=32m,mode=755 tmpfs "$tmp/work" || skip_all 'no tmpfs can be mounted here'
head -c 24m /dev/zero >"$tmp/work/ballast"

says_why()
{
	runnerctl why --run-dir "$tmp/run" 2>/dev/null | grep -Eq "$1"
}
low='has 8\.0 MiB free, less than the 16\.0 MiB of --min-free: nothing is claimed until it has 18\.0 MiB$'

script 'task first echo first'
start_fakehub
start_runnerd --min-free 16M -j 2
ok 'a disk that is low at the start is told of in the log' wait_log agent "the disk of '$tmp/work' $low" 20
ok 'the hub is asked for nothing' wait_log fakehub 'claim for 0 slots' 20
ok 'runnerctl why says it' wait_until 20 says_why "$low"
ok 'with a word for programs' sh -c "runnerctl why --json --run-dir '$tmp/run' | grep -q '\"hindrance\": *\"disk_low\"'"
is "$(grep -c 'leased' "$tmp/fakehub.log")" 0 'no task is given to it'
rm "$tmp/work/ballast"
ok 'with room again it claims by itself' wait_ended first success 60

hub_say "task fill head -c 24m /dev/zero >file; until [ -e $tmp/go ]; do sleep 0.02; done; echo whole"
ok 'a job fills the disk' wait_until 60 says_why "$low"
claims_nothing_again()
{
	[ "$(grep -c 'claim for 0 slots' "$tmp/fakehub.log")" -ge 2 ]
}
ok 'the hub is asked for nothing again' wait_until 20 claims_nothing_again
hub_say 'task later echo later'
ok 'the next task waits at the hub' sh -c "! grep -q 'task later leased' '$tmp/fakehub.log'"
touch "$tmp/go"
ok 'what runs goes on' wait_ended fill success 30
ok 'its directory is removed, and the next one is claimed' wait_ended later success 60
is "$(grep -c 'nothing is claimed until' "$tmp/agent.log") $(grep -c 'tasks are claimed again' "$tmp/agent.log")" '2 2' 'each change is said once'
is "$(sed -n "s/.*task=$(task_id fill) state \(done\).*/\1/p; s/.* state claimed: \(later\)$/\1/p" "$tmp/agent.log" | tr '\n' ' ')" 'done later ' \
	'in this order'
ok 'nothing is left' wait_until 20 no_tasks
stop "$agent_pid"
is "$status" 0 'the agent ends'
umount "$tmp/work"
done_testing

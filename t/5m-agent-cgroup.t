#!/bin/sh
# Resources of tasks by control groups of version 2, in a machine that has them.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/machine.sh"
in_machine
. "${0%/*}/agent.sh"

controllers=$(cat /sys/fs/cgroup/cgroup.controllers)
for name in cpuset cpu io memory pids; do
	like " $controllers " " $name " "the machine has the controller of $name"
done
like "$(cat /proc/pressure/memory)" '^full avg10=' 'and tells how much memory is waited for'

start_fakehub
hub_say "task one echo hello"
start_runnerd -j 2
ok '(one) a job runs there' wait_ended one success 60
is "$(cat "$(got_output one)")" hello '(one) and prints'
stop "$agent_pid"
done_testing

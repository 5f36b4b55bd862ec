#!/bin/sh
# Sessions of people and hooks are held by their task's control group, in a machine that has them (version 2): with the task's limits, and they
# end with it.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/machine.sh"
machine_seconds=1800
in_machine

actor=$top_builddir/t/actor
root=/sys/fs/cgroup
work=/run/agent
hostname machine
mkdir "$tmp/hooks.d" "$work"
chmod 755 "$tmp/hooks.d"
runner-hub init --data-dir "$tmp/hub" --listen "unix:$tmp/hub.sock" --login ada --resource-class acme/small >"$tmp/init.log" 2>&1 || exit 1
start hub runner-hub serve -c "$tmp/hub/runner-hub.yaml"
wait_log hub ' ready$' 60 || exit 1
chmod 666 "$tmp/hub.sock"

settings() # ATTACH: whether people are let into tasks of the class
{
	cat >"$tmp/runnerd.yaml" <<-EOF
	hub: unix:$tmp/hub.sock
	resource_classes:
	  - {name: acme/small, token_file: $tmp/hub/agent.token, memory: 64M, pids: 80, attach: $1}
	EOF
	chmod 644 "$tmp/runnerd.yaml" "$tmp/hub/agent.token"
	chmod 711 "$tmp" "$tmp/hub"
}

begin() # [OPTION...]
{
	: >"$tmp/agent.log"
	start agent runnerd -c "$tmp/runnerd.yaml" --cgroup /ci --run-dir $work/run --data-dir $work/data --work-dir $work/work \
		--cache-dir $work/cache --min-free 0 --hooks-dir "$tmp/hooks.d" --grace 1s "$@"
	agent_pid=$pid
	wait_log agent 'ready: ' 60 || exit 1
}

config() # NAME COMMAND
{
	cat >"$tmp/$1.yml" <<-EOF
	version: 2.1
	jobs:
	  $1:
	    machine: true
	    resource_class: acme/small
	    steps: [{run: '$2'}]
	workflows: {main: {jobs: [$1]}}
	EOF
}

ctl()
{
	timeout 90 runnerctl --hub "unix:$tmp/hub.sock" --token-file "$tmp/hub/admin.token" "$@"
}

job=0
task() # NAME COMMAND: begins; its $id, and the number of its $job
{
	config "$1" "$2"
	job=$((job + 1))
	ctl pipeline run --project gh/ada/engine --config "$tmp/$1.yml" --repo "$tmp" --branch main >"$tmp/run.log" 2>&1
	wait_log agent 'state running' 60 || exit 1
	id=$(sed -n 's/.*task=\([-0-9a-f]*\).*state running.*/\1/p' "$tmp/agent.log" | tail -n 1)
}

enter() # COMMAND...
{
	ctl attach --project gh/ada/engine "$job" -- "$@"
}

no_groups()
{
	[ -z "$(find $root/ci/tasks -mindepth 1 -type d)" ]
}

for hook in pre-job post-job; do
	cat >"$tmp/hooks.d/$hook" <<-EOF
	#!/bin/sh
	sed -n s/0:://p /proc/self/cgroup >$work/$hook.group
	cat $root/\$(cat $work/$hook.group)/../memory.max >>$work/$hook.group
	setsid $actor ignore=TERM sleep=300 >/dev/null 2>&1 &
	echo \$! >$work/$hook.left
	EOF
	chmod 755 "$tmp/hooks.d/$hook"
done

play() # MODE [OPTION...]
{
	mode=$1
	shift
	rm -f $work/*.group $work/*.left $work/go
	begin "$@"
	task "held-$mode" "until [ -e $work/go ]; do sleep 0.1; done; exit 1"
	is "$(cat $work/pre-job.group | tr '\n' ' ')" "/ci/tasks/$id/hook 67108864 " "($mode) a hook is in its task's group, with its class's limits"
	is "$(enter sh -c 'sed -n s/0:://p /proc/self/cgroup')" "/ci/tasks/$id/session-0" "($mode) so is a session"
	enter sh -c "setsid $actor ignore=TERM ignore=HUP sleep=300 >/dev/null 2>&1 & echo begun" >"$tmp/session.out" 2>&1
	is "$(cat "$tmp/session.out")" begun "($mode) a session leaves something behind"
	like "$(cat $root/ci/tasks/"$id"/session-0/cgroup.procs)" '^[0-9]+$' "($mode) which is in its group still"
	like "$(cat $root/ci/tasks/"$id"/hook/cgroup.procs)" '^[0-9]+$' "($mode) as what the hook has left is"
	like "$(enter $actor alloc=100000000 2>&1; echo "status $?")" 'status 137' "($mode) a session has no more memory than its task"
	settings false
	kill -HUP "$agent_pid"
	wait_log agent 'settings reloaded' 30
	like "$(enter true 2>&1)" 'nobody is let into tasks of this resource class' "($mode) a class can let nobody in"
	like "$(cat "$tmp/agent.log")" "task=$id session [-0-9a-f]* of '.*' did not begin: nobody is let into" "($mode) who tried is in the log, with the task"
	settings true
	touch $work/go
	wait_log agent "task=$id state done" 60
	ok "($mode) with the task all of its group is gone, what hooks left behind it too" wait_until 60 no_groups
	is "$(cat $work/post-job.group | tr '\n' ' ')" "/ci/tasks/$id/hook 67108864 " "($mode) a hook behind the last step was in it, too"
	ok "($mode) what the first has left has ended" t_is_gone "$(cat $work/pre-job.left)"
	ok "($mode) and what the last has" t_is_gone "$(cat $work/post-job.left)"
	stop "$agent_pid"
}

settings true
play root
rm -rf "${work:?}"/*
chown 65534:65534 "$work"
unset RUNNERD_USER
play split --user nobody

# A kept task has its group again while somebody is in it.
rm -f "$tmp"/hooks.d/* $work/go
begin --user nobody --keep-failed 10m --keep-failed-max 1
touch $work/go
task kept 'exit 1'
wait_log agent "task=$id kept for" 60
ok '(kept) a task that is kept has no group' wait_until 30 no_groups
is "$(enter sh -c 'sed -n s/0:://p /proc/self/cgroup; cat /sys/fs/cgroup/ci/tasks/*/memory.max' | tr '\n' ' ')" \
	"/ci/tasks/$id/session-0 67108864 " '(kept) who enters it is in one, with its limits'
enter sh -c "setsid $actor ignore=TERM ignore=HUP sleep=300 >/dev/null 2>&1 & :"
ok '(kept) it is let go' ctl job keep --project gh/ada/engine --release "$job"
ok '(kept) and is gone with it' wait_until 60 no_groups
done_testing

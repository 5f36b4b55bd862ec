#!/bin/sh
# runnerd under Debian's systemd, with the units as they are shipped: started, reloaded, upgraded, hung, drained, stopped,
# uninstalled, while a task runs.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/machine.sh"
machine_systemd=yes
machine_tools="$(find "$top_srcdir/contrib/systemd" -name '*.service') $(command -v rm) $(command -v sleep)"
machine_seconds=1800
in_machine
. "${0%/*}/agent.sh"

sbin=/usr/local/sbin
units=/etc/systemd/system
tasks_group=/sys/fs/cgroup/system.slice/runnerd-tasks.service

# As "make install" does: a new file beside, then its name.
install_programs()
{
	mkdir -p $sbin /usr/local/libexec/runnerd/helper
	while read -r from to; do
		cp "$top_builddir/$from" "$to.new" && mv "$to.new" "$to"
	done <<END
runnerd $sbin/runnerd
runner-init /usr/local/libexec/runnerd/runner-init
runner-launcher /usr/local/libexec/runnerd/runner-launcher
runner-archive /usr/local/libexec/runnerd/runner-archive
helper/circleci-agent /usr/local/libexec/runnerd/helper/circleci-agent
END
}

install_units() # DIR FROM
{
	mkdir -p "$1"
	for unit in runnerd runnerd-tasks; do
		sed -e "s|@sbindir@|$sbin|; s|@sysconfdir@|/etc|" "$2/$unit.service" >"$1/$unit.service"
	done
}

# It says more in a file of its own than on the machine's screen.
drop_in() # NAME LINE...
{
	mkdir -p $units/runnerd.service.d
	name=$1
	shift
	printf '%s\n' '[Service]' "$@" >"$units/runnerd.service.d/$name.conf"
	systemctl daemon-reload
}

settings() # JOBS
{
	cat >/etc/runner/runnerd.yaml <<END
hub: $hub_url
jobs: $1
min_free: 0
resource_classes:
  - {name: acme/small, token_file: $tmp/token, memory: 48M, pids: 60}
END
}

shown()
{
	systemctl show -p "$1" --value "${2:-runnerd}"
}

shows() # NAME PATTERN [UNIT]
{
	shown "$1" "${3:-runnerd}" | grep -Eq -- "$2"
}

# Whose command line has PATTERN; the first of them.
process_of() # PATTERN
{
	for t_proc in /proc/[0-9]*; do
		[ "$t_proc" != "/proc/$$" ] && tr '\0' ' ' <"$t_proc/cmdline" 2>/dev/null | grep -q -- "$1" && echo "${t_proc#/proc/}" && return
	done
}

ours()
{
	cat /proc/[0-9]*/comm 2>/dev/null | grep -E '^runner(d|-init|-launcher)$'
}

another_process() # than PID
{
	new=$(shown MainPID)
	[ "$new" -gt 0 ] && [ "$new" != "$1" ] && shows ActiveState '^active$'
}

# --- installed ----------------------------------------------------------------------------

diag "up after $(cut -d' ' -f1 /proc/uptime) s: $(systemctl --version | head -n 1)"
echo 'runnerd:x:990:990::/var/lib/runnerd:/bin/sh' >>/etc/passwd
echo 'runnerd:x:990:' >>/etc/group
install_programs
install_units $units "$top_srcdir/contrib/systemd"
mkdir -p /etc/runner
chown runnerd "$tmp/token" # SIGHUP reads it again
settings 4
drop_in log "StandardError=append:$tmp/agent.log"
is "$(systemd-analyze verify --man=no $units/runnerd.service $units/runnerd-tasks.service 2>&1)" '' 'systemd finds nothing wrong with the units'
ok 'it is enabled' systemctl -q enable runnerd
ok 'for each boot' test -L $units/multi-user.target.wants/runnerd.service
like " $(shown After) " ' network-online.target .*runnerd-tasks.service | runnerd-tasks.service .*network-online.target ' \
	'behind the network and what holds its tasks'

# --- started, without its hub ---------------------------------------------------------------

ok 'systemctl start says that it has started' systemctl start runnerd
is "$(shown ActiveState)/$(shown SubState)" active/running 'it has'
ok 'by then its state is there' test -S /run/runnerd/agent.sock
main=$(shown MainPID)
is "$(sed -n 's/^Uid:[[:space:]]*\([0-9]*\).*/\1/p' "/proc/$main/status")" 990 'as the user runnerd'
is "$(cat "/proc/$main/cgroup")" 0::/system.slice/runnerd.service 'in the group of its service'
ok 'systemctl status says that the hub is away' wait_until 60 shows StatusText '^0 of 4 slots taken; the hub at unix:.* is away$'
start_fakehub
chmod 666 "$hub_sock"
ok 'and when it is there' wait_until 60 shows StatusText 'is connected$'

# A job whose every line is known; it prints on until it may end.
hub_say "task long i=0; until [ -e $tmp/go ]; do i=\$((i + 1)); echo line \$i; sleep 0.3; done; echo \$i >$tmp/printed; echo end"
touch "$tmp/printed"
chmod 666 "$tmp/printed"
wait_until 60 grep -qs 'line 3' "$(got_output long)"
ok 'and how many slots are taken' wait_until 60 shows StatusText '^1 of 4 slots taken'
step=$(process_of '^/bin/bash.*echo line')
like "$(cat "/proc/$step/cgroup")" "^0::/system.slice/runnerd-tasks.service/tasks/$(task_id long)/" 'a task has a group of its own in the second service'
like "$(cat "$tasks_group/agent/cgroup.procs" | while read -r pid; do cat "/proc/$pid/comm"; done | sort | tr '\n' ' ')" \
	'runner-init .*runner-launcher.* sleep' 'beside its runner-init and the launcher'

# --- reloaded -------------------------------------------------------------------------------

settings 6
ok 'systemctl reload' systemctl reload runnerd
ok 'reads the settings' wait_until 60 shows StatusText '^1 of 6 slots taken'
echo 'jobs: many' >/etc/runner/runnerd.yaml
ok 'settings that cannot be read' systemctl reload runnerd
ok 'are told by systemctl status' wait_until 60 shows StatusText '^1 of 6 .*; settings are not reloaded: .*jobs'
settings 4
ok 'until they can' systemctl reload runnerd
ok 'be read' wait_until 60 shows StatusText '^1 of 4 slots taken; the hub at unix:.* is connected$'
is "$(shown MainPID)/$(shown ActiveState)" "$main/active" 'it is the same process all the time'

# --- upgraded, killed, hung: the task goes on -------------------------------------------------

recoveries()
{
	grep -c 'recovered: state running' "$tmp/agent.log"
}

# On a host that starves it, the watchdog may have struck once more.
found=0
went_on() # WHAT
{
	ok "$1: the next one has found the task" test "$(recoveries)" -gt "$found"
	found=$(recoveries)
	like "$(cat "/proc/$step/cgroup" 2>&1)" "/tasks/$(task_id long)/" "$1: which is what it was"
	ok "$1: in sight of the hub" wait_until 60 shows StatusText '^1 of 4 slots taken; the hub at unix:.* is connected$'
}

install_programs
like "$(readlink "/proc/$main/exe")" '(deleted)' 'while it runs it is replaced'
ok 'systemctl restart' systemctl restart runnerd
ok 'is another process' another_process "$main"
is "$(readlink "/proc/$new/exe")" $sbin/runnerd 'of the new program'
went_on restart

main=$new
kill -KILL "$main"
ok 'kill -9: systemd starts it again' wait_until 60 another_process "$main"
went_on 'kill -9'

kill -KILL "$(process_of ^runner-launcher)"
main=$new
ok 'without its launcher it is started again, too' wait_until 60 another_process "$main"
went_on 'no launcher'

drop_in watchdog WatchdogSec=8
systemctl restart runnerd
main=$(shown MainPID)
kill -STOP "$main"
ok 'one that hangs is started again by the watchdog' wait_until 120 another_process "$main"
like "$(shown NRestarts)" '^[1-9]' 'of itself'
went_on watchdog
rm $units/runnerd.service.d/watchdog.conf
systemctl daemon-reload
systemctl restart runnerd
went_on 'twice in a row'

# --- out of memory ------------------------------------------------------------------------------

hub_say "task hog $top_builddir/t/actor alloc=100000000 sleep=100"
ok 'a task that needs more memory than it may have fails' wait_ended hog failed 60
is "$(shown ActiveState)/$(shown ActiveState runnerd-tasks)" active/active 'no service is stopped for that'

# --- stopped --------------------------------------------------------------------------------------

ok 'systemctl stop' systemctl stop runnerd
is "$(shown ActiveState)/$(shown Result)" inactive/success 'ends it in good order'
ok 'and leaves the task' kill -0 "$step"
ok 'systemctl start' systemctl start runnerd
went_on 'stop and start'
touch "$tmp/go"
ok 'the task ends well' wait_ended long success 60
{
	seq "$(cat "$tmp/printed")" | sed 's/^/line /'
	echo end
} >"$tmp/wanted"
ok 'every byte of its output is there, once' cmp "$tmp/wanted" "$(got_output long)"

# --- drained ---------------------------------------------------------------------------------------

hub_say "task last echo begun; until [ -e $tmp/go.last ]; do sleep 0.3; done; echo done"
wait_until 60 grep -qs begun "$(got_output last)"
ok 'SIGTERM' systemctl kill --kill-whom=main -s TERM runnerd
ok 'drains it' wait_until 60 shows StatusText 'draining'
is "$(shown ActiveState)" active 'for as long as that takes'
touch "$tmp/go.last"
ok 'the task ends well' wait_ended last success 60
ok 'then it has ended' wait_until 60 shows ActiveState '^inactive$'
is "$(shown Result)" success 'in good order, and is not started again'

# --- all of it ends ---------------------------------------------------------------------------------

systemctl start runnerd
hub_say 'task rest echo begun; sleep 1000'
wait_until 60 grep -qs begun "$(got_output rest)"
rest_sleeps()
{
	rest=$(process_of '^sleep 1000')
	[ -n "$rest" ]
}
wait_until 60 rest_sleeps
ok 'systemctl stop runnerd-tasks' systemctl stop runnerd-tasks
is "$(shown ActiveState)/$(shown ActiveState runnerd-tasks)" inactive/inactive 'ends runnerd'
ok 'and the tasks' t_is_gone "$rest"
nothing_runs()
{
	[ -z "$(ours)" ]
}
ok 'nothing runs' wait_until 60 nothing_runs
ok 'no group is left' test ! -e $tasks_group
ok 'the next start' systemctl start runnerd
ok 'tells what became of the task' wait_ended rest infra-fail 60
is "$(shown ActiveState runnerd-tasks)" active 'and has groups for tasks again'

# --- uninstalled ------------------------------------------------------------------------------------

systemctl kill --kill-whom=main -s TERM runnerd
wait_until 60 shows ActiveState '^inactive$'
ok 'drained, disabled' systemctl -q disable runnerd
ok 'stopped' systemctl stop runnerd-tasks
rm -r $units/runnerd.service $units/runnerd-tasks.service $units/runnerd.service.d
systemctl daemon-reload
ok 'removed' test "$(shown LoadState)" = not-found
is "$(ours)$(ls -d $tasks_group 2>/dev/null)$(ls /run/runnerd/tasks)$(ls /var/lib/runnerd/work)" '' 'nothing is left but directories'

# --- a user without root: the same, by the user's own systemd ------------------------------------------

cat >$units/user-manager.service <<END
[Service]
Type=notify
User=ci
Environment=XDG_RUNTIME_DIR=/run/user/1000
ExecStart=/usr/lib/systemd/systemd --user
Delegate=yes
KillMode=mixed
END
echo 'ci:x:1000:1000::/home/ci:/bin/sh' >>/etc/passwd
echo 'ci:x:1000:' >>/etc/group
mkdir -p /run/user/1000 /home/ci/.config/runner /var/lib/systemd/linger
settings 4
mv /etc/runner/runnerd.yaml /home/ci/.config/runner/
install_units /home/ci/.config/systemd/user "$top_srcdir/contrib/systemd/user"
mkdir /home/ci/.config/systemd/user/runnerd.service.d
printf '%s\n' '[Service]' "StandardError=append:$tmp/user.log" >/home/ci/.config/systemd/user/runnerd.service.d/log.conf
: >"$tmp/user.log"
chown -R ci:ci /run/user/1000 /home/ci "$tmp/token" "$tmp/user.log"
chmod 700 /run/user/1000
systemctl daemon-reload
systemctl start user-manager
as_ci()
{
	setpriv --reuid 1000 --regid 1000 --clear-groups env HOME=/home/ci XDG_RUNTIME_DIR=/run/user/1000 "$@"
}
as_ci systemctl --user daemon-reload
ok 'systemctl --user start' as_ci systemctl --user start runnerd
ok 'logind would remove its state: the log says what to do' wait_log "$tmp/user.log" \
	"warn logind removes '/run/user/1000/runnerd' .* run 'loginctl enable-linger ci'" 20
ok 'its tasks have groups' wait_log "$tmp/user.log" "control groups below '.*/runnerd-tasks.service', held by: memory, pids, cpu" 20
hub_say "task user echo begun; until [ -e $tmp/go.user ]; do sleep 0.3; done; echo end"
wait_until 60 grep -qs begun "$(got_output user)"
step=$(process_of '^/bin/bash.*echo begun')
like "$(cat "/proc/$step/cgroup")" "/user-manager.service/app.slice/runnerd-tasks.service/tasks/$(task_id user)/" 'a task is in one'
like "$(cat "/proc/$(process_of ^runner-init)/cgroup")" '/runnerd-tasks.service/agent$' 'beside its runner-init'
: >/var/lib/systemd/linger/ci # loginctl enable-linger ci
: >"$tmp/user.log"
ok 'systemctl --user restart' as_ci systemctl --user restart runnerd
ok 'the next one has found the task' wait_log "$tmp/user.log" 'recovered: state running' 20
unlike "$(cat "$tmp/user.log")" 'logind removes' 'and says no more of logind'
touch "$tmp/go.user"
ok 'the task ends well' wait_ended user success 60
is "$(cat "$(got_output user)")" "$(printf 'begun\nend')" 'with its output'
ok 'systemctl --user stop' as_ci systemctl --user stop runnerd
ok 'keeps its state' test -e /run/user/1000/runnerd/agent.id
systemctl stop user-manager
diag "ended after $(cut -d' ' -f1 /proc/uptime) s"
done_testing

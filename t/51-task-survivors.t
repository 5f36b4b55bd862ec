#!/bin/sh
# Nothing of a task survives its end: every kind of process that tries, at each isolation, by each way to end.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/tasks.sh"

actor=$top_builddir/t/actor

# A process that is never there for long: each starts the next in a session of its own and ends. Bounded, so
# that it does not outlive the test for long even where the programs fail.
cat >"$tmp/hop" <<'END'
trap '' TERM
[ "$2" -lt 5000 ] || exit 0
setsid /bin/sh "$0" "$1" $(($2 + 1)) >/dev/null 2>&1 </dev/null &
END

# What a step leaves behind, by name; $m is in the arguments of each process. It has said "there" when all run.
leave()
{
	case $1 in
	all) leave_all ;;
	daemon) echo "$actor daemon=$m.pid" ;;
	nohup) echo "(setsid nohup $actor text=there sleep $m >$m.there 2>&1 </dev/null &); until [ -s $m.there ]; do sleep 0.02; done" ;;
	deaf) echo "($actor ignore=TERM ignore=HUP ignore=INT text=there sleep $m >$m.there &); until [ -s $m.there ]; do sleep 0.02; done" ;;
	stopped) echo "(setsid $actor text=there kill=STOP sleep $m >$m.there &); until [ -s $m.there ]; do sleep 0.02; done" ;;
	deaf-stopped) echo "(setsid $actor ignore=TERM text=there kill=STOP sleep $m >$m.there &); until [ -s $m.there ]; do sleep 0.02; done" ;;
	bomb) echo "for i in 1 2 3 4 5 6; do setsid $actor ignore=TERM spawn=4 wait $m >/dev/null & done; setsid /bin/sh $tmp/hop $m 0 & setsid /bin/sh $tmp/hop $m 0 & :" ;;
	environment) echo "(setsid env -i $actor ignore=TERM text=there sleep $m >$m.there 2>&1 </dev/null &); until [ -s $m.there ]; do sleep 0.02; done" ;;
	esac
}

# One that leaves everything at once, for the ways to end that take their time.
leave_all()
{
	for kind in daemon nohup deaf stopped bomb; do
		leave "$kind" | sed "s/\.there/.$kind&/g"
		echo '; '
	done | tr -d '\n'
	echo :
}

marked()
{
	grep -lsF -f "$tmp/pattern" /proc/[0-9]*/cmdline
}

some_marked()
{
	marked >/dev/null
}

none_marked()
{
	! some_marked
}

is_printed()
{
	[ -n "$(output "$1" 0)" ]
}

# ISOLATION, the command line that brings it: root has a user namespace where it may not do without.
as()
{
	case $1 in
	namespace-in-user) echo setpriv --bounding-set=-sys_admin -- ;;
	esac
}

# survivor ISOLATION WAY KIND
survivor()
{
	name=$1-$2-$3
	m=$tmp/mark.$name
	printf '%s\n' "$m" >"$tmp/pattern"
	case $2 in
	cancel) task "$name" "{\"command\":\"$(leave "$3"); echo here; exec sleep 1000\"}" ;;
	silent) task "$name" "{\"command\":\"$(leave "$3"); echo here; exec sleep 1000\",\"no_output_timeout_ms\":1500}" ;;
	late) task "$name" "{\"command\":\"$(leave "$3"); echo here; exec sleep 1000\"}" '"max_run_time_ms":4000' ;;
	itself) task "$name" "{\"command\":\"$(leave "$3"); echo here\"}" ;;
	esac
	# shellcheck disable=SC2046
	start "$name" $(as "$1") $(taskd_on "$name" --isolation "${1%-in-user}" --grace 200ms)
	t_taskd=$pid
	if [ "$2" = cancel ]; then
		wait_until 30 is_printed "$name"
		ok "($name) it runs" wait_until 10 some_marked
		kill -TERM "$t_taskd"
	fi
	wait "$t_taskd"
	case $2 in
	cancel) wanted='0.1=canceled end=canceled' ;;
	silent) wanted='0.1=failed end=failed' ;;
	late) wanted='0.1=timedout end=timedout' ;;
	itself) wanted='0.1=success end=success' ;;
	esac
	is "$(outcomes "$name")" "$wanted" "($name) the task ends as it should"
	# Not waited for: when the task is over nothing of it runs.
	ok "($name) and no process is left" none_marked
	ok "($name) nor anything else" nothing_left "$name"
}

# That this isolation can be had here.
is_there()
{
	task "try-$1" '{"command":"true"}'
	# shellcheck disable=SC2046
	timeout 120 $(as "$1") $(taskd_on "try-$1" --isolation "${1%-in-user}") >"$tmp/try-$1.log" 2>&1 || return
	case $1 in
	namespace-in-user) grep -q 'in a user namespace' "$tmp/try-$1.log" ;;
	esac
}

# Without root the first is in a user namespace by itself.
for isolation in namespace $([ "$(id -u)" != 0 ] || echo namespace-in-user) none; do
	if ! is_there "$isolation"; then
		skip "isolation $isolation" 'this host lets us have none'
		continue
	fi
	for kind in daemon nohup deaf stopped deaf-stopped environment bomb; do
		survivor "$isolation" cancel "$kind"
	done
	for way in itself silent late; do
		survivor "$isolation" "$way" all
	done
done
done_testing

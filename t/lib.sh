# lib.sh - what end-to-end tests in sh begin with: . "${0%/*}/lib.sh"
#
# Gives a fresh directory $tmp (removed at exit), the programs of the build tree
# ($top_builddir, default: the directory above this one) first in PATH, TAP, and
# programs in the background that are ended by pid when the test ends. When a test
# fails the logs ($tmp/*.log) are printed. Waits have a deadline, never a fixed sleep.
#
#   plan N | done_testing | skip_all REASON         the number of tests, first or last
#   ok DESCRIPTION COMMAND...                       passes when COMMAND exits with 0
#   is GOT WANTED DESCRIPTION                       the same text
#   like TEXT PATTERN DESCRIPTION                   TEXT holds the extended regular expression
#   pass DESCRIPTION | fail DESCRIPTION | skip DESCRIPTION REASON | diag TEXT
#   start NAME COMMAND...                           in the background; output in $tmp/NAME.log, pid in $pid
#   stop PID [SIGNAL]                               signal (TERM), wait for its end; status in $status
#   wait_log FILE PATTERN SECONDS                   FILE: a path, or NAME of start
#   wait_started NAME PATTERN SECONDS               in what it has said since its last start
#   wait_until SECONDS COMMAND...                   until COMMAND exits with 0; a minute at least
#   wait_gone PID SECONDS
#   start_hub [OPTION...] | start_agent [OPTION...] $hub_url, $hub_pid, $agent_pid
#   as_user COMMAND...                              as user 65534 when we are root
#
# SPDX-License-Identifier: Apache-2.0

set -u
LC_ALL=C
export LC_ALL
unset CDPATH

# Of the environment that tests are started in nothing may matter: neither what is closed, nor a service manager, a
# CI's job, a git hook or a proxy around them (t/hubtest.py does the same). Who wants a terminal says which.
umask 022
exec </dev/null
# shellcheck disable=SC2046 # names, a word each
unset $(env | sed -n -E '/^RUNNER_(OWN_NETWORK|OWN_MOUNTS|MACHINE)=/d
	s/^((RUNNERD?|CIRCLE|CIRCLECI|XDG|GIT)_[A-Z0-9_]*|([A-Za-z]+_)?(proxy|PROXY))=.*/\1/p') \
	CI NO_COLOR TERM CIRCLECI NOTIFY_SOCKET WATCHDOG_USEC WATCHDOG_PID LISTEN_FDS LISTEN_PID CREDENTIALS_DIRECTORY BASH_ENV ENV TMPDIR \
	OMP_NUM_THREADS OMP_THREAD_LIMIT

t_dir=$(cd "${0%/*}" && pwd)
: "${top_srcdir:=${t_dir%/*}}"
: "${top_builddir:=$top_srcdir}"
# Not below /tmp: an isolated job has one of its own, and tests look at what jobs leave.
tmp=$(mktemp -d /var/tmp/runner-t.XXXXXX) || exit 99
chmod 711 "$tmp"
mkdir -m 755 "$tmp/home"
PATH=$top_builddir:$top_builddir/t:$PATH
HOME=$tmp/home
export PATH HOME top_srcdir top_builddir tmp
# Tests need no user of their own on the host; t/5n-agent-launcher.t has one.
[ "$(id -u)" != 0 ] || RUNNERD_USER=root
[ "$(id -u)" != 0 ] || export RUNNERD_USER

# A python3 that is a script which looks for the real one (pyenv's) takes many times as long as that.
t_python=$(command -v python3)
if [ -n "$t_python" ] && [ "$(head -c 2 "$t_python")" = '#!' ]; then
	mkdir -m 755 "$tmp/python"
	t_python=$(python3 -c 'import sys; print(sys.executable)')
	# Other users may not come to it, and find their own.
	printf '#!/bin/sh\n[ ! -x "%s" ] || exec "%s" "$@"\nPATH="%s"\nexec python3 "$@"\n' "$t_python" "$t_python" "$PATH" >"$tmp/python/python3"
	chmod 755 "$tmp/python/python3"
	PATH=$tmp/python:$PATH
	t_python=$tmp/python/python3
fi

t_count=0
t_failed=0
t_planned=
t_pids=

# --- TAP ------------------------------------------------------------------------------

diag()
{
	printf '%s\n' "$*" | sed 's/^/# /' >&2
}

plan()
{
	t_planned=$1
	echo "1..$1"
}

skip_all()
{
	echo "1..0 # SKIP $*"
	t_planned=0
	exit 0
}

done_testing()
{
	t_planned=$t_count
	echo "1..$t_count"
}

pass()
{
	t_count=$((t_count + 1))
	echo "ok $t_count - $1"
}

fail()
{
	t_count=$((t_count + 1))
	t_failed=$((t_failed + 1))
	echo "not ok $t_count - $1"
	return 1
}

skip()
{
	t_count=$((t_count + 1))
	echo "ok $t_count - $1 # SKIP $2"
}

ok()
{
	t_what=$1
	shift
	if "$@"; then
		pass "$t_what"
	else
		fail "$t_what"
		diag "    failed: $*"
		return 1
	fi
}

is()
{
	if [ "$1" = "$2" ]; then
		pass "$3"
	else
		fail "$3"
		diag "       got: '$1'
    wanted: '$2'"
		return 1
	fi
}

like()
{
	if printf '%s\n' "$1" | grep -Eq -- "$2"; then
		pass "$3"
	else
		fail "$3"
		diag "          got: '$1'
  wanted like: '$2'"
		return 1
	fi
}

unlike()
{
	if printf '%s\n' "$1" | grep -Eq -- "$2"; then
		fail "$3"
		diag "            got: '$1'
   not wanted: '$2'"
		return 1
	else
		pass "$3"
	fi
}

# --- processes ------------------------------------------------------------------------

start()
{
	t_name=$1
	shift
	: >>"$tmp/$t_name.log"
	wc -c <"$tmp/$t_name.log" >"$tmp/$t_name.said"
	"$@" >>"$tmp/$t_name.log" 2>&1 &
	pid=$!
	t_pids="$t_pids $pid"
}

stop()
{
	kill -"${2:-TERM}" "$1" 2>/dev/null
	wait "$1" 2>/dev/null
	status=$?
}

# Milliseconds since some moment.
t_now()
{
	read -r t_up t_rest </proc/uptime
	t_ms=${t_up%.*}${t_up#*.}0
}

t_wait_until()
{
	t_now
	t_until=$((t_ms + $1 * 1000))
	shift
	until "$@"; do
		t_now
		[ "$t_ms" -lt "$t_until" ] || return 1
		sleep 0.02
	done
}

# A deadline is what a hanging test ends by, and no measure: a slow host has a minute for everything, an emulated one five.
t_least_seconds=60
[ -z "${RUNNER_MACHINE-}" ] || t_least_seconds=300

wait_until()
{
	t_seconds=$1
	shift
	t_wait_until $((t_seconds < t_least_seconds ? t_least_seconds : t_seconds)) "$@"
}

wait_log()
{
	case $1 in
	*/*) t_log=$1 ;;
	*) t_log=$tmp/$1.log ;;
	esac
	wait_until "$3" grep -Eqs -- "$2" "$t_log" && return 0
	diag "'$2' did not appear in '$t_log' within $3 s"
	return 1
}

# Where the log was emptied since, all of it is of the last start.
t_has_said()
{
	read -r t_said <"$tmp/$1.said"
	[ "$t_said" -le "$(wc -c <"$tmp/$1.log")" ] || t_said=0
	tail -c "+$((t_said + 1))" "$tmp/$1.log" | grep -Eqs -- "$2"
}

# Of what was started last, whatever its log holds of earlier ones.
wait_started()
{
	wait_until "$3" t_has_said "$1" "$2" && return 0
	diag "'$2' did not appear in '$1.log' within $3 s"
	return 1
}

t_is_gone()
{
	# A zombie of ours has ended too.
	! kill -0 "$1" 2>/dev/null || grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"
}

wait_gone()
{
	wait_until "$2" t_is_gone "$1"
}

as_user()
{
	if [ "$(id -u)" = 0 ]; then
		setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
	else
		"$@"
	fi
}

start_hub()
{
	if [ ! -d "$tmp/hub" ]; then
		runner-hub init --data-dir "$tmp/hub" >>"$tmp/hub.log" 2>&1 || return 1
	fi
	hub_url=unix:$tmp/hub.sock
	start hub runner-hub serve --data-dir "$tmp/hub" --listen "$hub_url" "$@"
	hub_pid=$pid
	wait_started hub ' ready$' 20
}

start_agent()
{
	start agent runnerd --hub "${hub_url-unix:$tmp/hub.sock}" --run-dir "$tmp/run" \
		--data-dir "$tmp/data" --work-dir "$tmp/work" --cache-dir "$tmp/cache" "$@"
	agent_pid=$pid
	wait_started agent 'connected' 60
}

# --- the end --------------------------------------------------------------------------

t_end()
{
	t_status=$?
	trap - EXIT HUP INT TERM
	for t_pid in $t_pids; do
		kill -TERM "$t_pid" 2>/dev/null
	done
	for t_pid in $t_pids; do
		t_wait_until 5 t_is_gone "$t_pid" || kill -KILL "$t_pid" 2>/dev/null
		wait "$t_pid" 2>/dev/null
	done
	if [ "$t_failed" -gt 0 ] || [ "$t_status" -ne 0 ]; then
		for t_log in "$tmp"/*.log; do
			[ -s "$t_log" ] || continue
			diag "--- ${t_log##*/}"
			tail -n 200 "$t_log" | sed 's/^/# /' >&2
		done
	fi
	if [ "$t_status" -eq 0 ] && [ "$t_planned" != "$t_count" ]; then
		diag "planned ${t_planned:-nothing}, ran $t_count"
		t_status=1
	fi
	chmod -R u+rwX "$tmp" 2>/dev/null
	rm -rf "$tmp"
	[ "$t_failed" -eq 0 ] || t_status=1
	exit "$t_status"
}
trap t_end EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

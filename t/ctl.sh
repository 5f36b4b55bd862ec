# ctl.sh - what the tests of runnerctl begin with: . "${0%/*}/ctl.sh"
#
#   project NAME <<CONFIG                  make $tmp/NAME with that .circleci/config.yml and go there
#   run_ctl ARGUMENT...                    runnerctl; its output in $out (and $err), its status in $status
#   leftovers                              processes that belong to a run: one "PID NAME" a line
#   nothing_left                           true when there is none and the temporary directories are gone
#
# Every run has $mark as its TMPDIR and XDG_RUNTIME_DIR: directories, sockets and HOMEs of all that it starts
# lie there, so that a process of it is known by its arguments, environment or descriptors.
#
# SPDX-License-Identifier: Apache-2.0

. "${0%/*}/lib.sh"

mark=$tmp/mark
mkdir -m 1777 "$mark"
echo "$mark" >"$tmp/mark.name"

project()
{
	mkdir -p "$tmp/$1/.circleci"
	cat >"$tmp/$1/.circleci/config.yml"
	cd "$tmp/$1" || exit 99
}

run_ctl()
{
	TMPDIR=$mark XDG_RUNTIME_DIR=$mark timeout 600 runnerctl "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	out=$(cat "$tmp/out")
	err=$(cat "$tmp/err")
}

# In the background; its output in $tmp/run.log, its pid in $pid.
start_run()
{
	start run env TMPDIR="$mark" XDG_RUNTIME_DIR="$mark" runnerctl run "$@"
}

# (The name is looked for with -f: grep's own arguments must not hold it.)
leftovers()
{
	{
		grep -als -F -f "$tmp/mark.name" /proc/[0-9]*/environ /proc/[0-9]*/cmdline
		find /proc/[0-9]*/cwd /proc/[0-9]*/fd -maxdepth 1 -lname "$mark*" 2>/dev/null
	} | cut -d/ -f3 | sort -un | while read -r one; do
		# What has ended and waits to be reaped holds nothing.
		grep -qs '^State:[[:space:]]*[^Z[:space:]]' "/proc/$one/status" &&
			echo "$one $(cat "/proc/$one/comm" 2>/dev/null)"
	done
}

no_process_left()
{
	test -z "$(leftovers)"
}

nothing_left()
{
	wait_until 20 no_process_left || { diag "left: $(leftovers)"; return 1; }
	test -z "$(ls -A "$mark")" || { diag "left: $(ls -A "$mark")"; return 1; }
}

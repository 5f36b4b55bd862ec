#!/bin/sh
# runnerctl run when something ends early: nothing survives, whatever is killed.
. "${0%/*}/ctl.sh"

# A job that says where it is and has daemons; with an empty TRAP (as "trap '' TERM") one does not go at once.
project stubborn <<'END'
version: 2.1
jobs:
  a:
    machine: true
    steps:
      - run: |
          setsid sh -c 'trap "$TRAP" TERM INT HUP; while :; do sleep 1; done' >/dev/null 2>&1 </dev/null &
          (setsid setsid sleep 1000 >/dev/null 2>&1 </dev/null & )
          echo "it is running"
          while :; do sleep 1; done
  b: {machine: true, steps: [run: 'echo b is running; exec sleep 1000']}
  later: {machine: true, steps: [run: echo never]}
workflows:
  w: {jobs: [a, b, {later: {requires: [a]}}]}
END

begin()
{
	: >"$tmp/run.log"
	start_run -j 4 -e TRAP="${1-exit}"
	wait_log run '^\[a\] it is running' 30 && wait_log run '^\[b\] b is running' 30 || exit 1
}

# The pid of program $1 that process $2 has started: of one whose environment we may not read, too.
pid_of()
{
	for one in $(grep -l "^PPid:[[:space:]]*$2\$" /proc/[0-9]*/status 2>/dev/null | cut -d/ -f3); do
		[ "$(cat "/proc/$one/comm" 2>/dev/null)" != "$1" ] || echo "$one"
	done | head -n 1
}

end_of_run()
{
	wait "$pid"
	status=$?
}

# --- signals ------------------------------------------------------------------------------
for signal in INT TERM HUP; do
	case $signal in INT) wanted=130 ;; TERM) wanted=143 ;; HUP) wanted=129 ;; esac
	if [ $signal = INT ]; then begin ''; else begin; fi
	kill -$signal "$pid"
	end_of_run
	is "$status" $wanted "SIG$signal ends with $wanted"
	ok "at once there is no process left" no_process_left
	ok "nor a directory" nothing_left
done
like "$(cat "$tmp/run.log")" '^\[a\] canceled after ' "the jobs are canceled"
like "$(cat "$tmp/run.log")" '^3 jobs: 0 succeeded, 0 failed, 0 not run, 3 canceled ' "and counted so"

begin ''
kill -INT "$pid"
wait_log run '^canceling the jobs; once more ends them at once$' 20
kill -INT "$pid"
end_of_run
is "$status" 130 "a second SIGINT ends at once"
ok "and leaves nothing" nothing_left

# --- kill -9 ---------------------------------------------------------------------------------
begin ''
kill -KILL "$pid"
end_of_run
ok "after a kill -9 of runnerctl no process is left" wait_until 20 no_process_left
test -n "$(ls -A "$mark")"
project green <<'END'
version: 2.1
jobs:
  a: {machine: true, steps: [run: echo a]}
workflows:
  w: {jobs: [a]}
END
run_ctl run
is "$status" 0 "the next run works"
ok "and sweeps away what the killed one left" nothing_left
cd "$tmp/stubborn" || exit 99

for program in runner-hub runnerd; do
	begin ''
	kill -KILL "$(pid_of $program "$pid")"
	end_of_run
	is "$status" 3 "a kill -9 of $program ends with 3"
	like "$(cat "$tmp/run.log")" "^runnerctl: '$program' was ended by signal 9\$" "and says so"
	ok "no process is left" no_process_left
	ok "nor a directory" nothing_left
done

begin
kill -KILL "$(pid_of runner-init "$(pid_of runnerd "$pid")")"
if wait_log run '^\[[ab]\] failed' 30; then
	pass "a kill -9 of a runner-init fails its job"
else
	fail "a kill -9 of a runner-init fails its job"
fi
kill -INT "$pid"
end_of_run
is "$status" 130 "the other goes on until it is canceled"
ok "nothing is left" nothing_left

# --- a daemon that a job leaves behind -----------------------------------------------------------
project daemon <<'END'
version: 2.1
jobs:
  a:
    machine: true
    steps:
      - run: |
          (setsid sh -c 'trap "" TERM; : > "$SEEN"; exec sleep 1000' >/dev/null 2>&1 </dev/null &)
          until test -e "$SEEN"; do sleep 0.01; done
workflows:
  w: {jobs: [a]}
END
mkdir -m 777 "$tmp/seen"
run_ctl run -e SEEN="$tmp/seen/it"
is "$status" 0 "a job that leaves a daemon behind succeeds"
ok "the daemon is gone when the run has ended" no_process_left
ok "and nothing else is left" nothing_left

done_testing

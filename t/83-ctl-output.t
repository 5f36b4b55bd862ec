#!/bin/sh
# What runnerctl run does with much output, with a terminal, and with a reader that goes away.
. "${0%/*}/ctl.sh"

# --- 1 GiB without a newline: memory stays bounded --------------------------------------
# The job waits at its end until we have read how much memory each program has used.
project big <<'END'
version: 2.1
jobs:
  a:
    machine: true
    steps:
      - run: head -c 1073741824 /dev/zero | tr '\0' x
      - run: ': > "$MEET/written"; until test -e "$MEET/seen"; do sleep 0.05; done'
workflows:
  w: {jobs: [a]}
END
mkdir -m 777 "$tmp/meet"
mkfifo "$tmp/pipe"
# Counts what is printed, prefixes and all, and says so at the end.
tr -d -c x <"$tmp/pipe" | wc -c >"$tmp/count" &
counter=$!
TMPDIR=$mark XDG_RUNTIME_DIR=$mark runnerctl run -e MEET="$tmp/meet" >"$tmp/pipe" 2>"$tmp/err" &
pid=$!
t_pids="$t_pids $pid"
# Whoever would keep the output has it now.
ok "1 GiB without a newline passes through" wait_until 600 test -e "$tmp/meet/written"
peak()
{
	leftovers | while read -r one name; do
		[ "$name" != "$1" ] || sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$one/status"
	done | sort -n | tail -n 1
}
ctl_kib=$(sed -n 's/^VmHWM:[[:space:]]*\([0-9]*\) kB/\1/p' "/proc/$pid/status")
agent_kib=$(peak runnerd)
hub_kib=$(peak runner-hub)
: >"$tmp/meet/seen"
wait "$pid"
is "$?" 0 "the job succeeds"
wait "$counter"
ok "every byte was printed" test "$(cat "$tmp/count")" -ge 1073741824
limit=131072
if grep -aq __asan_init "$top_builddir/runnerctl"; then
	limit=1048576 # ASan keeps what was freed
fi
ok "runnerctl used less than $limit KiB ($ctl_kib)" test "$ctl_kib" -lt $limit
ok "runnerd used less than 2 * $limit KiB ($agent_kib)" test "$agent_kib" -lt $((2 * limit))
ok "runner-hub used less than 2 * $limit KiB ($hub_kib)" test "$hub_kib" -lt $((2 * limit))
ok "nothing is left" nothing_left

# --- a reader that goes away ----------------------------------------------------------------
project many <<'END'
version: 2.1
jobs:
  a: {machine: true, steps: [run: 'seq 200000; : > "$MEET/a"']}
workflows:
  w: {jobs: [a]}
END
rm -f "$tmp/meet/a"
{ TMPDIR=$mark XDG_RUNTIME_DIR=$mark runnerctl run -e MEET="$tmp/meet"; echo $? >"$tmp/status"; } 2>/dev/null | head -n 1 >"$tmp/out"
like "$(cat "$tmp/out")" '^\[a\] started$' "a reader may leave early"
is "$(cat "$tmp/status")" 0 "the jobs go on to their end"
ok "the job has run" test -e "$tmp/meet/a"

# --- two jobs that print at once: whole lines, nothing lost ------------------------------------
project two <<'END'
version: 2.1
jobs:
  a: {machine: true, steps: [run: 'seq 100000 | sed "s/$/ from a/"']}
  b: {machine: true, steps: [run: 'seq 100000 | sed "s/$/ from b/"']}
workflows:
  w: {jobs: [a, b]}
END
run_ctl run -j 2
is "$(grep -c '^\[a\] [0-9]* from a$' "$tmp/out")" 100000 "each line of a is whole"
is "$(grep -c '^\[b\] [0-9]* from b$' "$tmp/out")" 100000 "each line of b is whole"
is "$(sed -n 's/^\[a\] \([0-9]*\) from a$/\1/p' "$tmp/out" | cksum)" "$(seq 100000 | cksum)" "in their order"

# --- bytes that are no text ----------------------------------------------------------------------
project bytes <<'END'
version: 2.1
jobs:
  a: {machine: true, steps: [run: "printf 'a\\033[31mred\\033[0m\\033[2J b\\000c\\377\\n'; printf 'no newline'"]}
workflows:
  w: {jobs: [a]}
END
run_ctl run
is "$(sed -n 's/^\[a\] a/a/p' "$tmp/out" | od -An -c | tr -d ' \n')" 'aredbc377\n' "sequences and control characters do not reach the log"
like "$out" '^\[a\] no newline$' "a last line without an end is printed"

# --- a terminal ------------------------------------------------------------------------------------
project screen <<'END'
version: 2.1
jobs:
  a: {machine: true, steps: [run: {name: Wait, command: 'printf "evil \033[2J\033[5;5H line\n"; : > "$MEET/drawn"; until test -e "$MEET/go"; do sleep 0.02; done'}]}
  bad: {machine: true, steps: [run: {name: Break, command: 'until test -e "$MEET/go"; do sleep 0.02; done; echo the failure; exit 4'}]}
workflows:
  w: {jobs: [a, bad]}
END
on_terminal()
{
	rm -f "$tmp/meet/go" "$tmp/meet/drawn"
	: >"$tmp/typescript"
	env "$@" TMPDIR="$mark" XDG_RUNTIME_DIR="$mark" script -qefc "stty rows 24 cols 60; exec runnerctl run -j 2 -e MEET=$tmp/meet" "$tmp/typescript" >/dev/null 2>&1 </dev/null &
	pid=$!
	t_pids="$t_pids $pid"
	wait_until 30 test -e "$tmp/meet/drawn"
}
unlike()
{
	! printf '%s\n' "$1" | grep -q -e "$2"
}
finish_terminal()
{
	: >"$tmp/meet/go"
	wait "$pid"
	status=$?
	screen=$(tr -d '\r' <"$tmp/typescript")
}
on_terminal TERM=xterm
ok "the status lines are redrawn in place" wait_until 20 grep -q "$(printf '\033\\[[0-9]*A')" "$tmp/typescript"
ok "with the last line a job has printed" wait_until 20 grep -aq 'a .*evil  line' "$tmp/typescript"
finish_terminal
is "$status" 1 "the status is the same as without a terminal"
case $screen in *"$(printf '\033[2J')"* | *"$(printf '\033[5;5H')"*) fail "a job cannot move the cursor" ;; *) pass "a job cannot move the cursor" ;; esac
like "$screen" "--- bad: step 'Break' failed: exit code 4 after " "a failure's output is printed"
like "$screen" '^the failure$' "as it was"
like "$screen" '^2 jobs: 1 succeeded, 1 failed, 0 not run ' "the summary is the last thing"
like "$screen" "$(printf '\033\\[31m')" "with colour"
for plain in TERM=dumb CI=true; do
	on_terminal TERM=xterm $plain
	wait_until 20 grep -aq '^\[a\]' "$tmp/typescript"
	finish_terminal
	like "$screen" '^\[a\] == Wait' "$plain: plain lines on a terminal"
	ok "$plain: no redrawing" unlike "$screen" "$(printf '\033\\[[0-9]*A')"
done
on_terminal TERM=xterm NO_COLOR=1
wait_until 20 grep -q "$(printf '\033\\[[0-9]*A')" "$tmp/typescript"
finish_terminal
ok "NO_COLOR: no colour" unlike "$screen" "$(printf '\033\\[[0-9;]*m')"
like "$screen" "$(printf '\033\\[[0-9]*A')" "NO_COLOR: but redrawing"
ok "nothing is left by all that" nothing_left

done_testing

#!/bin/sh
# runnerctl run with what a config says of turns and attempts: serial groups, repeated steps, reruns of a workflow.
. "${0%/*}/ctl.sh"

# How often line $1 was printed.
lines()
{
	printf '%s\n' "$out" | grep -Exc "$1"
}

# --- serial groups --------------------------------------------------------------------------------------
project serial <<'END2'
version: 2.1
jobs:
  work:
    machine: true
    parameters: {n: {type: integer}}
    steps:
      # Whoever finds another's directory was not alone. The first goes on when it is said that another waits.
      - run: mkdir "$MEET/busy"; for i in $(seq 600); do grep -q 'waits.* another job' "$OUT" && break; sleep 0.1; done; rmdir "$MEET/busy"; echo "turn << parameters.n >>"
  free: {machine: true, steps: [run: echo "is free"]}
workflows:
  a: {jobs: [work: {n: 1, name: one, serial-group: deploys}, work: {n: 2, name: two, serial-group: deploys}, free]}
  b: {jobs: [work: {n: 3, name: three, serial-group: deploys}]}
END2
mkdir "$tmp/meet"
chmod 777 "$tmp/meet"
run_ctl run -j 8 -e MEET="$tmp/meet" -e OUT="$tmp/out"
is "$status" 0 "jobs of a serial group succeed, none beside another" || diag "$out" "$err"
is "$(lines '\[.*\] turn [123]')" 3 "each has its turn"
like "$out" "waits: another job has serial group 'deploys'" "one that waits says what for"
like "$out" '^4 jobs: 4 succeeded, 0 failed, 0 not run' "the summary counts each once"

# --- max_auto_reruns of a step ----------------------------------------------------------------------
project step <<'END2'
version: 2.1
jobs:
  flaky:
    machine: true
    steps:
      - run: {name: twice, command: 'echo x >>tries; echo "try $(wc -l <tries)"; test "$(wc -l <tries)" -ge 3', max_auto_reruns: 4}
      - run: echo behind
  never:
    machine: true
    steps:
      - run: {name: broken, command: 'echo y >>tries; echo "vain $(wc -l <tries)"; exit 9', max_auto_reruns: 2}
      - run: echo no-more
workflows: {w: {jobs: [flaky, never]}}
END2
run_ctl run
is "$status" 1 "a step that never succeeds fails its job"
is "$(lines '\[flaky\] try 1')$(lines '\[flaky\] try 2')$(lines '\[flaky\] try 3')" 111 "each attempt's output comes once"
is "$(lines '\[flaky\] behind')" 1 "and what stands behind runs once"
is "$(lines '\[never\] vain 1')$(lines '\[never\] vain 2')$(lines '\[never\] vain 3')" 111 "it is repeated as often as was said"
case $out in *'vain 4'*) fail "and not once more" ;; *) pass "and not once more" ;; esac
is "$(printf '%s\n' "$out" | sed -n '/^--- /,/^[a-z]* *flaky/p' | grep -c 'vain')" 1 "what failed is printed in one piece: the last attempt"
like "$out" "^success +flaky " "a job whose step recovered is a success"
like "$out" "^failed +never .*step 'broken': exit code 9" "the other says how it failed"
like "$out" '^2 jobs: 1 succeeded, 1 failed, 0 not run' "the summary counts jobs, not attempts"

# --- max_auto_reruns of a workflow --------------------------------------------------------------------
project workflow <<'END2'
version: 2.1
jobs:
  good: {machine: true, steps: [run: 'echo z >>"$MEET/good"; echo "good $(wc -l <"$MEET/good")"']}
  flaky: {machine: true, steps: [run: 'echo z >>"$MEET/flaky"; echo "flaky $(wc -l <"$MEET/flaky")"; test "$(wc -l <"$MEET/flaky")" -ge 3']}
  after: {machine: true, steps: [run: echo "after"]}
workflows: {w: {max_auto_reruns: 3, jobs: [good, flaky, after: {requires: [flaky]}]}}
END2
run_ctl run -e MEET="$tmp/meet"
is "$status" 0 "a workflow that recovers is a success" || diag "$out" "$err"
is "$(lines '\[flaky\] flaky 1')$(lines '\[flaky\] flaky 2')$(lines '\[flaky\] flaky 3')" 111 "each attempt's output comes once"
is "$(lines '\[good\] good [0-9]*')" 1 "what had succeeded does not run again"
is "$(lines '\[after\] after')" 1 "what required the failed job runs once it has succeeded"
like "$out" '^success +flaky ' "the summary tells how the last attempt ended"
like "$out" '^success +after ' "of each job"
like "$out" '^3 jobs: 3 succeeded, 0 failed, 0 not run' "and counts jobs, not attempts"
sed -i 's/-ge 3/-ge 99/' .circleci/config.yml
rm -f "$tmp/meet"/flaky "$tmp/meet"/good
run_ctl run -e MEET="$tmp/meet"
is "$status" 1 "one that does not recover has failed"
is "$(lines '\[flaky\] flaky [0-9]*')" 4 "after as many reruns as were said"
like "$out" '^failed +flaky ' "the summary says so"
like "$out" '^3 jobs: 1 succeeded, 1 failed, 1 not run' "and counts what did not run"
ok "nothing is left behind" nothing_left
done_testing

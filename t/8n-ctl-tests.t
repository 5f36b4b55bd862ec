#!/bin/sh
# runnerctl run and tests: summed up at the end, their times divide those of the next run.
. "${0%/*}/ctl.sh"

XDG_CACHE_HOME=$tmp/cache
export XDG_CACHE_HOME

project tests <<'END2'
version: 2.1
jobs:
  unit:
    machine: true
    parallelism: 2
    steps:
      - checkout
      - run: 'echo a.py b.py c.py d.py | circleci tests run --command "sh report.sh" --split-by=timings --verbose'
      - store_test_results: {path: reports}
  lint: {machine: true, steps: [run: echo lint]}
workflows: {w: {jobs: [unit, lint]}}
END2
cat >report.sh <<'END2'
mkdir reports
read -r names
echo "runs $names"
{
	echo '<testsuite name="fake">'
	for name in $names; do
		time=1 inside=
		[ "$name" != a.py ] || time=9
		! grep -qx "$name" bad 2>/dev/null || inside='<failure message="broken"/>'
		echo "<testcase name='test &#x1b;[31mof&#xA;$name' file='$name' time='$time'>$inside</testcase>"
	done
	echo '</testsuite>'
} >reports/r.xml
! grep -q . bad 2>/dev/null
END2
chmod +x report.sh

run_ctl run
is "$status" 0 "a run with tests" || diag "$out" "$err"
like "$out" 'runs a.py c.py' "nothing is known yet: they are divided by name"
like "$out" '^4 tests, 0 failed$' "they are summed up at the end"
is "$(printf '%s\n' "$out" | tail -n 1)" '4 tests, 0 failed' "in the last line"

run_ctl run
like "$out" 'runs a.py$' "the next run divides them by what they took"
like "$out" 'runs b.py c.py d.py$' "on all nodes"

printf '%s\n' a.py d.py >bad
run_ctl run
is "$status" 1 "tests fail"
like "$out" '^4 tests, 2 failed: test \?\[31mof a.py \(unit\)$' "the first that failed is named, without what a terminal would obey"
like "$out" '^  test \?\[31mof d.py \(unit\)$' "and the others"

run_ctl run --json
is "$status" 1 "with --json"
like "$err" '^4 tests, 2 failed: ' "the sum goes to standard error"
ok "and standard output is JSON" python3 -c 'import json; json.load(open("'"$tmp/out"'"))'

rm bad
kept()
{
	find "$XDG_CACHE_HOME/runner/timings" -type f | wc -l
}
is "$(kept)" 1 "a file keeps the times of the job that has tests"
touch -d '91 days ago' "$XDG_CACHE_HOME/runner/timings/old.tsv" "$XDG_CACHE_HOME/runner/timings/cut.tsv.99"
touch -d '89 days ago' "$XDG_CACHE_HOME/runner/timings/young.tsv"
run_ctl run
is "$status $(kept)" "0 2" "one that no run has replaced for 90 days goes"
run_ctl cache clear nothing-begins-so
is "$(kept)" 2 "cache clear KEY removes no times"
run_ctl cache clear
like "$err" 'the times of tests of 2 jobs removed' "cache clear removes them all"
is "$(kept)" 0 "and none is left"
run_ctl run --no-cache
like "$out" 'runs a.py c.py' "without caches no times are taken"
run_ctl run --only-job lint
case $out in *' tests, '*) fail "where there are none nothing is said" ;; *) pass "where there are none nothing is said" ;; esac
ok "nothing is left" nothing_left
done_testing

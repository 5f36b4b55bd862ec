#!/bin/sh
# run --json: the result of a run for machines, on standard output alone.
. "${0%/*}/ctl.sh"

# Of the document in $out: Python, whose name for it is "d".
of()
{
	printf '%s' "$out" | python3 -c 'import json, sys; d = json.load(sys.stdin); print(eval(sys.argv[1]))' "$1" 2>&1
}

project red <<'END'
version: 2.1
jobs:
  one:
    machine: true
    parallelism: 2
    steps:
      - run: {name: greet, command: 'echo "{\"not\": \"the result\"}"'}
      - run: {name: fails, command: exit 3}
      - run: {name: again, when: always, max_auto_reruns: 1, command: 'mkdir "$HOME/made" || exit 0; kill -9 $$'}
  two: {machine: true, steps: [run: 'mkdir out; echo kept >out/a', store_artifacts: {path: out, destination: out}, run: 'printf "<testsuite><testcase name=\"a\"/><testcase name=\"b\"><failure/></testcase><testcase name=\"c\"><skipped/></testcase></testsuite>" >t.xml', store_test_results: {path: t.xml}]}
workflows:
  w: {jobs: [one, two: {requires: [one]}]}
  other: {jobs: [two: {name: three}]}
END
run_ctl --json run
is "$status" 1 "a red run is told by its status"
is "$(of 'd["version"], d["success"], d["is_cut"]')" "(1, False, False)" "and in the document, which has a version"
is "$(of 'sorted(d["jobs"].items())')" "[('failed', 1), ('not_run', 1), ('success', 1)]" "jobs are counted by their ends"
is "$(of 'sorted((w["name"], w["status"]) for w in d["workflows"])')" "[('other', 'success'), ('w', 'failed')]" "workflows have theirs"
is "$(of '[(i["workflow"], i["job"], i["outcome"], i["node_total"], i["requires"]) for i in d["items"]]')" \
	"[('w', 'one', 'failed', 2, []), ('w', 'two', 'not_run', 1, ['one']), ('other', 'three', 'success', 1, [])]" "jobs stand in the order of the config"
is "$(of '[t["node_index"] for t in d["items"][0]["tasks"]]')" "[0, 1]" "each node has a task"
is "$(of '[(s["name"], s["attempt"], s["outcome"], s["exit_code"], s["signal"]) for s in d["items"][0]["tasks"][0]["steps"]]')" \
	"[('greet', 1, 'success', 0, None), ('fails', 1, 'failed', 3, None), ('again', 1, 'failed', 137, 9), ('again', 2, 'success', 0, None)]" \
	"and its steps, each attempt with how it ended"
is "$(of 'all(s["wall_ms"] >= 0 and s["started_at"] <= s["stopped_at"] for i in d["items"] for t in i["tasks"] for s in t["steps"])')" True "and how long it took"
is "$(of 'all(s["max_rss_bytes"] > 0 and s["user_us"] + s["system_us"] > 0 and "peak_bytes" in s and s["write_bytes"] >= 0 for t in d["items"][0]["tasks"] for s in t["steps"])')" True \
	"and what it has used"
is "$(of 'sorted(d["tests"].items())')" "[('failures', 1), ('flaky', 0), ('skipped', 1), ('tests', 3)]" "tests are summed up"
is "$(of '[(a["path"], a["node_index"], a["size_bytes"], a["sha256"]) for i in d["items"] for a in i["artifacts"]]')" \
	"[('out/a', 0, 5, '$(echo kept | sha256sum | cut -d' ' -f1)')]" "what was stored is told"
like "$err" 'one/0\] {"not": "the result"}' "what jobs print is on standard error"
like "$err" '3 jobs: 1 succeeded, 1 failed, 1 not run' "the summary, too"
is "$(sed -n 's/^| `\([a-z_`, ]*\)` |.*/\1/p' "$top_srcdir/doc/run-result.md" | tr -d '`,' | tr ' ' '\n' | sort -u | tr '\n' ' ')" \
	"$(of '" ".join(sorted(set(d) | set(d["items"][0]))) + " "')" "doc/run-result.md names the members"

run_ctl --json=lines run --workflow other
is "$status $(wc -l <"$tmp/out") $(of 'd["job"], d["outcome"]')" "0 1 ('three', 'success')" "with --json=lines a job is a line"
run_ctl --json -q run --only-job two --workflow w
is "$status $(of 'd["success"]')" "0 True" "--quiet does not silence it"
is "$err" "3 tests, 1 failed, 1 skipped: b (two)" "but all else, other than what has failed"

project wrong <<'END'
version: 2.1
jobs: {one: {machine: true, steps: [run: {nothing: 1}]}}
workflows: {w: {jobs: [one]}}
END
run_ctl --json run
is "$status:$out" "1:" "a config that is wrong has no result"

project long <<'END'
version: 2.1
jobs: {one: {machine: true, steps: [run: echo begun; sleep 600]}}
workflows: {w: {jobs: [one]}}
END
start run env TMPDIR="$mark" XDG_RUNTIME_DIR="$mark" runnerctl --json run
run_pid=$pid
wait_log run 'one\] begun' 30
kill -INT "$run_pid"
wait "$run_pid"
is "$?" 130 "a run that is canceled ends by its signal"
out=$(sed -n '/^{$/,/^}$/p' "$tmp/run.log")
is "$(of 'd["items"][0]["outcome"], d["success"]')" "('canceled', False)" "and says so"
ok "nothing is left" nothing_left
cd / || exit 99
done_testing

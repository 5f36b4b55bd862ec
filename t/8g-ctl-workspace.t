#!/bin/sh
# runnerctl run with workspaces: what a job gets is decided by what it requires.
. "${0%/*}/ctl.sh"

project fan <<'END2'
version: 2.1
jobs:
  base:
    machine: true
    steps:
      - run: mkdir -p out/lib; echo base >out/f; echo kept >out/kept; echo lib >out/lib/base
      - persist_to_workspace: {root: out, paths: ['*']}
  left:
    machine: true
    steps:
      - attach_workspace: {at: ws}
      - run: cat ws/kept; echo left >ws/f; echo l >ws/lib/left
      - persist_to_workspace: {root: ws, paths: [f, lib/left]}
  right:
    machine: true
    parallelism: 2
    steps:
      - run: mkdir -p out; echo "$CIRCLE_NODE_INDEX" >"out/node-$CIRCLE_NODE_INDEX"
      - persist_to_workspace: {root: out, paths: [node-*]}
  quiet: {machine: true, steps: [run: 'true']}
  join:
    machine: true
    steps:
      - attach_workspace: {at: @AT@/../at/ws}
      - run: cd @AT@/ws; printf 'has %s;' $(find . -type f | sort); cat f
  alone:
    machine: true
    steps:
      - attach_workspace: {at: .}
      - run: ls
workflows:
  w:
    jobs:
      - base
      - left: {requires: [base]}
      - right: {requires: [base]}
      - quiet: {requires: [left, right]}
      - hold: {type: approval, requires: [quiet]}
      - join: {requires: [quiet]}
      - alone
END2
mkdir -m 0777 "$tmp/at"
chmod a+rx "$tmp"
sed -i -e '/type: approval/d' -e "s,@AT@,$tmp/at," .circleci/config.yml
run_ctl run -j 4
is "$status" 0 'a workflow with a workspace succeeds' || diag "$out" "$err"
like "$out" '\[join\] has ./f;has ./kept;has ./lib/base;has ./lib/left;has ./node-0;has ./node-1;left' \
	'a job gets what all jobs upstream have persisted, the later above the earlier'
like "$out" '\[left\] kept' 'a job in the middle gets what is upstream of it'
like "$out" '\[alone\] No job upstream has persisted anything' 'a job that requires none gets nothing'

project clash <<'END2'
version: 2.1
jobs:
  one: {machine: true, steps: [run: 'echo 1 >f', persist_to_workspace: {root: ., paths: [f]}]}
  two: {machine: true, steps: [run: 'echo 2 >f', persist_to_workspace: {root: ., paths: [f]}]}
  join: {machine: true, steps: [attach_workspace: {at: .}]}
workflows: {w: {jobs: [one, two, join: {requires: [one, two]}]}}
END2
run_ctl run -j 2
is "$status" 1 'two jobs side by side that persist one file fail the job behind them'
like "$out" "'f' was persisted by job 'one' and by job 'two'" 'it is told which file'
like "$out" 'Concurrent upstream jobs persisted the same file' 'and what is wrong with it'
sed -i 's/two, join: {requires: .one, two.}/two: {requires: [one]}, join: {requires: [two]}/' .circleci/config.yml
run_ctl run -j 2
is "$status" 0 'in turns they may' || diag "$out" "$err"

# --- again: what was kept keeps its layers, what ran again has its new ones ---
project again <<'END2'
version: 2.1
jobs:
  kept: {machine: true, steps: [run: 'echo z >>"$MEET/kept"; wc -l <"$MEET/kept" >kept', persist_to_workspace: {root: ., paths: [kept]}]}
  flaky:
    machine: true
    steps:
      - run: echo z >>"$MEET/flaky"; wc -l <"$MEET/flaky" >flaky
      - persist_to_workspace: {root: ., paths: [flaky]}
      - run: test "$(cat flaky)" -ge 3
  join: {machine: true, steps: [attach_workspace: {at: .}, run: 'echo "kept $(cat kept) flaky $(cat flaky)"']}
workflows: {w: {max_auto_reruns: 3, jobs: [kept, flaky, join: {requires: [kept, flaky]}]}}
END2
mkdir "$tmp/meet"
chmod 777 "$tmp/meet"
run_ctl run -e MEET="$tmp/meet"
is "$status" 0 'a workflow that is run again from what failed succeeds' || diag "$out" "$err"
like "$out" '\[join\] kept 1 flaky 3' 'a job that was kept keeps its layers, one that ran again has those of its last attempt'
ok 'nothing is left behind' nothing_left
done_testing

#!/bin/sh
# runnerctl config: what the compiler says, by itself.
. "${0%/*}/ctl.sh"

not()
{
	! "$@"
}

# --- explain --------------------------------------------------------------------------------------
run_ctl config explain E_TYPE
is "$status" 0 "a code is explained"
like "$out" '^E_TYPE \(error\)$' "with its severity"
like "$out" 'quote what is text' "and its text"
like "$out" '^    .*steps: \[python: \{tag: 3\.10\}\]\}  # "3\.10"$' "and an example, with what to write instead"
is "$(printf '%s\n' "$out" | awk 'length > 80' | wc -l)" 0 "in lines that a terminal has room for"
run_ctl config explain unused
like "$out" '^W_UNUSED \(warning\)$' "lower case and without its letter, too"
run_ctl config explain E_TPYE
is "$status" 1 "an unknown code is an error"
is "$err" "runnerctl: there is no code 'E_TPYE': did you mean 'E_TYPE'?" "that names the nearest"
run_ctl config explain
is "$status" 0 "without a code they are listed"
like "$out" '^E_YAML_CYCLE +An alias stands inside what it names\.$' "each with a sentence"
run_ctl config explain --json E_TYPE
like "$out" '"severity": "error"' "--json has the same"
runnerctl config explain --markdown >"$tmp/page"
ok "doc/config-errors.md is what 'runnerctl config explain --markdown' prints" cmp "$top_srcdir/doc/config-errors.md" "$tmp/page"

# --- validate -------------------------------------------------------------------------------------
project valid <<'END'
version: 2.1
parameters:
  go: {type: boolean, default: false}
  n: {type: integer, default: 1}
jobs:
  build: {machine: true, resource_class: a/b, parallelism: << pipeline.parameters.n >>, steps: [run: make]}
  lint: {machine: true, resource_class: a/b, steps: [run: make lint]}
  test:
    machine: true
    resource_class: a/b
    parameters: {os: {type: string}, v: {type: integer}}
    steps: [run: make]
  deploy: {machine: true, resource_class: a/b, steps: [run: make]}
  release: {machine: true, resource_class: a/b, parallelism: 3, steps: [run: make]}
job-groups:
  rollout:
    jobs:
      - deploy
      - release: {requires: [deploy]}
workflows:
  main:
    jobs:
      - build: {filters: {branches: {only: main}, tags: {only: /v.*/}}}
      - lint
      - test: {requires: [build], matrix: {parameters: {os: [linux, mac], v: [1, 2]}}}
      - hold: {type: approval, requires: [test, lint]}
      - rollout: {requires: [hold]}
      - lint: {name: notify, requires: [{rollout: [failed, canceled]}, test]}
      - build: {name: sweep, requires: [{lint: terminal}]}
  other: {when: << pipeline.parameters.go >>, jobs: [build]}
END
run_ctl config validate --branch main
is "$status:$err" "0:config '.circleci/config.yml' is valid" "a valid config"
run_ctl config validate - --branch main <.circleci/config.yml
is "$status:$err" "0:config 'standard input' is valid" "from standard input"
run_ctl config validate --json --branch main
is "$status:$(printf '%s' "$out" | tr -d ' \n')" '0:{"valid":true,"path":".circleci/config.yml","diagnostics":[]}' "--json says so"
printf 'version: 2.1\njobs:\n  build:\n    machine: true\n    resource_class: a/b\n    steps:\n      - checkuot\n' >"$tmp/wrong.yml"
run_ctl config validate "$tmp/wrong.yml"
is "$status" 1 "a config with an error"
is "$err" "$tmp/wrong.yml:7:9: error[E_CMD_UNKNOWN]: cannot find a definition for command named 'checkuot'
    7 |       - checkuot
      |         ^
  in workflow 'workflow', job 'build'
  hint: did you mean 'checkout'?" "place, code, sentence, line, caret, chain and hint"
run_ctl config validate --json "$tmp/wrong.yml"
is "$status:$err" "1:" "--json has the status, and says nothing else"
like "$out" '"code": "E_CMD_UNKNOWN"' "its document has the code"
like "$out" '"line": 7' "and the line"
printf 'version: 2.1\n# \033[31mred\njobs: {}\n' >"$tmp/escape.yml"
run_ctl config validate "$tmp/escape.yml"
case $err in *"$(printf '\033')"*) fail "no escape sequence of a config reaches a terminal" ;; *) pass "no escape sequence of a config reaches a terminal" ;; esac
coloured()
{
	env "$@" TERM=xterm script -qec "runnerctl config validate $tmp/wrong.yml" "$tmp/typescript" >"$tmp/out" </dev/null
	grep -q "$(printf '\033\\[1;31merror\\[E_CMD_UNKNOWN\\]:')" "$tmp/out"
}
ok "colour on a terminal" coloured CI=
ok "none with NO_COLOR" not coloured NO_COLOR=1
run_ctl config validate "$tmp"
is "$status:$err" "2:runnerctl: config '$tmp' is a directory
hint: name the file in it; of a project that is .circleci/config.yml" "a directory"
run_ctl config validate "$tmp/none.yml"
is "$status" 2 "a file that is not there"
: >"$tmp/empty.yml"
run_ctl config validate "$tmp/empty.yml"
is "$status" 1 "an empty file is a wrong config"
like "$err" 'empty.yml:1:1: error\[E_YAML_EMPTY\]: the file is empty' "and that is said"
: >"$tmp/secret.yml"
chmod 0 "$tmp/secret.yml"
as_user "$top_builddir/runnerctl" config validate "$tmp/secret.yml" >"$tmp/out" 2>&1
is "$?:$(cat "$tmp/out")" "2:runnerctl: cannot open config '$tmp/secret.yml': Permission denied" "a file that may not be read"
# The error names the shortest of three: of a thousand jobs, of eleven, of four.
awk 'BEGIN {
	print "version: 2.1\njobs: {b: {machine: true, steps: [run: make]}}\nworkflows:\n  w:\n    jobs:"
	for (i = 0; i < 1000; i++)
		printf "      - b: {name: j%d, requires: [j%d%s]}\n", i, (i + 1) % 1000, i == 20 ? ", j10" : i == 500 ? ", j497" : ""
}' >"$tmp/cycle.yml"
run_ctl config validate "$tmp/cycle.yml"
is "$status" 1 "jobs that wait for one another"
like "$err" "cycle.yml:503:9: error\[E_CYCLE\]: jobs wait for one another: j497 -> j498 -> j499 -> j500 -> j497\$" "of a thousand in a circle the shortest cycle is named"
like "$err" "cycle.yml:16:9: error\[E_CYCLE\]: jobs wait for one another: j10 -> .* -> \(1 more\) -> j10\$" "and the next one"
is "$(printf '%s\n' "$err" | grep -c 'E_CYCLE')" 2 "and the long one no more, which these are part of"
run_ctl config validate --parameter n=x
like "$err" 'E_TYPE' "a parameter's type is checked"

# --- the default branch ---------------------------------------------------------------------------
if command -v git >/dev/null; then
	(
		mkdir "$tmp/clone" && cd "$tmp/clone" && git init -q -b main . &&
			git -c user.name=a -c user.email=a@example commit -q --allow-empty -m first &&
			git update-ref refs/remotes/origin/trunk HEAD && git symbolic-ref refs/remotes/origin/HEAD refs/remotes/origin/trunk
		printf 'version: 2.1\njobs: {j: {machine: true, steps: [run: echo default << pipeline.git.branch.is_default >>]}}\nworkflows: {w: {jobs: [j]}}\n' >c.yml
		runnerctl config process c.yml
		runnerctl config process --branch trunk c.yml
	) >"$tmp/default" 2>&1
	is "$(grep -o 'echo default.*' "$tmp/default" | tr '\n' ' ')" 'echo default false echo default true ' 'whether a branch is the default one is known from the clone'
else
	skip 'whether a branch is the default one is known from the clone' 'no git'
fi

# --- process --------------------------------------------------------------------------------------
run_ctl config process --branch main --pipeline-parameters '{go: true, n: 4}'
is "$status" 0 "a config is expanded"
like "$out" '^  other:$' "with the parameters that are given"
like "$out" '^    parallelism: 4$' "of whatever type"
printf '%s\n' "$out" >"$tmp/once.yml"
run_ctl config process - --branch main <"$tmp/once.yml"
is "$out" "$(cat "$tmp/once.yml")" "what is printed is a config that gives the same"
run_ctl config process --tag v1
like "$out" '^      - build:$' "a tag chooses jobs"
case $out in *test-linux*) fail "and leaves others out" ;; *) pass "and leaves others out" ;; esac

{ printf '\357\273\277' && sed 's/$/\r/' .circleci/config.yml; } >"$tmp/windows.yml"
is "$(runnerctl config process "$tmp/windows.yml" --branch main)" "$(runnerctl config process --branch main)" "lines that end in CR LF, and a byte order mark, change nothing"
{ printf '\357\273\277' && cat .circleci/config.yml; } >"$tmp/mark.yml"
is "$(runnerctl config process "$tmp/mark.yml" --branch main)" "$(runnerctl config process --branch main)" "nor does the mark alone"

# --- graph ----------------------------------------------------------------------------------------
run_ctl config graph --branch main
is "$out" "main: 13 jobs
1 ┬ build
  └ lint
2 ┬ test ×4         ← build
      test-linux-1, test-linux-2, test-mac-1, test-mac-2
  └ sweep           ← lint (any end)
3 ─ hold, approval  ← test ×4, lint
4 ─ rollout, group  ← hold
    1 ─ rollout-deploy
    2 ─ rollout-release, 3 nodes  ← rollout-deploy
5 ─ notify          ← rollout (failed, canceled), test ×4" "the graph: levels, families, groups, approvals, statuses"
run_ctl config graph --dot --branch main
like "$out" '^digraph config \{$' "--dot is for Graphviz"
like "$out" 'label="rollout-release ×3"' "with nodes"
like "$out" '\[style=dashed, label="\(failed, canceled\)"\]' "and statuses"
if command -v dot >/dev/null; then
	ok "which reads it" dot -Tcanon -o "$tmp/canon" "$tmp/out"
else
	skip "which reads it" "there is no dot here"
fi
run_ctl config graph --json --branch main
ok "--json has levels and what is required" python3 -c '
import json, sys
jobs = {j["name"]: j for j in json.load(open(sys.argv[1]))["items"][0]["jobs"]}
assert jobs["hold"]["level"] == 3 and jobs["hold"]["type"] == "approval"
assert jobs["rollout-deploy"]["group"] == "rollout"
assert {"name": "rollout-group-end", "statuses": ["failed", "canceled"]} in jobs["notify"]["requires"]
' "$tmp/out"
run_ctl config graph --branch none
is "$status" 0 "without what is filtered out"
case $out in *build*) fail "its jobs are not drawn" ;; *) pass "its jobs are not drawn" ;; esac

# --- tasks ----------------------------------------------------------------------------------------
run_ctl config tasks --branch main
like "$out" '^main +rollout-release +2 +machine +a/b +rollout-deploy$' "the tasks: a line a node"
run_ctl config tasks --json --branch main
ok "--json has what the agent would get" python3 -c '
import json, sys
tasks = [t for t in json.load(open(sys.argv[1]))["items"] if t["job"] == "rollout-release"]
assert [t["document"]["node_index"] for t in tasks] == [0, 1, 2]
document = tasks[2]["document"]
assert document["node_total"] == 3 and document["resource_class"] == "a/b"
assert document["environment"]["CIRCLE_JOB"] == "rollout-release" and document["environment"]["CIRCLE_BRANCH"] == "main"
assert document["steps"][0]["kind"] == "run" and document["steps"][0]["command"] == "make"
' "$tmp/out"

# --- pack -----------------------------------------------------------------------------------------
mkdir -p "$tmp/pack/jobs" "$tmp/pack/commands/.git" "$tmp/pack/commands/empty"
cd "$tmp/pack" || exit 99
cat >@config.yml <<'END'
version: 2.1
workflows: {w: {jobs: [build]}}
END
cat >jobs/build.yml <<'END'
machine: true
resource_class: a/b
steps:
  - greet: {to: "on"}
  - run: |
      cat \<<EOF

      # kept
      EOF
END
cat >commands/@more.yml <<'END'
greet: {parameters: {to: {type: string}}, steps: [{run: "echo << parameters.to >>"}]}
END
echo "no yaml: [" >README.md
echo "no yaml: [" >commands/.git/x.yml
rmdir commands/empty
run_ctl config pack .
is "$out" "version: 2.1
workflows:
  w:
    jobs:
    - build
commands:
  greet:
    parameters:
      to:
        type: string
    steps:
    - run: 'echo << parameters.to >>'
jobs:
  build:
    machine: true
    resource_class: a/b
    steps:
    - greet:
        to: 'on'
    - run: |
        cat \\<<EOF

        # kept
        EOF" "a directory is packed: maps of directories, files by name, @files into theirs"
runnerctl config pack . | runnerctl config validate - 2>"$tmp/err"
is "$?" 0 "and what is printed is a config"
mkdir -p "$tmp/orb/commands" "$tmp/orb/scripts"
cat >"$tmp/orb/scripts/greet.sh" <<'END'
#!/bin/sh
cat <<EOF
hello $TO, some backslashes: \\\\<<x
EOF
END
echo "version: 2.1" >"$tmp/orb/@orb.yml"
cat >"$tmp/orb/commands/greet.yml" <<'END'
parameters: {to: {type: string}}
steps:
  - run:
      name: greet
      environment: {TO: << parameters.to >>}
      command: <<include(scripts/greet.sh)>>
END
run_ctl config pack "$tmp/orb"
{
	printf 'version: 2.1\njobs: {t: {machine: true, steps: [o/greet: {to: me}]}}\nworkflows: {w: {jobs: [t]}}\norbs:\n  o:\n'
	printf '%s\n' "$out" | sed 's/^/    /'
} >"$tmp/with-orb.yml"
run_ctl --json config tasks "$tmp/with-orb.yml"
printf '%s' "$out" >"$tmp/tasks.json"
ok "what a file includes is the step's command, to the byte" python3 -c 'import json, sys
assert json.load(open(sys.argv[1]))["items"][0]["document"]["steps"][0]["command"] == open(sys.argv[2]).read()' "$tmp/tasks.json" "$tmp/orb/scripts/greet.sh"
sed -i "s|scripts/greet.sh|../@config.yml|" "$tmp/orb/commands/greet.yml"
run_ctl config pack "$tmp/orb"
like "$status:$err" "^1:runnerctl: '../@config.yml', which is to be included, lies outside of " "nothing from outside is included"
echo "greet: {steps: []}" >commands/@twice.yml
run_ctl config pack .
is "$status:$err" "1:runnerctl: key 'steps' of './commands/@twice.yml' is given by another file, too" "what two files say is an error"
echo "[1]" >commands/@twice.yml
run_ctl config pack .
is "$status:$err" "1:runnerctl: './commands/@twice.yml' must hold a mapping, not list" "a file that is no mapping"
echo "a: [" >commands/@twice.yml
run_ctl config pack .
like "$err" "^runnerctl: ./commands/@twice.yml:2:1: " "a file that is no YAML: where"
rm commands/@twice.yml
ln -s .. commands/loop
run_ctl config pack .
is "$status" 2 "a loop of links ends"
like "$err" "deeper than 32 directories" "with what it is"
run_ctl config pack none
is "$status:$err" "2:runnerctl: cannot read directory 'none': No such file or directory" "no directory"

done_testing

#!/bin/sh
# runnerctl run: green, red, order, selection, and what is wrong said at once.
. "${0%/*}/ctl.sh"

# --- green -----------------------------------------------------------------------------
cp -R "$top_srcdir/contrib/examples/hello" "$tmp/hello"
cd "$tmp/hello" || exit 99
run_ctl run -j 4
is "$status" 0 "the example succeeds"
like "$out" '^5 jobs: 5 succeeded, 0 failed, 0 not run \(' "the summary counts its jobs"
like "$out" '^\[unit-test\] ok - it says hello$' "a job's output is printed with its name in front"
is "$(printf '%s\n' "$err" | grep -v "^isolation ")" "" "there is nothing to complain about"
ok "nothing is left behind" nothing_left
ok "the project's directory is as it was" test ! -e hello.o -a ! -e hello

# --- red ---------------------------------------------------------------------------------
project red <<'END'
version: 2.1
jobs:
  good: {machine: true, steps: [run: echo fine]}
  bad:
    machine: true
    steps:
      - run: echo "a step before"
      - run: {name: Break it, command: "echo one; echo two >&2; printf three; exit 7"}
      - run: echo "a step behind"
  after: {machine: true, steps: [run: echo never]}
workflows:
  w: {jobs: [good, bad, {after: {requires: [bad]}}]}
END
run_ctl run
is "$status" 1 "a red job makes status 1"
piece=$(printf '%s\n' "$out" | sed -n "/^--- bad: step 'Break it' failed: exit code 7 after /,/^---\$/p" | sed 1d)
is "$piece" "one
two
three
---" "the failed step's output is printed in one piece, and no other step's"
like "$out" '^3 jobs: 1 succeeded, 1 failed, 1 not run \(' "what could not run is counted as not run"
like "$out" "^failed +bad +[0-9.]+s  step 'Break it': exit code 7\$" "the summary says why"
case $out in *never* | *"a step behind"*) fail "nothing runs behind the failure" ;; *) pass "nothing runs behind the failure" ;; esac
run_ctl run -q
is "$status" 1 "-q has the same status"
like "$out" "^--- bad: step 'Break it' failed" "-q prints the failure"
case $out in *fine* | *jobs:*) fail "-q prints nothing else" ;; *) pass "-q prints nothing else" ;; esac

run_ctl run --keep-failed
kept=$(printf '%s\n' "$err" | sed -n 's/^working directories of failed jobs are kept in //p')
ok "--keep-failed says where it keeps the work directories" test -d "$kept"
ok "and keeps the failed job's alone" test "$(ls "$kept" | wc -l)" = 1 -a "$(ls "${kept%/*}")" = work
chmod -R u+rwX "$kept" && rm -rf "${kept%/*}"
TMPDIR=$mark runnerctl run -q <&- >&- 2>&-
is "$?" 1 "closed standard descriptors do no harm"

# --- --commit ------------------------------------------------------------------------------
project commit <<'END'
version: 2.1
jobs:
  a: {machine: true, steps: [checkout, run: 'cat file; git status --porcelain; git remote get-url origin; ls']}
workflows: {w: {jobs: [a]}}
END
git init -q -b main .
echo committed >file
git add -A
git -c user.name=a -c user.email=a@example commit -qm one
echo changed >file
echo new >other
run_ctl run --commit
is "$status" 0 "--commit checks out"
like "$out" '^\[a\] committed$' "what is committed"
case $out in *other* | *changed*) fail "and nothing else" ;; *) pass "and nothing else" ;; esac
run_ctl run
like "$out" '^\[a\] changed$' "without it what is there"

# --- order and parallelism -----------------------------------------------------------------
# Each of the two in the middle waits for the other: they end only when they run side by side.
project order <<'END'
version: 2.1
jobs:
  first: {machine: true, steps: [run: 'test ! -e "$MEET/a" && : > "$MEET/first"']}
  a: {machine: true, steps: [run: 'test -e "$MEET/first"; : > "$MEET/a"; until test -e "$MEET/b"; do sleep 0.01; done']}
  b: {machine: true, steps: [run: 'test -e "$MEET/first"; : > "$MEET/b"; until test -e "$MEET/a"; do sleep 0.01; done']}
  last: {machine: true, parallelism: 2, steps: [run: 'test -e "$MEET/a" && test -e "$MEET/b"; : > "$MEET/$CIRCLE_NODE_INDEX"; until test -e "$MEET/0" && test -e "$MEET/1"; do sleep 0.01; done']}
workflows:
  w:
    jobs:
      - last: {requires: [a, b]}
      - a: {requires: [first]}
      - b: {requires: [first]}
      - first
END
mkdir -m 777 "$tmp/meet"
run_ctl run -j 2 -e MEET="$tmp/meet"
is "$status" 0 "jobs run side by side, and behind those they require"
like "$out" '^\[last/1\] started$' "the nodes of a parallel job have numbers"
like "$out" '^4 jobs: 4 succeeded' "and are counted as one job"

# --- selection --------------------------------------------------------------------------------
project select <<'END'
version: 2.1
parameters:
  greeting: {type: string, default: hello}
  loud: {type: boolean, default: false}
jobs:
  a: {machine: true, environment: {WHO: job}, steps: [run: 'echo "<< pipeline.parameters.greeting >> $WHO $FROM_FILE"']}
  b: {machine: true, steps: [run: 'echo "b on $CIRCLE_BRANCH"']}
  c: {machine: true, steps: [run: echo c]}
workflows:
  one: {jobs: [a, {b: {requires: [a]}}]}
  two: {when: << pipeline.parameters.loud >>, jobs: [c]}
  three: {jobs: [{c: {name: on-main, filters: {branches: {only: main}}}}]}
END
printf 'FROM_FILE=from a file\n' >"$tmp/env"
run_ctl run --workflow one --job a -e WHO=me --env-file "$tmp/env" --parameter greeting=hi
like "$out" '^\[a\] hi me from a file$' "variables and parameters from the command line win"
like "$out" '^1 job: 1 succeeded' "--job takes one job"
run_ctl run --job one/b --branch dev
like "$out" '^\[b\] b on dev$' "--branch is what jobs see"
like "$out" '^2 jobs: 2 succeeded' "--job takes what it requires, too"
run_ctl run --only-job b
like "$out" '^1 job: 1 succeeded' "--only-job does not"
run_ctl run --dry-run --pipeline-parameters '{loud: true, greeting: "1"}' --branch main
is "$out" "one/a  machine
one/b  machine  requires a
two/c  machine
three/on-main  machine" "--dry-run lists what would run, with parameters and branch"
run_ctl --json run --dry-run --pipeline-parameters '{loud: true, greeting: "1"}' --branch main
is "$(printf '%s' "$out" | python3 -c 'import json, sys; print([(i["workflow"] + "/" + i["job"], i["executor"], i["requires"]) for i in json.load(sys.stdin)["items"]][-1])')" \
	"('three/on-main', 'machine', [])" "with --json as a document"
run_ctl --json=lines run --dry-run --pipeline-parameters '{loud: true, greeting: "1"}' --branch main
is "$(printf '%s\n' "$out" | grep -c '"job":')" "$(printf '%s\n' "$out" | wc -l)" "or a line a job"
cat >"$tmp/own-path.yml" <<'END'
version: 2.1
jobs:
  a:
    machine: true
    environment: {PATH: "/usr/bin:/bin"}
    steps:
      - run: 'echo "finds $(basename "$(command -v circleci)") and $(basename "$(command -v circleci-agent)"), PATH begins ${PATH%%:*}"'
      - run: 'date +%N$$ >stamp'
      - save_cache: {key: 'stamp-{{ checksum "~/project/stamp" }}', paths: [stamp]}
workflows: {w: {jobs: [a]}}
END
run_ctl run -c "$tmp/own-path.yml"
like "$out" 'finds circleci and circleci-agent, PATH begins /usr/bin$' "a job with a PATH of its own finds the helpers, behind it"
like "$out" "Saving a cache for key 'stamp-.{44}'" "a checksum's file may be named in the home"
cat >"$tmp/mixed.yml" <<'END'
version: 2.1
jobs:
  here: {machine: true, steps: [run: echo here]}
  mac: {macos: {xcode: "15.0"}, steps: [run: echo there]}
  behind: {machine: true, steps: [run: echo behind]}
  far: {macos: {xcode: "15.0"}, steps: [run: echo far]}
workflows: {w: {jobs: [here, mac, {behind: {requires: [mac]}}, {hold: {type: approval}}, {far: {requires: [hold]}}]}}
END
run_ctl run -c "$tmp/mixed.yml" --dry-run
is "$status" 1 "a job that cannot run here is an error"
like "$err" '^--job NAME runs one job with what it requires' "which says how the others can be run"
is "$(printf '%s\n' "$err" | grep -c E_UNSUPPORTED)" 1 "what an approval holds back is not asked for more"
run_ctl run -c "$tmp/mixed.yml" --dry-run --job here
is "$status $out" "0 w/here  machine" "a job that is named needs only what it needs itself"
run_ctl run -c "$tmp/mixed.yml" --dry-run --job behind
like "$status $err" '^1 .*E_UNSUPPORTED.*macOS' "with what it requires"
run_ctl run -c "$tmp/mixed.yml" --dry-run --only-job behind
is "$status" 0 "without what it requires"
run_ctl run -c "$tmp/mixed.yml" --dry-run --executor docker
is "$status" 2 "containers are not started"
like "$err" '^hint: host runs the steps' "and it says what there is instead"
run_ctl run --only-job b --job a
is "$status" 2 "--job and --only-job are one or the other"
run_ctl run --job nowhere
is "$status" 1 "a job that is not there is an error"
like "$err" "^runnerctl: there is no job 'nowhere' to run" "which is said"
run_ctl run --workflow three --branch dev
like "$err" "^runnerctl: workflow 'three' has no job to run: the filters of its jobs say no\$" "of a workflow that filters leave nothing of that is said"
run_ctl run --workflow four
like "$err" "^runnerctl: there is no workflow 'four' to run: there is 'one'" "one that is not there is an error that lists those that are"
run_ctl run --only-job b --until 7
is "$status:$err" "1:runnerctl: job 'b' has no step '7': it has 0 'echo \"b on \$CIRCLE_BRANCH\"'" "a step that is not there is an error that lists those that are"
run_ctl run --until nowhere
like "$err" "^runnerctl: no job has a step 'nowhere'" "so is one that no job has"
mkdir -p sub/dir && cd sub/dir && git init -q "$tmp/select"
run_ctl run --only-job b --workflow one
is "$status" 0 "below the top of a git tree its config is found"

# --- a part of a job, contexts ------------------------------------------------------------------
project contexts <<'END'
version: 2.1
jobs:
  deploy:
    machine: true
    steps:
      - run: {name: first, command: 'echo "with $TOKEN and $PLAIN"'}
      - run: {name: second, command: 'echo "of the second: $TOKEN"'}
      - run: {name: third, when: always, command: echo third}
  other: {machine: true, steps: [run: echo other]}
workflows:
  w: {jobs: [{deploy: {context: [keys, more, org-global]}}, {other: {context: more, requires: [deploy]}}]}
END
printf '# of the test\nexport TOKEN="open-sesame-4711"\nPLAIN=of-the-first-file\n' >"$tmp/keys.env"
echo PLAIN=of-the-second-file >"$tmp/more.env"
run_ctl run --context keys="$tmp/keys.env" --context more="$tmp/more.env" --until second
is "$status" 0 "jobs get the contexts that are given"
like "$out" '^\[deploy\] with \*\*\*\*+ and \*\*\*\*+$' "their values are masked"
like "$out" '^\[deploy\] of the second: \*' "--until runs the step that it names"
like "$out" '^\[other\] other$' "jobs that have no such step run whole"
case $out in *third*) fail "and no step behind it" ;; *) pass "and no step behind it" ;; esac
run_ctl run --context keys="$tmp/keys.env" --context more --only-job deploy --until 0 -e PLAIN=of-the-command-line
like "$out" '^\[deploy\] with \*\*\*\*+ and of-the-command-line$' "a context may be empty; -e is above all of them"
case $out in *second*) fail "a step's number does, too" ;; *) pass "a step's number does, too" ;; esac
run_ctl run --context keys="$tmp/keys.env"
is "$status" 1 "a job whose context nobody gave fails"
is "$(printf '%s\n' "$err" | grep -v "^isolation ")" "job 'deploy' will fail: nobody gave context 'more' (--context 'more=FILE')" "which is said at the start, once"
run_ctl run --context keys="$tmp/none.env" --context more
is "$status" 3 "a context's file that is not there is an error"
like "$err" "^runnerctl: .*'$tmp/none.env'" "which is named"
echo 'TOKEN' >"$tmp/bad.env"
run_ctl run --context keys="$tmp/bad.env"
like "$err" "^runnerctl: .*'$tmp/bad.env': line 1: " "and so is one that is wrong: the line"
run_ctl run --context =x
is "$status" 2 "a context has a name"

project nothing <<'END'
version: 2.1
jobs:
  a: {machine: true, steps: [run: echo a]}
workflows:
  w: {jobs: [{a: {filters: {branches: {only: main}}}}]}
END
run_ctl run --branch dev
is "$status" 1 "nothing to run is an error"
like "$err" "^runnerctl: no job of '.circleci/config.yml' runs for branch 'dev'\$" "which is said"

# --- what is wrong -----------------------------------------------------------------------------
project wrong <<'END'
version: 2.1
jobs:
  a:
    machine: true
    steps:
      - run: echo a
      - rum: echo b
workflows:
  w: {jobs: [a]}
END
run_ctl run
is "$status" 1 "a wrong config is status 1"
like "$err" '^\.circleci/config\.yml:7:9: error\[' "and says where"
is "$out" "" "nothing runs then"
run_ctl config validate
is "$status" 1 "config validate says the same"
like "$err" '^\.circleci/config\.yml:7:9: error\[' "at the same place"
ok "nothing was started" nothing_left

project docker <<'END'
version: 2.1
jobs:
  a: {docker: [{image: "debian:12"}], steps: [run: echo "on the host"]}
workflows:
  w: {jobs: [a]}
END
run_ctl run
is "$status" 1 "a docker: job is refused"
like "$err" '^\.circleci/config\.yml:3:7: error\[E_UNSUPPORTED\]: .*container' "with its place and a sentence"
like "$err" 'hint: --executor host' "and the hint"
run_ctl run --executor host
is "$status" 0 "--executor host runs it"
like "$out" '^\[a\] on the host$' "on the host"

mkdir "$tmp/empty" && cd "$tmp/empty" || exit 99
run_ctl run
is "$status" 3 "no config is status 3"
like "$err" "^runnerctl: cannot open config '\.circleci/config\.yml': No such file or directory\$" "and says what is missing"
like "$err" "^hint: " "with a hint"
run_ctl run -c "$tmp"
is "$status" 3 "a directory is no config"
run_ctl run -j 0
is "$status" 2 "no slots is wrong usage"
run_ctl run -j 2 something
is "$status" 2 "an operand is wrong usage"
run_ctl rum
is "$status" 2 "an unknown command is wrong usage"
like "$err" "did you mean 'run'" "and the nearest is named"

# --- a directory without git, and with odd names -------------------------------------------------
project "odd name 'x'" <<'END'
version: 2.1
jobs:
  a: {machine: true, steps: [checkout, run: 'cat "a file"; test ! -e .git']}
workflows:
  w: {jobs: [a]}
END
echo "not under git" >"a file"
run_ctl run
is "$status" 0 "a directory without git is checked out"
like "$out" '^\[a\] not under git$' "as it is"

# --- a sibling is missing ---------------------------------------------------------------------------
prefix=$(sed -n 's/^prefix = //p' "$top_builddir/Makefile")
if [ -e "$prefix/sbin/runner-hub" ]; then
	skip "a missing program is status 3" "it is installed in $prefix"
	skip "and says where it was looked for" "it is installed in $prefix"
else
	mkdir "$tmp/bin" && cp "$top_builddir/runnerctl" "$tmp/bin/runnerctl"
	TMPDIR=$mark XDG_RUNTIME_DIR=$mark timeout 600 "$tmp/bin/runnerctl" run >"$tmp/out" 2>"$tmp/err"
	is "$?" 3 "a missing program is status 3"
	like "$(cat "$tmp/err")" "^runnerctl: cannot find 'runner-hub': it is neither in '$tmp/bin' nor in " "and says where it was looked for"
fi

# --- a sibling that does not work ---------------------------------------------------------------------
mkdir "$tmp/broken" && cp "$top_builddir/runnerctl" "$tmp/broken/runnerctl"
broken()
{
	TMPDIR=$mark XDG_RUNTIME_DIR=$mark timeout 600 "$tmp/broken/runnerctl" run >"$tmp/out" 2>"$tmp/err"
	status=$?
	err=$(cat "$tmp/err")
}
printf '#!/bin/sh\necho "no disk today" >&2\nexit 4\n' >"$tmp/broken/runner-hub"
chmod +x "$tmp/broken/runner-hub"
broken
is "$status" 3 "a hub that does not start is status 3"
like "$err" '^no disk today$' "its log is shown"
like "$err" "^runnerctl: 'runner-hub' has ended with status 4\$" "and how it ended"
cp "$top_builddir/runner-hub" "$tmp/broken/runner-hub"
printf '#!/bin/sh\necho "not today" >&2\nkill -KILL $$\n' >"$tmp/broken/runnerd"
chmod +x "$tmp/broken/runnerd"
broken
is "$status" 3 "nor an agent"
like "$err" '^not today$' "its log is shown"
like "$err" "^runnerctl: 'runnerd' was ended by signal 9\$" "and how it ended"
ok "nothing is left behind by all that" nothing_left

# --- isolation ------------------------------------------------------------------------------------------
mark=/tmp/${tmp##*/}.mark
: >"$mark"
project isolation <<END
version: 2.1
jobs: {one: {machine: true, steps: [run: "[ -e $mark ] && echo seen || echo apart"]}}
workflows: {w: {jobs: [one]}}
END
run_ctl run --isolation none
like "$err" '^isolation none: jobs can do on this host whatever you can' 'without isolation that is said'
like "$out" '^\[one\] seen' 'and jobs are on the host'
run_ctl run --isolation auto
if printf '%s\n' "$err" | grep -q '^isolation namespace: '; then
	like "$out" '^\[one\] apart' 'the strongest isolation is said in one line, and jobs have a /tmp of their own'
else
	like "$err" '^isolation none: ' 'a host without namespaces says so'
fi
rm -f "$mark"
run_ctl run --isolation strong
is "$status" 2 'another word is refused'
like "$err" "'strong' is not known: it is auto, none or namespace" 'with those there are'
done_testing

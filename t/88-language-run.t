#!/bin/sh
# What a config means when it runs, from its text to its steps: failures, ends, shells, BASH_ENV, variables.
# "case NNN" names a numbered case of the language's conformance list (t/12-lint-conformance.t).
. "${0%/*}/ctl.sh"

# What the steps of job $1 printed.
said()
{
	printf '%s\n' "$out" | sed -n "s/^\[$1\] //p" | sed '/^started$/d; /^success after /d; /^== /d' | tr '\n' ' '
}

# --- what runs behind a failure: case 093 ------------------------------------------------------------
project failure <<'END2'
version: 2.1
jobs:
  build:
    machine: true
    steps:
      - run: echo one; exit 3
      - run: echo never
      - run: {command: echo failed, when: on_fail}
      - run: {command: echo always, when: always}
workflows: {w: {jobs: [build]}}
END2
run_ctl run
is "$status" 1 "a job with a failed step fails"
like "$out" "exit code 3" "with the status of that step, not of a later one"
is "$(printf '%s\n' "$out" | grep -Ec '^(\[build\] )?(one|failed|always)$')" 4 "behind it run the on_fail and the always step"
case $out in *never*) fail "and no other" ;; *) pass "and no other" ;; esac

# --- how a job ends decides what runs: case 072 ---------------------------------------------------
project ends <<'END2'
version: 2.1
jobs:
  a: {machine: true, steps: [run: exit 1]}
  b: {machine: true, steps: [run: echo b]}
workflows:
  w:
    jobs:
      - a
      - b: {requires: [a]}
      - b: {name: c, requires: [{b: not_run}]}
      - b: {name: d, requires: [{a: failed}]}
      - b: {name: e, requires: [{a: [success, canceled]}]}
      - b: {name: f, requires: [{a: terminal}, d]}
END2
run_ctl run
is "$(printf '%s\n' "$out" | sed -n 's/^\(success\|failed\|not run\)  *\([a-f]\) .*/\2 \1/p' | sort | tr '\n' ' ')" \
	"a failed b not run c success d success e not run f success " "what is required is an end, of whatever kind"

# --- step halt: case 094 ----------------------------------------------------------------------------
project halt <<'END2'
version: 2.1
jobs:
  build:
    machine: true
    steps:
      - run: circleci-agent step halt; echo "goes on"
      - run: echo never; exit 1
      - run: {command: echo never, when: always}
workflows: {w: {jobs: [build]}}
END2
run_ctl run
is "$status:$(said build)" "0:goes on " "step halt ends the job as a success, behind its own step"

# --- shells: cases 095, 096 ------------------------------------------------------------------------------------
if test -x /bin/bash; then
	project shells <<'END2'
version: 2.1
jobs:
  env:
    machine: true
    steps:
      - run: "echo 'export X=1' >> $BASH_ENV; echo first=[$X]"
      - run: echo second=[$X]
      - run: {command: "echo third=[$X]", shell: /bin/sh}
  pipe: {machine: true, steps: [run: "false | true"]}
  plain: {machine: true, steps: [run: {command: "false | true; echo went on", shell: /bin/bash -e}]}
  job: {machine: true, shell: /bin/bash -e, steps: [run: "false | true; echo went on"]}
workflows: {w: {jobs: [env, pipe, plain, job]}}
END2
	run_ctl run
	is "$(said env)" "first=[] second=[1] third=[] " "BASH_ENV counts in later steps, and for bash alone"
	like "$out" "^failed +pipe " "the default shell has pipefail"
	is "$(said plain)" "went on " "a step's own shell replaces it"
	is "$(said job)" "went on " "and a job's"
else
	skip "BASH_ENV" "no bash"
	skip "pipefail" "no bash"
	skip "a step's shell" "no bash"
	skip "a job's shell" "no bash"
fi

# --- variables, highest first: case 100 ----------------------------------------------------------------------
project variables <<'END2'
version: 2.1
executors:
  host: {machine: true, environment: {V: executor, W: executor}}
jobs:
  build:
    executor: host
    environment: {V: job, CIRCLE_JOB: mine, T: true, F: no, N: 12345678}
    steps:
      - run: {command: "V=inline sh -c 'echo $V'", environment: {V: step}}
      - run: {command: "echo $V", environment: {V: step}}
      - run: echo $V $W $CIRCLE_JOB $T $F $N
  other: {executor: host, steps: [run: echo $V $CIRCLE_JOB]}
workflows: {w: {jobs: [build, other: {name: named}]}}
END2
run_ctl run
is "$status" 0 "jobs that print their variables succeed"
is "$(said build)" "inline step job executor mine 1 0 12345678 " "inline, then the step's, the job's, the executor's, and a built-in one below them"
is "$(said named)" "executor named " "CIRCLE_JOB is the name in the workflow"

# One below the other: each is seen where those above it are taken away.
project precedence <<'END2'
version: 2.1
jobs:
  build:
    machine: true
    environment: {V: job}
    steps:
      - run: {command: "V=x sh -c 'echo $V'", environment: {V: step}}
      - run: {command: echo $V, environment: {V: step}}
      - run: echo $V
  bare: {machine: true, steps: [run: echo $V $CIRCLE_JOB]}
workflows: {w: {jobs: [{build: {context: given}}, {bare: {context: given}}]}}
END2
printf 'V=of-the-context\nCIRCLE_JOB=of-the-context\n' >"$tmp/given.env"
run_ctl run --context given="$tmp/given.env"
is "$(said build)" "x step job " "a job's variables are above a context's"
like "$(said bare)" '^\*+ bare $' "which are above nothing built in"
ok "nothing is left behind" nothing_left
done_testing

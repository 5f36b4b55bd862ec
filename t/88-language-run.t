#!/bin/sh
# What a config means when it runs, from its text to its steps: failures, shells, BASH_ENV, variables.
. "${0%/*}/ctl.sh"

# What the steps of job $1 printed.
said()
{
	printf '%s\n' "$out" | sed -n "s/^\[$1\] //p" | sed '/^started$/d; /^success after /d; /^== /d' | tr '\n' ' '
}

# --- what runs behind a failure ------------------------------------------------------------
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

# --- shells ------------------------------------------------------------------------------------
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

# --- variables, highest first ----------------------------------------------------------------------
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
ok "nothing is left behind" nothing_left
done_testing

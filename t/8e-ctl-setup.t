#!/bin/sh
# runnerctl run with dynamic configuration: a setup job that names the config which comes next, and what reaches it.
. "${0%/*}/ctl.sh"

setup()
{
	project "$1" <<END2
version: 2.1
setup: true
parameters:
  name: {type: string, default: nobody}
  digits: {type: string, default: none}
  only-here: {type: integer, default: 1}
jobs:
  decide:
    machine: true
    steps:
      - checkout
      - run: echo "decides << pipeline.parameters.only-here >> \$GIVEN"
      - run: $2
workflows: {first: {jobs: [decide]}}
END2
}

# --- one that goes on --------------------------------------------------------------------------------
setup goes "circleci-agent continue --parameters '{\"more\":true}' next.yml"
cat >next.yml <<'END2'
version: 2.1
parameters:
  name: {type: string, default: somebody}
  digits: {type: string, default: none}
  more: {type: boolean, default: false}
jobs:
  work:
    machine: true
    environment: {GIVEN: of the config}
    steps:
      - checkout
      - run: ls next.yml; echo "name=<< pipeline.parameters.name >> digits=<< pipeline.parameters.digits >> more=<< pipeline.parameters.more >>"
      - run: echo "given=$GIVEN file=$OF_THE_FILE key=[$CIRCLE_CONTINUATION_KEY]"
      - run: test "$SECRET" = hidden-value; echo "secret=$SECRET"
  never: {machine: true, steps: [run: echo never]}
workflows:
  next:
    jobs:
      - work: {context: safe}
      - hold: {type: approval}
      - never: {requires: [hold]}
END2
echo SECRET=hidden-value >"$tmp/safe.env"
echo OF_THE_FILE=yes >"$tmp/file.env"
run_ctl run --parameter name=ada --parameter digits=007 --parameter only-here=7 -e GIVEN=typed --env-file "$tmp/file.env" --context safe="$tmp/safe.env"
is "$status" 0 "a setup config goes on and its jobs succeed" || diag "$out" "$err"
like "$out" 'decides 7 typed' "the setup job has the parameters and variables"
like "$out" 'name=ada digits=007 more=true' "what continues it has the command line's parameters that it declares, with its own types, and what was passed"
like "$out" 'given=typed file=yes key=\[\]' "it has the command line's variables above its own, and no key"
like "$out" 'secret=\*\*\*\*' "and the context's, masked"
like "$out" '^next\.yml$|\] next\.yml$' "a checkout is the same directory"
like "$out" '== test "' "each step is announced, the last one too"
like "$out" '^success +next/work ' "the summary has the jobs of both"
like "$out" '^success +(first/)?decide ' "by the names of their workflows"
like "$out" '^2 jobs: 2 succeeded, 0 failed, 0 not run' "and counts them"
case $out in *never*) fail "nobody waits for an approval" ;; *) pass "nobody waits for an approval" ;; esac

# --- what is wrong -------------------------------------------------------------------------------------
setup wrong "circleci-agent continue next.yml"
cat >next.yml <<'END2'
version: 2.1
jobs: {work: {machine: true, steps: [nope]}}
workflows: {next: {jobs: [work]}}
END2
run_ctl run
is "$status" 1 "a config that is wrong fails the run"
like "$out" 'error\[E_CMD_UNKNOWN\]' "the setup job prints what is wrong with it"

setup docker "circleci-agent continue next.yml"
cat >next.yml <<'END2'
version: 2.1
jobs: {work: {docker: [{image: "x/y:1"}], steps: [run: echo ran]}}
workflows: {next: {jobs: [work]}}
END2
run_ctl run
is "$status" 1 "a docker: job of what comes next is refused as one of the first config"
run_ctl run --executor host
is "$status" 0 "--executor host takes it" || diag "$out" "$err"
like "$out" 'ran$' "and runs its steps here"

setup twice "circleci-agent continue - <next.yml; circleci-agent continue next.yml || echo status \$?"
cat >next.yml <<'END2'
version: 2.1
jobs: {work: {machine: true, steps: [run: echo "worked"]}}
workflows: {next: {jobs: [work]}}
END2
run_ctl run
like "$out" 'has been continued already' "a pipeline is continued once"
like "$out" 'status 1$' "the second gets status 1"
like "$out" 'worked$' "the first counts"

setup misuse "for a in '' '--parameters {} a b' '--parameters [1] next.yml' '--parameters nowhere next.yml' nowhere; do circleci-agent continue \$a || echo status \$?; done; printf '\\377' | circleci-agent continue - || echo status \$?"
: >next.yml
run_ctl run
is "$(printf '%s\n' "$out" | grep -o 'status [0-9]$' | tr '\n' ' ')" "status 2 status 2 status 3 status 3 status 3 status 1 " "misuse is told apart from what cannot be read and what is refused"
is "$status" 0 "a setup job that continues nothing is a pipeline of one job"

# What is said to the agent's socket by hand.
setup hostile "python3 hostile.py"
cat >hostile.py <<'END2'
import array, fcntl, os, socket

SEALS = 8 | 4 | 2  # WRITE, GROW, SHRINK
ADD_SEALS = 1033


def memfd(content, seals=SEALS):
    fd = os.memfd_create("x", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    os.truncate(fd, content) if isinstance(content, int) else os.write(fd, content)
    fcntl.fcntl(fd, ADD_SEALS, seals)
    return fd


def say(what, value, fd):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.connect(os.environ["RUNNER_TASK_SOCKET"])
        more = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [fd]))] if fd >= 0 else []
        sock.sendmsg([b"continue\n" + value], more)
        print(what + ":", sock.recv(2000).decode())


say("none", b"3", -1)
say("unsealed", b"3", memfd(b"abc", 0))
say("half", b"3", memfd(b"abc", 4))
say("file", b"3", os.open("/dev/zero", os.O_RDONLY))
say("pipe", b"3", os.pipe()[0])
say("long", b"4", memfd(b"abc"))
say("digits", b"9" * 5000, memfd(b"abc"))
say("minus", b"-1", memfd(b"abc"))
say("huge", b"3", memfd(1 << 30))
say("nul", b"3", memfd(b"a\0c"))
say("list", b"1", memfd(b"a[]"))
END2
run_ctl run
is "$status" 0 "an agent that is asked for nonsense goes on" || diag "$out" "$err"
is "$(printf '%s\n' "$out" | grep -c '\] [a-z]*: no ')" 11 "and refuses all of it" || diag "$out"
for one in 'unsealed: no the config and its parameters: what is sent comes in a sealed memfd' 'file: no the config and its parameters: what is sent comes' 'long: no the config is shorter' \
	'huge: no the config and its parameters: what is sent is larger' 'nul: no the config is not valid UTF-8' 'list: no the parameters must be'; do
	like "$out" "$one" "with a sentence: $one"
done

project none <<'END2'
version: 2.1
jobs: {a: {machine: true, steps: [run: circleci-agent continue .circleci/config.yml]}}
workflows: {w: {jobs: [a]}}
END2
run_ctl run
is "$status" 1 "a job of another pipeline continues nothing"
run_ctl run --parameter unknown=1
is "$status" 1 "a parameter that the setup config does not declare is refused"

setup orbs "circleci-agent continue next.yml"
cat >next.yml <<'END2'
version: 2.1
orbs: {greet: acme/greet@1}
jobs: {work: {machine: true, steps: [greet/hello]}}
workflows: {next: {jobs: [work]}}
END2
printf 'version: 2.1\ncommands: {hello: {steps: [run: echo "hello of the orb"]}}\n' >greet.yml
run_ctl run
is "$status" 1 "an orb that is not kept beside the config is not found by what comes next"
like "$out" 'E_ORB_UNKNOWN' "which is said"
run_ctl orb add acme/greet@1.0.0 greet.yml
run_ctl run
is "$status" 0 "one that is, is found" || diag "$out" "$err"
like "$out" 'hello of the orb$' "and used"
echo '# changed' >>.circleci/orbs/acme/greet/1.0.0.yml
run_ctl run
is "$status" 1 "one that is not what is locked goes nowhere"
like "$err" 'its digest differs' "which is said"
ok "nothing is left behind" nothing_left
done_testing

#!/bin/sh
# circleci-agent: what a job's own steps ask of the agent.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/tasks.sh"

task halt '{"command":"circleci-agent step halt; echo still here"},{"command":"exit 1"},{"command":"echo no","when":"always"}'
play halt
is "$(outcomes halt)" '0.1=success end=success' 'step halt ends the job as a success'
is "$(output halt 0)" 'still here' 'the step that asked goes on to its end'

task failed '{"command":"exit 1"},{"command":"sh -c \"(circleci step halt) & wait\"","when":"always"},{"command":"echo no","when":"always"}'
play failed
is "$(outcomes failed)" '0.1=failed 1.1=success end=failed' 'one that has failed already stays so; circleci is the same program'

task again '{"command":"circleci-agent step halt; exit 1","max_auto_reruns":3}'
play again
is "$(outcomes again)" '0.1=failed end=failed' 'a step that fails after it is not repeated'

for isolation in none auto; do
	task "mask-$isolation" '{"command":"while [ ! -e known ]; do sleep 0.02; done; echo told-later; touch said","background":true},
		{"command":"circleci-agent mask told-later; touch known; while [ ! -e said ]; do sleep 0.02; done; echo told-later"},
		{"command":"printf \"in a\\nmulti line\\n\" | circleci-agent mask -; echo multi line; setsid -w circleci-agent mask deep-one; echo deep-one and told-later"}'
	play "mask-$isolation" --isolation "$isolation"
	is "$(outcomes "mask-$isolation" | tr ' ' '\n' | sort | tr '\n' ' ')" '0.1=success 1.1=success 2.1=success end=success ' "mask is acknowledged, isolation $isolation"
	is "$(output "mask-$isolation" 0) $(output "mask-$isolation" 1)" '**** ****' 'it holds for the step and for one in the background'
	is "$(output "mask-$isolation" 2)" "$(printf '****\n**** and ****')" 'and for later ones, from standard input, and from a session of its own'
done

task refused '{"command":"for v in abc true \"\"; do circleci-agent mask \"$v\" || echo $?; done"},
	{"command":"head -c 70000 /dev/zero | tr \"\\\\0\" x | circleci-agent mask - || echo $?; circleci-agent mask || echo $?; circleci-agent fly || echo $?"}'
play refused
is "$(output refused 0 | sort | uniq -c | tr -s ' \n' ' ')" \
	' 3 1 3 circleci-agent: a value of less than 4 bytes, true and false are not masked ' 'what cannot be masked is refused'
is "$(output refused 1 | grep -x '[0-9]')" "$(printf '3\n2\n2')" 'so are one that is too long, none, and another command'

# A value that was acknowledged is known to the next runnerd; one that runs waits for it.
task restart '{"command":"circleci-agent mask kept-secret && touch asked; while [ ! -e go ]; do sleep 0.02; done; echo kept-secret; circleci-agent mask second-one && echo second-one; circleci-agent step halt"},{"command":"exit 1"}'
# shellcheck disable=SC2046
start restart $(taskd_on restart)
restart_pid=$pid
project()
{
	echo "$tmp/$1.work"/*/home/project
}
has_asked()
{
	[ -e "$(project restart)/asked" ]
}
ok 'a value is acknowledged' wait_until 20 has_asked
kill -KILL "$restart_pid"
wait "$restart_pid" 2>/dev/null
touch "$(project restart)/go"
play restart
is "$(outcomes restart)" '0.1=success end=success' 'a helper waits for an agent that is being restarted'
is "$(output restart 0)" "$(printf '****\n****')" 'which knows the values of the one before'
ok 'nothing is left' nothing_left restart

# More descriptors beside a request than any has: were they left open at the agent, it soon could not hear two at once.
cat >"$tmp/showers.py" <<'END'
import array, errno, os, resource, socket, time
# What a user has on its way at once, all tests of one together, is bounded by this.
resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
def connect():
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.settimeout(60)
    s.connect(os.environ["RUNNER_TASK_SOCKET"])
    return s
def ask(s, fds):
    while True:
        try:
            s.sendmsg([b"fly\n"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
            return s.recv(100)
        except OSError as error:
            if error.errno != errno.ETOOMANYREFS:
                raise
            time.sleep(0.01)
for count in (1, 2, 3, 4, 20) * 40:
    assert ask(connect(), [0] * count)
silent = [connect() for _ in range(5)]
print("heard" if ask(connect(), []) else "not heard")
END
if command -v python3 >/dev/null; then
	task shower "{\"command\":\"python3 $tmp/showers.py </dev/null\"}"
	(ulimit -S -n 128 && play shower)
	is "$(output shower 0)" heard 'descriptors that nobody has asked for do not stay open at the agent'
else
	skip 'descriptors that nobody has asked for do not stay open at the agent' 'python3 is needed'
fi

# Who is not below a runner-init is not heard, however it found the socket.
task foreign '{"command":"touch here; while [ ! -e go ]; do sleep 0.02; done; echo something"}'
# shellcheck disable=SC2046
start foreign $(taskd_on foreign)
is_here()
{
	[ -e "$(project foreign)/here" ]
}
wait_until 20 is_here
refused=$(RUNNER_TASK_SOCKET=$tmp/foreign.work/.control "$top_builddir/helper/circleci-agent" mask something 2>&1)
is "$?" 1 'a process of no task is refused'
is "$refused" 'circleci-agent: this process belongs to no task of this agent' 'it is told why'
touch "$(project foreign)/go"
wait "$pid"
is "$(output foreign 0)" something 'and has changed nothing'

helper=$top_builddir/helper/circleci-agent
export A=1 EMPTY=
unset UNSET
# shellcheck disable=SC2016
is "$("$helper" env subst 'a $A ${A}b ${UNSET}. ${UNSET:-x$A} ${EMPTY:-y} ${EMPTY-z}. $ $1 ${A $$A')" 'a 1 1b . x1 y . $ $1 ${A $1' 'env subst puts variables in'
# shellcheck disable=SC2016
is "$(printf 'x$A\n' | "$helper" env subst)" x1 'also into standard input'
like "$("$helper" mask --help)" '^usage: circleci-agent' 'a command that is asked for help gives it'
"$helper" mask something >"$tmp/out" 2>&1
is "$?" 3 'outside of a job there is nobody to ask'
done_testing

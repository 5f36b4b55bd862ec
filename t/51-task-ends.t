#!/bin/sh
# How a task is ended against its will: timeouts, cancel, a dead runner-init.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/tasks.sh"

actor=$top_builddir/t/actor

task silent '{"command":"echo one; exec sleep 1000","no_output_timeout_ms":3000},{"command":"echo no"},{"command":"echo after","when":"always"}'
play silent
is "$(outcomes silent)" '0.1=failed 1.1=skipped 2.1=success end=failed' 'a step without output for too long fails; always steps still run'
is "$(output silent 0)" 'one
Too long with no output (exceeded 3s): context deadline exceeded' 'its output says why'
like "$(step_of silent 0)" '"reason":"Too long with no output \(exceeded 3s\)' 'and its reason'
task talks '{"command":"for i in 1 2 3 4 5 6 7 8; do echo $i; sleep 0.5; done","no_output_timeout_ms":3000}'
play talks
is "$(outcomes talks)" '0.1=success end=success' 'a step that prints now and then is not silent'
task quietback "{\"command\":\"exec sleep 1000\",\"background\":true,\"no_output_timeout_ms\":50},{\"command\":\"sleep 0.4\",\"no_output_timeout_ms\":60000}"
play quietback
is "$(outcomes quietback)" '1.1=success 0.1=success end=success' 'a background step may be silent'
task deaf "{\"command\":\"exec $actor ignore=TERM text=deaf sleep\",\"no_output_timeout_ms\":2000}"
play deaf --grace 200ms
like "$(step_of deaf 0)" '"outcome":"failed".*"signal":9' 'one that is deaf to TERM is killed after the grace'

task limit '{"command":"echo begun; exec sleep 1000"},{"command":"echo no","when":"always"}' '"max_run_time_ms":3000'
play limit
is "$(outcomes limit)" '0.1=timedout end=timedout' 'a task that runs too long has timed out, and nothing further runs'
like "$(events limit | tail -n 1)" '"reason":"the task ran longer than 3.0s"' 'it says how long it could run'
task most '{"command":"exec sleep 1000"}'
play most --max-run-time 3s
is "$(outcomes most)" '0.1=timedout end=timedout' 'the agent may set a lower limit'
task manyruns '{"command":"exit 1","max_auto_reruns":5,"auto_rerun_delay_ms":600000}'
start manyruns $(taskd_on manyruns)
ok 'a step waits to be repeated' wait_log manyruns 'step ended: failed' 20
stop "$pid" KILL
start manyruns $(taskd_on manyruns)
ok 'over a restart too' wait_started manyruns 'recovered: state running' 20
stop "$pid" KILL
play manyruns --cancel-after 1ms
is "$(outcomes manyruns)" '0.1=failed end=canceled' 'and is canceled meanwhile'
task waits '{"command":"exit 1","max_auto_reruns":5,"auto_rerun_delay_ms":600000}' '"max_run_time_ms":3000'
play waits
is "$(outcomes waits)" '0.1=failed end=timedout' 'nor does it wait for longer than its task may run'

# cancel_once_here NAME TASKD-OPTION...: when its first step has printed
cancel_once_here()
{
	# shellcheck disable=SC2046
	start "$1" $(taskd_on "$@")
	wait_until 20 grep -qsx here "$tmp/$1.sink/$(cat "$tmp/$1.id").0.1"
	stop "$pid" TERM
}
task cancel "{\"command\":\"exec $actor text=here sleep\"},{\"command\":\"echo no\",\"when\":\"always\"}"
cancel_once_here cancel
is "$(outcomes cancel)" '0.1=canceled end=canceled' 'a canceled task ends so, and nothing further runs'
is "$(output cancel 0)" here 'what it had printed is kept'
like "$(events cancel | tail -n 1)" '"reason":"canceled by a test"' 'it says who canceled it'
ok 'nothing is left of it' nothing_left cancel
task canceldeaf "{\"command\":\"exec $actor ignore=TERM daemon=$tmp/daemon text=here sleep\"}"
cancel_once_here canceldeaf --grace 200ms
like "$(step_of canceldeaf 0)" '"outcome":"canceled".*"signal":9' 'one that is deaf to TERM is killed after the grace'
task cancelearly '{"command":"echo no"}'
play cancelearly --cancel-after 1ms
like "$(outcomes cancelearly)" 'end=(canceled|success)$' 'a cancel at any moment leads to an end'

# runner-init dies: in a namespace the kernel ends everything; without one the agent does.
for kind in auto none; do
	task "dead$kind" "{\"command\":\"echo \$PPID >$tmp/ppid.$kind; exec $actor text=printed daemon=$tmp/daemon.$kind text=here sleep\"},{\"command\":\"echo no\",\"when\":\"always\"}"
	# shellcheck disable=SC2046
	start "dead$kind" $(taskd_on "dead$kind" --isolation "$kind")
	t_taskd=$pid
	ok "($kind) the step runs" wait_until 20 grep -qs here "$tmp/dead$kind.sink/$(cat "$tmp/dead$kind.id").0.1"
	t_init=$(ps -o pid= --ppid "$t_taskd" | tr -d ' ')
	if [ "$kind" = none ]; then t_daemon=$(cat "$tmp/daemon.none"); else t_daemon=; fi
	kill -KILL "$t_init"
	wait "$t_taskd"
	is "$?" 1 "($kind) the task fails when its runner-init is killed"
	is "$(outcomes "dead$kind")" '0.1=infra-fail end=infra-fail' "($kind) as infra-fail"
	like "$(events "dead$kind" | tail -n 1)" 'runner-init was killed by signal 9' "($kind) and says so"
	is "$(output "dead$kind" 0)" 'printed
here' "($kind) what it had printed is kept"
	if [ -n "$t_daemon" ]; then
		ok "($kind) what it left behind is killed" wait_gone "$t_daemon" 10
	fi
	ok "($kind) nothing is left of it" nothing_left "dead$kind"
done

# The agent goes away for good: the task ends by itself after the time it was given.
task orphan "{\"command\":\"exec $actor pid=$tmp/orphan.pid text=here sleep\"}"
start orphan $(taskd_on orphan --orphan 200ms --isolation none)
ok 'the step runs' wait_until 20 test -s "$tmp/orphan.pid"
stop "$pid" KILL
ok 'without an agent the task ends after the time it was given' wait_gone "$(cat "$tmp/orphan.pid")" 20
ok 'runner-init leaves word of it' wait_until 20 test -s "$tmp/orphan.run/tasks/$(cat "$tmp/orphan.id")/init.log"
play orphan
is "$(outcomes orphan)" '0.1=infra-fail end=infra-fail' 'the next agent reports it as infra-fail'
like "$(events orphan | tail -n 1)" 'no runnerd came back in time' 'and says why'

# QUIT leaves the task running; the next agent goes on.
task leave "{\"command\":\"echo before; until [ -e $tmp/leave.go ]; do sleep 0.02; done; echo after\"}"
start leave $(taskd_on leave)
ok 'the step prints' wait_until 20 grep -qs before "$tmp/leave.sink/$(cat "$tmp/leave.id").0.1"
stop "$pid" QUIT
is "$status" 0 'QUIT ends the agent alone'
touch "$tmp/leave.go"
play leave
is "$(outcomes leave)" '0.1=success end=success' 'the next agent sees the task to its end'
is "$(output leave 0)" 'before
after' 'and gets all its output'

done_testing

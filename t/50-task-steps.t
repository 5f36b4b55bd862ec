#!/bin/sh
# Steps of one task: their order, environment, shells, repetition, and what each ends as.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/tasks.sh"

task plain '{"command":"echo one"},{"command":"echo two >&2; exit 0"}'
play plain
is "$status" 0 'a task whose steps exit with 0 is a success'
is "$(outcomes plain)" '0.1=success 1.1=success end=success' 'each step says how it ended'
is "$(output plain 0)$(output plain 1)" 'onetwo' 'standard output and standard error are the output'
is "$(events plain | sed 's/.*"seq":\([0-9]*\).*/\1/' | tr '\n' ' ')" '1 2 3 4 5 6 7 8 ' 'events are numbered without a gap'
like "$(step_of plain 0)" '"exit_code":0,"output_bytes":4,"wall_ms":[0-9]+,"user_us":[0-9]+,"system_us":[0-9]+,"max_rss_bytes":[1-9]' \
	'the end of a step has its use'
ok 'nothing is left of it' nothing_left plain

task order '{"command":"echo a"},{"command":"exit 3"},{"command":"echo no"},{"command":"echo f","when":"on_fail"},{"command":"echo always","when":"always"},{"command":"echo no"}'
play order
is "$status" 1 'a task with a failing step has failed'
is "$(outcomes order)" '0.1=success 1.1=failed 2.1=skipped 3.1=success 4.1=success 5.1=skipped end=failed' \
	'after a failure only steps for on_fail and always run'
like "$(step_of order 1)" '"exit_code":3' 'the exit code of a failing step is told'
like "$(events order | tail -n 1)" "\"reason\":\"step 1 'a step' failed\"" 'the task says which step failed'

task onfail '{"command":"true"},{"command":"echo no","when":"on_fail"},{"command":"false","when":"always"}'
play onfail
is "$(outcomes onfail)" '0.1=success 1.1=skipped 2.1=failed end=failed' 'on_fail is skipped without a failure; a failing always step fails the task'

task signal '{"command":"kill -SEGV $$"}'
play signal
like "$(step_of signal 0)" '"outcome":"failed".*"exit_code":139,"signal":11' 'a step ended by a signal has exit code 128 + signal'

task again "{\"command\":\"echo try; n=\$(cat n 2>/dev/null || echo 0); echo \$((n + 1)) >n; [ \$n -ge 2 ]\",\"max_auto_reruns\":3},{\"command\":\"echo on\"}"
play again
is "$(outcomes again)" '0.1=failed 0.2=failed 0.3=success 1.1=success end=success' 'a failing step is repeated until it succeeds; only the last attempt counts'
is "$(output again 0 1)-$(output again 0 3)" 'try-try' 'each attempt has an output of its own'
task enough '{"command":"false","max_auto_reruns":2,"auto_rerun_delay_ms":30}'
play enough
is "$(outcomes enough)" '0.1=failed 0.2=failed 0.3=failed end=failed' 'and no more often than it says'

task back "{\"command\":\"echo begun; touch $tmp/back.begun; exec sleep 1000\",\"background\":true},{\"command\":\"echo \$\$ >$tmp/back.pid; exit 1\",\"background\":true},{\"command\":\"until [ -e $tmp/back.begun ] && [ -s $tmp/back.pid ] && ! kill -0 \$(cat $tmp/back.pid); do sleep 0.02; done; echo fore\"}"
play back
is "$status" 0 'a failing background step does not fail the task'
like "$(outcomes back)" '0.1=success end=success$' 'a background step ends with the task'
like "$(step_of back 1)" '"outcome":"failed","exit_code":1' 'a failing background step is shown so'
is "$(output back 0)" 'begun' 'its output comes while others run'

task env '{"command":"echo $A-$B-$C; echo ${HOME%/home}; pwd; echo $TMPDIR; [ -d $TMPDIR ] && [ -w $HOME ] && echo writable; echo $CIRCLE_INTERNAL_TASK_DATA; echo ${PATH:+path} ${USER:+user}","environment":{"B":"step","C":"x=y"}}' \
	'"environment":{"A":"task","B":"task"}'
SECRET=leak play env
t_work=$tmp/env.work/$(cat "$tmp/env.id")
is "$(output env 0)" "task-step-x=y
$t_work
$t_work/home/project
$t_work/tmp
writable
$t_work
path user" 'a step sees its environment above the task'\''s, and directories of its own'
task leak '{"command":"env | grep -c SECRET || true"}'
SECRET=leak play leak
is "$(output leak 0)" 0 'it does not see the environment of the agent'

task dirs '{"command":"pwd","working_directory":"below/it"},{"command":"pwd","working_directory":"~"},{"command":"pwd","working_directory":"/"},{"command":"pwd"}' '"working_directory":"~/there"'
play dirs
t_home=$tmp/dirs.work/$(cat "$tmp/dirs.id")/home
is "$(output dirs 0) $(output dirs 1) $(output dirs 2) $(output dirs 3)" "$t_home/there/below/it $t_home / $t_home/there" \
	'a working directory is made; ~ is the task'\''s home, a relative one lies in the task'\''s'

if [ -x /bin/bash ]; then
	task bashenv '{"command":"echo export V=kept >>$BASH_ENV; cd /; W=lost"},{"command":"echo $V-$W-$PWD"},{"command":"false | true; echo no"},{"command":"echo ${BASH_ENV##*/}","when":"always","environment":{"BASH_ENV":"/x/own"}}'
	play bashenv
	like "$(output bashenv 1)" '^kept--/.*/project$' 'what is written to BASH_ENV is there in later steps, and nothing else'
	is "$(outcomes bashenv)" '0.1=success 1.1=success 2.1=failed 3.1=success end=failed' 'bash runs with -eo pipefail'
	is "$(output bashenv 3)" own 'a BASH_ENV of the user'\''s wins'
else
	skip 'BASH_ENV' 'no bash'
	skip 'pipefail' 'no bash'
	skip 'own BASH_ENV' 'no bash'
fi
task shells '{"command":"echo $0 $-; false; echo on","shell":["/bin/sh"]},{"command":"no shell at all","shell":["/bin/echo","-n","words"]}' '"shell":["/bin/sh","-e"]'
play shells
like "$(output shells 0)" 'on$' 'a step has the shell that it names'
is "$(output shells 1)" 'words -c no shell at all' 'the command stands behind -c'

t_long=$(head -c 200000 /dev/zero | tr '\0' 'x')
task long "{\"command\":\": $t_long; echo long; echo \$0\",\"shell\":[\"/bin/sh\"]}"
play long
like "$(output long 0)" '^long$' 'a command of 200 kB runs'

task stdin '{"command":"cat; echo end"}'
play stdin
is "$(output stdin 0)" end 'standard input is empty'

task hold "{\"command\":\"echo a; (trap '' TERM; exec >&- 2>&-; exec $top_builddir/t/actor sleep=1000) & exec $top_builddir/t/actor text=b hold daemon\"},{\"command\":\"echo next\"}"
play hold --grace 100ms
is "$(outcomes hold)" '0.1=success 1.1=success end=success' 'what a step leaves behind does not hold it'
is "$(output hold 1)" next 'the next step runs meanwhile'

task survivor "{\"command\":\"(until [ -e $tmp/go ]; do sleep 0.02; done; echo late; touch $tmp/said) & echo early\"},{\"command\":\"touch $tmp/go; until [ -e $tmp/said ]; do sleep 0.02; done\"}"
play survivor
is "$(output survivor 0)" 'early
late' 'what a survivor prints later still belongs to its step'

done_testing

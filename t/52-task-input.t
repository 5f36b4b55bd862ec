#!/bin/sh
# Bad input of a task: each has a clear end, and harms nothing else.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/tasks.sh"

actor=$top_builddir/t/actor

task noshell '{"command":"echo no","shell":["/no/such/shell","-x"]},{"command":"echo after","when":"always"}'
play noshell
is "$(outcomes noshell)" '0.1=failed 1.1=success end=failed' 'a shell that does not exist fails the step'
like "$(output noshell 0)" "cannot execute the step's program '/no/such/shell': No such file or directory" 'its output says so'
like "$(step_of noshell 0)" "\"reason\":\"cannot execute the step's program '/no/such/shell'" 'and its reason'

touch "$tmp/file"
task nocwd "{\"command\":\"echo no\",\"working_directory\":\"$tmp/file/below\"}"
play nocwd
is "$(outcomes nocwd)" '0.1=failed end=failed' 'a working directory that cannot be made fails the step'
like "$(output nocwd 0)" "cannot (make|enter) the working directory '$tmp/file/below': Not a directory" 'its output says so'

task kind '{"kind":"teleport","name":"away"}'
play kind
is "$(outcomes kind)" 'end=infra-fail' 'a step of an unknown kind ends the task before anything runs'
like "$(events kind | tail -n 1)" "\"reason\":\"this agent cannot run a step of kind 'teleport'\"" 'it names the kind'

task bad '{"command":7}'
play bad
is "$(outcomes bad)" 'end=infra-fail' 'a document that cannot be read ends as infra-fail'
like "$(events bad | tail -n 1)" "\"reason\":\"the task document cannot be read: .*command" 'it names the member'
ok 'nothing is left of it' nothing_left bad

t_big=$(head -c 140000 /dev/zero | tr '\0' 'v')
task bigenv "{\"command\":\"echo no\",\"environment\":{\"BIG\":\"$t_big\"}}"
play bigenv
is "$(outcomes bigenv)" '0.1=failed end=failed' 'a variable beyond what execve(2) takes fails the step'
like "$(output bigenv 0)" 'the step cannot be started: .*128 KiB' 'its output says so'

task bytes '{"command":"printf \"a\\\\000b\\\\377\\\\376c\\\\n\""}'
play bytes
is "$(output bytes 0 | od -An -tx1 | tr -d ' \n')" '610062fffe630a' 'NUL and invalid UTF-8 arrive as they are'
is "$(outcomes bytes)" '0.1=success end=success' 'and harm nothing'

task line "{\"command\":\"exec $actor pattern=nul print=1073741824\",\"shell\":[\"/bin/sh\"]}"
play line
is "$(outcomes line)" '0.1=success end=success' '1 GiB without a newline comes to its end'
ok 'all of it arrives' sh -c "'$actor' pattern=nul verify=1073741824 <'$tmp/line.sink/$(cat "$tmp/line.id").0.1'"
rm -f "$tmp/line.sink"/*

# Spool and memory are full, and the hub takes nothing for two seconds: nobody reads what it prints.
task slowhub "{\"command\":\"exec $actor pattern=binary print=4000000\",\"shell\":[\"/bin/sh\"],\"no_output_timeout_ms\":1500}"
play slowhub --spool-most 1M --output-most 1M --ack-after 2s
is "$(outcomes slowhub)" '0.1=success end=success' 'while the hub is slow a step that is not read is not said to be silent'
ok 'all of it arrives' sh -c "'$actor' pattern=binary verify=4000000 <'$tmp/slowhub.sink/$(cat "$tmp/slowhub.id").0.1'"

task litter '{"command":"mkdir -p a/b/c; echo x >a/b/c/d; chmod 0 a/b/c/d; ln -s / a/root; touch ~/home-file $TMPDIR/t"}'
play litter
ok 'what a task leaves in its directories is removed' nothing_left litter
task keep '{"command":"echo x >left; exit 1"}'
play keep --keep-failed
is "$(cat "$tmp/keep.work"/*/home/project/left)" x 'with --keep-failed those of a failed task are kept'

done_testing

#!/bin/sh
# runnerd claims tasks, runs them and reports events and output, against a scripted hub.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

script 'task hello echo hello; echo world >&2' \
	'task red exit 3' \
	'task steps echo one' 'step steps echo two' \
	'task strange echo strange' 'set strange unheard_of {"a": [1, 2]}' 'setstep strange 0 unheard_of true' \
	'task signals grep "^Sig[BI]" /proc/self/status' \
	'task lame echo lame' 'unset lame job' \
	'task odd echo odd' 'setstep odd 0 kind "dance"' \
	"task again if [ -e $tmp/flag ]; then echo second; else touch $tmp/flag; echo first; exit 1; fi" \
	'setstep again 0 max_auto_reruns 2'
start_fakehub
start_runnerd -j 4
agent_first=$agent_pid

ok 'a task is claimed, run and reported' wait_ended hello success
printf 'hello\nworld\n' >"$tmp/wanted"
ok 'its output is at the hub' cmp "$tmp/wanted" "$(got_output hello)"
is "$(events_of hello | tr '\n' ' ')" 'preparing running step_started step_ended finishing ended ' \
	'its events come in order'
ok 'a step that fails fails the task' wait_ended red failed
ok 'exit status is reported' grep -q '"type":"step_ended".*"exit_code":3' "$tmp/got/red/events"
ok 'steps run one after another' wait_ended steps success
is "$(cat "$(got_output steps 0)" "$(got_output steps 1)")" "$(printf 'one\ntwo')" 'each step has output of its own'
ok 'unknown members of a document are ignored' wait_ended strange success
ok 'a step looks at its signals' wait_ended signals success
like "$(tr '\n' ' ' <"$(got_output signals)")" '^SigBlk:.0+ SigIgn:.0+ $' 'none is blocked, or ignored as runnerd ignores some'
ok 'a document that lacks a member ends as infra-fail' wait_ended lame infra-fail
like "$(cat "$tmp/got/lame/events")" '"reason":"[^"]*job' 'the reason names the member'
ok 'a step of an unknown kind ends as infra-fail' wait_ended odd infra-fail
like "$(cat "$tmp/got/odd/events")" "cannot run a step of kind 'dance'" 'the reason says which'
ok 'a step that is repeated succeeds' wait_ended again success
is "$(cat "$(got_output again)" "$tmp/got/again/step-0.2.out")" "$(printf 'first\nsecond')" \
	'each attempt has output of its own'
ok 'the state directory of a task goes when the hub has all' wait_until 20 no_tasks

hub_say 'task late echo late'
ok 'a held claim brings a task at once' wait_ended late success

hub_say 'task long sleep 60'
wait_log fakehub 'task long step 0 step_started' 20
hub_say 'cancel long'
ok 'a task is canceled by a heartbeat' wait_ended long canceled
hub_say 'task taken echo begun; sleep 60'
wait_log fakehub 'task taken step 0 step_started' 20
hub_say 'gone taken'
ok 'a task whose lease is gone is killed and forgotten' wait_until 20 no_tasks
ok 'nothing more is sent of it' test -z "$(events_of taken | grep ended)"

logs_state()
{
	kill -USR1 "$agent_pid"
	grep -q 'state: hub unix:.* connected; 0 of 4 slots taken' "$tmp/agent.log"
}
ok 'USR1 logs the state' wait_until 20 logs_state

hub_say "task last until [ -e $tmp/go.last ]; do sleep 0.05; done; echo done"
wait_log fakehub 'task last step 0 step_started' 20
kill -TERM "$agent_pid"
ok 'TERM drains' wait_log agent 'draining: asked by a signal; 1 tasks to go' 10
hub_say 'task toolate echo never'
touch "$tmp/go.last"
wait "$agent_first"
is "$?" 0 'a drained agent exits with 0'
ok 'the task was finished first' wait_ended last success
ok 'nothing more was claimed' test ! -e "$tmp/got/toolate"

start_runnerd --mode single-task
agent_single=$agent_pid
ok 'single-task: one task is run' wait_ended toolate success
wait "$agent_single"
is "$?" 0 'and then the agent ends'
start_runnerd --idle-timeout 300ms
wait "$agent_pid"
is "$?" 0 'an idle agent ends when it is told to'
hub_say 'task endless sleep 60'
start_runnerd
wait_log fakehub 'task endless step 0 step_started' 20
kill -TERM "$agent_pid"
wait_started agent 'draining: asked by a signal; 1 tasks to go' 10
wait_until 10 sh -c 'kill -TERM "$1" 2>/dev/null; grep -q "canceling every task" "$2"' - "$agent_pid" "$tmp/agent.log"
wait "$agent_pid"
is "$?" 0 'a second TERM cancels and ends'
ok 'the hub is told' wait_ended endless canceled
done_testing

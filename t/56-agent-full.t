#!/bin/sh
# A task that a full state directory cannot hold is given back before anything of it ran.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

mkdir "$tmp/run"
if ! unshare -rm mount -t tmpfs none "$tmp/run" 2>/dev/null; then
	skip_all 'this host forbids to mount'
fi

start_full()
{
	start_on_tmpfs "$tmp/run" 256k runnerd --hub "$hub_url" --token-file "$tmp/token" --name test --run-dir "$tmp/run" \
		--data-dir "$tmp/data" --work-dir "$tmp/work" --cache-dir "$tmp/cache" --isolation none
	wait_started agent 'connected to the hub' 20
	inside "head -c 1M /dev/zero >$tmp/run/filler"
}

start_fakehub
start_full
hub_say "task full echo x >>$tmp/ran"
ok 'it is given back' wait_log fakehub 'task full unclaimed' 20
given_back='error task=[-0-9a-f]* cannot take a task: .*; it is given back, the next claim is in 30 s'
wait_log agent "$given_back" 20
is "$(grep -c "$given_back" "$tmp/agent.log")" 1 'the agent says why, once'
nothing_inside()
{
	[ "$(inside "ls $tmp/run/tasks; echo listed")" = listed ]
}
ok 'nothing of it is left in the state directory' wait_until 20 nothing_inside
ok 'nothing of it ran' test ! -e "$tmp/ran"
stop "$agent_pid"
is "$status" 0 'the agent ends'
start_runnerd
ok 'an agent that has room takes it' wait_ended full success
is "$(cat "$tmp/ran")" x 'it ran once'
stop "$agent_pid"

# The hub takes it back no more.
rm -rf "$tmp/run"/*
hub_say 'on unclaim 2 status 409'
start_full
hub_say "task often echo x >>$tmp/often"
ok 'one that was given back too often ends as infra-fail' wait_ended often infra-fail
like "$(cat "$tmp/got/often/events")" '"reason":"no agent could take it, this one last: cannot .*' 'with the reason'
ok 'nothing of it ran, either' test ! -e "$tmp/often"
stop "$agent_pid"
done_testing

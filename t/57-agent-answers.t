#!/bin/sh
# Answers of the hub to output that cannot be: each is told once, and nothing is lost.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

# answer NAME LOG ACTION: the first two answers for a task are that; then all is well.
answer()
{
	hub_say "on output 1-2 $3"
	hub_say "task $1 seq 1 2000; seq 2001 4000 >&2"
	: >"$tmp/agent.log"
	start_runnerd
	ok "($1) the task ends" wait_ended "$1" success 30
	seq 1 4000 >"$tmp/wanted"
	ok "($1) its output is whole" cmp "$tmp/wanted" "$(got_output "$1")"
	[ -z "$2" ] || is "$(grep -c "error output: $2" "$tmp/agent.log")" 1 "($1) it is told once"
	stop "$agent_pid"
	is "$status" 0 "($1) the agent ends"
	stop "$fakehub_pid"
	: >"$tmp/script"
	start_fakehub
}

position()
{
	echo "body {\"positions\":[{\"task\":\"$(task_id "$1")\",$2}]}"
}

start_fakehub
answer none "the hub's answer to output has no positions" 'body {}'
answer empty "the hub's answer passes over output that was sent" 'body {"positions":[]}'
answer unknown "the hub's answer passes over output that was sent" \
	"$(position nobody '"step":0,"attempt":1,"offset":1,"state":"ok"')"
answer future "the hub says it has more output of task .* than there was in step 0" \
	"$(position future '"step":0,"attempt":1,"offset":9223372036854775807,"state":"ok"')"
answer gap "the hub says it has more output of task .* than there was in step 0" \
	"$(position gap '"step":0,"attempt":1,"offset":100000000,"state":"gap"')"
answer negative "the hub's answer to output has a position that cannot be read" \
	"$(position negative '"step":0,"attempt":1,"offset":-1,"state":"ok"')"
answer wide "the hub's answer to output has a position that cannot be read" \
	"$(position wide '"step":4294967296,"attempt":1,"offset":1,"state":"ok"')"
answer types "the hub's answer to output has a position that cannot be read" \
	"$(position types '"step":"0","attempt":[1],"offset":{},"state":"ok"')"
answer state "the hub's answer to output has the unknown state 'fine'" \
	"$(position state '"step":0,"attempt":1,"offset":1,"state":"fine"')"
answer past "the hub has output of task .*, step 0, up to 0 alone" "$(position past '"step":0,"attempt":1,"offset":0,"state":"gap"')"
answer limited '' 'status 429 slowly'
answer large '' 'status 413 too much'
done_testing

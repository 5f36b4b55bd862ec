#!/bin/sh
# The disk of the spool fails in each call that is made there: it is said once, the jobs go on, and no byte is lost. The same
# where the host refuses to let the spool be read.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

actor=$top_builddir/t/actor
bytes=5000000

strike --count true >/dev/null 2>&1
if [ $? -eq 77 ]; then
	skip_all 'this host forbids to trace'
fi

# Agents side by side, each with a disk that fails in a way of its own, POINT=STRIKE. Which of them gets which task does not matter.
agents='disk.make=1:EMFILE disk.write=1:ENOSPC disk.write=2:EIO disk.sync=2:EIO disk.rename=1:ENOSPC disk.sync=1+:EIO disk.remove=1+:EROFS'

# Those do not work again.
lasts()
{
	case $1 in
	*+*) true ;;
	*) false ;;
	esac
}

dir_of()
{
	echo "$tmp/agent-$1"
}

start_struck()
{
	t_dir=$(dir_of "$1")
	mkdir "$t_dir"
	start "$1" strike --at "${1%%=*}" --fail "${1#*=}" runnerd --hub "$hub_url" --token-file "$tmp/token" --name "$1" \
		--run-dir "$t_dir/run" --data-dir "$t_dir/data" --work-dir "$t_dir/work" --cache-dir "$t_dir/cache" \
		--orphan-limit 60s --spool-memory 2M
	struck_pids="$struck_pids $pid"
}

# said AGENT PATTERN: how often it is in its log
said()
{
	grep -Ec "$2" "$tmp/$1.log"
}

is_stored()
{
	find "$(dir_of "$1")/data/spool" -name 'spool.*' ! -name '*.part' | grep -q .
}

start_fakehub
struck_pids=
for agent in $agents; do
	start_struck "$agent"
done
tasks=0
for agent in $agents; do
	tasks=$((tasks + 1))
	hub_say "task noise$tasks while [ ! -e $tmp/go ]; do sleep 0.05; done; exec $actor pattern=binary print=$bytes"
	wait_log "$agent" 'connected' 30
done
for n in $(seq $tasks); do
	wait_log fakehub "task noise$n step 0 step_started" 30
done
hub_say 'down 600000'
for agent in $agents; do
	wait_log "$agent" 'hub .* is away' 30
done
touch "$tmp/go"
for agent in $agents; do
	case $agent in
	disk.remove=*) ok "($agent) output goes to the disk" wait_until 60 is_stored "$agent" ;;
	*=1+:*)
		ok "($agent) it is said" wait_log "$agent" "error cannot write to the spool's directory '.*/data/spool': .*; output stays in memory, and tasks that print wait" 60
		ok "($agent) the job waits when its part of memory is full" wait_log "$agent" 'no room for more output' 60
		;;
	*)
		ok "($agent) it is said" wait_log "$agent" "error cannot write to the spool's directory '.*/data/spool': .*; output stays in memory, and tasks that print wait" 60
		ok "($agent) and that it works again" wait_log "$agent" "info the spool's directory '.*/data/spool' works again" 60
		ok "($agent) output goes to the disk" wait_until 60 is_stored "$agent"
		ok "($agent) the job ends while the hub is away" wait_log "$agent" 'step ended: success' 60
		;;
	esac
done
tried_again()
{
	[ "$(said disk.sync=1+:EIO 'strike: pass')" -ge 2 ]
}
ok '(disk.sync=1+:EIO) it was tried more than once' wait_until 60 tried_again
hub_say up
for n in $(seq $tasks); do
	ok "(noise$n) it ends well" wait_ended "noise$n" success 90
	is "$(cksum <"$(got_output "noise$n")")" "${sum=$("$actor" pattern=binary print=$bytes | cksum)}" "(noise$n) every byte is there once"
done
for agent in $agents; do
	is "$(said "$agent" "cannot (write to|use|read) the spool's directory")" 1 "($agent) it was said once"
	lasts "$agent" && is "$(said "$agent" 'works again')" 0 "($agent) and not that it works again"
done
for pid in $struck_pids; do
	stop "$pid"
done

# --- a spool that cannot be read for a moment, when its task is over already ---
start reader strike --at spool.read --fail 1:EIO runnerd --hub "$hub_url" --token-file "$tmp/token" --name reader \
	--run-dir "$tmp/run" --data-dir "$tmp/data" --work-dir "$tmp/work" --cache-dir "$tmp/cache"
reader_pid=$pid
wait_log reader 'connected' 30
hub_say "task kept while [ ! -e $tmp/read ]; do sleep 0.05; done; seq 1 4000"
wait_log fakehub 'task kept step 0 step_started' 30
hub_say 'down 600000'
wait_log reader 'hub .* is away' 30
touch "$tmp/read"
ok '(spool.read) its job ends while the hub is away' wait_log reader 'state done: success' 60
hub_say up
ok '(spool.read) it ends well' wait_ended kept success 60
is "$(cksum <"$(got_output kept)")" "$(seq 1 4000 | cksum)" '(spool.read) every byte is there once'
is "$(said reader 'warn .*cannot read its output for now: cannot read the task.s spool: Input/output error; trying again')" 1 '(spool.read) it was said once'
is "$(said reader 'strike: pass')" 1 '(spool.read) the strike has fallen'
stop "$reader_pid"
done_testing

#!/bin/sh
# What a class says of memory and processes where tasks have no control groups: resource limits, as far as they go.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/network.sh"
in_own_network
. "${0%/*}/agent.sh"

# Fills a buffer of so many MiB. No program of ours: built with sanitizers it could not even start.
take()
{
	echo "dd if=/dev/zero of=/dev/null bs=${1}M count=1 status=none"
}

settings() # MORE
{
	printf 'resource_classes:\n  - {name: local/test, token_file: %s, memory: 64M, pids: 40%s}\n' "$tmp/token" "$1" >"$tmp/runnerd.yaml"
}

start_limited()
{
	start agent runnerd --hub "$hub_url" -c "$tmp/runnerd.yaml" -j 4 --cgroup none --run-dir "$base/run" --data-dir "$base/data" \
		--work-dir "$base/work" --cache-dir "$base/cache" --min-free 0 "$@"
	agent_pid=$pid
}

reason_of() # NAME
{
	sed -n 's/.*"type":"step_ended".*"reason":"\([^"]*\)".*/\1/p' "$tmp/got/$1/events"
}

member_of() # NAME MEMBER: of its first step
{
	sed -n "s/.*\"type\":\"step_ended\".*\"$2\":\([0-9]*\).*/\1/p" "$tmp/got/$1/events" | head -n 1
}

base=$tmp/one
mkdir -m 711 "$base"
settings ''
start_fakehub
start_limited --isolation none

hub_say "task told ulimit -d; ulimit -Hd"
ok '(told) a task ends' wait_ended told success
is "$(tr '\n' ' ' <"$(got_output told)")" '65536 65536 ' '(told) a process may have what its class has, and cannot give itself more'
hub_say "task small $(take 20)"
ok '(small) a step that needs less ends well' wait_ended small success
ok '(small) it is known what it had' [ "$(member_of small max_rss_bytes)" -gt 18000000 ]
hub_say "task large $(take 54) && $(take 100); echo never seen"
ok '(large) one of which a process wants more fails' wait_ended large failed
like "$(cat "$(got_output large)")" 'memory exhausted' '(large) the process was refused it'
like "$(reason_of large)" '^its largest process had 5[0-9]\.[0-9] MiB of memory, and each may have 64\.0 MiB$' '(large) which its reason tells as far as it is known'
hub_say 'task other exit 4'
ok '(other) one that fails for something else' wait_ended other failed
is "$(reason_of other)" '' '(other) is not said to have wanted memory'
stop "$agent_pid"

settings ', rlimits: false'
start_limited --isolation none
hub_say "task free $(take 100)"
ok '(free) a class can do without' wait_ended free success
stop "$agent_pid"

# --- files in memory: no process's own, so its mount is what holds them ---
settings ''
: >"$tmp/agent.log"
start_limited --isolation namespace
wait_until 60 grep -qsE 'ready: |^runnerd: ' "$tmp/agent.log"
if grep -qs 'ready: ' "$tmp/agent.log"; then
	hub_say "task fill echo \$(df -k --output=size,itotal /dev/shm | tail -n 1); dd if=/dev/zero of=/dev/shm/fill bs=1M count=80 status=none || stat -c %s /dev/shm/fill"
	ok '(fill) a task of namespaces fills its /dev/shm' wait_ended fill success
	is "$(grep '^[0-9]' "$(got_output fill)" | tr '\n' ' ')" '65536 16385 67108864 ' '(fill) in which there is what its class has of memory, and no more'
	like "$(cat "$(got_output fill)")" 'No space left on device' '(fill) the rest is refused'
	stop "$agent_pid"
else
	skip '(fill)' "this host has no namespaces for tasks: $(head -n 1 "$tmp/agent.log")"
fi

# --- processes: a user of its own is what they are counted by ---
settings ''
first=$((1960000000 + $$ % 100000 * 4))
lack=$(slot_users_lack "$first")
if [ -n "$lack" ]; then
	skip '(many)' "$lack"
else
	base=$tmp/two
	mkdir -m 711 "$base"
	chmod 666 "$hub_sock"
	unset RUNNERD_USER
	start_limited --isolation user --user nobody --slot-uids "$first-$((first + 3))"
	hub_say "task many sh -c 'i=0; while [ \$i -lt 60 ]; do sleep 30 & i=\$((i + 1)); done; echo all'"
	hub_say 'task beside ulimit -u; sh -c "sh -c true"; echo beside'
	ok '(many) a step that starts more processes than its class has fails' wait_ended many failed
	like "$(cat "$(got_output many)")" 'ork' '(many) it is refused the rest'
	unlike "$(cat "$(got_output many)")" '^all' '(many) all of it'
	ok '(beside) another task goes on' wait_ended beside success
	is "$(tr '\n' ' ' <"$(got_output beside)")" '40 beside ' '(beside) it has as many for itself'
	stop "$agent_pid"
fi
done_testing

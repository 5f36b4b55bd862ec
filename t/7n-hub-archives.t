#!/bin/sh
# Caches and workspaces between hosts: what one agent's jobs save, those of another have, through the hub.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

start_plain_hub || exit 1
RUNNER_HUB=unix:$tmp/hub.sock
CIRCLE_TOKEN=$(cat "$tmp/hub/admin.token")
export RUNNER_HUB CIRCLE_TOKEN
unset CI CIRCLECI CIRCLE_BRANCH CIRCLE_TAG
runnerctl resource-class create test/far --generate-token >"$tmp/far.token" 2>"$tmp/far.err"

# host NAME TOKEN-FILE [OPTION...]: an agent with directories of its own
host()
{
	h_name=$1 h_token=$2
	shift 2
	start "$h_name" runnerd --hub "$hub_url" --token-file "$h_token" --run-dir "$tmp/$h_name.run" --data-dir "$tmp/$h_name.data" \
		--work-dir "$tmp/$h_name.work" --cache-dir "$tmp/$h_name.cache" --name "$h_name" -j 6 "$@"
	wait_started "$h_name" connected 20
}
build()
{
	timeout 300 runnerctl --project gh/ada/engine pipeline run --follow --config "$tmp/config.yml" "$@" >"$tmp/out" 2>&1
	status=$?
}
brought() # HOST: how many archives have come to it from the hub
{
	grep -c 'has come from the hub' "$tmp/$1.log"
}
job() # NAME CLASS STEPS...: a job of the config
{
	printf '  %s:\n    machine: true\n    resource_class: %s\n    steps:\n' "$1" "$2"
	shift 2
	printf '      - %s\n' "$@"
}
config() # JOBS-OF-THE-WORKFLOW: jobs on standard input
{
	{
		echo 'version: 2.1'
		echo 'jobs:'
		cat
		printf 'workflows: {w: {jobs: [%s]}}\n' "$1"
	} >"$tmp/config.yml"
}

host near "$tmp/hub/agent.token"
host far "$tmp/far.token"
far_pid=$pid

# --- there and back ---
config 'save, load: {requires: [save]}' <<END
$(job save test/linux 'run: mkdir out; seq 300000 >out/f; head -c 200000 /dev/urandom >out/g; (cd out && sha256sum f g) >sum; mv sum out; echo small >out/small' \
	'save_cache: {key: v1-deps, paths: [out]}' 'save_cache: {key: "v1-größe %2F x/y", paths: [out/small]}' \
	'persist_to_workspace: {root: out, paths: [f, sum]}' 'persist_to_workspace: {root: out, paths: [g]}')
$(job load test/far 'restore_cache: {keys: [none-, v1-deps]}' 'run: cd out && sha256sum -c sum' 'run: rm -r out' 'attach_workspace: {at: out}' \
	'run: cd out && sha256sum -c sum' 'restore_cache: {key: v1-gr}' 'run: cat out/small')
END
build
is "$status" 0 'a job on another host has what was saved and persisted' || diag "$(cat "$tmp/out")"
like "$(cat "$tmp/out")" 'Kept at the hub, too: in ' 'it is told that the hub has it'
like "$(cat "$tmp/out")" "Found a cache for key 'v1-deps'" 'a key that no host has is passed by'
is "$(brought far) $(brought near)" '4 0' 'each archive has come once'

config 'load' <<END
$(job load test/far 'restore_cache: {key: v1-deps}' 'run: cd out && sha256sum -c sum' 'save_cache: {key: v1-deps, paths: [out]}')
END
build
is "$status $(brought far)" '0 4' 'the second time it is here already'
like "$(cat "$tmp/out")" 'There is a cache for key .v1-deps. already' 'and is not saved again'
like "$(cat "$tmp/out")" 'The hub has it already' 'nor sent again'

config 'save, load: {requires: [save]}' <<END
$(job save test/linux 'run: touch f' 'save_cache: {key: keeps-1, paths: [f]}' | sed 's/machine: true/machine: true\n    retention: {caches: 2d}/')
$(job load test/far 'restore_cache: {key: keeps-}' 'run: test -f f')
END
build
is "$status" 0 'a cache whose job says for how long is there for another host' || diag "$(cat "$tmp/out")"
like "$(grep -l '"keeps-1"' "$tmp/far.cache/caches"/*.cache | xargs head -c 8192 | tr -d '\0')" '"keep_ms":172800000' 'which keeps it for as long'

# --- nothing in it ---
config 'save, load: {requires: [save]}' <<END
$(job save test/linux 'run: mkdir -p ws/void bare; touch ws/nil' 'save_cache: {key: void-1, paths: [ws/nil, bare]}' 'persist_to_workspace: {root: ws, paths: [.]}')
$(job load test/far 'restore_cache: {key: void-}' 'run: test -f ws/nil && test ! -s ws/nil && test -d bare' 'attach_workspace: {at: at}' 'run: test -d at/void && test -f at/nil')
END
build
is "$status $(brought far)" '0 7' 'empty files and directories alone go through the hub, too' || diag "$(cat "$tmp/out")"

# --- many at once, and the newest of all hosts ---
config 'save, a: {requires: [save]}, b: {requires: [save]}, c: {requires: [save]}, d: {requires: [save]}' <<END
$(job save test/linux 'run: head -c 6000000 /dev/urandom >f; sha256sum f >sum' 'save_cache: {key: many-1, paths: [f, sum]}' \
	'run: date >sum2' 'save_cache: {key: many-2, paths: [f, sum, sum2]}')
$(for name in a b c d; do job $name test/far 'restore_cache: {key: many-}' 'run: sha256sum -c sum; cat sum2'; done)
END
build
is "$status" 0 'jobs that want one cache at the same time all have it' || diag "$(cat "$tmp/out")"
is "$(brought far)" 8 'and it has come once'
like "$(cat "$tmp/out")" "Found a cache for key 'many-2'" 'the newest whose key begins so is taken'

# --- what was damaged on this host comes anew ---
damaged=$(grep -l '"many-2"' "$tmp/far.cache/caches"/*.cache)
printf x | dd of="$damaged" bs=1 seek=9000 conv=notrunc 2>/dev/null
config 'load' <<END
$(job load test/far 'restore_cache: {key: many-}' 'run: sha256sum -c sum')
END
build
is "$status $(brought far)" '0 9' 'a cache that was damaged here is fetched again' || diag "$(cat "$tmp/out")"
like "$(cat "$tmp/out")" 'is damaged: it is removed' 'and that is told'

# --- another saved the key first ---
config 'save, late: {requires: [save]}' <<END
$(job save test/linux 'run: echo near >who' 'save_cache: {key: first, paths: [who]}')
$(job late test/far 'run: echo far >who' 'save_cache: {key: first, paths: [who]}')
END
build
is "$status" 0 'two hosts may save one key'
like "$(cat "$tmp/out")" '\[late\] The hub has it already' 'the second is told'

# --- an archive that the hub has damaged ---
config 'save' <<END
$(job save test/linux 'run: head -c 7000000 /dev/urandom >f' 'save_cache: {key: hurt, paths: [f]}')
END
build
hurt=$(find "$tmp/hub" -path '*blobs*' -type f -size +6700k | head -n 1)
printf 'XXXXXXXX' | dd of="$hurt" bs=1 seek=500000 conv=notrunc 2>/dev/null
config 'load' <<END
$(job load test/far 'restore_cache: {key: hurt}' 'run: test ! -e f')
END
build
is "$status" 0 'one that the hub has damaged counts as none' || diag "$(cat "$tmp/out")"
like "$(cat "$tmp/out")" 'what has come is not what the hub announced' 'and that is told'
is "$(grep -l '"hurt"' "$tmp/far.cache/caches"/*.cache | wc -l)" 0 'nothing of it is kept'

# --- too old ---
stop "$hub_pid"
python3 - "$tmp/hub/hub.db" <<'END'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1], timeout=30)
with db:
    assert db.execute("UPDATE blob SET created_ms = created_ms - 16 * 86400000 WHERE CAST(name AS TEXT) LIKE 'hurt%'").rowcount == 1
END
start_plain_hub
config 'load' <<END
$(job load test/far 'restore_cache: {key: hurt}' 'run: test ! -e f')
END
before=$(brought far)
build
is "$status $(($(brought far) - before))" '0 0' 'one that is older than agents keep any is not fetched' || diag "$(cat "$tmp/out")"
like "$(cat "$tmp/out")" 'No cache is found for key: hurt' 'and counts as none'
unlike "$(cat "$tmp/out")" 'what has come is not' 'none of it has come'

# --- a line that is cut again and again ---
stop "$far_pid"
rm -rf "$tmp/far.cache" "$tmp/far.run"
start relay relay "$tmp/relay.sock" "$tmp/hub.sock" "${RELAY_SEED:-3}" 5000000
relay_pid=$pid
wait_log relay ready 10
hub_url=unix:$tmp/relay.sock
host far "$tmp/far.token"
far_pid=$pid
config 'save, load: {requires: [save]}' <<END
$(job save test/far 'run: head -c 9000000 /dev/urandom >f; sha256sum f >sum' 'save_cache: {key: cut-1, paths: [f, sum]}' 'persist_to_workspace: {root: ., paths: [sum]}')
$(job load test/far 'attach_workspace: {at: .}' 'restore_cache: {key: many-2}' 'run: sha256sum -c sum')
END
start build timeout 300 runnerctl --project gh/ada/engine pipeline run --follow --config "$tmp/config.yml"
build_pid=$pid
ok 'the line is cut' wait_log relay 'cut after.*' 60
cut_thrice()
{
	[ "$(grep -c 'relay: cut' "$tmp/relay.log")" -ge 3 ] || t_is_gone "$build_pid"
}
wait_until 60 cut_thrice
kill -USR1 "$relay_pid"
wait "$build_pid"
is "$?" 0 'and all goes on' || diag "$(cat "$tmp/build.log")"
stop "$far_pid"
stop "$relay_pid"
hub_url=unix:$tmp/hub.sock
rm -rf "$tmp/far.cache" "$tmp/far.run"
host far "$tmp/far.token"
far_pid=$pid
config 'load' <<END
$(job load test/far 'restore_cache: {key: cut-1}' 'run: sha256sum -c sum')
END
build
is "$status" 0 'and what was sent over it is whole' || diag "$(cat "$tmp/out")"

# --- more than any connection carries ---
config 'save' <<END
$(job save test/linux 'run: head -c 20000000 /dev/urandom >f; sha256sum f >sum' 'save_cache: {key: wide-1, paths: [f, sum]}')
END
build
stop "$far_pid"
start wide relay "$tmp/relay.sock" "$tmp/hub.sock" "${RELAY_SEED:-3}" 16000000
relay_pid=$pid
wait_log wide ready 10
hub_url=unix:$tmp/relay.sock
host far "$tmp/far.token"
config 'load' <<END
$(job load test/far 'restore_cache: {key: wide-}' 'run: sha256sum -c sum')
END
build
is "$status" 0 'an archive comes over connections that each carry less than it has' || diag "$(cat "$tmp/out")"
stop "$pid"
counted_all()
{
	[ "$(grep -c 'bytes in all' "$tmp/wide.log")" -gt "$(grep -c 'relay: cut' "$tmp/wide.log")" ]
}
wait_until 60 counted_all
stop "$relay_pid"
hub_url=unix:$tmp/hub.sock
cuts=$(grep -c 'relay: cut' "$tmp/wide.log")
passed=$(sed -n 's/relay: \([0-9]*\) bytes in all/\1/p' "$tmp/wide.log" | tail -n 1)
ok 'which were cut' test "$cuts" -ge 2
# What was in the kernel's hands when a connection was cut is lost, and sent again.
ok 'nothing begins anew: hardly more passes than there is' test "${passed:-0}" -gt 20000000 -a "${passed:-99999999}" -lt $((21000000 + cuts * 1000000)) ||
	diag "$passed bytes with $cuts cuts" "$(cat "$tmp/wide.log")"
host far "$tmp/far.token"
far_pid=$pid

# --- an agent that dies in the middle ---
config 'save, load: {requires: [save]}' <<END
$(job save test/far 'run: head -c 20000000 /dev/urandom >f; sha256sum f >sum' 'save_cache: {key: dies-1, paths: [f, sum]}' 'persist_to_workspace: {root: ., paths: [sum, f]}')
$(job load test/linux 'restore_cache: {key: dies-}' 'run: sha256sum -c sum; rm f sum' 'attach_workspace: {at: .}' 'run: sha256sum -c sum')
END
layers=$(grep -c 'layer persisted: ' "$tmp/far.log")
start build timeout 300 runnerctl --project gh/ada/engine pipeline run --follow --config "$tmp/config.yml"
build_pid=$pid
is_saved()
{
	grep -q 'cache saved: dies-1' "$tmp/far.log"
}
is_persisted()
{
	[ "$(grep -c 'layer persisted: ' "$tmp/far.log")" -gt "$layers" ]
}
for what in is_saved is_persisted; do
	wait_until 60 $what
	kill -KILL "$far_pid"
	wait_gone "$far_pid" 20
	host far "$tmp/far.token"
	far_pid=$pid
done
wait "$build_pid"
is "$?" 0 'a new agent goes on with what is on its way to the hub' || diag "$(cat "$tmp/build.log")"

# --- no room ---
stop "$far_pid"
if mkdir "$tmp/small" && mount -t tmpfs -o size=2m none "$tmp/small" 2>/dev/null; then
	rm -rf "$tmp/far.cache" "$tmp/far.run"
	host far "$tmp/far.token" --cache-dir "$tmp/small" --workspace-dir "$tmp/far.workspaces"
	config 'load' <<END
$(job load test/far 'restore_cache: {key: cut-1}')
END
	build
	like "$(cat "$tmp/out")" 'it cannot be written: is there room in the cache directory' 'where a cache has no room there is none, and that is told'
	is "$(find "$tmp/small" -name '*.cache' | wc -l)" 0 'nothing of it stays'
	stop "$pid"
	umount "$tmp/small"

	stop "$hub_pid"
	mount -t tmpfs -o size=4m none "$tmp/hub/blobs"
	start_plain_hub
	wait_log near connected 20
	config 'save' <<END
$(job save test/linux 'run: head -c 6000000 /dev/urandom >f' 'save_cache: {key: large-1, paths: [f]}' 'run: rm f' 'restore_cache: {key: large-}' 'run: ls -l f')
END
	build
	is "$status" 0 'a hub without room for a cache fails no job' || diag "$(cat "$tmp/out")"
	like "$(cat "$tmp/out")" 'the hub has it not, so that only jobs on this host do: .*(room|disk|full)' 'that is told, with the reason'
	config 'persist' <<END
$(job persist test/linux 'run: head -c 6000000 /dev/urandom >f' 'persist_to_workspace: {root: ., paths: [f]}')
END
	build
	is "$status" 1 'one without room for a layer does, since no other host could go on' || diag "$(cat "$tmp/out")"
	like "$(cat "$tmp/out")" 'the hub does not keep it: .*(room|disk|full)' 'and the step says why'
	stop "$hub_pid"
	umount "$tmp/hub/blobs"
else
	skip 'where a cache has no room there is none' 'no file system can be mounted'
fi
done_testing

#!/bin/sh
# Agent, hub and runnerctl over each transport: a pipeline submitted, followed, listed.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

tls_port=$(free_port)
tcp_port=$(free_port)
runner-hub init --data-dir "$tmp/hub" --listen "127.0.0.1:$tls_port" --login ada --resource-class test/linux \
	>"$tmp/init.out" 2>&1 || exit 1
fingerprint=$(sed -n 's/.*--hub-fingerprint \(SHA256:[0-9A-F]*\).*/\1/p' "$tmp/init.out" | head -n 1)
mkdir "$tmp/src"
grep -E '^(data_dir|default_resource_class)' "$tmp/hub/runner-hub.yaml" >"$tmp/plain.yaml"
cat >"$tmp/src/config.yml" <<'EOF'
version: 2.1
jobs:
  greet: {machine: true, steps: [run: {name: greet, command: "echo hello; seq 1 3000; echo bye"}]}
  next: {machine: true, steps: [run: {name: next, command: echo next}]}
workflows:
  w:
    jobs: [greet, next: {requires: [greet]}]
EOF

# try NAME HUB-OPTION CLIENT-OPTION...: all of it with one hub and one agent.
try()
{
	name=$1
	listen=$2
	shift 2
	: >"$tmp/hub.log"
	: >"$tmp/agent.log"
	start hub runner-hub serve -c "$tmp/plain.yaml" $listen
	hub_pid=$pid
	wait_log hub ' ready$' 20 || return 1
	start agent runnerd "$@" --token-file "$tmp/hub/agent.token" -j 2 --name "$name" --run-dir "$tmp/run.$name" \
		--data-dir "$tmp/data.$name" --work-dir "$tmp/work.$name" --cache-dir "$tmp/cache.$name"
	agent_pid=$pid
	set -- "$@" --token-file "$tmp/hub/admin.token" --project "gh/ada/$name"
	t_agent_listed()
	{
		runnerctl "$@" agent list 2>"$tmp/ctl.err" | grep -q "^$name "
	}
	ok "$name: the agent is listed" wait_until 30 t_agent_listed "$@"
	runnerctl "$@" pipeline run -c "$tmp/src/config.yml" >"$tmp/run.out" 2>"$tmp/run.err"
	is "$?" 0 "$name: a pipeline is submitted"
	id=$(grep -Eo '[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}' "$tmp/run.out" "$tmp/run.err" | head -n 1)
	id=${id##*:}
	[ -n "$id" ] || id=$(runnerctl "$@" --json pipeline list | python3 -c 'import json, sys; print(json.load(sys.stdin)["items"][0]["id"])')
	runnerctl "$@" pipeline watch "$id" >"$tmp/watch.out" 2>"$tmp/watch.err"
	is "$?" 0 "$name: followed to its good end"
	like "$(cat "$tmp/watch.out" "$tmp/watch.err")" 'bye' "$name: with what it printed"
	runnerctl "$@" logs w/greet >"$tmp/logs.out" 2>"$tmp/logs.err"
	is "$?" 0 "$name: its log is read"
	is "$(grep -c '^[0-9]*$' "$tmp/logs.out")" 3000 "$name: all of it"
	like "$(runnerctl "$@" job list)" 'greet.*success' "$name: its jobs are listed"
	stop "$agent_pid"
	is "$status" 0 "$name: the agent ends in good order"
	stop "$hub_pid"
	is "$status" 0 "$name: so does the hub"
}

try unix "--listen unix:$tmp/hub.sock" --hub "unix:$tmp/hub.sock"
try tcp "--listen 127.0.0.1:$tcp_port" --hub "http://127.0.0.1:$tcp_port"
try tls "--listen 127.0.0.1:$tls_port --tls-cert $tmp/hub/tls.crt --tls-key $tmp/hub/tls.key" \
	--hub "https://127.0.0.1:$tls_port" --hub-fingerprint "$fingerprint"
try ca "--listen 127.0.0.1:$tls_port --tls-cert $tmp/hub/tls.crt --tls-key $tmp/hub/tls.key" \
	--hub "https://localhost:$tls_port" --cacert "$tmp/hub/ca.crt"
done_testing

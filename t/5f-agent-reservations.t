#!/bin/sh
# What a class reserves is its task's alone: devices by name, CPUs; and what its jobs are told.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

settings()
{
	cat >"$tmp/runnerd.yaml" <<END
jobs: $1
capacity: {cpus: 64, memory: 64G, devices: {gpu: [/dev/nvidia3, /dev/nvidia7], licence: 5}}
resource_classes:
  - {name: local/test, token_file: $tmp/token, $2}
END
}

start_reserving()
{
	start agent runnerd -c "$tmp/runnerd.yaml" --hub "$hub_url" --run-dir "$tmp/run" --data-dir "$tmp/data" \
		--work-dir "$tmp/work" --cache-dir "$tmp/cache" --orphan-limit 60s
	agent_pid=$pid
}

# --- devices ---
# Fails when another task has the same device; waits until both are taken.
# shellcheck disable=SC2016
exclusive='d=${RUNNER_DEVICES_GPU##*/}; mkdir '$tmp'/has-$d || exit 9; touch '$tmp'/seen-$d
until [ -e '$tmp'/seen-nvidia3 ] && [ -e '$tmp'/seen-nvidia7 ]; do sleep 0.02; done
echo "$RUNNER_DEVICES $CUDA_VISIBLE_DEVICES"; rmdir '$tmp'/has-$d'
settings 8 'cpus: 1, devices: {gpu: 1, licence: 2}, cuda_visible_devices: gpu, proxy: "http://proxy.test:3128",
    no_proxy: .test, ca_file: /etc/ssl/test.pem'
script "tasks 6 gpu $(printf %s "$exclusive" | tr '\n' ';')"
start_fakehub
start_reserving
ok 'six tasks of a class that has a GPU of two each end' wait_log fakehub 'all 6 tasks ended' 60
is "$(grep -c 'gpu[0-9] ended success' "$tmp/fakehub.log")" 6 'no two had the same'
cat "$tmp"/got/gpu*/step-0.out >"$tmp/told"
is "$(grep -cvE '^/dev/nvidia([37]),[0-4],[0-4] \1$' "$tmp/told")" 0 'they are told which, and CUDA in its own way'
# shellcheck disable=SC2016
hub_say 'task net echo "$HTTPS_PROXY $no_proxy $GIT_SSL_CAINFO $NODE_EXTRA_CA_CERTS"'
ok 'a task ends' wait_ended net success
is "$(cat "$(got_output net)")" 'http://proxy.test:3128 .test /etc/ssl/test.pem /etc/ssl/test.pem' \
	'proxy and certificates are handed to jobs where the class says so'

stop "$agent_pid"
# shellcheck disable=SC2016
hub_say 'task heir echo "$HTTP_PROXY $https_proxy $NO_PROXY"'
settings 8 'proxy: inherit'
HTTPS_PROXY=http://inherited.test:3128 NO_PROXY=.inherited
export HTTPS_PROXY NO_PROXY
start_reserving
ok 'a task of a class that inherits a proxy ends' wait_ended heir success
is "$(cat "$(got_output heir)")" 'http://inherited.test:3128 http://inherited.test:3128 .inherited' 'it has that of runnerd'
stop "$agent_pid"
unset HTTPS_PROXY NO_PROXY
# shellcheck disable=SC2016
settings 8 'cpus: 1, devices: {gpu: 1, licence: 2}, cuda_visible_devices: gpu'
start_reserving

# --- over a crash ---
# shellcheck disable=SC2016
hub_say 'task holder echo "$RUNNER_DEVICES_GPU" >'"$tmp/holder"'; until [ -e '"$tmp/go"' ]; do sleep 0.05; done'
wait_until 20 test -s "$tmp/holder"
kill -9 "$agent_pid"
wait_gone "$agent_pid" 20
start_reserving
ok 'a new runnerd finds a task that has a GPU' wait_log agent 'found 1 tasks of an earlier runnerd' 20
# shellcheck disable=SC2016
hub_say 'task other echo "$RUNNER_DEVICES_GPU"'
ok 'and gives another one to the next' wait_ended other success
is "$(sort -u "$tmp/holder" "$(got_output other)" | wc -l)" 2 'not the same'
hub_say "tasks 1 second until [ -e '$tmp/go.second' ]; do sleep 0.05; done"
why="6 of 8 slots are free, but no task of resource class 'local/test' fits: 1 of device 'gpu' are reserved by each and 0 of 2 are not reserved"
says_why()
{
	runnerctl why --run-dir "$tmp/run" 2>/dev/null | grep -qF "$why"
}
ok 'runnerctl why says which device is missing' wait_until 20 says_why
ok 'with a word for programs' sh -c "runnerctl why --json --run-dir '$tmp/run' | grep -q '\"hindrance\": *\"all_reserved\"'"
touch "$tmp/go.second"
# shellcheck disable=SC2016
hub_say 'tasks 2 both echo "$RUNNER_DEVICES_GPU"'
ok 'which others have after it' wait_log fakehub 'task both1 ended success' 30
touch "$tmp/go"
ok 'the one that was found ends' wait_ended holder success
stop "$agent_pid"

# --- CPUs ---
cpus=$(nproc)
settings "$cpus" 'cpus: auto'
sed -i "s/cpus: 64, /cpus: $cpus, /" "$tmp/runnerd.yaml" # a container's quota may be less than what it sees
start_reserving
hub_say "tasks $cpus pinned nproc; mktemp -q $tmp/at.XXXXXX >/dev/null; until [ \$(ls -d $tmp/at.* | wc -l) -ge $cpus ]; do sleep 0.05; done; grep Cpus_allowed_list /proc/self/status"
pinned_ended()
{
	[ "$(grep -c 'task pinned[0-9]* ended' "$tmp/fakehub.log")" = "$cpus" ]
}
ok 'as many tasks as there are CPUs run' wait_until 60 pinned_ended
is "$(cat "$tmp"/got/pinned*/step-0.out | grep -c '^1$')" "$cpus" 'each on one'
is "$(cat "$tmp"/got/pinned*/step-0.out | grep Cpus_allowed_list | sort -u | wc -l)" "$cpus" 'that is its own'
stop "$agent_pid"

# --- what cannot be ---
refuse()
{
	runnerd -c "$tmp/runnerd.yaml" --hub "$hub_url" --run-dir "$tmp/run" >"$tmp/err" 2>&1
	status=$?
}

settings 8 'cpus: 65'
refuse
is "$status" 2 'a class that is larger than the host is refused'
like "$(cat "$tmp/err")" "tasks of resource class 'local/test' are larger than this host: 65 CPUs" 'with the numbers'
settings 8 'devices: {gpu: 3}'
refuse
like "$(cat "$tmp/err")" "3 of device 'gpu' are reserved by each and 2 of 2 are not reserved" 'with more devices too'
settings 8 'gpus: 3'
refuse
like "$(cat "$tmp/err")" 'gpus is none of name, token_file, cpus, pin_cpus, memory, disk' 'a key that is none is named'
done_testing

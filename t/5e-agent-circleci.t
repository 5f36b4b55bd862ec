#!/bin/sh
# A settings file and the variables of CircleCI's machine runner 3 are read as they are.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

cat >"$tmp/circleci-runner-config.yaml" <<END
api:
  auth_token: "secret-token"
runner:
  name: runner-name-001
  working_directory: "$tmp/workdir"
  cleanup_working_directory: true
  command_prefix: ["env", "THROUGH=prefix"]
  cache_task_agent: true
  mode: single-task
logging:
  level: "info"
  format: "color"
  file: "-"
END
run()
{
	start agent runnerd -c "$tmp/circleci-runner-config.yaml" --hub "$hub_url" --run-dir "$tmp/run" \
		--data-dir "$tmp/data" --cache-dir "$tmp/cache" "$@"
}

script 'task hello pwd; echo "through $THROUGH"; env'
start_fakehub
run
ok 'a task runs with the settings of the file' wait_ended hello success
wait "$pid"
is "$?" 0 'mode: single-task ends it'
like "$(cat "$(got_output hello)")" "^$tmp/workdir/.*" 'it has worked in working_directory'
like "$(cat "$(got_output hello)")" 'through prefix' 'its commands went through command_prefix'
ok 'cleanup_working_directory: nothing is left there' test ! -e "$tmp/workdir/$(task_id hello)"
ok 'a key without counterpart is named' grep -q \
	'warn circleci-runner-config.yaml:8: runner.cache_task_agent: has no counterpart in runnerd: there is' "$tmp/agent.log"
is "$(grep -c ' warn circleci' "$tmp/agent.log")" 1 'and no other'
ok 'the token is in no log' test -z "$(grep secret-token "$tmp/agent.log")"

CIRCLECI_RUNNER_API_AUTH_TOKEN=secret-token CIRCLECI_RUNNER_WORK_DIR=$tmp/elsewhere \
	CIRCLECI_RUNNER_COMMAND_PREFIX="['env', 'THROUGH=two words']"
export CIRCLECI_RUNNER_API_AUTH_TOKEN CIRCLECI_RUNNER_WORK_DIR CIRCLECI_RUNNER_COMMAND_PREFIX
hub_say 'task second pwd; echo "through $THROUGH"; env'
run
ok 'variables stand above the file' wait_ended second success
wait "$pid"
like "$(cat "$(got_output second)")" "^$tmp/elsewhere/.*" 'CIRCLECI_RUNNER_WORK_DIR'
like "$(cat "$(got_output second)")" 'through two words' 'CIRCLECI_RUNNER_COMMAND_PREFIX, as a list'
ok 'a job does not see the token' test -z "$(grep -r secret-token "$tmp/got/second")"
unset CIRCLECI_RUNNER_API_AUTH_TOKEN CIRCLECI_RUNNER_WORK_DIR CIRCLECI_RUNNER_COMMAND_PREFIX

sed 's/cache_task_agent/cache_taskagent/' "$tmp/circleci-runner-config.yaml" >"$tmp/wrong.yaml"
runnerd -c "$tmp/wrong.yaml" --hub "$hub_url" 2>"$tmp/err.txt"
is "$?" 2 'an unknown key ends it'
like "$(cat "$tmp/err.txt")" \
	"wrong.yaml:8: runner.cache_taskagent is no setting .*: did you mean 'runner.cache_task_agent'" 'with the key that was meant'
done_testing

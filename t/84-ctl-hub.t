#!/bin/sh
# runnerctl and a hub with an agent: every command that asks or tells.
. "${0%/*}/lib.sh"

ctl()
{
	timeout 600 runnerctl "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	out=$(cat "$tmp/out")
	err=$(cat "$tmp/err")
}

# Fields of --json output: python knows JSON, sh does not.
field()
{
	python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    value = value[int(key)] if isinstance(value, list) else value[key]
print(json.dumps(value) if isinstance(value, (dict, list)) else value)' "$1" <"$tmp/out"
}

# --- without a hub, with a wrong one ------------------------------------------------------
ctl job list
is "$status" 3 "no hub named is status 3"
like "$err" '^hint: give --hub URL or set RUNNER_HUB' "with a hint"
ctl job list --hub "unix:$tmp/none.sock"
is "$status" 3 "no token is status 3"
like "$err" '^runnerctl: no token is given$' "and said"
echo token >"$tmp/token"
ctl job list --hub "unix:$tmp/none.sock" --token-file "$tmp/token"
is "$status" 3 "a hub that is not there is status 3"
like "$err" "$tmp/none.sock" "and named"

start_hub || exit 1
RUNNER_HUB=$hub_url
export RUNNER_HUB
ctl job list --token-file "$tmp/token"
is "$status" 3 "a token the hub does not know is status 3"
like "$err" '^hint: ' "with a hint"
CIRCLE_TOKEN=$(cat "$tmp/hub/admin.token")
export CIRCLE_TOKEN

# --- classes and tokens ---------------------------------------------------------------------
ctl resource-class create t/linux --generate-token --description "for tests"
is "$status" 0 "a class is made"
like "$out" '^[0-9a-f]{64}$' "its token is printed, alone"
cp "$tmp/out" "$tmp/agent.token"
ctl resource-classes list --namespace t
like "$out" '^t/linux +for tests ' "it is listed"
ctl resource-class list --json
ok "as JSON, too" grep -q '"resource_class": "t/linux"' "$tmp/out"
ctl resource-class list --json=lines
like "$out" '^\{.*"resource_class":"t/linux".*\}$' "and as JSON lines"
ctl token create t/linux --nickname second --json
second=$(field id)
ctl token list t/linux
is "$(printf '%s\n' "$out" | wc -l)" 3 "both tokens are listed"
ctl token revoke "$second"
is "$status" 0 "one is revoked"
ctl runner token list t/linux
is "$(printf '%s\n' "$out" | wc -l)" 2 "and gone"
ctl resource-class delete t/linux
is "$status" 1 "a class with tokens is not deleted"
ctl resource-class create t/gone
ctl resource-class delete t/gone
is "$status" 0 "one without is"
ctl resource-class delete t/gone
is "$status" 1 "once"
like "$err" "there is no resource class 't/gone'" "then it is gone"

# --- a project -------------------------------------------------------------------------------
mkdir -p "$tmp/work/.circleci" && cd "$tmp/work" || exit 99
git init -q -b main .
cat >.circleci/config.yml <<'END'
version: 2.1
parameters:
  say: {type: string, default: hello}
  fail: {type: boolean, default: false}
jobs:
  a:
    machine: true
    resource_class: t/linux
    steps:
      - checkout
      - run: {name: Greet, command: 'echo "<< pipeline.parameters.say >> from $CIRCLE_BRANCH"; cat file'}
      - when: {condition: << pipeline.parameters.fail >>, steps: [run: {name: Break, command: echo breaking; exit 5}]}
  many: {machine: true, resource_class: t/linux, parallelism: 2, steps: [run: echo "node $CIRCLE_NODE_INDEX"]}
  held: {machine: true, resource_class: t/linux, steps: [run: echo held; exec sleep 1000]}
workflows:
  quick: {unless: << pipeline.parameters.fail >>, jobs: [a, {many: {requires: [a]}}]}
  broken: {when: << pipeline.parameters.fail >>, jobs: [a]}
  slow: {when: {equal: [slow, << pipeline.parameters.say >>]}, jobs: [held]}
END
echo "a file" >file
git add . && git -c user.name=t -c user.email=t@example.org commit -q -m first
git clone -q --bare . "$tmp/origin.git"
git remote add origin "https://github.com/ada/engine.git"

ctl pipeline run --repo "file://$tmp/origin.git" --json
is "$status" 0 "a pipeline is begun"
pipeline=$(field id)
is "$(field number)" 1 "with a number"
like "$err" 'agent' "that no agent serves its class is said at once"
ctl job list
like "$out" '^1 +quick +a +queued +t/linux +.*agent' "and stays said"
ctl why quick/a
is "$status:$out" "0:job 'a' waits: no connected agent serves resource class 't/linux' and none ever did" "and why tells it"
ctl pipeline show "$pipeline"
like "$out" '^Project +gh/ada/engine$' "its project is the git remote's"
like "$out" '^Branch +main$' "its branch is the one checked out"

# The last job outlives its hub, and then its agent: not for long.
start_agent -j 4 --token-file "$tmp/agent.token" --name big1 --orphan-limit 5s || exit 1
knows_agent()
{
	runnerctl --hub "$hub_url" top >"$tmp/top" 2>&1 && grep -q '^big1 ' "$tmp/top"
}
ok "top: the hub's agents" wait_until 20 knows_agent
like "$(cat "$tmp/top")" '^hub: version .* pipelines, [0-9]+ tasks queued, [0-9]+ running; 1 agents' 'and what is queued and runs'
ctl pipeline watch "$pipeline"
is "$status" 0 "an agent comes and the pipeline succeeds"
like "$out" '^\[a\] hello from main$' "its output is shown"
like "$out" '^\[a\] a file$' "the repository was checked out"
like "$out" '^2 jobs: 2 succeeded, 0 failed, 0 not run ' "and counted"
ctl agent list
like "$out" '^big1 +t/linux ' "the agent is listed"
ctl runner instance list
like "$out" '^big1 ' "under CircleCI's name for it, too"

# --- reading -----------------------------------------------------------------------------------
ctl pipelines list --project gh/ada/engine
like "$out" "^1 +$pipeline +[a-z]+ +main " "pipelines are listed"
ctl workflow list "$pipeline" --json
workflow=$(field items.0.id)
ctl workflow show "$workflow"
like "$out" '^Status +success$' "a workflow is shown"
like "$out" '^2 +many +build +success' "with its jobs"
ctl job show quick/a
like "$out" '^Outcome +success$' "a job is shown by workflow and name"
like "$out" '^1 +Greet +run +success +0 ' "with its steps"
like "$out" '^Task .*: success; CPU [0-9.]+s, memory at most [0-9.]+ [KMG]iB$' "and what its task has used"
ctl job show 2 --json
is "$(field name)" many "by its number, as JSON"
job=$(field id)
task=$(field tasks.1.id)
ctl job show "$job"
like "$out" '^Number +2$' "and by its id"
ctl task show "$task"
like "$out" '^Job +many$' "a task is shown"
like "$out" '^STEP +NAME +STATE +EXIT +TIME +USER +SYSTEM +MEMORY +READ +WRITTEN +OUTPUT$' "with what its steps have used"
like "$out" ' success +0 +[0-9]+\.[0-9]s +[0-9]+\.[0-9]s +[0-9]+\.[0-9]s +[0-9.]+ [KMG]iB +[0-9.]+ [KMG]?i?B +[0-9.]+ [KMG]?i?B +7 B$' \
	"in seconds and bytes"
is "$(sed -n 's/^[-0-9]*T[0-9:.]*Z  *\([a-z]*\).*/\1/p' "$tmp/out" | tr '\n' ' ')" 'queued leased preparing running finishing ended ' \
	"with its history, from the hub's queue over the agent's states to its end"
ctl task list --job "$job"
is "$(printf '%s\n' "$out" | wc -l)" 3 "tasks are listed"
ctl logs quick/a
like "$out" '^hello from main$' "a job's output is printed"
ctl logs quick/a --step Greet
is "$out" "hello from main
a file" "or one step's, by name"
ctl job logs --step 1 1
is "$out" "hello from main
a file" "or by number"
ctl logs quick/many/1
is "$out" "node 1" "or one node's"
ctl logs quick/many
is "$out" "node 0
node 1" "or all nodes'"
ctl logs quick/a --step Nothing
is "$status" 1 "a step that is not there is an error"
ctl logs quick/a --step 99
is "$status" 1 "as is a number that no step has"
ctl logs -f quick/a --step 99
is "$status" 1 "also to who would wait for it: the job has ended"
ctl logs quick/nothing
is "$status" 1 "as is a job that is not there"
ctl logs
is "$status" 2 "a job must be named"
ctl job show quick/a --attempt 2
is "$status" 1 "and an attempt that was not"

# --- a red pipeline, followed -----------------------------------------------------------------
ctl pipeline run --repo "file://$tmp/origin.git" --branch main --parameter fail=true --parameter say=bye --follow
is "$status" 1 "a red pipeline that is followed is status 1"
like "$out" "^--- a: step 'Break' failed: exit code 5 after " "its failure is printed"
like "$out" '^\[a\] bye from main$' "parameters reach it"
ctl logs --last-failed
like "$out" '^breaking$' "--last-failed is its job"
ctl job list --state ended --limit 1
is "$(printf '%s\n' "$out" | wc -l)" 2 "a list can be limited"

# --- what is wrong with a config comes from the hub with its place -------------------------------
cp .circleci/config.yml good.yml
printf '%s\n' 'version: 2.1' 'jobs:' '  a: {machine: true, steps: [rum: x]}' 'workflows: {w: {jobs: [a]}}' >bad.yml
ctl pipeline run --config bad.yml --repo "file://$tmp/origin.git"
is "$status" 1 "a wrong config is status 1"
like "$err" '^bad\.yml:3:[0-9]+: error\[' "with its place"

# --- nothing is selected ---------------------------------------------------------------------------
for follow in '' --follow; do
	ctl pipeline run --config good.yml --repo "file://$tmp/origin.git" --tag v1 $follow
	is "$status" 0 "a tag that no job is for is no error${follow:+, $follow}"
	is "$out" "" "there is no pipeline whose id could be printed"
	like "$err" '^no pipeline was made: no workflow is selected' "which is said"
done

# --- canceling -----------------------------------------------------------------------------------
begin_slow()
{
	ctl pipeline run -c good.yml --repo "file://$tmp/origin.git" --branch main --parameter say=slow --workflow slow
	pipeline=$out
	start logs runnerctl logs -f slow/held
	wait_started logs '^held$' 30
}
begin_slow
ok "logs -f shows what a running job prints" t_has_said logs '^held$'
ctl job cancel slow/held
is "$status" 0 "a job is canceled"
wait "$pid"
is "$?" 0 "logs -f ends with it"
ctl pipeline watch "$pipeline"
is "$status" 1 "a canceled pipeline is no success"
like "$out" '1 canceled' "but canceled"
begin_slow
ctl pipeline cancel "$pipeline"
is "$status" 0 "a pipeline is canceled"
wait "$pid"
begin_slow
ctl workflow list "$pipeline" --json
ctl workflow cancel "$(field items.0.id)"
is "$status" 0 "a workflow is canceled"
wait "$pid"
ctl pipeline cancel "$pipeline"
like "$status" '^[01]$' "once more is no trouble"

# --- a hub that goes away ----------------------------------------------------------------------------
begin_slow
start watch runnerctl pipeline watch "$pipeline"
wait_log watch '^\[held\] held$' 30
kill -KILL "$hub_pid"
ok "a hub that goes away while a pipeline is watched is waited for, and that is said" wait_log watch '^the connection to the hub was cut \(.*\): trying again$' 30
stop "$pid"
is "$status" 143 "until somebody has waited long enough"

ctl --hub http://192.0.2.1 job list
is "$status:$err" "3:runnerctl: hub 'http://192.0.2.1': plain HTTP is for loopback addresses only
hint: give https://" "a token goes over no network in clear text"

done_testing

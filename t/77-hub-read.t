#!/bin/sh
# What is to be read of pipelines, workflows, jobs and tasks; cancel and approve; classes and tokens.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

start_plain_hub || exit 1
start_agent --token-file "$tmp/hub/agent.token" -j 4 --name reader || exit 1

cat >"$tmp/first.yml" <<'EOF'
version: 2.1
jobs:
  good: {machine: true, steps: [run: echo good]}
  wide: {machine: true, parallelism: 2, steps: [run: echo node $CIRCLE_NODE_INDEX]}
  bad: {machine: true, steps: [run: {name: fail, command: exit 3}]}
  never: {type: no-op}
workflows:
  build:
    jobs:
      - good
      - wide: {requires: [good]}
      - bad
      - never: {requires: [bad]}
  gate:
    jobs:
      - hold: {type: approval}
      - good: {requires: [hold]}
EOF
submit "$tmp/first.yml"
is "$code" 201 "a pipeline is made"

# --- approval --------------------------------------------------------------------------------------

t_is_held()
{
	ask GET "/api/v2/pipeline/$pipeline/workflow"
	[ "$(field items.1.status)" = on_hold ]
}
ok "a workflow whose approval is asked for is on hold" wait_until 30 t_is_held
gate=$(field items.1.id)
ask GET "/api/v2/workflow/$gate/job"
hold=$(field items.0.approval_request_id)
is "$(field items.0.status) $(field items.1.status) $(field items.1.dependencies.0)" "on_hold blocked $hold" "its jobs wait"
ask POST "/api/v2/workflow/$gate/approve/$(field items.1.id)"
is "$code" 409 "what is no approval cannot be approved"
ask POST "/api/v2/workflow/$gate/approve/$hold"
is "$code $(field message)" "202 Accepted." "approving is accepted"
ask POST "/api/v2/workflow/$gate/approve/$hold"
is "$code" 202 "and said again it is still accepted"
ok "the pipeline ends" wait_pipeline "$pipeline"

# --- pipelines and workflows ------------------------------------------------------------------------

ask GET "/api/v2/pipeline/$pipeline"
is "$(field id) $(field number) $(field project_slug) $(field state) $(field trigger.actor.login) $(field vcs.branch)" \
	"$pipeline 1 gh/ada/engine created ada main" "a pipeline in CircleCI's shape"
ask GET "/api/v2/pipeline/$pipeline/workflow"
is "$(field items.#) $(field next_page_token)" "2 null" "its workflows in one page"
is "$(field items.0.name) $(field items.0.status) $(field items.0.pipeline_number)" "build failed 1" "one failed"
is "$(field items.1.name) $(field items.1.status)" "gate success" "one did not"
workflow=$(field items.0.id)
ask GET /api/v2/me
me=$(field id)
ask GET "/api/v2/workflow/$workflow"
is "$(field id) $(field started_by)" "$workflow $me" "a workflow says who started it"
ask GET "/api/v2/workflow/$workflow/job"
is "$(field items.0.name) $(field items.0.status) $(field items.0.type)" "good success build" "jobs in their order"
is "$(field items.2.status) $(field items.3.status) $(field items.3.type)" "failed not_run no-op" "with their ends"
number=$(field items.1.job_number)
wide=$(field items.1.id)
bad=$(field items.2.id)
ask GET "/api/v2/project/gh%2Fada%2Fengine/job/$number"
is "$(field id) $(field status) $(field parallelism) $(field parallel_runs.#) $(field parallel_runs.1.status)" \
	"$wide success 2 2 success" "a job by its number, with its runs"
is "$(field executor.resource_class) $(field latest_workflow.id) $(field project.slug)" "test/linux $workflow gh/ada/engine" \
	"and where it ran"
ask GET /api/v2/project/gh/ada/engine/job/99999
is "$code" 404 "a number that is none is not found"
ask GET /api/v2/project/gh/ada/engine/job/x
is "$code" 400 "a word is no number"
for path in pipeline workflow; do
	ask GET "/api/v2/$path/00000000-0000-4000-8000-000000000000"
	is "$code $(field message)" "404 there is no such $path" "no such $path"
	ask POST "/api/v2/$path/00000000-0000-4000-8000-000000000000/cancel"
	is "$code" 404 "so none to cancel"
done
ask GET /api/v2/pipeline/00000000-0000-4000-8000-000000000000/workflow
is "$code" 404 "nor one with workflows"
ask GET /api/v2/pipeline/4711
is "$code" 404 "an id that is none is not found"

# --- jobs and tasks of ours ----------------------------------------------------------------------------

find_job()
{
	ask GET "/api/runner/v1/jobs/find?project=gh/ada/engine&ref=$1"
}
find_job "$number"
is "$(field id)" "$wide" "found by number"
find_job "$wide"
is "$(field id) $(field tasks.#) $(field tasks.0.steps.0.outcome)" "$wide 2 success" "by id, with tasks and steps"
find_job build/wide
is "$(field id)" "$wide" "by workflow and job"
find_job build/wide/1
is "$(field id) $(field tasks.#) $(field tasks.0.node_index)" "$wide 1 1" "by node"
find_job last-failed
is "$(field id) $(field tasks.0.steps.0.exit_code)" "$bad 3" "the one that failed last"
find_job "build/wide&attempt=1"
is "$(field tasks.#)" 2 "an attempt"
find_job "build/wide&attempt=2"
is "$code" 404 "that was not"
find_job build/nope
is "$code" 404 "a job that is not"
find_job build/wide/7
is "$code" 404 "a node that is not"
find_job nope
is "$code" 400 "a form that is none"
find_job ''
is "$code" 400 "none at all"
ask GET "/api/runner/v1/jobs/$bad"
is "$(field state) $(field outcome) $(field workflow.name) $(field pipeline.number)" "ended failed build 1" "a job of ours"
task=$(field tasks.0.id)
ask GET "/api/runner/v1/tasks/$task"
is "$(field job.id) $(field agent.name) $(field outcome) $(field steps.0.name)" "$bad reader failed fail" "a task, its agent, its steps"
like "$(field history)" '"state": "queued".*"state": "leased".*"state": "preparing".*"state": "running".*"state": "finishing".*"state": "ended"' "and its history"
ask GET "/api/runner/v1/jobs?pipeline=$pipeline&limit=2"
is "$(field items.#) $(field items.0.name)" "2 good" "jobs are listed newest first, as many as asked for"
ask GET "/api/runner/v1/jobs?workflow=$workflow&state=ended"
is "$(field items.#)" 4 "of a workflow, in a state"
ask GET "/api/runner/v1/jobs?state=sleeping"
is "$code" 400 "that is one"
ask GET "/api/runner/v1/tasks?job=$wide"
is "$(field items.#) $(field items.0.node_index)" "2 0" "tasks of a job"
ask GET "/api/runner/v1/tasks?pipeline=$pipeline&state=ended&limit=100"
is "$(field items.#)" 5 "tasks of a pipeline"
ask GET "/api/runner/v1/tasks?pipeline=x"
is "$code" 400 "an id is a UUID"

# --- pages ------------------------------------------------------------------------------------------------

cat >"$tmp/empty.yml" <<'EOF'
version: 2.1
jobs:
  nothing: {type: no-op}
workflows:
  w: {jobs: [nothing]}
EOF
run_config "$tmp/empty.yml"
i=0
while [ $i -lt 55 ]; do
	ask POST /api/v2/project/gh/ada/pages/pipeline/run -d "@$tmp/body"
	i=$((i + 1))
done
ask GET /api/v2/project/gh/ada/pages/pipeline
is "$(field items.#) $(field items.0.number) $(field items.49.number)" "50 55 6" "a page of pipelines, newest first"
ask GET "/api/v2/project/gh/ada/pages/pipeline?page-token=$(field next_page_token)"
is "$(field items.#) $(field items.0.number) $(field next_page_token)" "5 5 null" "the next one, and the last"
ask GET "/api/v2/project/gh/ada/pages/pipeline?branch=other"
is_field items.# 0 "of another branch there are none"

# --- cancel ---------------------------------------------------------------------------------------------------

cat >"$tmp/long.yml" <<'EOF'
version: 2.1
jobs:
  long: {machine: true, steps: [run: sleep 600]}
  after: {type: no-op}
workflows:
  w:
    jobs: [long, after: {requires: [long]}]
EOF
t_runs()
{
	find_job w/long
	[ "$(field state)" = running ] && [ "$(field pipeline.id)" = "$pipeline" ]
}
for how in pipeline workflow number id; do
	submit "$tmp/long.yml"
	wait_until 30 t_runs || fail "the job runs"
	case $how in
	pipeline) path=/api/v2/pipeline/$pipeline/cancel ;;
	workflow) path=/api/v2/workflow/$(field workflow.id)/cancel ;;
	number) path=/api/v2/project/gh/ada/engine/job/$(field number)/cancel ;;
	id) path=/api/v2/jobs/$(field id)/cancel ;;
	esac
	ask POST "$path"
	like "$code" '^20[02]$' "cancel by $how is accepted"
	ok "and the pipeline ends" wait_pipeline "$pipeline"
	find_job w/long
	is "$(field outcome) $(field by) $(field tasks.0.outcome)" "canceled ada canceled" "as canceled, by whom"
	ask POST "$path"
	like "$code $(field message)" '^20[02] It has ended already\.$' "canceling what has ended is no error"
done

# --- classes and tokens -----------------------------------------------------------------------------------------

ask GET "/api/v3/runner?resource-class=test/linux"
is "$(field items.#) $(field items.0.name) $(field items.0.resource_class)" "1 reader test/linux" "agents of a class"
ask GET "/api/v3/runner?namespace=tes"
is_field items.# 0 "a namespace is a whole one"
ask POST /api/v3/runner/resource -d '{"resource_class": "test/arm", "description": "arms"}'
is "$code $(field resource_class)" "201 test/arm" "a class is made"
class=$(field id)
ask POST /api/v3/runner/resource -d '{"resource_class": "test/arm"}'
is "$code $(field id)" "201 $class" "made again it is the same"
ask POST /api/v3/runner/resource -d '{"resource_class": "arm"}'
is "$code" 400 "a class has a namespace"
ask POST /api/v3/runner/token -d '{"resource_class": "test/arm", "nickname": "one"}'
is "$code $(field nickname)" "200 one" "a token is made"
token=$(field id)
text=$(field token)
like "$text" '^[0-9a-f]{64}$' "and shown"
ask GET "/api/v3/runner/token?resource-class=test/arm"
is "$(field items.#) $(field items.0.id)" "1 $token" "once: lists have it"
grep -qF "$text" "$tmp/reply" "$tmp/hub.log"
is "$?" 1 "without its text"
ask GET /api/v3/runner/resource?namespace=test
is "$(field items.#)" 2 "classes of a namespace"
ask DELETE "/api/v3/runner/resource/$class"
is "$code" 409 "a class with a token is not deleted"
ask DELETE "/api/v3/runner/token/$token"
is "$code" 200 "the token is"
ask DELETE "/api/v3/runner/token/$token"
is "$code" 404 "once"
ask DELETE "/api/v3/runner/resource/$class"
is "$code" 200 "and then the class"
ask POST /api/v3/runner/token -d '{"resource_class": "test/arm"}'
is "$code" 404 "which gives no token then"
ask POST /api/v3/runner/resource -d '{"resource_class": "test/arm"}'
class=$(field id)
ask POST /api/v3/runner/token -d '{"resource_class": "test/arm"}'
ask DELETE "/api/v3/runner/resource/$class/force"
is "$code" 200 "forced, a class goes with its tokens"
ask GET "/api/v3/runner/token?resource-class=test/arm"
is_field items.# 0 "all of them"
ask GET "/api/v3/runner/tasks?resource-class=test/linux"
is_field unclaimed_task_count 0 "tasks of a class that wait"
ask GET "/api/v3/runner/tasks/running?resource-class=test/linux"
is_field running_runner_tasks 0 "and that run"
ask GET /api/v3/runner/tasks
is "$code" 400 "of a class that is named"
ask GET /api/runner/v1/status
is "$(field protocol) $(field agents) $(field tasks_running) $(field pipelines_active)" "1 1 0 0" "the hub's state"
done_testing

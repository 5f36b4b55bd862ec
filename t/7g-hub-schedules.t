#!/bin/sh
# Scheduled workflows: what is kept of a config, what a restart keeps, and that a clock starts them.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

start_plain_hub || exit 1
cat >"$tmp/nightly.yml" <<'END'
version: 2.1
parameters:
  who: {type: string, default: nobody}
jobs:
  j: {machine: true, steps: [run: "echo << pipeline.trigger_source >> << pipeline.schedule.name >> << pipeline.parameters.who >>"]}
workflows:
  always: {jobs: [j]}
  nightly:
    triggers: [schedule: {cron: "* * * * *", filters: {branches: {only: [main, /release.*/]}}}]
    jobs: [j: {name: clocked}]
  yearly:
    triggers: [schedule: {cron: "0 0 1 jan *", filters: {branches: {ignore: main}}}]
    jobs: [j]
END
submit "$tmp/nightly.yml" '"checkout": {"branch": "main", "revision": "0123456789012345678901234567890123456789"}, "parameters": {"who": "ada"}'
is "$code" 201 "a config with scheduled workflows becomes a pipeline"
ask GET "/api/v2/pipeline/$pipeline/workflow"
is "$(field items.#) $(field items.0.name)" "1 always" "of the others"
ask GET /api/runner/v1/schedules
is "$(field items.#) $(field items.0.branch) $(field items.0.workflow) $(field items.0.cron)" "1 main nightly * * * * *" \
	"those of its branch are kept"
begun=$(field items.0.id)
submit "$tmp/nightly.yml" '"checkout": {"branch": "release-1"}'
submit "$tmp/nightly.yml" '"checkout": {"branch": "topic"}'
submit "$tmp/nightly.yml" '"checkout": {"tag": "v1"}'
ask GET /api/runner/v1/schedules?project=gh/ada/engine
is "$(printf '%s' "$body" | grep -o '"branch":"[^"]*","workflow":"[^"]*"' | sort | tr '\n' ' ')" \
	'"branch":"main","workflow":"nightly" "branch":"release-1","workflow":"nightly" "branch":"release-1","workflow":"yearly" "branch":"topic","workflow":"yearly" ' \
	"each branch has its own, a tag none"
sed '/^  always/d' "$tmp/nightly.yml" >"$tmp/only.yml"
submit "$tmp/only.yml" '"checkout": {"branch": "topic"}'
is "$code" 200 "a config of scheduled workflows alone makes no pipeline"
ask GET /api/runner/v1/schedules
is_field items.# 4 "but is kept"
sed '/^  nightly/,$d' "$tmp/nightly.yml" >"$tmp/plain.yml"
submit "$tmp/plain.yml" '"checkout": {"branch": "topic"}'
ask GET /api/runner/v1/schedules
is_field items.# 3 "a newer config without any takes them away"
release=$(printf '%s' "$body" | python3 -c '
import json, sys
print([item["id"] for item in json.load(sys.stdin)["items"] if item["branch"] == "release-1"][0])')
RUNNER_HUB=unix:$tmp/hub.sock
export RUNNER_HUB
like "$(runnerctl --token-file "$tmp/hub/admin.token" schedule list)" "^$release +gh/ada/engine +release-1 +nightly +[*] [*] " \
	"runnerctl lists them"
ok "and removes a branch's" runnerctl --token-file "$tmp/hub/admin.token" schedule remove "$release"
ask DELETE "/api/runner/v1/schedules/$release"
is "$code" 404 "once"

stop "$hub_pid" KILL
start_plain_hub || exit 1
ask GET /api/runner/v1/schedules
is "$(field items.#) $(field items.0.id)" "1 $begun" "a crash of the hub leaves them"

# What the clock has started on main, the newest first. A minute may have begun at any of the lines above, too.
clocked()
{
	ask GET /api/v2/project/gh/ada/engine/pipeline
	printf '%s' "$body" | python3 -c '
import json, sys
for item in json.load(sys.stdin)["items"]:
    if item["trigger"]["type"] == "scheduled_pipeline" and item["vcs"]["branch"] == "main":
        print(item["id"], item["vcs"]["branch"], item["vcs"]["revision"], item["trigger"]["actor"]["login"])'
}
count_clocked()
{
	ask GET /api/v2/project/gh/ada/engine/pipeline
	printf '%s' "$body" | grep -o '"type":"scheduled_pipeline"' | wc -l
}
before=$(count_clocked)
t_clocked()
{
	sleep 0.2 # between looks: it may take a minute
	[ "$(count_clocked)" -gt "$before" ]
}
ok "within a minute the clock starts a pipeline" wait_until 120 t_clocked
clocked=$(clocked | head -n 1)
is "${clocked#* }" "main 0123456789012345678901234567890123456789 ada" "of the branch, with the config's revision, for who sent it"
ask GET "/api/v2/pipeline/${clocked%% *}/workflow"
is "$(field items.#) $(field items.0.name)" "1 nightly" "with the one workflow"
ask GET "/api/v2/pipeline/${clocked%% *}/config"
like "$(field compiled)" 'echo scheduled_pipeline nightly ada' "and the values of the schedule and of the trigger"

cat >"$tmp/bad.yml" <<'END'
version: 2.1
jobs: {j: {machine: true, steps: [run: "true"]}}
workflows:
  w: {triggers: [schedule: {cron: "*/5 * * * *", filters: {branches: {only: main}}}], jobs: [j]}
END
submit "$tmp/bad.yml"
is "$code $(field diagnostics.0.code)" "422 E_CRON" "a schedule with steps is refused"
sed 's#, filters:.*}}}]#}}]#; s#\*/5#*#' "$tmp/bad.yml" >"$tmp/bad2.yml"
submit "$tmp/bad2.yml"
is "$code" 422 "so is one without filters"
done_testing

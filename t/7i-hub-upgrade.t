#!/bin/sh
# A data directory of an earlier release is opened, brought to the present schema, and what it held is there.
# The samples are t/data/hub/schema-N.tar.zst; t/data/hub/make makes one.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"
command -v zstd >/dev/null || skip_all "zstd is needed"

schema_of()
{
	python3 -c 'import sqlite3, sys; print(sqlite3.connect(sys.argv[1]).execute("PRAGMA user_version").fetchone()[0])' "$1"
}

ctl()
{
	timeout 60 runnerctl --hub "unix:$tmp/hub.sock" --token-file "$tmp/hub/admin.token" --project gh/ada/engine "$@" 2>&1
}

# Pipeline number $1: $pipeline, $workflow, and the ends of its jobs in $outcomes.
look()
{
	ask GET "/api/v2/project/gh/ada/engine/pipeline"
	pipeline=$(python3 -c 'import json, sys; print([i["id"] for i in json.load(sys.stdin)["items"] if i["number"] == int(sys.argv[1])][0])' "$1" <"$tmp/reply")
	ask GET "/api/v2/pipeline/$pipeline/workflow"
	workflow=$(field items.0.id)
	ask GET "/api/v2/workflow/$workflow/job"
	outcomes=$(python3 -c 'import json, sys; print(" ".join(sorted(i["name"] + "=" + i["status"] for i in json.load(sys.stdin)["items"])))' <"$tmp/reply")
}

# The number of job $1 of the pipeline.
number_of()
{
	python3 -c 'import json, sys; print([i["job_number"] for i in json.load(sys.stdin)["items"] if i["name"] == sys.argv[1]][0])' "$1" <"$tmp/reply"
}

# The samples grow older, and are to be kept.
start_old()
{
	start hub runner-hub serve --data-dir "$tmp/hub" --listen "unix:$tmp/hub.sock" \
		--retention output=forever --retention pipelines=forever
	hub_pid=$pid
	wait_started hub ' ready$' 60
}

# The newest schema is that of a directory made now.
runner-hub init --data-dir "$tmp/fresh" --listen "unix:$tmp/fresh.sock" --login ada --resource-class test/linux >/dev/null 2>&1
start fresh runner-hub serve -c "$tmp/fresh/runner-hub.yaml"
wait_log fresh ' ready$' 20
stop "$pid"
present=$(schema_of "$tmp/fresh/hub.db")

for sample in "${top_srcdir:-.}"/t/data/hub/schema-*.tar.zst; do
	old=${sample##*/schema-}
	old=${old%.tar.zst}
	rm -rf "$tmp/hub"
	zstd -qdc "$sample" | tar -C "$tmp" -xf -
	is "$(schema_of "$tmp/hub/hub.db")" "$old" "a sample of schema $old"
	ok "the present hub opens it" start_old
	look 1
	is "$outcomes" "after=not_run bad=failed good=success" "a pipeline that had ended ended so"
	good=$(number_of good)
	is "$(ctl logs "$(number_of bad)" | grep -c '^[0-9]*$')" 2000 "what its jobs printed is kept"
	like "$(ctl logs "$good")" 'node 0$' "of each job"
	ask GET /api/runner/v1/orbs/acme/greet/1
	is_field version 1.0.0 "orbs are kept"
	look 2
	is "$outcomes" "after=blocked bad=queued good=queued" "a pipeline that had not ended goes on"
	start_agent --token-file "$tmp/hub/agent.token" -j 2 --name new
	ok "to its end" wait_pipeline "$pipeline"
	look 2
	is "$outcomes" "after=not_run bad=failed good=success" "with the secret of its context, which is read still"
	ask POST "/api/v2/workflow/$workflow/rerun" -d '{"from_failed": true}'
	is "$code" 202 "what came later is there: a rerun"
	ok "which ends" wait_pipeline "$pipeline"
	stop "$agent_pid"
	stop "$hub_pid"
	is "$(schema_of "$tmp/hub/hub.db")" "$present" "the database has the present schema"
	mv "$tmp/hub.log" "$tmp/before.log"
	ok "which the hub opens again" start_old
	look 1
	is "$outcomes" "after=not_run bad=failed good=success" "with all that was there"
	stop "$hub_pid"
done
done_testing

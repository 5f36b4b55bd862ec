#!/bin/sh
# Contexts and project variables: kept sealed, given to the jobs that ask for them, never shown.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

secret='open-sesame-7731'
start_plain_hub || exit 1

item()
{
	printf '{"value": %s}' "$(printf '%s' "$1" | python3 -c 'import json, sys; print(json.dumps(sys.stdin.read()))')"
}

# --- contexts ---------------------------------------------------------------------------

ask POST /api/v2/context -d '{"name": "deploy", "owner": {"slug": "github/ada", "type": "organization"}}'
is "$code" 200 "a context is made"
deploy=$(field id)
is_field org_slug gh/ada "for its organization, in the short form"
org=$(field org_id)
ask POST /api/v2/context -d '{"name": "deploy", "owner": {"slug": "gh/ada"}}'
is "$code" 409 "its name is taken then"
ask POST /api/v2/context -d "{\"name\": \"other\", \"owner\": {\"id\": \"$org\", \"type\": \"organization\"}}"
is "$code" 200 "an organization is named by its id, too"
other=$(field id)
for bad in '{"name": "", "owner": {"slug": "gh/ada"}}' '{"name": " a", "owner": {"slug": "gh/ada"}}' \
	'{"name": "a", "owner": {"slug": "ada"}}' '{"name": "a", "owner": {}}' '{"name": "a"}' '{"name": 1}' \
	"{\"name\": \"$(printf 'x%.0s' $(seq 201))\", \"owner\": {\"slug\": \"gh/ada\"}}"; do
	ask POST /api/v2/context -d "$bad"
	is "$code" 400 "refused: $(printf %.50s "$bad")"
done
ask POST /api/v2/context -d '{"name": "Robert\u0027); DROP TABLE context;-- \u00e9", "owner": {"slug": "gh/ada"}}'
is "$code" 200 "a name is only text"
ask GET '/api/v2/context?owner-slug=gh/ada&owner-type=organization'
is_field items.# 3 "they are listed"
ask GET '/api/v2/context?owner-slug=gh/bea'
is_field items.# 0 "by owner"

ask PUT "/api/v2/context/$deploy/environment-variable/PASSWORD" -d "$(item "$secret")"
is "$code" 200 "a variable is set"
is_field truncated_value xxxx7731 "its tail alone is shown"
ask PUT "/api/v2/context/$deploy/environment-variable/SHORT" -d "$(item 1234567)"
is_field truncated_value xxxx "and of a short value nothing"
for name in 1A 'A-B' 'A%20B' '%00' '%C3%A9' "$(printf 'x%.0s' $(seq 256))"; do
	ask PUT "/api/v2/context/$deploy/environment-variable/$name" -d '{"value": "v"}'
	like "$code" '^(400|404)$' "no name of a variable: $(printf %.12s "$name")"
done
ask PUT "/api/v2/context/$deploy/environment-variable/NUL" -d '{"value": "a\u0000b"}'
is "$code" 400 "a value cannot hold NUL"
python3 -c 'print("{\"value\": \"" + "x" * 65536 + "\"}")' >"$tmp/large"
ask PUT "/api/v2/context/$other/environment-variable/LARGE" -d "@$tmp/large"
is "$code" 200 "a value may have 64 KiB"
python3 -c 'print("{\"value\": \"" + "x" * 65537 + "\"}")' >"$tmp/large"
ask PUT "/api/v2/context/$other/environment-variable/LARGER" -d "@$tmp/large"
is "$code" 413 "and no more"
ask DELETE "/api/v2/context/$other/environment-variable/LARGE"
is "$code" 200 "a variable is deleted"
ask DELETE "/api/v2/context/$other/environment-variable/LARGE"
is "$code" 404 "once"
ask PUT "/api/v2/context/$other/environment-variable/PASSWORD" -d "$(item 'of the other one')"
ask PUT "/api/v2/context/$other/environment-variable/CIRCLE_JOB" -d "$(item 'not the job')"
ask PUT "/api/v2/context/$other/environment-variable/LINES" -d "$(item 'first line
second "line" $HOME')"
ask PUT "/api/v2/context/$other/environment-variable/FLAG" -d "$(item True)"

# --- variables of a project ----------------------------------------------------------------

ask POST /api/v2/project/gh/ada/engine/envvar -d "{\"name\": \"1\", \"value\": \"$secret\"}"
is "$code" 400 "a wrong name is refused"
ask GET /api/v2/project/gh/ada/engine
is "$code" 404 "and makes no project"
ask POST /api/v2/project/github/ada/engine/envvar -d '{"name": "OF_PROJECT", "value": "project-value-1"}'
is "$code" 201 "a variable of a project is set"
is_field value xxxxue-1 "and shown masked"
ask POST /api/v2/project/gh/ada/engine/envvar -d '{"name": "PASSWORD", "value": "of the project"}'
ask GET /api/v2/project/gh/ada/engine/envvar
is_field items.1.name PASSWORD "they are listed by name"
ask GET /api/v2/project/gh/ada/engine/envvar/OF_PROJECT
is_field value xxxxue-1 "and one by one"
ask GET /api/v2/project/gh/ada/engine
is_field organization_slug gh/ada "the project is there then"
ask GET /api/runner/v1/projects
is_field items.0.slug gh/ada/engine "and in the list"

# --- in a job --------------------------------------------------------------------------------

cat >"$tmp/config.yml" <<'EOF'
version: 2.1
jobs:
  show:
    parameters: {file: {type: string}}
    machine: true
    resource_class: test/linux
    environment: {SHORT: of the job}
    steps:
      - run: env >"<< parameters.file >>"
      - run: echo "it is <$PASSWORD> and <$OF_PROJECT>"
  plain:
    parameters: {file: {type: string}}
    machine: true
    resource_class: test/linux
    steps:
      - run: env >"<< parameters.file >>"
workflows:
  w:
    jobs:
      - show: {name: one, file: TMP/one, context: [other, deploy]}
      - show: {name: two, file: TMP/two, context: [deploy, other, org-global]}
      - plain: {file: TMP/three}
      - plain: {name: lost, file: TMP/four, context: [deploy, nowhere]}
      - plain: {name: after, file: TMP/five, requires: [lost: unauthorized]}
EOF
sed -i "s|TMP|$tmp/seen|" "$tmp/config.yml"
mkdir -m 777 "$tmp/seen"
start_agent --token-file "$tmp/hub/agent.token" -j 2
submit "$tmp/config.yml"
is "$code" 201 "a config with contexts is taken"
ok "its pipeline ends" wait_pipeline "$pipeline"
seen()
{
	sed -n "s/^$2=//p" "$tmp/seen/$1"
}
is "$(seen one PASSWORD)" "$secret" "the later context stands above the earlier"
is "$(seen two PASSWORD)" "of the other one" "in whatever order they are named"
is "$(seen three PASSWORD)" "of the project" "the project's value reaches a job without contexts"
is "$(seen one OF_PROJECT)" "project-value-1" "and what no context has"
is "$(seen one SHORT)" "of the job" "the job's own value stands above a context's"
is "$(seen two CIRCLE_JOB)" two "so does a built-in one"
is "$(grep -c 'second "line" $HOME' "$tmp/seen/two")" 1 "a value of several lines comes as it is"
ok "a job whose context does not exist does not run" test ! -e "$tmp/seen/four"
ok "and is unauthorized to those that require it" test -s "$tmp/seen/five"
workflow=$(ask GET "/api/v2/pipeline/$pipeline/workflow"; field items.0.id)
ask GET "/api/v2/workflow/$workflow/job"
like "$body" '"name":"lost"[^}]*"status":"unauthorized"|"status":"unauthorized"[^}]*"name":"lost"' "its status says so"
ask GET "/api/runner/v1/jobs?pipeline=$pipeline"
like "$body" "context 'nowhere' does not exist in 'gh/ada'" "with a sentence that names the context"

RUNNER_HUB=unix:$tmp/hub.sock CIRCLE_TOKEN=$(cat "$tmp/hub/admin.token") runnerctl --project gh/ada/engine \
	logs w/one >"$tmp/logs" 2>&1
like "$(cat "$tmp/logs")" 'it is <\*\*\*\*> and <\*\*\*\*>' "what a job prints of them is masked"

# --- nowhere in the clear -------------------------------------------------------------------------

ask DELETE "/api/v2/context/$other"
is "$code" 200 "a context is deleted"
ask GET "/api/v2/context/$other"
is "$code" 404 "and gone"
is "$(grep -l -r -a -e "$secret" -e 'of the other one' -e project-value-1 "$tmp/hub" "$tmp/hub.log" | wc -l)" 0 \
	"no value is in the hub's directory or log"
stop "$hub_pid" KILL
is "$(grep -l -r -a -e "$secret" -e 'of the other one' -e project-value-1 "$tmp/hub" | wc -l)" 0 \
	"nor when it was killed"
start_plain_hub || exit 1
ask GET "/api/v2/context/$deploy/environment-variable"
is_field items.0.truncated_value xxxx7731 "what was acknowledged is there after a kill"
stop "$hub_pid"

cp "$tmp/hub/secret.key" "$tmp/right.key"
tr 0-9a-f 1-9a-f0 <"$tmp/right.key" >"$tmp/hub/secret.key"
runner-hub serve -c "$tmp/hub/runner-hub.yaml" >"$tmp/wrong.out" 2>&1
is "$?" 3 "a hub does not start with another key"
like "$(cat "$tmp/wrong.out")" "the key file is not the one that the database's values are sealed with" "and says why"
cp "$tmp/right.key" "$tmp/hub/secret.key"
ok "with the right one it starts" start_plain_hub

done_testing

#!/bin/sh
# pipeline/run: what becomes a pipeline, what does not, and how that is said.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

start_plain_hub || exit 1
run=/api/v2/project/gh/ada/engine/pipeline/run

job()
{
	cat <<EOF
version: 2.1
parameters:
  n: {type: integer, default: 1}
jobs:
  test:
    $1
    steps:
      - run: echo << pipeline.number >> << pipeline.project.slug >> << pipeline.git.branch >> << pipeline.parameters.n >>
workflows:
  build:
    jobs: [test]
  on-tag:
    when: {equal: [v1, << pipeline.git.tag >>]}
    jobs:
      - test: {filters: {tags: {only: /.*/}}}
EOF
}

# --- a pipeline ---------------------------------------------------------------------------------

job 'machine: true' >"$tmp/good.yml"
submit "$tmp/good.yml"
is "$code" 201 "a config becomes a pipeline"
is "$(field number) $(field state)" "1 created" "the first of its project"
is_field waiting '[{"resource_class": "test/linux", "message": "no connected agent serves resource class '"'test/linux'"'"}]' \
	"that no agent serves its class is said at once"
first=$pipeline
ask GET "/api/v2/pipeline/$first/config"
is "$(field source)" "$(cat "$tmp/good.yml")" "its config is kept as sent"
like "$(field compiled)" 'echo 1 gh/ada/engine main 1' "and as compiled, with the values of the checkout"
run_config "$tmp/good.yml" '"parameters": {"n": 7}'
ask POST /api/v2/project/github%2Fada%2Fengine/pipeline/run -d "@$tmp/body"
is "$code $(field number)" "201 2" "a slug in one part, in its long form, is the same project"
ask GET "/api/v2/pipeline/$(field id)/config"
like "$(field compiled)" 'echo 2 gh/ada/engine main 7' "parameters take effect"
run_config "$tmp/good.yml" '"checkout": {"tag": "v1"}, "workflows": ["on-tag"]'
ask POST $run -d "@$tmp/body"
is "$code" 201 "one workflow of several can be asked for"
ask GET "/api/v2/pipeline/$(field id)/workflow"
is "$(field items.#) $(field items.0.name)" "1 on-tag" "and is the only one"
sed 's/echo .*/echo {}/; s/^  build:/  build:\n    when: {equal: [v1, << pipeline.git.tag >>]}/' "$tmp/good.yml" >"$tmp/none.yml"
submit "$tmp/none.yml"
is "$code" 200 "where no workflow is selected nothing is made"
like "$(field message)" 'no workflow is selected' "and it is said"

# --- what does not compile ---------------------------------------------------------------------------

cat >"$tmp/bad.yml" <<'EOF'
version: 2.1
commands:
  say: {steps: [run: echo hi]}
jobs:
  test:
    machine: true
    steps:
      - sya
workflows:
  build: {jobs: [test]}
EOF
run_config "$tmp/bad.yml"
sed 's/"content"/"path": "ci\/bad.yml", "content"/' "$tmp/body" >"$tmp/body2"
ask POST $run -d "@$tmp/body2"
is "$code" 422 "a config that does not compile makes no pipeline"
is_field message "config has 1 error" "how much is wrong is said"
is "$(field diagnostics.0.path):$(field diagnostics.0.line):$(field diagnostics.0.column)" "ci/bad.yml:8:9" "and where"
is "$(field diagnostics.0.severity) $(field diagnostics.0.hint)" "error did you mean 'say'?" "and what to do"
job 'docker: [{image: alpine}]' >"$tmp/docker.yml"
submit "$tmp/docker.yml"
is "$code" 422 "a docker job is refused where no class takes it"
like "$body" 'docker' "saying what is wrong"
job 'machine: true
    resource_class: test/elsewhere' >"$tmp/class.yml"
submit "$tmp/class.yml"
is "$code $(field waiting.0.resource_class)" "201 test/elsewhere" "a class nobody serves makes a pipeline that waits"

# --- requests that are wrong ----------------------------------------------------------------------------

refused()
{
	printf '%s' "$2" >"$tmp/body"
	ask POST $run -d "@$tmp/body"
	is "$code" 400 "$1"
	like "$(field message)" "$3" "... $3"
}
refused "no JSON is a wrong request" '{' 'the body is no JSON'
refused "so is a body without a config" '{}' "member 'config' is missing"
refused "a revision that is none" '{"config": {"content": "x"}, "checkout": {"revision": "HEAD"}}' "40 hexadecimal digits"
refused "a directory, for a hub that serves many" '{"config": {"content": "x"}, "checkout": {"directory": "/tmp"}}' 'private hub'
refused "what runnerctl run says of all jobs, likewise" '{"config": {"content": "x"}, "local": {}}' 'private hub'
refused "a parameter that is a list" '{"config": {"content": "x"}, "parameters": {"n": [1]}}' "parameter 'n'"
run_config "$tmp/good.yml" '"parameters": {"n": "7"}'
ask POST $run -d "@$tmp/body"
is "$code" 422 "a string is no integer"
run_config "$tmp/good.yml" '"workflows": ["nope"]'
ask POST $run -d "@$tmp/body"
is "$code" 422 "a workflow that is not there is refused"
like "$(field message)" "no workflow 'nope'" "by its name"
ask POST /api/v2/project/ada/pipeline/run -d "@$tmp/body"
is "$code" 405 "a project of one part is no path that takes POST"
ask POST /api/v2/project/gh%2Fada/pipeline/run -d "@$tmp/body"
is "$code" 400 "nor is one of two parts a project"
head -c 3200000 /dev/zero | tr '\0' '#' >"$tmp/large.yml"
submit "$tmp/large.yml"
is "$code" 413 "a config of more than 3 MiB is too large"
ask GET "/api/v2/project/gh/ada/engine/pipeline"
is_field items.# 4 "only what was answered with 201 was made"

# --- who asks -----------------------------------------------------------------------------------------------

as()
{
	curl -s -o "$tmp/reply" -w '%{http_code}' --http2-prior-knowledge --unix-socket "$tmp/hub.sock" "$@"
}
is "$(as http://hub/api/v2/me)" 401 "without a token: 401"
is "$(as -H 'Circle-Token: 0123' http://hub/api/v2/me)" 401 "with an unknown one: 401"
like "$(cat "$tmp/reply")" 'personal token' "saying which kind is needed"
is "$(as -H "Circle-Token: $(cat "$tmp/hub/agent.token")" http://hub/api/v2/me)" 403 "with a class's token: 403"
is "$(as -H "Authorization: Bearer $(cat "$tmp/hub/admin.token")" -X POST -H 'Runner-Protocol: 1' -d '{}' \
	http://hub/api/v3/runner/claim)" 401 "and a person is no agent"
ask GET /api/v2/nothing
is "$code $(field message)" "404 there is no such path" "a path that is none is said in a sentence"
ask DELETE /api/v2/me
is "$code" 405 "a method that is none, too"
fields()
{
	curl -s "$@" --http2-prior-knowledge --unix-socket "$tmp/hub.sock" -H "Circle-Token: $(cat "$tmp/hub/admin.token")" | tr -d '\r'
}
list=http://hub/api/v2/project/gh/ada/engine/pipeline
like "$(fields -i -X DELETE "$list")" "^allow: GET, HEAD$" "which says what the path takes"
is "$(fields -I "$list" | grep -v '^date:')" "$(fields -D - -o "$tmp/list" "$list" | grep -v '^date:')" "HEAD of a list has the fields of GET"
ok "its bytes are as many as they say" test "$(fields -I "$list" | sed -n 's/^content-length: //p')" -eq "$(wc -c <"$tmp/list")"
is "$(curl -s -o /dev/null -w '%{http_code}' --http1.1 --unix-socket "$tmp/hub.sock" http://hub/api/v2/me)" 505 "HTTP/1 gets 505"

# --- classes by settings, and docker on the host ---------------------------------------------------------------

stop "$hub_pid"
cat >>"$tmp/hub/runner-hub.yaml" <<EOF
resource_class_map: {medium: test/linux, large: test/big}
resource_classes:
  test/linux: {docker_on_host: true}
EOF
start_plain_hub || exit 1
ask GET "/api/v2/pipeline/$first"
is "$(field id) $(field number)" "$first 1" "a pipeline outlives the hub"
submit "$tmp/docker.yml"
is "$code" 201 "docker_on_host takes a docker job"
job 'docker: [{image: alpine}]
    resource_class: large' >"$tmp/docker.yml"
submit "$tmp/docker.yml"
is "$code" 422 "but only on its class"
like "$(field message)" "class 'test/big' runs none" "which is named"
job 'machine: true
    resource_class: large' >"$tmp/class.yml"
submit "$tmp/class.yml"
is "$(field waiting.0.resource_class)" test/big "a class is what the map says"
grep -qF "$(cat "$tmp/hub/admin.token")" "$tmp/hub.log"
is "$?" 1 "the log holds no token"
done_testing

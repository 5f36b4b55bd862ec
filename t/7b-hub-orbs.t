#!/bin/sh
# Orbs at the hub: kept once and for all, found by configs, brought along with a config.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

start_plain_hub || exit 1

# put VERSION FILE
put()
{
	python3 -c 'import json, sys; json.dump({"source": open(sys.argv[1]).read()}, sys.stdout)' "$2" >"$tmp/body"
	ask PUT "/api/runner/v1/orbs/acme/greet/$1" -d "@$tmp/body"
}

orb()
{
	cat >"$tmp/orb.yml" <<EOF
version: 2.1
commands:
  hello:
    steps: [{run: "echo $1 >>$tmp/seen/said"}]
EOF
}

orb one
put 1.0.0 "$tmp/orb.yml"
is "$code" 201 "an orb is kept"
is_field digest "sha256:$(sha256sum <"$tmp/orb.yml" | cut -d' ' -f1)" "its digest is that of its bytes"
put 1.0.0 "$tmp/orb.yml"
is "$code" 200 "the same again changes nothing"
orb changed
put 1.0.0 "$tmp/orb.yml"
is "$code" 409 "a version never changes"
put dev:first "$tmp/orb.yml"
is "$code" 201 "a development version is kept"
orb 'changed again'
put dev:first "$tmp/orb.yml"
is "$code" 201 "and may change"
orb two
put 1.10.0 "$tmp/orb.yml"
orb three
put 1.9.3 "$tmp/orb.yml"
ask GET /api/runner/v1/orbs/acme/greet/1
is_field version 1.10.0 "a beginning of a version means the highest"
ask GET /api/runner/v1/orbs/acme/greet/1.9
like "$(field source)" "echo three" "the source comes with it"
ask GET '/api/runner/v1/orbs?namespace=acme&name=greet'
is_field items.# 4 "they are listed"
is_field items.3.version 1.10.0 "in the order of versions"
ask GET '/api/runner/v1/orbs?namespace=other'
is_field items.# 0 "by namespace"

printf 'version: 2.1\nworkflows: {}\n' >"$tmp/wrong.yml"
put 2.0.0 "$tmp/wrong.yml"
is "$code" 422 "what is no orb is refused"
is_field diagnostics.0.code E_ORB_KEY "with the compiler's words"
printf 'a: [' >"$tmp/wrong.yml"
put 2.0.0 "$tmp/wrong.yml"
is "$code" 422 "so is what is no YAML"
for version in 1 1.2 volatile 'dev:' '..' '%2e%2e%2f' 1.2.3.4 99999999999.0.0; do
	put "$version" "$tmp/orb.yml"
	like "$code" '^(400|404)$' "nothing is kept as version $version"
done
ask GET /api/runner/v1/orbs/acme/greet/7
is "$code" 404 "what is not there is not found"

mkdir -m 777 "$tmp/seen"
start_agent --token-file "$tmp/hub/agent.token" -j 1
config()
{
	cat >"$tmp/config.yml" <<EOF
version: 2.1
orbs: {greet: acme/greet@$1}
jobs:
  say:
    machine: true
    resource_class: test/linux
    steps: [greet/hello]
workflows: {w: {jobs: [say]}}
EOF
}
config 1
submit "$tmp/config.yml"
is "$code" 201 "a config finds the orbs that the hub keeps"
wait_pipeline "$pipeline"
is "$(cat "$tmp/seen/said")" two "and uses them"
config 3
submit "$tmp/config.yml"
is "$code" 422 "a version that nobody has is an error"
is_field diagnostics.0.code E_ORB_UNKNOWN "of the orb"
orb four
sent=$(python3 -c 'import json, sys; print(json.dumps([{"ref": "acme/greet@3.1.0", "source": open(sys.argv[1]).read()}]))' "$tmp/orb.yml")
submit "$tmp/config.yml" "\"orbs\": $sent"
is "$code" 201 "it may come along with the config"
wait_pipeline "$pipeline"
is "$(tail -n 1 "$tmp/seen/said")" four "and is used then"
ask GET /api/runner/v1/orbs/acme/greet/3
is "$code" 404 "it is not kept"
orb five
config 1
sent=$(python3 -c 'import json, sys; print(json.dumps([{"ref": "acme/greet@1.1.0", "source": open(sys.argv[1]).read()}]))' "$tmp/orb.yml")
submit "$tmp/config.yml" "\"orbs\": $sent"
wait_pipeline "$pipeline"
is "$(tail -n 1 "$tmp/seen/said")" five "and goes before a higher version that the hub keeps: who sends has chosen"
submit "$tmp/config.yml" '"orbs": [{"ref": "acme/greet@3", "source": ""}]'
is "$code" 400 "what comes along says its exact version"
submit "$tmp/config.yml" '"orbs": {}'
is "$code" 400 "and is a list"

stop "$hub_pid" KILL
start_plain_hub || exit 1
ask GET '/api/runner/v1/orbs?namespace=acme'
is_field items.# 4 "what was acknowledged is there after a kill"
ask GET /api/runner/v1/orbs/acme/greet/dev:first
like "$(field source)" "changed again" "in its last form"
ask DELETE /api/runner/v1/orbs/acme/greet/dev:first
is "$code" 200 "an orb is deleted"
ask DELETE /api/runner/v1/orbs/acme/greet/dev:first
is "$code" 404 "once"

done_testing

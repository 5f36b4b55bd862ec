#!/bin/sh
# What is seen of the hub by scrapers: /metrics, /healthz, /readyz.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

scrape()
{
	curl -sS --max-time 20 --unix-socket "$tmp/m.sock" "http://hub$1"
}

status_of()
{
	curl -sS --max-time 20 -o /dev/null -w '%{http_code}' --unix-socket "$tmp/m.sock" "http://hub$1"
}

# The value of a sample, whose name is taken literally.
sample()
{
	scrape /metrics | awk -v name="$1" 'index($0, name " ") == 1 { print $NF }'
}

has_sample()
{
	[ "$(sample "$1")" = "$2" ]
}

start_plain_hub --metrics "unix:$tmp/m.sock" --retention output=2s --oidc-issuer https://tokens.example || exit 1
cat >"$tmp/config.yml" <<'END'
version: 2.1
jobs: {one: {machine: true, steps: [run: seq 100]}}
workflows: {w: {jobs: [one, one: {name: two}]}}
END
submit "$tmp/config.yml"
is "$(sample runner_hub_pipelines_active) $(sample 'runner_hub_tasks{state="queued"}')" "1 2" "what waits is counted"
is "$(sample 'runner_hub_class_tasks{resource_class="test/linux",state="queued"}')" 2 "by its class"
oldest()
{
	sample 'runner_hub_class_oldest_queued_seconds{resource_class="test/linux"}' | awk '{ exit !($1 > 0) }'
}
ok "with the time that the first has waited" wait_until 10 oldest
is "$(sample runner_hub_agents)" 0 "no agent is there"
start_agent --token-file "$tmp/hub/agent.token" -j 2 --name big
ok "one comes" wait_until 20 has_sample runner_hub_agents 1
ok "the tasks end" wait_until 60 has_sample runner_hub_pipelines_active 0
ok "their output is gathered" wait_until 20 has_sample runner_hub_outputs_gathered_total 2
ok "and is deleted when it is old" wait_until 30 has_sample 'runner_hub_deleted_total{kind="output"}' 2
ok "then nothing is kept" wait_until 20 has_sample 'runner_hub_kept_bytes{kind="output"}' 0

curl -sS -D "$tmp/head" -o "$tmp/text" --unix-socket "$tmp/m.sock" http://hub/metrics
ok "the content type is that of OpenMetrics" \
	grep -qi '^content-type: application/openmetrics-text; version=1.0.0; charset=utf-8' "$tmp/head"
is "$(tail -n 1 "$tmp/text")" '# EOF' "the last line says so"
sed -n 's/^# TYPE \([a-z_]*\) .*/\1/p' "$tmp/text" | grep -v '^process_' | sort >"$tmp/families"
sed -n 's/^| `\(runner_hub_[a-z_]*\)`.*/\1/p' "$top_srcdir/doc/metrics.md" | sort >"$tmp/page"
is "$(diff "$tmp/families" "$tmp/page")" "" "doc/metrics.md names every family"
parser=
for python in python3 /usr/bin/python3; do # a python of the user's may hide Debian's modules
	"$python" -c 'import prometheus_client.openmetrics.parser' 2>/dev/null && parser=$python
done
if [ -n "$parser" ]; then
	ok "a strict parser takes it" "$parser" -c '
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse
names = [family.name for family in parse(open(sys.argv[1]).read())]
assert len(names) == len(set(names)) and len(names) > 20, names
' "$tmp/text"
else
	skip "a strict parser takes it" "python3-prometheus-client is not installed"
fi
org=0f0c2b7a-1e4d-4938-8b5c-7d6e5f4a3b2c
for path in /.well-known/openid-configuration /.well-known/jwks-pub.json /org/$org/.well-known/openid-configuration /org/$org/.well-known/jwks-pub.json; do
	ask GET "$path"
	is "$(scrape "$path")" "$body" "$path is the same over HTTP/1.1"
done
is "$(status_of "/org/$org/jwks-pub.json") $(status_of /org/) $(status_of /org/nobody/.well-known/jwks-pub.json)" "404 404 404" "others are not there"
is "$(status_of /healthz) $(status_of /readyz) $(status_of /else)" "200 200 404" "it is healthy and ready"
ok "nothing can be sent there" test "$(curl -sS -o /dev/null -w '%{http_code}' -X POST --unix-socket "$tmp/m.sock" http://hub/metrics)" -ge 400
stop "$agent_pid"

# A reader holds the hub's end back.
submit "$tmp/config.yml"
start reader curl -sSN --http2-prior-knowledge --unix-socket "$tmp/hub.sock" -H "Circle-Token: $(cat "$tmp/hub/admin.token")" \
	"http://hub/api/runner/v1/pipelines/$pipeline/watch"
wait_log reader '"seq"' 20
kill -TERM "$hub_pid"
is_unready()
{
	[ "$(status_of /readyz)" = 503 ]
}
ok "a hub that is ending is not ready" wait_until 4 is_unready
wait "$hub_pid"
ok "an address that is none is said" sh -c "! runner-hub serve -c '$tmp/hub/runner-hub.yaml' --metrics nowhere:x 2>'$tmp/err' && grep -q metrics '$tmp/err'"
done_testing

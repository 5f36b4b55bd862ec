# hub.sh - what tests of the people's API use, after lib.sh.
#
#   ask METHOD PATH [CURL-ARGUMENT...]     to the hub's Unix socket, as the admin; $code, $body, headers in $tmp/headers
#   field EXPRESSION                       of $body, Python without the quotes round keys: items.0.name; prints it as JSON
#                                          (strings bare)
#   is_field EXPRESSION WANTED DESCRIPTION
#   run_config FILE [JSON]                 the body of pipeline/run in $tmp/body; JSON: further members, "k": v, ...
#   submit FILE [JSON]                     run it in project gh/ada/engine; $pipeline is its id
#   wait_pipeline ID                       until it has ended
#   free_port                              prints a TCP port of 127.0.0.1 that nobody uses now, and that the kernel gives
#                                          nobody who asks for any
#   start_plain_hub [OPTION...]            "runner-hub init" of class test/linux, and serve on the socket
#
# SPDX-License-Identifier: Apache-2.0

curl --version 2>/dev/null | grep -q HTTP2 || skip_all "curl with HTTP/2 is needed"
command -v python3 >/dev/null || skip_all "python3 is needed"

ask()
{
	ask_method=$1
	ask_path=$2
	shift 2
	code=$(curl -sS --max-time 120 --http2-prior-knowledge --unix-socket "$tmp/hub.sock" -X "$ask_method" \
		-H "Circle-Token: $(cat "$tmp/hub/admin.token")" -D "$tmp/headers" -o "$tmp/reply" \
		-w '%{http_code}' "$@" "http://hub$ask_path" 2>"$tmp/curl.err")
	body=$(cat "$tmp/reply" 2>/dev/null)
}

field()
{
	printf '%s' "$body" | python3 -c '
import json, sys
value = json.load(sys.stdin)
for key in sys.argv[1].split("."):
    if key == "#":
        value = len(value)
    elif key:
        value = value[int(key)] if isinstance(value, list) else value[key]
print(value if isinstance(value, str) else json.dumps(value))
' "$1" 2>/dev/null
}

is_field()
{
	is "$(field "$1")" "$2" "$3"
}

run_config()
{
	python3 -c '
import json, sys
body = {"config": {"content": open(sys.argv[1]).read()}, "checkout": {"branch": "main"}}
if len(sys.argv) > 2:
    body.update(json.loads("{" + sys.argv[2] + "}"))
json.dump(body, sys.stdout)
' "$@" >"$tmp/body"
}

submit()
{
	run_config "$@"
	ask POST /api/v2/project/gh/ada/engine/pipeline/run -d "@$tmp/body"
	pipeline=$(field id)
}

t_pipeline_ended()
{
	ask GET "/api/v2/pipeline/$1/workflow"
	printf '%s' "$body" | python3 -c '
import json, sys
items = json.load(sys.stdin)["items"]
sys.exit(not items or any(item["stopped_at"] is None for item in items))' 2>/dev/null
}

wait_pipeline()
{
	wait_until 60 t_pipeline_ended "$1"
}

free_port()
{
	python3 -c '
import random, socket
with open("/proc/sys/net/ipv4/ip_local_port_range") as file:
    first = int(file.read().split()[0])
for _ in range(1000):
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", random.randrange(10000, first) if first > 11000 else 0))
        except OSError:
            continue
        print(one.getsockname()[1])
        break
'
}

start_plain_hub()
{
	[ -d "$tmp/hub" ] || runner-hub init --data-dir "$tmp/hub" --listen "unix:$tmp/hub.sock" \
		--login ada --resource-class test/linux >"$tmp/init.out" 2>&1 || return 1
	hub_url=unix:$tmp/hub.sock
	start hub runner-hub serve -c "$tmp/hub/runner-hub.yaml" "$@"
	hub_pid=$pid
	wait_started hub ' ready$' 20
}

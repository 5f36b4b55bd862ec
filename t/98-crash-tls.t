#!/bin/sh
# The line to a hub over TLS is cut at any byte, within a record of TLS too, and then leads to impostors: none is taken for the hub, which gets every byte once.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

command -v openssl >/dev/null || skip_all "openssl is needed"
hub_port=$(free_port)
runner-hub init --data-dir "$tmp/hub" --listen "127.0.0.1:$hub_port" --login ada --resource-class test/linux >"$tmp/init.out" 2>&1 || exit 1
fingerprint=$(sed -n 's/.*--hub-fingerprint \(SHA256:[0-9A-F]*\).*/\1/p' "$tmp/init.out" | head -n 1)
start hub runner-hub serve -c "$tmp/hub/runner-hub.yaml" --listen "unix:$tmp/hub.sock" --listen "127.0.0.1:$hub_port"
wait_log hub ' ready$' 20 || exit 1

# --- the line ---------------------------------------------------------------------------

# Passes bytes between the port it prints and the one in the file "to"; each connection is cut after 1 to as many as
# the file "most" says (0: never), and when one of the files becomes another.
cat >"$tmp/line.py" <<'PYTHON'
import os, random, select, socket, sys
tmp, seed = sys.argv[1:]
draw = random.Random(int(seed))
read = lambda: [int(open(os.path.join(tmp, name)).read() or 0) for name in ("to", "most")]
server = socket.create_server(("127.0.0.1", 0))
print("listening at", server.getsockname()[1], flush=True)
while True:
    near = server.accept()[0]
    to, most = read()
    try:
        far = socket.create_connection(("127.0.0.1", to))
    except OSError:
        near.close()
        continue
    peer = {near: far, far: near}
    left = draw.randint(1, most // draw.choice([1, 1, 8, 100]) or 1) if most else 1 << 60
    while left > 0 and read() == [to, most]:
        for one in select.select([near, far], [], [], 0.2)[0]:
            try:
                some = one.recv(min(4096, left))
                peer[one].sendall(some)
                left = left - len(some) if some else 0
            except OSError:
                left = 0
    near.close()
    far.close()
    print("cut" if most else "ended", flush=True)
PYTHON

# lead PORT MOST
lead()
{
	echo "$2" >"$tmp/most.new" && mv "$tmp/most.new" "$tmp/most"
	echo "$1" >"$tmp/to.new" && mv "$tmp/to.new" "$tmp/to"
}

lead "$hub_port" 0
start line python3 "$tmp/line.py" "$tmp" "${SEED:-1}"
wait_log line 'listening at' 20 || exit 1
line_port=$(sed -n 's/^listening at //p' "$tmp/line.log")
start agent runnerd --hub "https://127.0.0.1:$line_port" --hub-fingerprint "$fingerprint" --token-file "$tmp/hub/agent.token" --run-dir "$tmp/run" \
	--data-dir "$tmp/data" --work-dir "$tmp/work" --cache-dir "$tmp/cache" --orphan-limit 120s
agent_pid=$pid
ok 'the agent is there over TLS' wait_log agent 'connected to the hub' 20
cat >"$tmp/config.yml" <<CONFIG
version: 2.1
jobs:
  print:
    machine: true
    steps:
      - run: {name: print, command: "i=0; until [ -e $tmp/enough ]; do i=\$((i + 1)); echo line \$i \$(od -An -tx1 -N200 /dev/urandom | tr -d '\\\\n'); sleep 0.002; done | tee $tmp/printed"}
workflows: {w: {jobs: [print]}}
CONFIG
submit "$tmp/config.yml"
is "$code" 201 'a pipeline is submitted'
ok 'its job prints' wait_log agent 'step started: print' 30

# --- cuts -------------------------------------------------------------------------------

# HUP makes the agent try at once, however long its waits have become.
many_cuts()
{
	kill -HUP "$agent_pid"
	[ "$(grep -c '^cut$' "$tmp/line.log")" -ge 12 ]
}
lead "$hub_port" 20000
ok 'the line is cut 12 times' wait_until 60 many_cuts

connects()
{
	grep -c 'connected to the hub' "$tmp/agent.log"
}
is_back()
{
	kill -HUP "$agent_pid"
	[ "$(connects)" -gt "$before" ]
}

# --- impostors --------------------------------------------------------------------------

openssl req -newkey rsa:2048 -nodes -subj /CN=127.0.0.1 -keyout "$tmp/other.key" -out "$tmp/other.csr" >"$tmp/openssl.log" 2>&1 || exit 1
# certificate NAME SUBJECT-ALT-NAME DAYS [SIGNER-OPTION...]
certificate()
{
	echo "subjectAltName=$2" >"$tmp/san"
	openssl x509 -req -in "$tmp/other.csr" -extfile "$tmp/san" -days "$3" -out "$tmp/$1.crt" -set_serial 7 \
		-CA "$tmp/hub/ca.crt" -CAkey "$tmp/hub/ca.key" >>"$tmp/openssl.log" 2>&1
	cat "$tmp/hub/ca.crt" >>"$tmp/$1.crt"
}
certificate misnamed DNS:other.example 1
certificate expired IP:127.0.0.1 -1
openssl req -x509 -key "$tmp/other.key" -days 1 -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 -out "$tmp/selfmade.crt" >>"$tmp/openssl.log" 2>&1

reason_told()
{
	kill -HUP "$agent_pid"
	grep -q "warn hub at .* is \(still \)\?away: .*$1" "$tmp/agent.log"
}
# turned_away NAME TIMES
turned_away()
{
	kill -HUP "$agent_pid"
	[ "$(grep -c 'alert' "$tmp/$1.log")" -ge "$2" ]
}
# impostor NAME REASON
impostor()
{
	port=$(free_port)
	start "$1" openssl s_server -quiet -accept "127.0.0.1:$port" -cert "$tmp/$1.crt" -cert_chain "$tmp/$1.crt" -key "$tmp/other.key" -alpn h2
	server_pid=$pid
	lead "$port" 0
	ok "($1) it is told that its certificate is refused" wait_until 60 turned_away "$1" 1
	before=$(connects) # counted only now: what came before the alert may have gone to the hub still
	ok "($1) the agent says why it does not talk to it" wait_until 60 reason_told "$2"
	ok "($1) it is told again and again" wait_until 60 turned_away "$1" 3
	is "$(connects)" "$before" "($1) it is not taken for the hub"
	stop "$server_pid"
}
impostor selfmade 'presents no certificate with the fingerprint .*hint: compare with what'
impostor misnamed "the certificate presented is not for '127.0.0.1' but for other.example"
impostor expired "the certificate of '127.0.0.1' expired on"
# It comes again, and is turned away again, without a word.
cp "$tmp/selfmade.crt" "$tmp/again.crt"
impostor again 'presents no certificate with the fingerprint'
is "$(grep -c 'presents no certificate' "$tmp/agent.log")" 1 'a reason is told once in an outage'

# --- the end ----------------------------------------------------------------------------

lead "$hub_port" 0
before=$(connects)
ok 'the hub is found again' wait_until 60 is_back
touch "$tmp/enough"
ok 'the pipeline ends' wait_pipeline "$pipeline"
ask GET "/api/runner/v1/tasks?pipeline=$pipeline"
ask GET "/api/runner/v1/tasks/$(field items.0.id)/output?step=0"
ok "every byte is there once ($(wc -l <"$tmp/printed") lines)" cmp "$tmp/reply" "$tmp/printed"
stop "$agent_pid"
is "$status" 0 'the agent ends'
done_testing

#!/bin/sh
# init, check and admin-token: a data directory made, looked at, and trusted from outside.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

port=$(free_port)
url=https://127.0.0.1:$port

# --- init -------------------------------------------------------------------------------

ok "init makes a data directory" sh -c \
	"runner-hub init --data-dir '$tmp/hub' --listen 127.0.0.1:$port --listen 'unix:$tmp/hub.sock' \
		--name ci.example --public-url '$url' --login ada --resource-class test/linux >'$tmp/init.out' 2>'$tmp/init.err'"
is "$(stat -c %a "$tmp/hub")" 700 "the directory is its owner's alone"
is "$(cd "$tmp/hub" && stat -c %a secret.key ca.key tls.key admin.token agent.token | sort -u)" 600 \
	"keys and tokens are their owner's alone"
is "$(ls -d "$tmp"/hub.new-* 2>/dev/null)" "" "nothing half made is left"
grep -qF "$(cat "$tmp/hub/admin.token")" "$tmp/init.out" "$tmp/init.err"
is "$?" 1 "init prints no token"
cp -r "$tmp/hub" "$tmp/before"
runner-hub init --data-dir "$tmp/hub" >"$tmp/again.out" 2>"$tmp/again.err"
is "$?" 3 "init refuses a directory that holds something"
like "$(cat "$tmp/again.err")" "data directory '.*/hub' is there already and not empty" "and says so"
ok "and leaves it as it was" diff -r "$tmp/before" "$tmp/hub"
runner-hub init --data-dir "$tmp/hub2" --listen 127.0.0.1 >"$tmp/again.out" 2>"$tmp/again.err"
is "$?" 2 "an address without a port is wrong usage"
is "$(ls -d "$tmp"/hub2* 2>/dev/null)" "" "and makes nothing"

# --- the lines that it printed --------------------------------------------------------------

line()
{
	sed -n "s/^  \\($1 .*\\)/\\1/p" "$tmp/init.out"
}

fingerprint=$(sed -n 's/.*--hub-fingerprint \(SHA256:[0-9A-F]*\).*/\1/p' "$tmp/init.out" | head -n 1)
like "$fingerprint" '^SHA256:[0-9A-F]{64}$' "init prints the fingerprint of the certificate authority"
is "$(line runner-hub | wc -l)$(line runnerd | wc -l)$(line runnerctl | wc -l)" 111 "and one line for each program"
start hub sh -c "exec $(line runner-hub)"
hub_pid=$pid
ok "the hub's line works when pasted" wait_log hub ' ready$' 20
cd "$tmp" || exit 1
start agent sh -c "exec $(line runnerd) --run-dir '$tmp/run' --data-dir '$tmp/data' --work-dir '$tmp/work' --cache-dir '$tmp/cache'"
agent_pid=$pid
agent_is_there()
{
	sh -c "$(line runnerctl)" 2>"$tmp/ctl.err" | grep -q 'test/linux'
}
ok "the agent's and runnerctl's lines work when pasted, over TLS" wait_until 30 agent_is_there

# --- whom the programs trust ---------------------------------------------------------------

ctl()
{
	runnerctl --token-file "$tmp/hub/admin.token" "$@" agent list 2>&1
}

wrong=SHA256:$(printf '%064d' 0)
like "$(ctl --hub "$url" --hub-fingerprint "$wrong")" 'fingerprint|SHA256' "a wrong fingerprint is named"
like "$(ctl --hub "$url")" 'certificate|trust' "a certificate authority nobody knows is not trusted"
said_wrong=$(ctl --hub "$url" --hub-fingerprint "$wrong")
said_name=$(ctl --hub "https://127.0.0.2:$port" --hub-fingerprint "$fingerprint")
case $said_name in
*refused*) start relay python3 -c "
import socket, threading
listener = socket.socket(); listener.bind(('127.0.0.2', 0)); listener.listen()
print(listener.getsockname()[1], flush=True)
def pump(a, b):
    while True:
        data = a.recv(65536)
        if not data:
            break
        b.sendall(data)
while True:
    client, _ = listener.accept()
    server = socket.create_connection(('127.0.0.1', $port))
    threading.Thread(target=pump, args=(client, server), daemon=True).start()
    threading.Thread(target=pump, args=(server, client), daemon=True).start()
"
	wait_log relay '^[0-9]+$' 20
	said_name=$(ctl --hub "https://127.0.0.2:$(cat "$tmp/relay.log")" --hub-fingerprint "$fingerprint")
	;;
esac
like "$said_name" "127\\.0\\.0\\.2" "a certificate for another name is refused, naming the host"
is "$([ "$said_name" != "$said_wrong" ] && echo differ)" differ "and not in the words of a wrong fingerprint"
if command -v openssl >/dev/null; then
	old=$tmp/old
	mkdir "$old"
	echo subjectAltName=IP:127.0.0.1 >"$old/ext"
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=hub -keyout "$old/key" \
		-out "$old/csr" 2>/dev/null
	openssl x509 -req -in "$old/csr" -CA "$tmp/hub/ca.crt" -CAkey "$tmp/hub/ca.key" -CAserial "$old/serial" \
		-CAcreateserial -days -1 -extfile "$old/ext" -out "$old/crt" 2>/dev/null
	runner-hub init --data-dir "$old/hub" >/dev/null 2>&1
	old_port=$(free_port)
	start oldhub runner-hub serve --data-dir "$old/hub" --listen "127.0.0.1:$old_port" --tls-cert "$old/crt" \
		--tls-key "$old/key"
	wait_log oldhub ' ready$' 20
	said_old=$(runnerctl --token-file "$old/hub/admin.token" --hub "https://127.0.0.1:$old_port" \
		--cacert "$tmp/hub/ca.crt" agent list 2>&1)
	like "$said_old" 'expired' "an expired certificate is refused as what it is"
	stop "$pid"
else
	skip "an expired certificate is refused as what it is" "no openssl command"
fi
is "$(curl -s -o "$tmp/http1" -w '%{http_code}' --http1.1 --unix-socket "$tmp/hub.sock" http://hub/api/v2/me)" 505 \
	"HTTP/1 gets 505"
stop "$agent_pid"

# --- check -----------------------------------------------------------------------------------

runner-hub check --data-dir "$tmp/hub" >"$tmp/check.out" 2>&1
is "$?" 1 "check does not touch a database that is in use"
like "$(cat "$tmp/check.out")" 'another runner-hub uses this data directory' "and says who uses it"
stop "$hub_pid"
is "$status" 0 "the hub ends in good order"
ok "check of a whole directory succeeds" sh -c "runner-hub check -c '$tmp/hub/runner-hub.yaml' >'$tmp/check.out'"
like "$(cat "$tmp/check.out")" '^database: ok' "and says what is well"
chmod 644 "$tmp/hub/secret.key"
runner-hub check --data-dir "$tmp/hub" >"$tmp/check.out" 2>&1
is "$?" 1 "a key that others can read is a fault"
like "$(cat "$tmp/check.out")" '^key: .*can be read by others' "and it is named"
chmod 600 "$tmp/hub/secret.key"
runner-hub check --data-dir "$tmp/nothing" >"$tmp/check.out" 2>&1
is "$?" 1 "a directory that is not there is a fault"
is "$(ls -d "$tmp/nothing" 2>/dev/null)" "" "and check does not make it"

# --- admin-token --------------------------------------------------------------------------------

ok "admin-token makes a token file" runner-hub admin-token --data-dir "$tmp/hub" --login bea "$tmp/bea.token"
is "$(stat -c %a "$tmp/bea.token")" 600 "of its owner alone"
runner-hub admin-token --data-dir "$tmp/hub" "$tmp/bea.token" >/dev/null 2>"$tmp/err"
is "$?" 3 "and overwrites none"
printed=$(runner-hub admin-token --data-dir "$tmp/hub" --login cy)
like "$printed" '^[0-9a-f]{64}$' "without a file it is printed"
start hub runner-hub serve -c "$tmp/hub/runner-hub.yaml"
hub_pid=$pid
wait_until 20 sh -c "curl -s --http2-prior-knowledge --unix-socket '$tmp/hub.sock' http://hub/ >/dev/null"
like "$(curl -s --http2-prior-knowledge --unix-socket "$tmp/hub.sock" -H "Authorization: Bearer $(cat "$tmp/bea.token")" http://hub/api/v2/me)" \
	'"login":"bea"' "the hub knows it"
like "$(curl -s --http2-prior-knowledge --unix-socket "$tmp/hub.sock" -u "$printed:" http://hub/api/v2/me)" \
	'"login":"cy"' "also as a user name"
for secret in admin.token agent.token secret.key; do
	grep -qF "$(cat "$tmp/hub/$secret")" "$tmp"/*.log
	is "$?" 1 "no log holds what is in $secret"
done
for command in init serve check admin-token; do
	like "$(runner-hub $command --help)" "usage: runner-hub $command" "$command has help"
done

# --- the pages ------------------------------------------------------------------------------------

for command in init serve check admin-token; do
	runner-hub $command --help | grep -Eo -- '--[a-z-]+' | sort -u >"$tmp/options"
	missing=
	while read -r option; do
		sed 's/\\-/-/g' "$top_srcdir/man/runner-hub.8" | grep -qF -- "$option" || missing="$missing $option"
	done <"$tmp/options"
	is "$missing" "" "the man page has every option of $command"
done
sample=$top_srcdir/contrib/examples/runner-hub.yaml
ok "the sample is settings as it is" sh -c "runner-hub check -c '$sample' --data-dir '$tmp/nothing' | grep -q '^settings: ok'"
sed -n 's/^#\([a-z_]*:\)/\1/p; s/^#\(  [a-z]*\/\)/\1/p' "$sample" >"$tmp/sample.yaml"
ok "and with each line in force" sh -c "runner-hub check -c '$tmp/sample.yaml' --data-dir '$tmp/nothing' | grep -q '^settings: ok'"
missing=
for key in $(sed -n 's/^\([a-z_]*\):.*/\1/p' "$tmp/sample.yaml"); do
	grep -q "$key" "$top_srcdir/man/runner-hub.yaml.5" || missing="$missing $key"
done
is "$missing" "" "the man page has every key of it"
is "$(wc -l <"$tmp/sample.yaml")" 16 "which is all of them"
echo 'nonsense: 1' >"$tmp/bad.yaml"
like "$(runner-hub check -c "$tmp/bad.yaml")" "bad.yaml:1:1: there is no setting 'nonsense'" "a wrong key is said with its place"
done_testing

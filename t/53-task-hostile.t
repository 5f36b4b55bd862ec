#!/bin/sh
# The checkout step against servers, names and directories that want something of it.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/tasks.sh"

command -v git >/dev/null || skip_all 'no git'
command -v python3 >/dev/null || skip_all 'python3 is needed'
GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@example
GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_CONFIG_NOSYSTEM

src=$tmp/src
git init -q -b main "$src"
echo one >"$src/file"
git -C "$src" add -A
git -C "$src" commit -qm one
main=$(git -C "$src" rev-parse main)
url=file://$src
mirrors=$tmp/mirrors
secret=s3cret-token-0123

# from NAME SOURCE-MEMBERS [URL] [STEPS-BEFORE] [TASKD-ARGUMENT...]: a checkout; its task is $1.
from()
{
	f_name=$1 f_url=${3-$url}
	task "$f_name" "${4:+$4,}"'{"kind":"checkout","name":"c"},{"command":"git rev-parse HEAD; git remote get-url origin; ls"}' \
		"\"source\":{\"kind\":\"git\",\"url\":\"$f_url\",$2},\"environment\":{\"RUNNER_GIT_TOKEN\":\"$secret\"},\"mask\":[\"$secret\"]"
	play "$f_name" --git-mirrors "$mirrors"
}

# --- what is there already --------------------------------------------------------------------------
from other "\"branch\":\"main\"" "$url" '{"command":"git init -q -b x .; git remote add origin file:///none; echo mine >file; echo more >more; git -c user.name=a -c user.email=a@b commit -q --allow-empty -m x"}'
is "$(output other 2 | tr '\n' ' ')" "$main $url file more " 'a repository of another origin is fetched from ours, what git does not know stays'
from locked "\"branch\":\"main\"" "$url" '{"command":"git init -q -b x .; touch .git/index.lock"}'
is "$(outcomes locked)" '0.1=success 1.1=failed 2.1=skipped end=failed' 'one that another git has locked fails the step'
like "$(output locked 1)" 'index.lock' 'and says by what'
task file '{"command":"echo mine >here"},{"kind":"checkout","name":"c","path":"here"}' "\"source\":{\"kind\":\"git\",\"url\":\"$url\",\"branch\":\"main\"}"
play file --git-mirrors "$mirrors"
is "$(outcomes file)" '0.1=success 1.1=failed end=failed' 'a file where the directory is to be fails the step'
from trap "\"branch\":\"main\"" "$url" "{\"command\":\"git init -q -b x .; git config core.fsmonitor 'touch $tmp/trapped'; git config remote.origin.uploadpack 'touch $tmp/trapped; false'; git config url.file:///none.insteadOf file://$src; git remote add origin file:///none 2>&1 || true\"}"
unlike "$(output trap 1)" "$secret" 'a repository that was made a trap by a step before is not told the token'

# --- names -------------------------------------------------------------------------------------------
n=0
for branch in '../../../config' 'a..b' 'pull/7/%(objectname)' 'x\ny' 'HEAD^{/.*}' '@{upload}' '$(touch evil)' 'a;touch evil' '%(contents)'; do
	n=$((n + 1))
	from "name$n" "\"branch\":\"$branch\""
	is "$(outcomes "name$n")" '0.1=failed 1.1=skipped end=failed' "no branch is called $branch"
done
is "$(find "$tmp" -name 'evil*' | wc -l)" 0 'and nothing of these names runs'
for member in revision tag; do
	from "dash-$member" "\"$member\":\"--upload-pack=touch $tmp/evil\""
	like "$(output "dash-$member" 0)" "a $member cannot begin with '-'" "a $member cannot be an option"
done
from dash-url '"branch":"main"' "-oProxyCommand=touch $tmp/evil"
is "$(outcomes dash-url)" '0.1=failed 1.1=skipped end=failed' 'nor can a URL'
n=0
for bad in "ssh://-oProxyCommand=touch%20$tmp/evil/x" "ext::sh -c touch% $tmp/evil" "fd::7" "git@-oProxyCommand=touch:x" "https://a\nb/x" "transport::x"; do
	n=$((n + 1))
	from "url$n" '"branch":"main"' "$bad"
	is "$(outcomes "url$n")" '0.1=failed 1.1=skipped end=failed' "a URL of $bad is refused"
done
ok 'nothing of these runs' test ! -e "$tmp/evil"

# --- a server that sends us on, to another that asks for a password ------------------------------------
cat >"$tmp/servers.py" <<'END'
import http.server, os, sys, threading
port_file, log = sys.argv[1:]
class Thief(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open(log, "a") as file:
            file.write("%s %s\n" % (self.path, self.headers.get("Authorization")))
        self.send_response(401)
        self.send_header("WWW-Authenticate", "Basic realm=x")
        self.send_header("Content-Length", "0")
        self.end_headers()
    do_POST = do_GET
    def log_message(self, *words): pass
thief = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Thief)
class Sender(Thief):
    def do_GET(self):
        self.send_response(302)
        self.send_header("Location", "http://127.0.0.1:%d%s" % (thief.server_port, self.path))
        self.send_header("Content-Length", "0")
        self.end_headers()
sender = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Sender)
threading.Thread(target=thief.serve_forever, daemon=True).start()
open(port_file + ".new", "w").write(str(sender.server_port))
os.rename(port_file + ".new", port_file)
sender.serve_forever()
END
start servers python3 "$tmp/servers.py" "$tmp/port" "$tmp/stolen"
has_port()
{
	[ -s "$tmp/port" ]
}
wait_until 20 has_port
from sent '"branch":"main"' "http://127.0.0.1:$(cat "$tmp/port")/x.git"
is "$(outcomes sent)" '0.1=failed 1.1=skipped end=failed' 'a server that sends us to another one'
ok '(which was asked)' test -s "$tmp/stolen"
is "$(grep -vc ' None$' "$tmp/stolen")" 0 'does not get the token there'
unlike "$(cat "$tmp/sent.log") $(output sent 0)" "$secret" 'and it stands in no log'

# --- arguments that all can see ---------------------------------------------------------------------------
mkdir "$tmp/bin"
real=$(command -v git)
cat >"$tmp/bin/git" <<END
#!/bin/sh
tr '\\0' ' ' </proc/\$\$/cmdline >>"$tmp/seen"
exec "$real" "\$@"
END
chmod 755 "$tmp/bin/git"
f_path=$PATH
PATH=$tmp/bin:$PATH
from arguments '"branch":"main"' "http://127.0.0.1:$(cat "$tmp/port")/y.git"
PATH=$f_path
ok 'arguments of git were seen' grep -q fetch "$tmp/seen"
is "$(grep -c "$secret" "$tmp/seen")" 0 'and no token is in any'
is "$(find "$tmp" -path "$tmp/*.state" -prune -o -type f -name config -print | xargs grep -ls "$secret" | wc -l)" 0 'nor in any config of git'
done_testing

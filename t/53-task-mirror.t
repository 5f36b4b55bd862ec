#!/bin/sh
# Checkouts out of the host's git mirrors: once for all, whole, and out of a job's reach.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/tasks.sh"

command -v git >/dev/null || skip_all 'no git'
GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@example GIT_COMMITTER_NAME=c GIT_COMMITTER_EMAIL=c@example
GIT_CONFIG_NOSYSTEM=1
export GIT_AUTHOR_NAME GIT_AUTHOR_EMAIL GIT_COMMITTER_NAME GIT_COMMITTER_EMAIL GIT_CONFIG_NOSYSTEM

src=$tmp/src
git init -q -b main "$src"
for i in 1 2 3; do
	echo "$i" >"$src/file"
	echo "$i" >"$src/file$i"
	git -C "$src" add -A
	git -C "$src" commit -qm "commit $i"
done
git -C "$src" tag v1 HEAD~2
git -C "$src" branch topic HEAD~1
git -C "$src" config uploadpack.allowAnySHA1InWant true
git -C "$src" config uploadpack.allowFilter true
pull=$(git -C "$src" commit-tree -p HEAD -m 'a pull request' 'HEAD^{tree}')
git -C "$src" update-ref refs/pull/7/head "$pull"
lost=$(git -C "$src" commit-tree -p HEAD~1 -m 'on no branch' 'HEAD~1^{tree}')
main=$(git -C "$src" rev-parse main)
url=file://$src
mirrors=$tmp/mirrors

# from NAME SOURCE-MEMBERS [CHECKOUT-MEMBERS [COMMAND [TASKD-OPTION...]]]
from()
{
	f_name=$1 f_command=${4:-git rev-parse HEAD; git branch --show-current; git log --format=%s; git fsck 2>&1; ls}
	task "$f_name" "{\"kind\":\"checkout\",\"name\":\"c\"${3:+,$3}},{\"command\":\"$f_command\"}" \
		"\"source\":{\"kind\":\"git\",\"url\":\"${f_url:-$url}\"${2:+,$2}}${f_members:+,$f_members}"
	shift 1
	[ $# -lt 4 ] && set --
	[ $# -ge 4 ] && shift 3
	play "$f_name" --git-mirrors "$mirrors" --log debug "$@"
}

from first "\"revision\":\"$main\",\"branch\":\"main\""
is "$(output first 1 | tr '\n' ' ')" "$main main commit 3 commit 2 commit 1 file file1 file2 file3 " 'a checkout makes the mirror and comes out of it'
mirror=$(ls -d "$mirrors"/*.git)
is "$(git -C "$mirror" rev-parse main)" "$main" 'which is a bare repository'
unlike "$(output first 0)" 'going on without' 'the step needs nothing else'
ok 'no key is left' test -z "$(ls "$tmp/first.run/mirrors")"

from alone "\"revision\":\"$main\",\"branch\":\"main\"" '' 'cat .git/objects/info/alternates || true; git config remote.origin.url; git rev-parse origin/topic origin/HEAD v1'
is "$(output alone 1)" "cat: .git/objects/info/alternates: No such file or directory
$url
$(git -C "$src" rev-parse topic main v1)" 'the clone is independent of it and has every branch and tag'

echo 4 >"$src/file4"
git -C "$src" add -A
git -C "$src" commit -qm 'commit 4'
main=$(git -C "$src" rev-parse main)
for i in 1 2 3 4 5 6; do
	task "many$i" '{"kind":"checkout","name":"c"},{"command":"git rev-parse HEAD"}' \
		"\"source\":{\"kind\":\"git\",\"url\":\"$url\",\"revision\":\"$main\",\"branch\":\"main\"}"
done
play many1 --git-mirrors "$mirrors" --log debug "$tmp/many2.json" "$tmp/many3.json" "$tmp/many4.json" "$tmp/many5.json" "$tmp/many6.json"
is "$status" 0 'six checkouts at one time'
is "$(grep -c 'update begun' "$tmp/many1.log")" 1 'take one update'

thawed_has()
{
	GIT_OBJECT_DIRECTORY=$mirror/thawed git -C "$mirror" rev-list --objects --no-walk "$1" >/dev/null 2>&1
}
# Each object is a stored block of zlib: never smaller than what it holds.
are_uncompressed()
{
	cat "$mirror"/thawed/pack/*.idx >/dev/null || return 1
	for u_pack in "$mirror"/thawed/pack/*.idx; do
		git verify-pack -v "$u_pack" | awk '$2 ~ /^(blob|tree|commit)$/ { if ($4 <= $3) exit 1 }' || return 1
	done
}
ok 'the mirror holds what was checked out once more' thawed_has "$main"
ok 'uncompressed' are_uncompressed
is "$(ls -t "$mirror"/objects/pack/*.pack "$mirror"/thawed/pack/*.pack | head -n 1 | grep -c /thawed/)" 1 'where git looks first'
is "$(ls "$mirror"/thawed/pack/*.pack | wc -l | tr -d ' ')" 2 'and of a second revision what is new'

task renewed '{"kind":"checkout","name":"c"},{"command":"git reset -q --hard v1; echo x >>file; git update-ref -d refs/remotes/origin/topic"},{"kind":"checkout","name":"c"},
	{"command":"git rev-parse HEAD origin/topic; git status --porcelain; cat file"}' \
	"\"source\":{\"kind\":\"git\",\"url\":\"$url\",\"revision\":\"$main\",\"branch\":\"main\"}"
play renewed --git-mirrors "$mirrors"
is "$(output renewed 3 | tr '\n' ' ')" "$main $(git -C "$src" rev-parse topic) 3 " 'a clone that is there already is renewed'
unlike "$(output renewed 2)" 'going on without' 'out of the mirror, too'

from full "\"revision\":\"$main\",\"branch\":\"main\"" '"method":"full"' 'git rev-list --count HEAD; git rev-list --objects --missing=print --all | grep -c ^? || true'
is "$(output full 1 | tr '\n' ' ')" '4 0 ' 'method full has all objects'
from shallow "\"revision\":\"$main\",\"branch\":\"main\"" '"method":"shallow","depth":2' 'git rev-list --count HEAD; git branch --show-current; cat file4'
is "$(output shallow 1 | tr '\n' ' ')" '2 main 4 ' 'method shallow has as many commits as were asked for'
unlike "$(output shallow 0)" 'going on without' 'out of the mirror'
from tag '"tag":"v1"'
like "$(output tag 1 | tr '\n' ' ')" "^$(git -C "$src" rev-parse v1) +commit 1 file file1 $" 'a tag'
from pull "\"branch\":\"pull/7\",\"revision\":\"$pull\""
like "$(output pull 1 | tr '\n' ' ')" "^$pull pull/7 a pull request commit 3" 'a pull request'
unlike "$(output pull 0)" 'going on without' 'out of the mirror'
git -C "$src" branch 'odd#&name' main
from odd "\"branch\":\"odd#&name\""
like "$(output odd 1 | tr '\n' ' ')" "^$main odd#&name commit 4" 'a branch with an odd name'
git -C "$src" branch -qD 'odd#&name'
from lost "\"revision\":\"$lost\""
like "$(output lost 1 | tr '\n' ' ')" "^$lost +on no branch commit 2" 'a revision on no branch'
from default ''
like "$(output default 1 | tr '\n' ' ')" "^$main +commit 4" 'nothing stated: the branch that the server shows'

# A git that blobs are to be had from later is needed where nothing is copied whole.
from touch "\"branch\":\"main\"" '' "(touch $mirror/mine $mirrors/mine && echo touched || true); (echo >>$mirror/HEAD) || true; echo here"
like "$(output touch 1 | tail -n 1)" here 'a job that wants to harm the mirror'
if grep -q 'held together by a PID namespace' "$tmp/touch.log"; then
	unlike "$(output touch 1)" '^touched' 'cannot write there'
	ok 'nor has it' test ! -e "$mirror/mine"
else
	skip 'cannot write there' 'this host has no namespaces for tasks'
fi
rm -f "$mirror/mine" "$mirrors/mine"

# What kill -9 leaves.
touch "${mirror%.git}.busy" "$mirror/packed-refs.lock" "$mirror/objects/pack/tmp_pack_x"
mkdir "$mirror.new" "$mirror.gone"
from killed "\"revision\":\"$main\",\"branch\":\"main\""
is "$(outcomes killed)" '0.1=success 1.1=success end=success' 'what a killed update has left is no hindrance'
unlike "$(output killed 0)" 'going on without' 'to the mirror'
ok 'and is gone' test ! -e "$mirror/objects/pack/tmp_pack_x" -a ! -e "$mirror.gone"

# What is uncompressed is only a help.
for pack in "$mirror"/thawed/pack/*.pack; do
	chmod u+w "$pack"
	printf '################################' | dd of="$pack" bs=1 seek=40 conv=notrunc 2>/dev/null
done
from thawed "\"revision\":\"$main\",\"branch\":\"main\"" '' 'git status --porcelain; git fsck --no-dangling && cat file4'
is "$(outcomes thawed) $(output thawed 1)" '0.1=success 1.1=success end=success 4' 'uncompressed objects that are damaged fail nobody'

# A pack that was cut.
for pack in "$mirror"/objects/pack/*.pack; do
	chmod u+w "$pack"
	truncate -s 60 "$pack"
done
from cut "\"revision\":\"$main\",\"branch\":\"main\""
is "$(outcomes cut)" '0.1=success 1.1=success end=success' 'a damaged mirror fails nobody'
from mended "\"revision\":\"$main\",\"branch\":\"main\""
is "$(outcomes mended)" '0.1=success 1.1=success end=success' 'nor does it later'
from whole "\"revision\":\"$main\",\"branch\":\"main\""
unlike "$(output whole 0)" 'going on without' 'and it is made anew'
like "$(cat "$tmp/cut.log" "$tmp/mended.log" "$tmp/whole.log")" 'was damaged and is made anew' 'which the log tells'

f_url=file://$tmp/none
from gone '"branch":"main"'
is "$(outcomes gone)" '0.1=failed 1.1=skipped end=failed' 'a repository that is not there fails the step'
like "$(output gone 0)" 'does not appear to be a git repository' "and git's own words say why"
f_url=https://ada:hunter22@127.0.0.1:1/x
from password '"branch":"main"'
is "$(outcomes password)" '0.1=failed 1.1=skipped end=failed' 'a URL with a password is refused'
unlike "$(output password 0) $(cat "$tmp/password.log")" hunter22 'and shows it nowhere'
f_url="ext::touch $tmp/evil"
from ext '"branch":"main"'
is "$(outcomes ext)" '0.1=failed 1.1=skipped end=failed' 'so is a URL that is a command'
ok 'which does not run' test ! -e "$tmp/evil"
f_url=

# A repository that wants to run something.
hostile=$tmp/hostile
git init -q -b main "$hostile"
printf '[submodule "x"]\n\tpath = x\n\turl = ext::touch %s\n' "$tmp/evil" >"$hostile/.gitmodules"
printf '* filter=evil\n' >"$hostile/.gitattributes"
mkdir "$hostile/hooks"
printf '#!/bin/sh\ntouch %s\n' "$tmp/evil" >"$hostile/hooks/post-checkout"
chmod 755 "$hostile/hooks/post-checkout"
ln -s /etc "$hostile/etc"
git -C "$hostile" add -A
git -C "$hostile" update-index --add --cacheinfo "160000,$main,x"
git -C "$hostile" commit -qm evil
f_url=file://$hostile
from hostile '"branch":"main"' '' 'ls; readlink etc; ls x | wc -l'
f_url=
is "$(output hostile 1 | tr '\n' ' ')" 'etc hooks x /etc 0 ' 'of a hostile repository come its files, links as links, submodules empty'
ok 'and nothing of it runs' test ! -e "$tmp/evil"

# A token, and a server that wants one.
cat >"$tmp/server.py" <<'END'
import base64, http.server, os, subprocess, sys
root, port_file = sys.argv[1:]
class Handler(http.server.BaseHTTPRequestHandler):
    def answer(self):
        want = "Basic " + base64.b64encode(b"x-access-token:s3cret-token").decode()
        if self.headers.get("Authorization") != want:
            self.send_response(401)
            self.send_header("WWW-Authenticate", "Basic realm=x")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        path, _, query = self.path.partition("?")
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        env = dict(os.environ, GIT_PROJECT_ROOT=root, GIT_HTTP_EXPORT_ALL="1", PATH_INFO=path, QUERY_STRING=query,
                   REQUEST_METHOD=self.command, CONTENT_TYPE=self.headers.get("Content-Type") or "",
                   HTTP_CONTENT_ENCODING=self.headers.get("Content-Encoding") or "", REMOTE_USER="x",
                   GIT_PROTOCOL=self.headers.get("Git-Protocol") or "", GIT_CONFIG_COUNT="1",
                   GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*")
        out = subprocess.run(["git", "http-backend"], input=body, env=env, stdout=subprocess.PIPE).stdout
        head, _, rest = out.partition(b"\r\n\r\n")
        status = 200
        lines = [line.split(": ", 1) for line in head.decode().split("\r\n")]
        for name, value in lines:
            if name == "Status":
                status = int(value.split()[0])
        self.send_response(status)
        for name, value in lines:
            if name != "Status":
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(rest)))
        self.end_headers()
        self.wfile.write(rest)
    do_GET = do_POST = answer
    def log_message(self, *words): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
open(port_file + ".new", "w").write(str(server.server_port))
os.rename(port_file + ".new", port_file)
server.serve_forever()
END
start server python3 "$tmp/server.py" "$tmp" "$tmp/port"
has_port()
{
	[ -s "$tmp/port" ]
}
wait_until 20 has_port
f_url=http://127.0.0.1:$(cat "$tmp/port")/src/.git
f_members='"environment":{"RUNNER_GIT_TOKEN":"s3cret-token"},"mask":["s3cret-token"]'
from token "\"revision\":\"$main\",\"branch\":\"main\"" '' 'git rev-parse HEAD; git fetch origin main && echo fetched; cat .git/config ~/.gitconfig'
like "$(output token 1 | tr '\n' ' ')" "^$main .*fetched" 'a token opens a repository, to later git commands too'
unlike "$(output token 0)" 'going on without' 'and to the mirror'
unlike "$(output token 1)" '\*\*\*\*|s3cret' "it is in no git's config"
f_members='"environment":{"RUNNER_GIT_TOKEN":"wrong-token"}'
from wrong "\"revision\":\"$main\",\"branch\":\"main\""
is "$(outcomes wrong)" '0.1=failed 1.1=skipped end=failed' 'a wrong one fails the step, mirror or not'
like "$(output wrong 0)" 'Authentication failed' 'and it says so'
f_members=

# A key: an ssh that takes what it is given and runs the far end here.
mkdir "$tmp/bin"
cat >"$tmp/bin/ssh" <<END
#!/bin/sh
[ "\$1" = -G ] && exit 0
echo "\$*" >>"$tmp/ssh.log"
while [ "\$1" != -F ]; do shift; done
/usr/bin/ssh -G -F "\$2" git@forge.example >"$tmp/ssh.seen" 2>/dev/null || cp "\$2" "$tmp/ssh.seen"
cat "\$(dirname "\$2")"/runner_keys/key_SHA256_a_b >"$tmp/key.seen" 2>/dev/null || exit 255
cat "\$(dirname "\$2")"/runner_known_hosts >"$tmp/hosts.seen"
for last; do :; done
exec sh -c "\$last"
END
chmod 755 "$tmp/bin/ssh"
PATH=$tmp/bin:$PATH
export PATH
f_url=git@forge.example:$src
f_members='"ssh_keys":[{"fingerprint":"SHA256:a/b","hostname":"forge.example","private_key":"THE KEY"},{"fingerprint":"SHA256:other","md5":"aa:bb","hostname":"other.example","private_key":"OTHER KEY"}]'
from key "\"revision\":\"$main\",\"branch\":\"main\"" '' "git rev-parse HEAD; git fetch origin main && echo fetched; ls ~/.ssh/runner_keys; stat -c %a ~/.ssh/runner_keys/key_SHA256_a_b"
is "$(output key 1 | grep -v '^From\|FETCH_HEAD' | tr '\n' ' ')" "$main fetched key_SHA256_a_b key_SHA256_a_b.conf 600 " 'a deploy key opens a repository, to later git commands too'
unlike "$(output key 0)" 'going on without' 'and to the mirror'
is "$(cat "$tmp/key.seen")" 'THE KEY' 'ssh is given the key in a file'
unlike "$(cat "$tmp/ssh.log" "$tmp/key.log")" 'THE KEY' 'in no argument and no log'
like "$(cat "$tmp/hosts.seen")" '^github.com ssh-ed25519 ' 'the large forges are known'
ok 'no key is left' test -z "$(ls "$tmp/key.run/mirrors")"
echo 'forge.example ssh-ed25519 AAAA' >"$tmp/known"
from known "\"revision\":\"$main\"" '' true --known-hosts "$tmp/known"
is "$(cat "$tmp/hosts.seen")" 'forge.example ssh-ed25519 AAAA' '--known-hosts says who is known instead'
task keys '{"kind":"add_ssh_keys","name":"k","fingerprints":["aa:bb"]},{"command":"cat ~/.ssh/runner_keys/key_SHA256_other*; git config core.sshCommand"}' "$f_members"
play keys
is "$(output keys 0 | head -n 1)" 'Added key SHA256:other for other.example' 'add_ssh_keys takes those that it names'
like "$(output keys 1 | tr '\n' ' ')" '^OTHER KEY Host other.example .*/home/.ssh/runner_config' 'for git and for ssh'
task nokeys '{"kind":"add_ssh_keys","name":"k","fingerprints":["cc:dd"]}' "$f_members"
play nokeys
is "$(outcomes nokeys)" '0.1=failed end=failed' 'a key that is not there fails the step'

# A mirror too large to be copied whole: all of the history, the blobs of one commit. The step's script, with another limit.
f_mirror=$tmp/large.git
git clone -q --mirror "$src" "$f_mirror"
git -C "$f_mirror" config uploadpack.allowFilter true
echo 1 >"$f_mirror/clone.kib"
for branch in main pull/7; do
	f_revision=$main
	[ "$branch" = main ] || f_revision=$pull
	mkdir "$tmp/home" "$tmp/large"
	env -i PATH="$PATH" HOME="$tmp/home" TMPDIR="$tmp/large" RUNNER_CHECKOUT_KIND=git RUNNER_CHECKOUT_TARGET="$tmp/large/to" \
		RUNNER_CHECKOUT_URL="$url" RUNNER_CHECKOUT_REVISION="$f_revision" RUNNER_CHECKOUT_BRANCH="$branch" \
		RUNNER_CHECKOUT_METHOD=blobless RUNNER_CHECKOUT_MIRROR="$f_mirror" RUNNER_CHECKOUT_HELPER=true RUNNER_KNOWN_HOSTS= \
		RUNNER_KNOWN_HOSTS_FILE=/dev/null sh -c "$(cat "$top_srcdir/src/agent/scripts/git.sh" "$top_srcdir/src/agent/scripts/checkout.sh" |
			sed -e 's/-le 1048576/-le 0/' -e 's/--reflink=always/--nothing/')" >"$tmp/large.out" 2>&1
	is "$?:$(grep -c 'going on without' "$tmp/large.out")" 0:0 "of a large mirror $branch is checked out"
	is "$(git -C "$tmp/large/to" rev-parse HEAD) $(cat "$tmp/large/to/file3")" "$f_revision 3" 'with its files'
	is "$(git -C "$tmp/large/to" config remote.origin.partialclonefilter)" blob:none 'without the blobs of others'
	is "$(git -C "$tmp/large/to" remote set-url origin /none; git -C "$tmp/large/to" status --porcelain; git -C "$tmp/large/to" fsck 2>&1 | grep -v '^notice')" '' 'and nothing of its own is missing'
	rm -rf "$tmp/large" "$tmp/home"
done

# A disk that is full: the mirror is of no use, the checkout goes on.
f_full='mount -t tmpfs -o size=64k none "$0" && exec "$@"'
mkdir "$tmp/full.mirrors"
head -c 300000 /dev/urandom >"$src/random"
git -C "$src" add random
git -C "$src" commit -qm random
if ! unshare -m $([ "$(id -u)" = 0 ] || echo -r) sh -c "$f_full" "$tmp/full.mirrors" true 2>/dev/null; then
	skip 'a full disk' 'no mount namespace'
else
	task full-disk '{"kind":"checkout","name":"c"},{"command":"wc -c <random"}' "\"source\":{\"kind\":\"git\",\"url\":\"$url\",\"branch\":\"main\"}"
	# shellcheck disable=SC2046
	timeout 600 unshare -m $([ "$(id -u)" = 0 ] || echo -r) sh -c "$f_full" "$tmp/full.mirrors" \
		$(taskd_on full-disk --isolation none --git-mirrors "$tmp/full.mirrors") >"$tmp/full-disk.log" 2>&1
	is "$(outcomes full-disk)" '0.1=success 1.1=success end=success' 'a full disk below the mirrors fails no checkout'
	like "$(cat "$tmp/full-disk.log")" 'git mirror .* is not up to date: ' 'and is said'
fi

# An update that is killed, with the runnerd that began it; and LFS where there is one.
mkdir "$tmp/slow"
cat >"$tmp/slow/ssh" <<END
#!/bin/sh
[ "\$1" = -G ] && exit 0
touch "$tmp/slow/began"
while [ -e "$tmp/slow/wait" ]; do sleep 0.02; done
for last; do :; done
exec sh -c "\$last"
END
chmod 755 "$tmp/slow/ssh"
touch "$tmp/slow/wait"
task slain '{"kind":"checkout","name":"c"},{"command":"git rev-parse HEAD"}' \
	"\"source\":{\"kind\":\"git\",\"url\":\"git@forge.example:$src\",\"branch\":\"main\"}"
f_path=$PATH
PATH=$tmp/slow:$PATH
# shellcheck disable=SC2046
start slain $(taskd_on slain --git-mirrors "$tmp/slain.mirrors")
ok 'an update is under way' wait_until 20 test -e "$tmp/slow/began"
kill -KILL "$pid"
wait "$pid" 2>/dev/null
rm -f "$tmp/slow/wait"
play slain --git-mirrors "$tmp/slain.mirrors"
PATH=$f_path
is "$(outcomes slain)" '0.1=success 1.1=success end=success' 'one that is killed in the middle is done anew'
unlike "$(output slain 0)" 'going on without' 'by the next runnerd, for the step that waited'
is "$(ls "$tmp/slain.run/mirrors" | wc -l)" 0 'and leaves no key'

if command -v git-lfs >/dev/null; then
	lfs=$tmp/lfs
	git init -q -b main "$lfs"
	git -C "$lfs" lfs install --local >/dev/null
	echo '*.bin filter=lfs diff=lfs merge=lfs -text' >"$lfs/.gitattributes"
	echo 'of the large file store' >"$lfs/a.bin"
	git -C "$lfs" add -A
	git -C "$lfs" commit -qm lfs
	f_url=file://$lfs
	from lfs '"branch":"main"' '' 'cat a.bin'
	f_url=
	is "$(output lfs 1)" 'of the large file store' 'files of LFS come where it is installed'
else
	skip 'files of LFS come where it is installed' 'no git-lfs'
fi

# Removal: by age, then by size, never what was just used or is being updated.
shelf=$tmp/shelf
mkdir "$shelf"
for name in old idle large new held; do
	mkdir "$shelf/$name.git"
	touch "$shelf/$name.lock" "$shelf/$name.used"
done
head -c 4000000 /dev/zero >"$shelf/large.git/x"
head -c 4000000 /dev/zero >"$shelf/new.git/x"
touch -d '40 days ago' "$shelf/old.used" "$shelf/held.used"
touch -d '2 days ago' "$shelf/large.used"
touch -d '1 day ago' "$shelf/idle.used"
mkdir -p "$tmp/private/held.keys" "$tmp/private/idle.keys"
exec 8>"$shelf/held.lock"
flock 8
RUNNER_MIRRORS=$shelf RUNNER_MIRROR_PRIVATE=$tmp/private RUNNER_MIRROR_AGE_S=2592000 RUNNER_MIRROR_MAX_KIB=6000 \
	sh "$top_srcdir/src/agent/scripts/prune.sh" >"$tmp/pruned" 2>&1
is "$(sort "$tmp/pruned")" 'removed large: mirrors are too large
removed old: not used for long' 'mirrors are removed by age and by size'
exec 8>&-
is "$(cd "$shelf" && echo *.git)" 'held.git idle.git new.git' 'and others stay'
is "$(ls "$tmp/private")" held.keys 'so do the keys of an update that runs, and those that a killed one has left go'
done_testing

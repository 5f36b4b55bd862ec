#!/bin/sh
# What a class says of its isolation is what its tasks have, and what a host lacks is a refusal with the reason.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

# As a user, in a user namespace: also where we are root.
as=
[ "$(id -u)" != 0 ] || as='setpriv --reuid 65534 --regid 65534 --clear-groups'
unset RUNNERD_USER
base=$tmp/base
mkdir -p "$base/real/bin" "$base/secrets" "$base/sdk"
printf '#!/bin/sh\necho the tool of %s\n' "$base/real" >"$base/real/bin/tool"
chmod 755 "$base/real/bin/tool"
echo mine >"$base/real/dotfile"
echo hush >"$base/secrets/key"
echo sdk >"$base/sdk/file"
cp "$tmp/token" "$base/token"
[ -z "$as" ] || chown -R 65534:65534 "$base"
chmod 755 "$base"
start_fakehub
chmod 666 "$hub_sock"

settings() # LINE...: of runnerd.yaml
{
	printf 'hub: %s\n' "$hub_url" >"$tmp/runnerd.yaml"
	printf '%s\n' "$@" >>"$tmp/runnerd.yaml"
}

class() # ISOLATION: the class of every task here, in one line
{
	settings 'resource_classes:' "  - {name: local/test, token_file: $base/token, isolation: $1}"
}

start_as_user() # [OPTION...]
{
	: >"$tmp/agent.log"
	# shellcheck disable=SC2086 # a command's words, or none
	HOME=$base/real start agent $as runnerd -c "$tmp/runnerd.yaml" --name test --run-dir "$base/run" --data-dir "$base/data" \
		--work-dir "$base/work" --cache-dir "$base/cache" --orphan-limit 60s "$@"
	agent_pid=$pid
	wait_until 30 grep -qsE 'ready: |^runnerd: ' "$tmp/agent.log"
	grep -qs 'ready: ' "$tmp/agent.log"
}

said() # NAME: what the task has printed, in one line
{
	tr '\n' ' ' <"$(got_output "$1")"
}

run() # NAME COMMAND
{
	hub_say "task $1 set +e; $2; :"
	wait_ended "$1" success || diag "$(said "$1")"
}

no_work()
{
	[ -z "$(find "$base/work" -mindepth 1 -maxdepth 1 ! -name '.*' ! -name 'spare-*')" ]
}

class '{level: namespace}'
start_as_user || skip_all 'this host has no namespaces for users'
run plain "echo \$HOME; cat $base/secrets/key; ls /tmp | wc -l; echo x >/tmp/x; echo x >>$base/real/dotfile; cat $base/real/dotfile; grep -c : /proc/net/dev; [ -w $base/sdk/file ] && echo writable"
like "$(said plain)" "^$base/work/.*/home hush .* mine [0-9]* writable" 'without more, other files are as they are, HOME is private and the real one read-only'
stop "$agent_pid"
is "$(cat "$base/real/dotfile") $(ls /tmp/x 2>/dev/null)" 'mine ' 'nothing of it is changed, nor in /tmp'

class "{level: namespace, hidden: [$base/secrets, $base/absent], read_only: [$base/sdk], network: none, metadata_address: block}"
start_as_user
run hidden "cat $base/secrets/key; ls $base/secrets; touch $base/sdk/file; cat $base/sdk/file; grep -c : /proc/net/dev; grep -q '^ *lo:' /proc/net/dev && echo lo; python3 -c 'import socket; s=socket.socket(); s.bind((\"127.0.0.1\", 0)); s.listen(); socket.create_connection(s.getsockname()); print(\"loopback works\")'"
unlike "$(said hidden)" hush 'a hidden path is not there'
like "$(said hidden)" "touch: .*Read-only.* sdk 1 lo loopback works" 'a read-only one cannot be written; there is a loopback network and nothing else'
stop "$agent_pid"

class '{level: namespace, home: overlay}'
start_as_user
if grep -q 'HOME is private' "$tmp/agent.log"; then
	skip 'HOME is laid over' "this kernel does not: $(grep 'HOME is private' "$tmp/agent.log")"
else
	run over "echo \$HOME; \$HOME/bin/tool; echo changed >>~/dotfile; rm ~/bin/tool; mkdir ~/new; cat ~/dotfile; pwd"
	is "$(said over)" "$base/real the tool of $base/real mine changed $base/real/project " 'HOME is the real one with what is installed there'
	is "$(cat "$base/real/dotfile"; ls "$base/real"; ls "$base/real/bin")" 'mine
bin
dotfile
tool' 'and nothing in it has changed'
	run again "cat ~/dotfile; ls ~"
	is "$(said again)" 'mine bin dotfile project ' 'nor does the next task see it'
	hub_say "task stays echo mine >~/of-this-task; echo begun; until [ -e $tmp/go ]; do sleep 0.05; done; cat ~/of-this-task; circleci-agent mask hush && echo heard"
	ok '(a task runs)' wait_until 30 grep -qs begun "$(got_output stays)"
	stop "$agent_pid" QUIT
	start_as_user
	touch "$tmp/go"
	ok 'a task goes on under the next runnerd' wait_ended stays success
	is "$(said stays)" 'begun mine heard ' 'with its HOME, and is heard'
	ok 'what was changed is removed' wait_until 20 no_work
fi
stop "$agent_pid"

# Where users have it by default: the work directory in a HOME that is read-only.
class '{level: namespace}'
start_as_user --work-dir "$base/real/work"
run below 'echo $HOME; echo x >/tmp/x; cat /tmp/x; echo y >there; cat there; touch $HOME/../../../of-the-host'
like "$(said below)" "^$base/real/work/.*/home x y touch: .*Read-only" 'a work directory in HOME can be written, the rest of HOME not'
stop "$agent_pid"

class '{level: namespace, privileges: keep}'
start_as_user
run keeps 'grep NoNewPrivs /proc/self/status; grep Seccomp: /proc/self/status'
is "$(said keeps)" "$(grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | tr '\n' ' ')" 'privileges are kept where the class says so'
stop "$agent_pid"
class '{level: namespace}'
start_as_user
run drops 'grep NoNewPrivs /proc/self/status; grep Seccomp: /proc/self/status'
is "$(said drops)" 'NoNewPrivs:	1 Seccomp:	2 ' 'and not where it does not'
stop "$agent_pid"

# --- what is refused ------------------------------------------------------------------------------------
class "{level: namespace, read_only: [$base/token/below]}"
start_as_user
is "$?" 1 'a path that cannot be made read-only is a refusal'
like "$(cat "$tmp/agent.log")" "runnerd: resource class 'local/test': runner-init cannot read_only '$base/token/below': Not a directory" 'which says for which class, and what'

# A host without namespaces: a user namespace in which there are no more, and no capability either.
bare()
{
	# shellcheck disable=SC2086
	$as unshare -Ur sh -c 'echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set -all --inh-caps -all --ambient-caps -all "$@"' - "$@"
}
if bare true 2>/dev/null && ! bare unshare -Ur true 2>/dev/null; then
	settings "token_file: $base/token"
	: >"$tmp/agent.log"
	RUNNERD_USER=root HOME=$base/real bare timeout 60 runnerd -c "$tmp/runnerd.yaml" --name test --isolation namespace --run-dir "$base/run" \
		--data-dir "$base/data" --work-dir "$base/work" --cache-dir "$base/cache" >"$tmp/bare" 2>&1
	is "$?" 3 'a level that the host lacks is a refusal'
	like "$(cat "$tmp/bare")" 'hint: set sysctl user.max_user_namespaces' 'that says which switch of the kernel it is'
	class '{network: none}'
	RUNNERD_USER=root HOME=$base/real bare timeout 60 runnerd -c "$tmp/runnerd.yaml" --name test --run-dir "$base/run" \
		--data-dir "$base/data" --work-dir "$base/work" --cache-dir "$base/cache" >"$tmp/bare" 2>&1
	is "$?" 3 'auto is a refusal where more is said than the host can hold'
	like "$(cat "$tmp/bare")" "resource class 'local/test': this host has no namespaces for tasks" 'that says of which class'
else
	skip 'a level that the host lacks is a refusal' 'no namespace can be made in which there are no more'
fi
done_testing

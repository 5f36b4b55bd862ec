#!/bin/sh
# Tasks with users of their own have a HOME of the host's in which installed tools work, and nothing in it changes.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/network.sh"
in_own_network
. "${0%/*}/agent.sh"

first=$((1971000000 + $$ % 60000 * 16))
owner=$((first + 12))
lack=$(slot_users_lack "$first")
[ -z "$lack" ] || skip_all "$lack"
unset RUNNERD_USER
home=$tmp/ci
mkdir -p "$home/bin" "$home/.cache"
# shellcheck disable=SC2016 # for the tool
printf '#!/bin/sh\necho the tool; echo used >>"$HOME/.cache/log"\n' >"$home/bin/tool"
chmod 755 "$home/bin/tool"
echo mine >"$home/dotfile"
chmod 600 "$home/dotfile"
chown -R $owner:$owner "$home"
chmod 700 "$home"
echo "root's" >"$home/of-root"
chmod 600 "$home/of-root"
start_fakehub
chmod 666 "$hub_sock"

settings() # ISOLATION
{
	printf 'hub: %s\nresource_classes:\n  - {name: local/test, token_file: %s, isolation: %s}\n' "$hub_url" "$tmp/token" "$1" >"$tmp/runnerd.yaml"
}

begin() # [OPTION...]
{
	: >"$tmp/agent.log"
	start agent runnerd -c "$tmp/runnerd.yaml" --name test -j 2 --user nobody --slot-uids $first-$((first + 7)) --run-dir "$tmp/run" \
		--data-dir "$tmp/data" --work-dir "$tmp/work" --cache-dir "$tmp/cache" --orphan-limit 60s "$@"
	agent_pid=$pid
	wait_until 30 grep -qsE 'ready: |^runnerd: ' "$tmp/agent.log"
	grep -qs 'ready: ' "$tmp/agent.log"
}

run() # NAME COMMAND
{
	hub_say "task $1 set +e; $2; :"
	wait_ended "$1" success || diag "$(cat "$(got_output "$1")")"
}

said()
{
	tr '\n' ' ' <"$(got_output "$1")"
}

all_of_home() # names, modes, owners, contents
{
	(cd "$home" && find . -exec stat -c '%n %a %u %g %s' {} + | sort && cat dotfile bin/tool of-root)
}

no_work()
{
	[ -z "$(find "$tmp/work" -mindepth 1 -maxdepth 1 ! -name '.*')" ]
}

settings '{level: namespace}'
begin || skip_all "this host has no namespaces for tasks: $(grep -E '^runnerd: ' "$tmp/agent.log" | cut -c1-120)"
stop "$agent_pid"
settings '{level: namespace, home: overlay}'
begin
is "$?" 0 'without a directory of the host runnerd starts'
like "$(cat "$tmp/agent.log")" 'so it is private; --slot-home names one' 'and says that HOME is private'
stop "$agent_pid"
begin --slot-home "$tmp/nowhere"
is "$?" 1 'a directory that is not there is a refusal'
like "$(cat "$tmp/agent.log")" "cannot show the slots' HOME as their users' own: No such file" 'that says so'

if ! begin --slot-home "$home"; then
	reason=$(grep -E '^runnerd: ' "$tmp/agent.log")
	like "$reason" "cannot show the slots' HOME as their users' own: " 'what this host cannot do is a refusal'
	skip 'HOME is laid over' "this kernel or file system does not: $reason"
	done_testing
	exit 0
fi
before=$(all_of_home)
run over 'echo $HOME; ~/bin/tool; echo changed >>~/dotfile; cat ~/dotfile; rm ~/bin/tool; mkdir ~/new; echo x >~/new/x; cat ~/.cache/log; cat ~/of-root; stat -c %u ~ ~/dotfile; pwd'
if grep -q 'cannot give the task its isolation' "$tmp/agent.log"; then
	skip 'HOME is laid over' "this kernel does not: $(grep -m 1 'its isolation' "$tmp/agent.log")"
	done_testing
	exit 0
fi
is "$(said over)" "$home the tool mine changed used cat: $home/of-root: Permission denied $first $first $home/project " \
	'a task finds what is installed, may change what its owner may, and nothing of others'
is "$(all_of_home)" "$before" 'nothing of it has changed, nor whose it is'
run again 'cat ~/dotfile; ls -A ~ ~/bin | tr "\n" " "'
is "$(said again)" "mine $home: .cache bin dotfile of-root project  $home/bin: tool " 'nor does the next task see it'
hub_say "task stays echo mine >~/of-this-task; echo begun; until [ -e $tmp/go ]; do sleep 0.05; done; cat ~/of-this-task; circleci-agent mask hush && echo heard"
ok 'a task runs' wait_until 30 grep -qs begun "$(got_output stays)"
stop "$agent_pid" QUIT
begin --slot-home "$home"
touch "$tmp/go"
ok 'it goes on under the next runnerd' wait_ended stays success
is "$(said stays)" 'begun mine heard ' 'with its HOME, and is heard'
run after 'ls -A ~ | tr "\n" " "'
is "$(said after)" '.cache bin dotfile of-root project ' 'where the next task has its own'
ok 'what was changed is removed' wait_until 20 no_work
stop "$agent_pid"

settings '{level: namespace}'
begin --slot-home "$home"
run private 'case $HOME in */home) echo private;; esac; cat '"$home"'/dotfile; touch '"$home"'/x'
like "$(said private)" "^private cat: .*Permission denied touch: .*Permission denied" 'a class that does not ask for it has a HOME of its own, and no way there'
stop "$agent_pid"
settings '{level: user, home: overlay}'
begin --slot-home "$home"
is "$?" 1 'without a mount namespace it is a refusal'
is "$(all_of_home)" "$before" 'nothing has changed in the end'
done_testing

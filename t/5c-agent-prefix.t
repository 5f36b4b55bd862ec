#!/bin/sh
# Each step's command is started through command_prefix, and has its environment and directory behind it.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

# What "sudo -niHu USER --" does but for the user: nothing of the environment, another directory. Words are
# split anew, as in the script that CircleCI shows.
cat >"$tmp/prefix" <<END
#!/bin/sh
echo "\$1 \$2" >>"$tmp/prefixed"
grep NoNewPrivs /proc/self/status >>"$tmp/privileges"
shift 2
cd / || exit
task_agent_cmd=\$*
exec env -i HOME=/nowhere PATH=/usr/bin:/bin:/only/here USER=somebody ADDED=yes \$task_agent_cmd
END
chmod 755 "$tmp/prefix"
cat >"$tmp/settings.yaml" <<END
command_prefix: ["$tmp/prefix", "two words", more]
cleanup_working_directory: false
END

script 'task plain echo "$SECRET"; echo "$CIRCLE_JOB"; pwd; echo "$HOME"; cat; umask; echo "$USER $ADDED"; echo "$PATH"; command -v circleci-agent; grep NoNewPrivs /proc/self/status >&2' \
	'setstep plain 0 environment {"SECRET": "line one\nline two"}' \
	'task red exit 7' \
	'task slow trap "exit 5" TERM; echo begun; while :; do sleep 0.1; done'
start_fakehub
start_runnerd -c "$tmp/settings.yaml"

ok 'a task runs through the prefix' wait_ended plain success
work=$tmp/work/$(task_id plain)
printf 'line one\nline two\n' >"$tmp/wanted"
head -n 2 "$(got_output plain)" >"$tmp/first"
ok 'a step has its environment behind the prefix' cmp "$tmp/wanted" "$tmp/first"
like "$(cat "$(got_output plain)")" "$work/home/project
$work/home
0*022
somebody yes
" 'and its directory, HOME, an empty standard input, umask; what the prefix adds is there'
like "$(cat "$(got_output plain)")" ':/only/here
/.*/circleci-agent' "the prefix's PATH comes behind the step's"
is "$(head -n 1 "$tmp/prefixed")" 'two words more' 'words of a list stay whole'
is "$(head -n 1 "$tmp/privileges")" "$(grep NoNewPrivs /proc/self/status)" 'the prefix may gain privileges, if we may'
ok 'the command behind it may not' grep -q '^NoNewPrivs:.*1' "$(got_output plain)"
ok 'a step that fails fails' wait_ended red failed
ok 'with its own exit status' grep -q '"type":"step_ended".*"exit_code":7' "$tmp/got/red/events"
wait_log fakehub 'task slow step 0 step_started' 20
ok 'it has begun' wait_until 20 grep -qs begun "$(got_output slow)"
hub_say 'cancel slow'
ok 'TERM reaches the command behind the prefix' wait_ended slow canceled
ok 'cleanup_working_directory: false keeps the directory' test -d "$work/home/project"
kill -TERM "$agent_pid"
wait "$agent_pid"

hub_say 'task broken echo never'
start_runnerd --command-prefix '/nonexistent/sudo --'
ok 'a prefix that cannot be run fails the step' wait_ended broken failed
ok 'and its output says so' grep -q "cannot run '/nonexistent/sudo', the command_prefix" "$(got_output broken)"
kill -TERM "$agent_pid"
wait "$agent_pid"
hub_say 'task deaf echo never'
start_runnerd --command-prefix "[\"sh\", \"-c\", \"exec \\\"\$@\\\" </dev/null\", \"-\"]"
ok 'so does one that keeps standard input' wait_ended deaf failed
ok 'and its output says that' grep -q "does not hand standard input on, which brings" "$(got_output deaf)"
ok 'by default the directory is removed' wait_until 20 test ! -e "$tmp/work/$(task_id deaf)"
kill -TERM "$agent_pid"
wait "$agent_pid"

if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
	skip 'another user without rights in the work directory is told so' 'needs root and setpriv'
	skip 'in a sentence' 'needs root and setpriv'
else
	hub_say 'task other id -u; touch here && stat -c %u here'
	start_runnerd --command-prefix 'setpriv --reuid=65534 --regid=65534 --clear-groups --'
	ok 'another user without rights in the work directory is told so' wait_ended other failed
	ok 'in a sentence' grep -q "cannot enter '.*' as user 65534" "$(got_output other)"
	kill -TERM "$agent_pid"
	wait "$agent_pid"
fi
done_testing

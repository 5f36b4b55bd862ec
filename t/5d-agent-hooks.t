#!/bin/sh
# hooks.d: programs that runnerd runs around a task, outside it.
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

mkdir "$tmp/hooks.d"

# hook NAME: its body from standard input.
hook()
{
	{
		echo '#!/bin/sh'
		cat
	} >"$tmp/hooks.d/$1.new"
	chmod 755 "$tmp/hooks.d/$1.new"
	mv "$tmp/hooks.d/$1.new" "$tmp/hooks.d/$1"
}

run_agent()
{
	start_runnerd --hooks-dir "$tmp/hooks.d" "$@"
}

end_agent()
{
	kill -TERM "$agent_pid"
	wait "$agent_pid"
}

for name in pre-job on-failure post-job; do
	hook $name <<END
env | sort >"$tmp/env.$name.\$RUNNER_JOB_NAME"
echo "$name \$RUNNER_JOB_NAME \$RUNNER_OUTCOME" >>"$tmp/calls"
printf 'says %s\\nand more' "\$RUNNER_JOB_NAME"
test -d "\$RUNNER_WORK_DIR/home" && echo "$name" >>"\$RUNNER_WORK_DIR/home/project/trace"
END
done

script 'task good cat trace' 'set good environment {"SECRET": "hunter2"}' \
	'task bad exit 3' 'task lame echo lame' 'unset lame job'
start_fakehub
SECRET_OF_AGENT=hunter2
export SECRET_OF_AGENT
run_agent
ok 'a task with hooks succeeds' wait_ended good success
is "$(cat "$(got_output good)")" pre-job 'pre-job has run before the first step, and reaches its directory'
ok 'a task that fails' wait_ended bad failed
ok 'one that is refused' wait_ended lame infra-fail
ok 'all of them go' wait_until 20 no_tasks
is "$(grep -c . "$tmp/calls")" 5 'hooks run once each, and not for a task that never began'
is "$(grep -v pre-job "$tmp/calls" | sed 's/ .* / /' | sort | tr '\n' ';')" 'on-failure failed;post-job failed;post-job success;' \
	'on-failure runs for failures only'
env=$tmp/env.post-job.good
ok 'metadata is in the environment' grep -q "^RUNNER_TASK_ID=........-....-....-....-............$" "$env"
ok 'and the outcome' grep -q '^RUNNER_OUTCOME=success' "$env"
ok 'no variable of the job or of the agent is' test -z "$(cat "$tmp"/env.* | grep -i secret)"
ok 'output is in the log, line by line, with the task' grep -q "$(task_id good).* pre-job: says" "$tmp/agent.log"
ok 'so is a last line without its end' grep -q "$(task_id good).* post-job: and more" "$tmp/agent.log"
end_agent

# --- pre-job decides, the others do not
hook pre-job <<END
echo 'the disk is full' >&2
exit 4
END
hook post-job <<END
echo "\$RUNNER_OUTCOME: \$RUNNER_REASON" >"$tmp/post"
exit 5
END
rm "$tmp/hooks.d/on-failure"
hub_say 'task refused echo never'
run_agent
ok 'a pre-job hook that fails ends the task' wait_ended refused infra-fail
like "$(cat "$tmp/got/refused/events")" '"reason":"the pre-job hook ended with status 4: the disk is full"' 'the reason says why'
is "$(events_of refused | grep -c step_started)" 0 'no step has begun'
ok 'post-job knows the outcome' wait_until 20 grep -q '^infra-fail: the pre-job hook ended with status 4' "$tmp/post"
ok 'a post-job hook that fails is told' wait_log agent 'the post-job hook ended with status 5' 20
end_agent

# --- bounded in time, and others go on meanwhile
hook pre-job <<END
trap '' TERM
sleep 60
END
chmod -x "$tmp/hooks.d/post-job"
hub_say 'task stuck echo never'
run_agent --hook-timeout 300ms --grace 100ms
ok 'a pre-job hook that takes too long ends the task' wait_ended stuck infra-fail
like "$(cat "$tmp/got/stuck/events")" 'the pre-job hook ran longer than 0.3s' 'the reason says so'
ok 'a hook that cannot be executed is told' wait_log agent "hooks.d/post-job' cannot be executed" 20
end_agent
rm "$tmp/hooks.d/post-job"

hook pre-job <<END
echo "\$RUNNER_HOOK_ATTEMPT" >>"$tmp/attempts.\$RUNNER_TASK_ID"
echo \$\$ >"$tmp/hook.\$RUNNER_TASK_ID"
[ "\$RUNNER_TASK_ID" = "$(task_id held)" ] || exit 0
while [ ! -e "$tmp/open" ]; do sleep 0.1; done
END
hub_say 'task held echo held'
run_agent -j 2
ok 'a hook waits' wait_until 20 test -s "$tmp/hook.$(task_id held)"
hub_say 'task other echo other'
ok 'another task comes and goes meanwhile' wait_ended other success

# --- a crash while it runs
kill -KILL "$agent_pid"
wait_gone "$agent_pid" 20
ok 'a hook does not outlive runnerd' wait_gone "$(cat "$tmp/hook.$(task_id held)")" 20
run_agent -j 2
ok 'the next runnerd says that it runs it again' wait_log agent \
	'the pre-job hook had begun under an earlier runnerd: attempt 2' 20
: >"$tmp/open"
ok 'and the task goes on' wait_ended held success
is "$(tr '\n' ' ' <"$tmp/attempts.$(task_id held)")" '1 2 ' 'the hook is told which attempt it is'
rm "$tmp/open"

hook pre-job <<END
echo \$\$ >"$tmp/hook.\$RUNNER_TASK_ID"
exec sleep 60
END
hub_say 'task calledoff echo never'
ok 'a hook runs' wait_until 20 test -s "$tmp/hook.$(task_id calledoff)"
hub_say 'cancel calledoff'
ok 'a cancel ends it' wait_ended calledoff canceled
ok 'with its process' wait_gone "$(cat "$tmp/hook.$(task_id calledoff)")" 20

# --- a crash in the one behind the task
hook pre-job <<END
exit 0
END
hook post-job <<END
echo x >>"$tmp/posts"
[ -e "$tmp/open" ] || exec sleep 60
END
hub_say 'task after echo after'
ok 'the task has ended' wait_ended after success
ok 'its post-job hook runs' wait_until 20 test -s "$tmp/posts"
kill -KILL "$agent_pid"
wait_gone "$agent_pid" 20
: >"$tmp/open"
run_agent
ok 'a post-job hook is not run twice, which is told' wait_log agent \
	'the post-job hook had begun under an earlier runnerd: it is not run again' 20
ok 'and the task goes' wait_until 20 no_tasks
is "$(grep -c x "$tmp/posts")" 1 'it has run once'
end_agent

# --- the example, with the user that command_prefix is for
rm -f "$tmp/hooks.d/post-job"
sed -e 's/^user=.*/user=nobody/' -e 's/^needed_kib=.*/needed_kib=1/' "$top_srcdir/contrib/hooks/pre-job" >"$tmp/hooks.d/pre-job"
if [ "$(id -u)" -ne 0 ] || ! command -v setpriv >/dev/null; then
	skip 'a job as another user, by the example' 'needs root and setpriv'
	skip 'is that user, and can write' 'needs root and setpriv'
else
	hub_say 'task given id -u; touch here && stat -c %u here; circleci-agent step halt && echo halted'
	run_agent --command-prefix 'setpriv --reuid=65534 --regid=65534 --clear-groups --'
	ok 'a job as another user, by the example' wait_ended given success
	is "$(tr '\n' ' ' <"$(got_output given)")" '65534 65534 halted ' 'is that user, can write, and can ask the agent'
	end_agent
fi
done_testing

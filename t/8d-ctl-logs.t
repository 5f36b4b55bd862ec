#!/bin/sh
# runnerctl logs and pipeline watch: any part, with times, to a terminal and to a pipe, over a line that breaks.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

start_plain_hub || exit 1
start_agent --token-file "$tmp/hub/agent.token" -j 2 --name printer || exit 1
mkdir -m 777 "$tmp/meet"
cat >"$tmp/config.yml" <<END
version: 2.1
jobs:
  print:
    machine: true
    steps:
      - run: {name: numbers, command: seq 1 100000}
      - run: {name: colours, command: 'printf "a\\033[31mred\\033[0m\\033[2J b\\302\\2332Jc\\n"; printf "no end"'}
  slow:
    machine: true
    steps:
      - run: {name: pieces, command: 'for i in \$(seq 1 40); do head -n \$((i * 400)) $tmp/pieces | tail -n 400; while [ \$(cat $tmp/meet/upto) -lt \$i ]; do sleep 0.02; done; done'}
workflows:
  w: {jobs: [print, slow]}
END
echo 3 >"$tmp/meet/upto"
chmod 644 "$tmp/meet/upto"
# What does not compress, so that the line breaks within it.
head -c 720000 /dev/urandom | base64 -w 60 >"$tmp/pieces"
chmod 644 "$tmp/pieces"
submit "$tmp/config.yml"
RUNNER_HUB=unix:$tmp/hub.sock
CIRCLE_TOKEN=$(cat "$tmp/hub/admin.token")
export RUNNER_HUB CIRCLE_TOKEN

ctl()
{
	timeout 600 runnerctl --project gh/ada/engine "$@" >"$tmp/out" 2>"$tmp/err"
	status=$?
	err=$(cat "$tmp/err")
}

# The slow job prints its pieces up to this one.
let_print()
{
	echo "$1" >"$tmp/meet/next" && mv "$tmp/meet/next" "$tmp/meet/upto"
}

# --- a line that breaks, and a hub that is killed, while the job prints ---------------------------------
start relay relay "$tmp/relay.sock" "$tmp/hub.sock" 7 400000
relay_pid=$pid
wait_log relay ready 10
t_printed()
{
	[ "$(wc -l <"$tmp/$1" 2>/dev/null || echo 0)" -ge "$2" ]
}
t_has_step()
{
	ask GET "/api/runner/v1/jobs/find?project=gh/ada/engine&ref=w/slow"
	ask GET "/api/runner/v1/tasks/$(field tasks.0.id)"
	[ -n "$(field steps.0.name)" ]
}
ok "the job runs" wait_until 60 t_has_step
RUNNER_HUB=unix:$tmp/relay.sock runnerctl --project gh/ada/engine logs -f --step pieces w/slow >"$tmp/followed" 2>"$tmp/followed.err" &
followed_pid=$!
runnerctl --project gh/ada/engine logs -f w/slow >"$tmp/direct" 2>"$tmp/direct.err" &
direct_pid=$!
runnerctl pipeline watch "$pipeline" >"$tmp/watched" 2>"$tmp/watched.err" &
watched_pid=$!
t_pids="$t_pids $followed_pid $direct_pid $watched_pid"
ok "what is there is printed" wait_until 60 t_printed followed 1200
wait_until 60 t_printed direct 1200
for upto in 6 9 12 15; do
	let_print "$upto"
	wait_until 60 t_printed followed $((upto * 400))
done
stop "$hub_pid" KILL
start hub runner-hub serve -c "$tmp/hub/runner-hub.yaml"
hub_pid=$pid
let_print 40
kill -USR1 "$relay_pid"
wait "$followed_pid"
is "$?" 0 "logs -f goes on by itself over a line that breaks"
ok "and prints everything once" cmp "$tmp/followed" "$tmp/pieces"
like "$(cat "$tmp/followed.err")" '^the connection to the hub was cut \(.*\): trying again$' "saying that it does"
ok "the line was cut" test "$(grep -c 'relay: cut' "$tmp/relay.log")" -ge 1
wait "$direct_pid"
is "$?" 0 "so it does over a hub that is killed"
ok "and prints everything once, too" cmp "$tmp/direct" "$tmp/pieces"
wait "$watched_pid"
is "$?" 0 "pipeline watch goes on by itself, too"
sed -n 's/^\[slow\] \([A-Za-z0-9+/=]\{60\}\)$/\1/p' "$tmp/watched" >"$tmp/watched.slow"
ok "and shows every line once" cmp "$tmp/watched.slow" "$tmp/pieces"
like "$(cat "$tmp/watched")" '^2 jobs: 2 succeeded' "to the end"

# --- parts and times ------------------------------------------------------------------------------------------
seq 1 100000 >"$tmp/numbers"
ctl logs --step numbers w/print
ok "one step's output" cmp "$tmp/out" "$tmp/numbers"
ctl logs --step numbers --since-line 99990 w/print
is "$(head -n 1 "$tmp/out"),$(wc -l <"$tmp/out")" "99990,11" "from a line on"
ctl logs --step numbers --since-line=-5 w/print
is "$(tr '\n' ' ' <"$tmp/out")" "99996 99997 99998 99999 100000 " "the last lines"
ctl logs --step numbers --since-line 100001 w/print
is "$status,$(wc -c <"$tmp/out")" "0,0" "beyond the end there is nothing"
ctl logs --since-line 5 w/print
is "$status" 2 "lines are of a step"
ctl logs --step numbers --since-line 0 w/print
is "$status" 2 "and counted from 1"
ctl logs --timestamps --step numbers w/print
is "$(grep -cE '^20[0-9-]+T[0-9:]+\.[0-9]{3}Z [0-9]+$' "$tmp/out")" 100000 "a time at the beginning of each line"
cut -d' ' -f2 "$tmp/out" >"$tmp/unstamped"
ok "before what was printed" cmp "$tmp/unstamped" "$tmp/numbers"
ok "times do not go back" sh -c "cut -d' ' -f1 '$tmp/out' | sort -c"
ask GET "/api/runner/v1/jobs/find?project=gh/ada/engine&ref=w/print"
task=$(field tasks.0.id)
ask GET "/api/runner/v1/tasks/$task/output/index?step=0"
is "$(sed -n '1s/.*"time":"\([^"]*\)".*/\1/p' "$tmp/reply")" "$(head -n 1 "$tmp/out" | cut -d' ' -f1)" "they are those of the index"

# --- searched by the hub -----------------------------------------------------------------------------------------
grep -n '99$' "$tmp/numbers" >"$tmp/expected"
ctl logs --step numbers --grep '99$' w/print
is "$status" 0 "logs --grep finds"
ok "what grep -n finds" cmp "$tmp/out" "$tmp/expected"
ctl logs --grep '^9999.$|NO e' -i w/print
is "$status,$(tr '\n' ' ' <"$tmp/out")" "0,numbers:99990:99990 numbers:99991:99991 numbers:99992:99992 numbers:99993:99993 numbers:99994:99994 numbers:99995:99995 numbers:99996:99996 numbers:99997:99997 numbers:99998:99998 numbers:99999:99999 colours:2:no end " \
	"in all steps, with their names, in either case"
ctl logs --grep 'NO e' w/print
is "$status,$(wc -c <"$tmp/out"),$err" "1,0," "nothing found is 1, and nothing is said"
ctl logs --grep 'a(b' w/print
is "$status,$err" "3,runnerctl: the pattern is wrong at byte 3: missing closing parenthesis" "what is no pattern is 3, and where"
ctl logs --grep x nosuch/job
is "$status" 3 "so is a job that is not there"
ctl logs --grep x -f w/print
is "$status" 2 "it does not follow"
ctl logs -i w/print
is "$status" 2 "letters' case is the pattern's affair"
printf '1:a\033[31mred\033[0m\033[2J b\302\2332Jc\n' >"$tmp/expected"
ctl logs --step colours --grep 'red' w/print
ok "a pipe gets the line as it was printed" cmp "$tmp/out" "$tmp/expected"
TERM=xterm script -qec "runnerctl --project gh/ada/engine logs --step colours --grep red w/print" /dev/null </dev/null >"$tmp/screen" 2>&1
case $(tr -d '\r' <"$tmp/screen") in
*"$(printf '\033[2J')"* | *"$(printf '\302\233')"*) fail "a terminal nothing that moves its cursor" ;;
*) pass "a terminal nothing that moves its cursor" ;;
esac
ctl logs --step numbers --timestamps --grep '^77777$' w/print
like "$(cat "$tmp/out")" '^20[0-9-]+T[0-9:]+\.[0-9]{3}Z 77777:77777$' "with times, too"
ctl logs --step numbers --grep . w/print
ok "every line, once" sh -c "cut -d: -f2 '$tmp/out' | cmp - '$tmp/numbers'"

# --- to a pipe, to a terminal ------------------------------------------------------------------------------------
printf 'a\033[31mred\033[0m\033[2J b\302\2332Jc\nno end' >"$tmp/raw"
ctl logs --step colours w/print
ok "a pipe gets the bytes as they were printed" cmp "$tmp/out" "$tmp/raw"
TERM=xterm script -qec "runnerctl --project gh/ada/engine logs --step colours w/print" /dev/null </dev/null >"$tmp/screen" 2>&1
ok "a terminal gets the colours" grep -q "$(printf 'a\033\\[31mred\033\\[0m')" "$tmp/screen"
case $(tr -d '\r' <"$tmp/screen") in
*"$(printf '\033[2J')"* | *"$(printf '\302\233')"*) fail "and nothing that moves its cursor" ;;
*) pass "and nothing that moves its cursor" ;;
esac
timeout 600 runnerctl --project gh/ada/engine logs w/print >/dev/full 2>"$tmp/err"
is "$?" 3 "what cannot be written is an error"
is "$(cat "$tmp/err")" "runnerctl: cannot write to standard output: No space left on device" "that says why"
timeout 600 runnerctl --project gh/ada/engine logs --grep 9 w/print >/dev/full 2>"$tmp/err"
is "$?" 3 "so is what was found and cannot be written"
cat >"$tmp/waits.yml" <<END
version: 2.1
jobs: {waits: {machine: true, steps: [run: {name: wait, command: 'while [ ! -e $tmp/meet/end ]; do echo more; sleep 0.1; done'}]}}
workflows: {v: {jobs: [waits]}}
END
submit "$tmp/waits.yml"
t_waits()
{
	timeout 600 runnerctl --project gh/ada/engine logs v/waits 2>/dev/null | grep -q more
}
ok "a job prints until it is told to end" wait_until 60 t_waits
{
	timeout 600 runnerctl --project gh/ada/engine logs -f v/waits 2>"$tmp/err"
	echo $? >"$tmp/status"
} | head -n 1 >"$tmp/out"
is "$(cat "$tmp/out" "$tmp/status" "$tmp/err")" "more
0" "logs -f ends when nobody reads any more"
touch "$tmp/meet/end"
wait_pipeline "$pipeline"

ctl logs --step nosuch w/print
is "$status" 1 "there is no such step"
done_testing

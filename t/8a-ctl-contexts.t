#!/bin/sh
# runnerctl: contexts, variables of projects, projects.
. "${0%/*}/lib.sh"

ctl()
{
	timeout 600 runnerctl "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	out=$(cat "$tmp/out")
	err=$(cat "$tmp/err")
}

start_hub || exit 1
RUNNER_HUB=$hub_url
CIRCLE_TOKEN=$(cat "$tmp/hub/admin.token")
export RUNNER_HUB CIRCLE_TOKEN
cd "$tmp" || exit 1

ctl context create deploy
is "$status" 1 "outside of a project the organization must be said"
ctl context create deploy --org gh/ada
is "$status" 0 "a context is made"
like "$out" 'gh/ada' "and shown"
ctl context create deploy --project gh/ada/engine
is "$status" 1 "once"
like "$err" "context 'deploy' is there already" "and said"
ctl contexts list --org gh/ada
like "$out" '^deploy +gh/ada ' "it is listed"

printf 'open-sesame-7731\n' >"$tmp/value"
ctl context set deploy PASSWORD "$tmp/value" --org gh/ada
is "$status$out" 0 "a value is set from a file"
printf 'of-the-pipe-0042' | runnerctl context set deploy PIPED --org gh/ada 2>"$tmp/err"
is "$?" 0 "from standard input"
FROM_HERE='of-the-environment-9' runnerctl context set deploy ENVIRONED --from-env FROM_HERE --org gh/ada
is "$?" 0 "from the environment"
ctl context set deploy X --from-env NOT_THERE --org gh/ada
is "$status" 1 "which must have it"
ctl context set deploy X "$tmp/value" --from-env HOME --org gh/ada
is "$status" 2 "not from two places"
printf 'a\0b' >"$tmp/nul"
ctl context set deploy X "$tmp/nul" --org gh/ada
like "$err" 'holds a NUL' "a NUL is refused"
printf '\377\376' >"$tmp/bytes"
ctl context set deploy X "$tmp/bytes" --org gh/ada
like "$err" 'not UTF-8' "so is what is not UTF-8"
head -c 65537 /dev/zero | tr '\0' x >"$tmp/long"
ctl context set deploy X "$tmp/long" --org gh/ada
like "$err" 'longer than 65536 bytes' "and what is too long"
ctl context set nowhere X "$tmp/value" --org gh/ada
like "$err" "^runnerctl: .*no context 'nowhere'" "a context that is not there is named"
ctl context set deploy 1X "$tmp/value" --org gh/ada
like "$err" 'cannot be the name of a variable' "and what is no name"
ctl context list deploy --org gh/ada
like "$out" '^PASSWORD +xxxx7731 ' "tails alone are listed"
case $out in
*sesame*) fail "and no value" ;;
*) pass "and no value" ;;
esac
i=0
while [ "$i" -lt 60 ]; do
	echo "V$i=value of $i"
	i=$((i + 1))
done >"$tmp/dotenv"
echo 'export QUOTED="two words, quoted-8842" # comment' >>"$tmp/dotenv"
ctl context import deploy "$tmp/dotenv" --org gh/ada
is "$status" 0 "a file of variables is imported"
ctl context list deploy --org gh/ada
like "$out" '^QUOTED +xxxx8842 ' "quotes are no part of a value"
echo 'no-secret' >"$tmp/wrong"
ctl context import deploy "$tmp/wrong" --org gh/ada
like "$err" "^runnerctl: file '.*/wrong': line 1: " "a line that is wrong is named"
ctl context list deploy --org gh/ada --json=lines
is "$(printf '%s\n' "$out" | wc -l)" 64 "all pages of a list are shown"
ctl context remove deploy PIPED --org gh/ada
is "$status" 0 "a variable is deleted"
ctl context remove deploy PIPED --org gh/ada
is "$status" 1 "once"
ctl context delete deploy --org gh/ada
ctl context list --org gh/ada
is "$(printf '%s\n' "$out" | grep -c deploy)" 0 "a context is deleted"

ctl project list
is "$(printf '%s\n' "$out" | grep -c engine)" 0 "there is no project"
ctl envvar set KEY "$tmp/value" --project gh/ada/engine
is "$status" 0 "a variable of a project is set"
ctl envvar import "$tmp/dotenv" --project gh/ada/engine
ctl envvar list --project gh/ada/engine
like "$out" '^KEY +xxxx7731 ' "and listed by its tail"
is "$(printf '%s\n' "$out" | wc -l)" 63 "with all others"
ctl envvar remove KEY --project gh/ada/engine
ctl envvar list --project gh/ada/engine
is "$(printf '%s\n' "$out" | grep -c '^KEY')" 0 "it is deleted"
ctl project list
like "$out" '^gh/ada/engine ' "the project is there"
ctl project show gh/ada/engine --json
like "$out" '"organization_slug": "gh/ada"' "and is shown"
ctl project show gh/ada/other
is "$status" 1 "one that is not there is status 1"

done_testing

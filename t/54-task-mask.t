#!/bin/sh
# Secrets never leave the host in what steps print, however they are printed and whoever is killed.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/tasks.sh"

secret='s3cret-Value/42'
key='first line of a key\n  second line of it\n'
mask="\"mask\":[\"$secret\",\"$key\",\"it's quoted\",\"true\",\"abc\"]"

task forms "{\"command\":\"printf '%s\\\\n' 'a $secret b' 'true abc'; printf 'x%s' '$secret' | base64\"},
	{\"command\":\"echo 'first line of a key'; echo '- second line of it'; set -x; echo \\\"it's quoted\\\"\"},
	{\"command\":\"printf 'first line of a key'\"}" "$mask"
play forms
is "$(outcomes forms)" '0.1=success 1.1=success 2.1=success end=success' 'steps run as ever'
is "$(output forms 0 | head -n 2)" "$(printf 'a **** b\ntrue abc')" 'a secret is masked; booleans and short ones are not'
like "$(output forms 0 | tail -n 1)" '^.?.?\*\*\*\*.?.?=*$' 'so is its base64'
is "$(output forms 1 | head -n 2)" "$(printf '****\n- ****')" 'and each line of one that has several'
no_secret()
{
	! grep -q -e "$secret" -e "it's quoted" -e "it'.*s quoted" "$tmp/$1.sink"/*.*.* "$tmp/$1.log"
}
ok 'and what the shell shows of one' no_secret forms
is "$(output forms 2)" '****' 'also where it is all there is'

# Where a host does not let a step on for a second, the beginning has been shown: then it is printed again.
tries=0
until [ "$tries" -ge 10 ]; do
	tries=$((tries + 1))
	task "halves$tries" "{\"command\":\"printf 's3cret'; sleep 0.2; printf '%s' '-Value/42'\"}" "$mask"
	play "halves$tries"
	[ "$(output "halves$tries" 0)" = 's3cret****' ] || break
done
is "$(output "halves$tries" 0)" '****' 'a secret that was printed in two parts is masked'

task binary '{"command":"head -c 300000 /dev/urandom | tee raw; cp raw '"$tmp"'/binary.raw"}' "$mask"
play binary
output binary 0 >"$tmp/binary.got"
ok 'bytes without a secret pass unchanged' cmp "$tmp/binary.raw" "$tmp/binary.got"

task background "{\"command\":\"while [ ! -e go ]; do sleep 0.05; done; echo '$secret' and more; touch gone\",\"background\":true},
	{\"command\":\"touch go; while [ ! -e gone ]; do sleep 0.05; done; echo '$secret'\"}" "$mask"
play background
is "$(output background 0) $(output background 1)" '**** and more ****' 'a step in the background is masked too'

# A prompt that ends like a secret begins is seen while the step waits.
task prompt '{"command":"printf \"Enter s3cret\"; while [ ! -e answer ]; do sleep 0.05; done; printf \" now\""}' "$mask"
# shellcheck disable=SC2046
start prompt $(taskd_on prompt)
prompt_pid=$pid
prompt_is_seen()
{
	[ "$(output prompt 0)" = 'Enter s3cret' ]
}
ok 'what only begins like one is released by time' wait_until 20 prompt_is_seen
touch "$(echo "$tmp/prompt.work"/*/home/project)/answer"
wait "$prompt_pid"
is "$(output prompt 0)" 'Enter s3cret now' 'and nothing of it is lost'

# A crash between the released beginning and the rest: the next agent knows what was begun.
task parted '{"command":"printf \"Enter s3cret\"; while [ ! -e answer ]; do sleep 0.05; done; printf \"%s\" \"-Value/42!\""}' "$mask"
# shellcheck disable=SC2046
start parted $(taskd_on parted)
parted_pid=$pid
beginning_is_seen()
{
	[ "$(output parted 0)" = 'Enter s3cret' ]
}
wait_until 20 beginning_is_seen || fail 'the beginning is released'
kill -KILL "$parted_pid"
wait "$parted_pid" 2>/dev/null
touch "$(echo "$tmp/parted.work"/*/home/project)/answer"
play parted
is "$(output parted 0)" 'Enter s3cret****!' 'the rest of a secret is masked whoever released its beginning'

# Killed again and again while secrets are printed byte by byte.
say_slowly="for i in 1 2 3 4 5 6; do for c in '[' s 3 c r e t - V a l u e / 4 2 ']'; do printf %s \\\"\$c\\\"; sleep 0.02; done; done"
task killed "{\"command\":\"$say_slowly\",\"shell\":[\"/bin/sh\",\"-c\"]}" "$mask"
kills=0
while [ "$kills" -lt 25 ] && [ -z "$(outcomes killed)" ]; do
	# shellcheck disable=SC2046
	timeout -s KILL "0.$((kills * 7 % 20 + 10))" $(taskd_on killed) >>"$tmp/killed.log" 2>&1
	kills=$((kills + 1))
done
play killed
# A beginning that nothing came behind for a second was released, by the mask's own rule: a start can take as long.
is "$(output killed 0 | sed 's|\[s[a-zA-Z0-9/-]*\*\*\*\*\]|[****]|g')" '[****][****][****][****][****][****]' \
	"a secret is masked whatever is killed ($kills times)"
ok 'nothing is left' nothing_left killed

task huge "{\"command\":\"true\"}" "\"mask\":[$(i=0; while [ $i -lt 40 ]; do i=$((i + 1)); printf '"%s",' "$(head -c 30000 /dev/urandom | base64 -w 0)"; done)\"x\"]"
play huge
is "$(outcomes huge)" 'end=infra-fail' 'more secrets than can be masked end the task before it begins'
like "$(events huge | tail -n 1)" 'the secrets to mask are too many or too long' 'it says why'
done_testing

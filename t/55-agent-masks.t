#!/bin/sh
# The values of --mask-file are shown in no task's output, in whatever form; a file that cannot be used is refused.
#
# SPDX-License-Identifier: Apache-2.0
. "${0%/*}/lib.sh"
. "${0%/*}/agent.sh"

printf '%s\n' 'of-this/host 42' '' 'abc' 'true' "it's \"quoted\"" 'leading-and-trailing ' >"$tmp/masks"
printf 'ends-in-crlf\r\nlast-without-an-end' >>"$tmp/masks"
chmod 600 "$tmp/masks"
start_fakehub
start_runnerd --mask-file "$tmp/masks"
cat >"$tmp/print" <<TEXT
of-this/host 42
abc true
$(printf %s 'of-this/host 42' | base64)
{"v":"it's \\"quoted\\""}
https://host/?v=of-this%2Fhost%2042
[ends-in-crlf] [last-without-an-end] [leading-and-trailing ] of-the-task
TEXT
hub_say "task masks cat $tmp/print; printf %s 'of-this/h'; sleep 0.2; echo 'ost 42'"
wait_ended masks success || fail 'it ends'
cat >"$tmp/wanted" <<'TEXT'
****
abc true
****
{"v":"****"}
https://host/?v=****
[****] [****] [****] of-the-task
****
TEXT
# What begins like a value and is followed by nothing for a second is shown: a slow host may keep a step that long.
is "$(sed 's|^of-this/h\*\*\*\*$|****|' "$(got_output masks)")" "$(cat "$tmp/wanted")" 'each value is masked in each form, what is too short or a flag is not'
no_value()
{
	! grep -e 'of-this/host' -e 'last-without' "$tmp/agent.log" "$tmp/got/masks/events"
}
ok 'nor is it in the log or in an event' no_value

printf '%s\n' 'a-new-value' >"$tmp/masks"
stop "$agent_pid"
start_runnerd --mask-file "$tmp/masks"
hub_say "task next echo a-new-value; echo of-this/host 42"
wait_ended next success || fail 'the next ends'
is "$(cat "$(got_output next)")" "$(printf '****\nof-this/host 42')" 'the next runnerd has what the file says then'
stop "$agent_pid"

# refused WHAT PATTERN: runnerd does not start
refused()
{
	timeout 20 runnerd --hub "$hub_url" --token-file "$tmp/token" --run-dir "$tmp/run" --data-dir "$tmp/data" --work-dir "$tmp/work" \
		--cache-dir "$tmp/cache" --mask-file "$tmp/$1" >"$tmp/refused" 2>&1
	t_status=$?
	ok "$1: it does not start" test "$t_status" -ne 0 -a "$t_status" -ne 124
	like "$(cat "$tmp/refused")" "$2" "$1: it says why"
}
refused no-file "cannot open mask file '.*no-file'"
printf 'a value\0another' >"$tmp/nul"
refused nul "mask file '.*nul' has a NUL byte in it"
head -c 5000000 /dev/zero | tr '\0' x >"$tmp/huge"
refused huge "mask file '.*huge' has [0-9]* bytes or more"
done_testing

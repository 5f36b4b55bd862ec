#!/bin/sh
# rotate-key: every value is sealed anew with another key, or none is, wherever it is killed.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

start_plain_hub || exit 1
i=0
while [ "$i" -lt 5 ]; do
	ask POST /api/v2/project/gh/ada/engine/envvar -d "{\"name\": \"V$i\", \"value\": \"value-of-$i-0000$i\"}"
	i=$((i + 1))
done
is "$code" 201 "values are kept"
stop "$hub_pid"

rotate()
{
	"$@" runner-hub rotate-key --data-dir "$tmp/hub" >"$tmp/rotate.out" 2>&1
}

values()
{
	runner-hub check -c "$tmp/hub/runner-hub.yaml" >"$tmp/check.out" 2>&1
	sed -n 's/^values: //p' "$tmp/check.out"
}

is "$(values)" "ok (5)" "check opens them"
cp "$tmp/hub/secret.key" "$tmp/old.key"
ok "the key is rotated" rotate env
ok "it is another one" sh -c "! cmp -s '$tmp/old.key' '$tmp/hub/secret.key'"
is "$(stat -c %a "$tmp/hub/secret.key")" 600 "of its owner alone"
is "$(ls "$tmp/hub" | grep -c 'key.new')" 0 "nothing is left beside it"
is "$(values)" "ok (5)" "it opens every value"
cp "$tmp/hub/secret.key" "$tmp/new.key"
cp "$tmp/old.key" "$tmp/hub/secret.key"
like "$(values)" "the key file is not the one" "the old one opens none"
rotate env
is "$?" 2 "and nothing is rotated with it"
cp "$tmp/new.key" "$tmp/hub/secret.key"

start_plain_hub || exit 1
ask GET /api/v2/project/gh/ada/engine/envvar/V3
is_field value xxxx0003 "a hub starts with the new key and opens them"
rotate env
is "$?" 3 "a hub that serves is not rotated"
is "$(cmp "$tmp/new.key" "$tmp/hub/secret.key" 2>&1)" "" "its key stays"
stop "$hub_pid"

# --- killed at every call -------------------------------------------------------------------

cp -r "$tmp/hub" "$tmp/whole"
rotate strike --from write --count
if [ "$?" = 77 ]; then
	skip "killed at any call it has happened or not" "no tracing here"
else
	calls=$(tr -cd '0-9\n' <"$tmp/rotate.out" | tail -n 1)
	ok "it makes calls" test "$calls" -gt 20
	n=1
	wrong=
	finished=0
	while [ "$n" -le "$calls" ]; do
		rm -rf "$tmp/hub"
		cp -r "$tmp/whole" "$tmp/hub"
		rotate strike --from write --kill "$n"
		[ "$(values)" = "ok (5)" ] || wrong="$wrong $n"
		cmp -s "$tmp/new.key" "$tmp/hub/secret.key" || finished=$((finished + 1))
		n=$((n + 1))
	done
	is "$wrong" "" "killed at any of $calls calls all values open"
	ok "some of these rotations had happened, some not" test "$finished" -gt 0 -a "$finished" -lt "$calls"
fi

done_testing

#!/bin/sh
# runnerctl login: a token is kept for its hub alone, once the hub knows it.
. "${0%/*}/lib.sh"

start_hub || exit 1
RUNNER_HUB=$hub_url
export RUNNER_HUB
cd "$tmp" || exit 1
tokens=$HOME/.config/runner/tokens

runnerctl agent list >"$tmp/out" 2>"$tmp/err"
like "$(cat "$tmp/err")" '^hint: .*runnerctl login' "without a token login is what to do"
echo no-token-of-this-hub >"$tmp/wrong"
runnerctl login "$tmp/wrong" 2>"$tmp/err"
is "$?" 3 "a token the hub does not know is refused"
ok "and not kept" test ! -e "$tokens"
printf 'two words\n' | runnerctl login 2>"$tmp/err"
is "$?" 1 "what is no token is refused"
(umask 0 && runnerctl login - <"$tmp/hub/admin.token" 2>"$tmp/err")
is "$?" 0 "a token the hub knows is taken"
like "$(cat "$tmp/err")" '^logged in as admin$|logged in as' "and whose it is said"
is "$(stat -c %a "$tokens"/* "$tokens" | tr '\n' ' ')" "600 700 " "it is kept from others"
ok "it is used then" sh -c 'runnerctl agent list >/dev/null'
is "$(CIRCLE_TOKEN=x runnerctl agent list 2>&1 >/dev/null | head -n 1 | grep -c token)" 1 "below the environment"
runnerctl --hub "unix:$tmp/./hub.sock" agent list >/dev/null 2>"$tmp/err"
like "$(cat "$tmp/err")" 'no token is given' "but not for a hub of another name"
chmod 644 "$tokens"/*
runnerctl agent list >/dev/null 2>"$tmp/err"
is "$?" 3 "one that others can read is not used"
like "$(cat "$tmp/err")" 'can be read by others' "and said"
rm -r "$tokens"
XDG_CONFIG_HOME=$tmp/xdg runnerctl login "$tmp/hub/admin.token" 2>/dev/null
ok "XDG_CONFIG_HOME is honoured" test -d "$tmp/xdg/runner/tokens"

done_testing

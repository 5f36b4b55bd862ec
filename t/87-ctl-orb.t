#!/bin/sh
# runnerctl orb: orbs kept beside a config, with a lock file of digests.
. "${0%/*}/ctl.sh"
unset XDG_DATA_HOME

store=$tmp/store
orb()
{
	mkdir -p "$store/$1"
	cat >"$store/$1/$2.yml"
}
orb acme/hello 1.2.0 <<'END'
commands: {greet: {steps: [run: echo old]}}
END
orb acme/hello 1.10.0 <<'END'
orbs: {words: acme/words@2}
commands: {greet: {steps: [words/say]}}
END
orb acme/words 2.0.1 <<'END'
commands: {say: {steps: [run: echo said]}}
END
orb acme/bad 1.0.0 <<'END'
commands: [
END
project orbs <<'END'
version: 2.1
orbs: {h: acme/hello@1}
jobs:
  build: {machine: true, resource_class: a/b, steps: [h/greet]}
workflows: {w: {jobs: [build]}}
END

run_ctl config validate
is "$status" 1 "an orb that is not there"
like "$err" "error\[E_ORB_UNKNOWN\]: cannot use orb 'acme/hello@1': it is not in '.circleci/orbs' nor in '$HOME/.local/share/runner/orbs'" "where it was looked for"
like "$err" "hint: 'runnerctl orb fetch' gets orbs" "and what to do"

run_ctl orb fetch acme/hello@1 --from "$store"
is "$status:$err" "0:acme/words 2.0.1
acme/hello 1.10.0" "the highest version is fetched, with what it imports"
is "$(sed '/^#/d; s/ sha256:[0-9a-f]*$/ +/' .circleci/orbs.lock)" "acme/hello@1 1.10.0 +
acme/words@2 2.0.1 +" "and locked"
is "$(sed -n 's/^acme.words.*sha256://p' .circleci/orbs.lock)" "$(sha256sum <"$store/acme/words/2.0.1.yml" | cut -d' ' -f1)" "by its digest"
run_ctl config process
like "$out" 'command: echo said' "the config compiles with them"
run_ctl orb source acme/hello@1
is "$out" "$(cat "$store/acme/hello/1.10.0.yml")" "source prints what a config gets"
run_ctl orb source acme/nowhere@1
like "$status:$err" "^1:runnerctl: cannot print orb 'acme/nowhere@1': it is not in '" "or says which orb is not there"
run_ctl orb list
like "$out" '^acme/hello +1\.10\.0 +(yes|true) +\.circleci/orbs/acme/hello/1\.10\.0\.yml$' "list names it"

# --- what is locked stays -------------------------------------------------------------------------
echo "commands: {greet: {steps: [run: echo new]}}" | orb acme/hello 1.11.0
run_ctl orb fetch acme/hello@1 --from "$store"
like "$err" '^acme/hello 1\.10\.0$' "fetched again, it is the locked version"
mkdir -p "$HOME/.local/share/runner/orbs"
cp -R "$store/acme" "$HOME/.local/share/runner/orbs/"
rm -r .circleci/orbs
run_ctl config process
like "$out" 'command: echo said' "a locked reference means the locked version, from the user's orbs too"
run_ctl orb fetch acme/hello@1 --from "$store" --update
like "$err" '^acme/hello 1\.11\.0$' "--update takes a newer one"
run_ctl config process
like "$out" 'command: echo new' "which the config then gets"

# --- what is not what it ought to be --------------------------------------------------------------
echo "# changed" >>.circleci/orbs/acme/hello/1.11.0.yml
run_ctl config validate
is "$status" 1 "an orb that was changed is refused"
like "$err" "error\[E_ORB_LOCK\]: cannot use orb 'acme/hello@1': '.circleci/orbs/acme/hello/1.11.0.yml' is not what '.circleci/orbs.lock' has: its digest differs" "with what differs"
run_ctl orb fetch acme/hello@1 --from "$store"
run_ctl config validate
is "$status" 0 "fetching it again mends it"
echo "# changed" >>"$store/acme/hello/1.11.0.yml"
run_ctl orb fetch acme/hello@1 --from "$store"
is "$status" 1 "a source that changed a version is refused"
like "$err" "its version 1.11.0 is not what '.circleci/orbs.lock' has" "and that is said"
run_ctl config validate
is "$status" 0 "what was there is left as it was"
run_ctl orb fetch acme/bad@1 --from "$store"
is "$status" 1 "an orb that is no YAML is refused"
ok "and not kept" test ! -e .circleci/orbs/acme/bad
for name in ../x@1 acme/../y@1 acme/hello@../1 acme/hello@dev:../x acme/hello /etc/passwd@1; do
	run_ctl orb fetch "$name" --from "$store"
	is "$status:$(printf '%s\n' "$err" | sed -n 1p)" "1:runnerctl: '$name' is no reference to an orb" "no reference: $name"
done
mkfifo "$store/acme/hello/3.0.0.yml"
run_ctl orb fetch acme/hello@3 --from "$store"
like "$err" "is no regular file" "a pipe in an orb's place keeps nobody"
head -c 4000000 /dev/zero | tr '\0' '#' >"$store/acme/words/3.0.0.yml"
run_ctl orb fetch acme/words@3 --from "$store"
like "$err" "is larger than 3072 KiB" "an orb has a size"
echo "<<<<<<< ours" >>.circleci/orbs.lock
run_ctl config validate
like "$err" "orbs.lock:5: a line is NS/NAME@VERSION VERSION sha256:DIGEST" "a lock file that was damaged: the line"

# --- orbs of one's own ----------------------------------------------------------------------------
project own <<'END'
version: 2.1
orbs: {mine: acme/mine@1}
jobs:
  build: {machine: true, resource_class: a/b, steps: [mine/say]}
workflows: {w: {jobs: [build]}}
END
mine()
{
	echo "commands: {say: {steps: [run: echo $1]}}" >"$tmp/mine.yml"
}
mine first
run_ctl orb add acme/mine@1.0.0 "$tmp/mine.yml"
is "$status:$err" "0:" "an orb of one's own is kept beside the config"
like "$(cat .circleci/orbs.lock)" "^acme/mine@1\.0\.0 1\.0\.0 sha256:$(sha256sum <"$tmp/mine.yml" | cut -d' ' -f1)\$" "and locked"
run_ctl config process
like "$out" 'command: echo first' "the config gets it"
echo "commands: {say: {steps: [chekout]}}" >"$tmp/typo.yml"
run_ctl orb add acme/typo@1.0.0 "$tmp/typo.yml"
is "$status:$err" "0:acme/typo@1.0.0:1:26: warning[E_CMD_UNKNOWN]: cannot find a definition for command named 'chekout'
    1 | commands: {say: {steps: [chekout]}}
      |                          ^
  in command 'checked/say'
  hint: did you mean 'checkout'?" "what would fail only where it is used is warned of"
run_ctl orb add acme/mine@1.0.0 "$tmp/mine.yml"
is "$status" 0 "again, it changes nothing"
mine second
run_ctl orb add acme/mine@1.0.0 "$tmp/mine.yml"
is "$status" 1 "a version does not change"
like "$err" "^runnerctl: cannot add orb 'acme/mine@1\.0\.0': 'acme/mine@1\.0\.0' is in '.circleci/orbs' already, with other bytes" "which is said"
run_ctl orb add acme/mine@1.0.0 "$tmp/mine.yml" --update
is "$status" 0 "unless it must"
run_ctl config process
like "$out" 'command: echo second' "and then the config gets the other"
run_ctl orb add acme/mine@1 "$tmp/mine.yml"
like "$err" "^runnerctl: 'acme/mine@1' names no exact version" "an orb is kept under an exact version"
run_ctl orb add acme/mine@1.5.0 "$tmp/mine.yml" --to user
ok "it may be kept for all configs of the user" test -f "$HOME/.local/share/runner/orbs/acme/mine/1.5.0.yml"
mine dev
run_ctl orb add acme/mine@dev:first "$tmp/mine.yml"
mine 'dev again'
run_ctl orb add acme/mine@dev:first "$tmp/mine.yml"
is "$status" 0 "a development version may change"
echo 'workflows: {}' >"$tmp/mine.yml"
run_ctl orb add acme/mine@2.0.0 "$tmp/mine.yml"
is "$status" 1 "what is no orb is refused"
like "$err" "^acme/mine@2\.0\.0:1:1: error\[E_ORB_KEY\]" "with the place"
run_ctl orb add acme/mine@2.0.0 "$tmp/none.yml"
is "$status" 3 "a file that is not there"
run_ctl orb add acme/mine@2.0.0 "$tmp/mine.yml" --to nowhere
is "$status" 2 "a place that is none"

# --- from a hub -----------------------------------------------------------------------------------
run_ctl orb fetch acme/mine@1
is "$status:$(printf '%s\n' "$err" | head -n 1)" "3:runnerctl: nothing says where the orb comes from" "an orb comes from somewhere"
start_hub || exit 1
RUNNER_HUB=$hub_url CIRCLE_TOKEN=$(cat "$tmp/hub/admin.token")
export RUNNER_HUB CIRCLE_TOKEN
mine 'of the hub'
run_ctl orb add acme/hubs@1.0.0 "$tmp/mine.yml" --to hub
is "$status" 0 "a hub keeps one"
mine 'of the hub, changed'
run_ctl orb add acme/hubs@1.0.0 "$tmp/mine.yml" --to hub
is "$status" 1 "a version of which does not change, either"
echo 'workflows: {}' >"$tmp/mine.yml"
run_ctl orb add acme/hubs@1.1.0 "$tmp/mine.yml" --to hub
like "$err" 'error\[E_ORB_KEY\]' "what is no orb it refuses, with the place"
run_ctl orb fetch acme/hubs@1
is "$status:$err" "0:acme/hubs 1.0.0" "an orb is fetched from the hub"
like "$(cat .circleci/orbs/acme/hubs/1.0.0.yml)" 'of the hub\]' "as it is kept there"
run_ctl orb fetch acme/hubs@2
is "$status" 1 "one that the hub has not is an error"
run_ctl pipeline run --project gh/acme/own
is "$status" 0 "a config's own orbs go along with it to a hub"
echo "# changed" >>.circleci/orbs/acme/mine/1.0.0.yml
run_ctl pipeline run --project gh/acme/own
is "$status" 1 "one that is not what the lock file has does not"
like "$err" "^runnerctl: cannot use orb 'acme/mine@1': .*its digest differs" "and that is said"
unset RUNNER_HUB CIRCLE_TOKEN

# --- from a registry ------------------------------------------------------------------------------
project registry <<'END'
version: 2.1
orbs: {h: acme/hello@1.10}
jobs:
  build: {machine: true, resource_class: a/b, steps: [h/greet]}
workflows: {w: {jobs: [build]}}
END
start registry "$top_builddir/t/orbregistry" --listen 127.0.0.1:0 --dir "$store"
wait_log registry 'listening at' 20 || exit 1
registry=$(sed -n 's/^listening at //p' "$tmp/registry.log")
rm "$store/acme/hello/3.0.0.yml"
CIRCLE_TOKEN=of-the-hub run_ctl orb fetch acme/hello@1.10 --registry "$registry"
is "$status:$err" "0:acme/words 2.0.1
acme/hello 1.10.0" "an orb is fetched from a registry, with what it imports"
like "$(cat "$tmp/registry.log")" '^asked /graphql-unstable acme/hello@1\.10 -$' "by its reference, and no token of a hub's goes there"
run_ctl config process
like "$out" 'command: echo said' "the config compiles with them"
echo of-the-registry >"$tmp/token"
run_ctl orb fetch acme/hello@1.10 --registry "$registry/graphql" --token-file "$tmp/token"
like "$(cat "$tmp/registry.log")" '^asked /graphql acme/hello@1\.10\.0 of-the-registry$' "at another path, with the token that is given, the locked version"
run_ctl orb fetch acme/none@1 --registry "$registry"
is "$status:$err" "1:runnerctl: cannot fetch orb 'acme/none@1': registry '$registry': it has no such orb or version" "one that it has not"
mkdir "$tmp/evil"
scripted()
{
	printf '%s' "$1" >"$store/answer"
	run_ctl orb fetch acme/evil@1 --registry "$registry"
}
scripted '{"errors": [{"message": "no such field"}]}'
is "$status:$err" "1:runnerctl: cannot fetch orb 'acme/evil@1': registry '$registry': it says 'no such field'" "what the registry does not want"
scripted '<html>'
like "$err" "registry '$registry': its answer is no JSON" "an answer that is no JSON"
scripted '{"data": {"orbVersion": {"version": "2.0.0", "source": "a: b"}}}'
like "$err" "it gave version '2\.0\.0', which is not one of 1" "another version than was asked for"
scripted '{"data": {"orbVersion": {"version": "../../x", "source": "a: b"}}}'
like "$err" "it gave version '\.\./\.\./x'" "a version that is a path"
scripted '{"data": {}}'
like "$err" "its answer has no orbVersion with version, source" "an answer without what was asked for"
python3 -c 'print("{\"data\": {\"orbVersion\": {\"version\": \"1.0.0\", \"source\": \"" + "#" * 4000000 + "\"}}}")' >"$store/answer"
run_ctl orb fetch acme/evil@1 --registry "$registry"
like "$err" "the orb is larger than 3072 KiB" "an orb that is too large"
python3 -c 'print("#" * 30000000)' >"$store/answer"
run_ctl orb fetch acme/evil@1 --registry "$registry"
like "$err" 'the reply to POST /graphql-unstable is larger than it may be' "an answer without end"
rm "$store/answer"
echo 403 >"$store/status"
run_ctl orb fetch acme/hello@1.10 --registry "$registry"
is "$status" 3 "a registry that wants a token"
like "$err" 'hint: --token-file FILE gives the registry a token' "and what to do"
for code in 302 308; do
	echo $code >"$store/status"
	run_ctl orb fetch acme/hello@1.10 --registry "$registry" --update
	is "$status" 1 "a redirection ($code) is not followed, and not taken for an answer"
	like "$err" "it answered with status $code, a redirection" "which is said"
done
rm "$store/status"
ok "none of it was kept" test ! -e .circleci/orbs/acme/evil
run_ctl orb fetch acme/hello@1.10 --registry http://example.org
like "$err" 'plain HTTP is for loopback addresses only' "plain HTTP leaves this machine for no registry"
run_ctl orb fetch acme/hello@1.10 --registry "$registry" --from "$store"
is "$status" 2 "an orb comes from one place"
mkdir "$tmp/tls"
start registrys "$top_builddir/t/orbregistry" --listen 127.0.0.1:0 --dir "$store" --tls "$tmp/tls"
wait_log registrys 'listening at' 20 || exit 1
registry=$(sed -n 's/^listening at //p' "$tmp/registrys.log")
run_ctl orb fetch acme/words@2 --registry "$registry" --cacert "$tmp/tls/ca.pem"
is "$status:$err" "0:acme/words 2.0.1" "over TLS"
run_ctl orb fetch acme/words@2 --registry "$registry"
like "$err" "was issued by 'a registry of the tests', which is not trusted here" "whose certificate must be trusted"

done_testing

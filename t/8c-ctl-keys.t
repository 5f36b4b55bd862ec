#!/bin/sh
# SSH keys of projects: given to a hub, used by jobs, never shown.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

command -v ssh-keygen >/dev/null || skip_all 'no ssh-keygen'
start_plain_hub || exit 1
RUNNER_HUB=unix:$tmp/hub.sock
CIRCLE_TOKEN=$(cat "$tmp/hub/admin.token")
export RUNNER_HUB CIRCLE_TOKEN
ctl()
{
	timeout 600 runnerctl --project gh/ada/engine "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
	status=$?
	out=$(cat "$tmp/out")
	err=$(cat "$tmp/err")
}

ssh-keygen -q -t ed25519 -N '' -C one -f "$tmp/one"
ssh-keygen -q -t rsa -b 2048 -N '' -C two -f "$tmp/two"
ssh-keygen -q -t ed25519 -N 'a passphrase' -f "$tmp/locked"
ssh-keygen -q -t rsa -b 2048 -m PEM -N '' -f "$tmp/pem"
one=$(ssh-keygen -lf "$tmp/one" | cut -d ' ' -f 2)
two=$(ssh-keygen -lE md5 -f "$tmp/two" | cut -d ' ' -f 2)
two=${two#MD5:}

ctl ssh-key list
is "$status" 1 'a project that is not there has none'
ctl ssh-key add "$tmp/one.pub"
is "$status" 1 'a public key is refused'
like "$err" 'no private key as OpenSSH writes it' 'with a sentence'
ctl ssh-key add "$tmp/pem"
like "$err" 'hint: .*ssh-keygen -p' 'one in another form too, and what makes it good is said'
ctl ssh-key add "$tmp/locked"
like "$err" 'the key has a passphrase' 'one with a passphrase too'
ctl ssh-key add --host 'a host' "$tmp/one"
like "$err" "'hostname' must be the name of a host" 'so is a host that is none'
ctl project list
is "$(printf '%s\n' "$out" | grep -c engine)" 0 'no refusal makes a project'
ctl ssh-key add --host forge.example "$tmp/one"
is "$status" 0 'a key is added'
is "$err" "$one" 'and its fingerprint is told as ssh-keygen tells it'
runnerctl --project gh/ada/engine ssh-key add <"$tmp/two" 2>/dev/null
is "$?" 0 'another from standard input'
ctl ssh-key list
like "$out" "^$(printf '%s' "$one" | sed 's/[+]/[+]/g') +forge.example " 'they are listed'
is "$(printf '%s\n' "$out" | wc -l)" 3 'both'
ctl ssh-key list --json
like "$out" "\"md5\": *\"$two\"" 'with the older fingerprints'
ctl envvar list
is "$(printf '%s\n' "$out" | grep -c SHA256)" 0 'and are no variables'

# --- in a job --------------------------------------------------------------------------------

cat >"$tmp/config.yml" <<END
version: 2.1
jobs:
  some:
    machine: true
    resource_class: test/linux
    steps:
      - add_ssh_keys: {fingerprints: ["$two"]}
      - run: ls ~/.ssh/runner_keys | wc -l >$tmp/seen/some; rm ~/.ssh/runner_keys/*.conf; cat ~/.ssh/runner_keys/* >>$tmp/seen/some; cat ~/.ssh/runner_keys/key_*
  all: {machine: true, resource_class: test/linux, steps: [add_ssh_keys, run: "cat ~/.ssh/runner_keys/*.conf | grep Host | sort >$tmp/seen/all"]}
  none: {machine: true, resource_class: test/linux, steps: [run: "env >$tmp/seen/none; ls ~/.ssh >>$tmp/seen/none 2>&1 || true"]}
workflows: {w: {jobs: [some, all, none]}}
END
mkdir -m 777 "$tmp/seen"
start_agent --token-file "$tmp/hub/agent.token" -j 2
submit "$tmp/config.yml"
ok 'a pipeline with keys ends' wait_pipeline "$pipeline"
is "$(cat "$tmp/seen/some")" "$(echo 2; cat "$tmp/two")" 'a step gets the key that it names, as it was'
is "$(tr '\n' ' ' <"$tmp/seen/all")" 'Host * Host forge.example ' 'or all, each for its host'
is "$(grep -c 'PRIVATE\|SHA256' "$tmp/seen/none")" 0 'a job that asks for none has none'
ctl logs w/some
is "$(printf '%s\n' "$out" | grep -c -F "$(sed -n 2p "$tmp/two")")" 0 'what a job prints of it is masked'
ctl ssh-key remove "$one"
is "$status" 0 'a key is removed'
ctl ssh-key remove "$one"
is "$status" 1 'once'

# --- nowhere in the clear, and there after a kill -----------------------------------------------

stop "$hub_pid" KILL
is "$(grep -l -r -a -F -e "$(sed -n 2p "$tmp/two")" -e "$(sed -n 2p "$tmp/one")" "$tmp/hub" "$tmp/hub.log" | wc -l)" 0 'no key is in the hub in the clear'
mv "$tmp/hub.log" "$tmp/before.log"
start_plain_hub || exit 1
ctl ssh-key list --json
like "$out" "\"md5\": *\"$two\"" 'what was acknowledged is there after a kill'
done_testing

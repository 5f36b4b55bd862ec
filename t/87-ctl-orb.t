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

done_testing

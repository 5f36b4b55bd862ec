#!/bin/sh
# Tasks with users of their own check out, keep and bring caches, workspaces, artifacts and test results, through a
# runnerd that can do nothing.
. "${0%/*}/lib.sh"
. "${0%/*}/network.sh"
in_own_network
. "${0%/*}/hub.sh"

first=$((1902000000 + $$ % 60000 * 16))
lack=$(slot_users_lack "$first")
[ -z "$lack" ] || skip_all "$lack"
unset RUNNERD_USER

git init -q -b main "$tmp/origin"
git -C "$tmp/origin" config user.email ada@example.org
git -C "$tmp/origin" config user.name ada
echo 'in the repository' >"$tmp/origin/file"
git -C "$tmp/origin" add file
git -C "$tmp/origin" commit -q -m first
# Neither runnerd's user nor a slot's owns what others have made: git would refuse a directory.
command -v git-daemon >/dev/null || [ -x "$(git --exec-path)/git-daemon" ] || skip_all 'git daemon is needed'
port=$(free_port)
start daemon git daemon --reuseaddr --listen=127.0.0.1 --port="$port" --base-path="$tmp" --export-all --informative-errors
origin=git://127.0.0.1:$port/origin
wait_until 20 git ls-remote "$origin" >/dev/null 2>&1

cat >"$tmp/config.yml" <<'END'
version: 2.1
jobs:
  one:
    machine: true
    resource_class: test/linux
    steps:
      - checkout
      - run: 'cat file; id -un; echo kept >cached; mkdir out; echo layered >out/layer; echo "<testsuite><testcase name=\"a\" classname=\"b\" time=\"1\"/></testsuite>" >results.xml'
      - save_cache: {key: k1, paths: [cached]}
      - persist_to_workspace: {root: out, paths: [layer]}
      - store_artifacts: {path: file}
      - store_test_results: {path: results.xml}
  two:
    machine: true
    resource_class: test/linux
    steps:
      - restore_cache: {key: k1}
      - attach_workspace: {at: brought}
      - run: cat cached brought/layer; id -u; ls -l cached
workflows: {main: {jobs: [one, two: {requires: [one]}]}}
END

start_plain_hub
chmod 711 "$tmp/hub"
chmod 666 "$tmp/hub.sock"
number=1
for level in user namespace; do
	if ! timeout 60 runnerd --check --user nobody --slot-uids "$first-$((first + 7))" --isolation "$level" --run-dir "$tmp/c/run" \
		--data-dir "$tmp/c/data" --work-dir "$tmp/c/work" --cache-dir "$tmp/c/cache" | grep -q '^ok  tasks '; then
		skip "($level)" 'this host has no such isolation'
		continue
	fi
	start "agent-$level" runnerd --hub "$hub_url" --token-file "$tmp/hub/agent.token" --name test --run-dir "$tmp/run" \
		--data-dir "$tmp/data" --work-dir "$tmp/work" --cache-dir "$tmp/cache.$level" --orphan-limit 60s -j 2 \
		--user nobody --slot-uids "$first-$((first + 7))" --isolation "$level"
	wait_log "agent-$level" 'ready: 2 slots' 30
	submit "$tmp/config.yml" "\"checkout\": {\"branch\": \"main\", \"revision\": \"$(git -C "$tmp/origin" rev-parse HEAD)\", \"repository\": \"$origin\"}"
	wait_pipeline "$pipeline"
	ask GET "/api/v2/pipeline/$pipeline/workflow"
	is_field items.0.status success "($level) checkout, cache, workspace, artifact and test results"
	unlike "$(runnerctl --hub "$hub_url" --token-file "$tmp/hub/admin.token" --project gh/ada/engine logs "$number")" "host's mirror" "($level) out of the mirror"
	like "$(runnerctl --hub "$hub_url" --token-file "$tmp/hub/admin.token" --project gh/ada/engine logs "$number")" 'in the repository' "($level) what the repository has"
	number=$((number + 2))
	mirror=$(ls -d "$tmp/cache.$level/git/"*/ 2>/dev/null | head -n 1)
	ok "($level) the checkout had a mirror" test -n "$mirror"
	ok "($level) which a slot's user can read" setpriv --reuid $((first + 1)) --regid "$first" --clear-groups cat "$mirror/HEAD"
	ok "($level) but not write" sh -c "! setpriv --reuid $((first + 1)) --regid $first --clear-groups sh -c 'echo >$mirror/HEAD' 2>/dev/null"
	ok "($level) nor anybody else read" sh -c "! setpriv --reuid $((first + 9)) --regid $((first + 9)) --clear-groups cat $mirror/HEAD 2>/dev/null"
	stop "$pid" TERM
done
done_testing

#!/bin/sh
# Tasks of several classes on one host: packed by what they reserve, each of them runs, and why one waits is said.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

start_plain_hub || exit 1
export CIRCLE_TOKEN
CIRCLE_TOKEN=$(cat "$tmp/hub/admin.token")
for class in large small board; do
	runnerctl --hub "$hub_url" resource-class create "test/$class" --generate-token >"$tmp/token.$class" 2>"$tmp/err" || exit 1
done
cat >"$tmp/runnerd.yaml" <<END
jobs: 16
capacity: {cpus: 4, memory: 16G, devices: {board: [one, two]}}
resource_classes:
  - {name: test/large, token_file: $tmp/token.large, cpus: 4, memory: 1G}
  - {name: test/small, token_file: $tmp/token.small, cpus: 1}
  - {name: test/board, token_file: $tmp/token.board, cpus: 1, devices: {board: 1}}
END

# Each notes when it began and ended, and what it had.
# shellcheck disable=SC2016
note='n=$(mktemp '"$tmp"'/note.XXXXXX); echo "$(date +%s%N) $0 ${RUNNER_DEVICES:--}" >$n; sleep 0.2; date +%s%N >>$n'
cat >"$tmp/many.yml" <<END
version: 2.1
jobs:
  large: {machine: true, resource_class: test/large, parallelism: 3, steps: [{run: {command: '$note', shell: /bin/sh}}]}
  small: {machine: true, resource_class: test/small, parallelism: 10, steps: [{run: {command: '$note', shell: /bin/sh}}]}
  board: {machine: true, resource_class: test/board, parallelism: 6, steps: [{run: {command: '$note', shell: /bin/sh}}]}
workflows: {all: {jobs: [large, small, board]}}
END
sed -i -e '/large:/s/\$0/4/' -e '/small:/s/\$0/1/' -e '/board:/s/\$0/1/' "$tmp/many.yml"

start_agent -c "$tmp/runnerd.yaml"
submit "$tmp/many.yml"
is "$code" 201 'nineteen tasks of three classes'
wait_pipeline "$pipeline"
is "$(cat "$tmp"/note.* | wc -l)" 38 'all run to their end'
python3 - "$tmp" >"$tmp/packed" <<'END'
import glob, sys
events, most, boards, shared = [], 0, {}, 0
for path in glob.glob(sys.argv[1] + "/note.*"):
    first, last = open(path).read().splitlines()
    began, cpus, board = first.split()
    events += [(int(began), int(cpus), board), (int(last), -int(cpus), board)]
used = 0
for _, cpus, board in sorted(events):
    used += cpus
    most = max(most, used)
    if board != "-":
        boards[board] = boards.get(board, 0) + (1 if cpus > 0 else -1)
        shared += boards[board] > 1
print(most, shared, len(boards))
END
is "$(cat "$tmp/packed")" '4 0 2' 'never more CPUs than there are, no board twice at a time, both used'

# --- why one waits ---
cat >"$tmp/wait.yml" <<END
version: 2.1
jobs:
  first: {machine: true, resource_class: test/small, steps: [run: 'until [ -e $tmp/go ]; do sleep 0.05; done']}
  second: {machine: true, resource_class: test/large, steps: [run: 'true']}
  third: {machine: true, resource_class: test/xlarge, steps: [run: 'true']}
workflows: {all: {jobs: [first, second: {requires: [begun]}, third, begun: {type: approval}]}}
END
submit "$tmp/wait.yml"
id_of()
{
	ask GET "/api/v2/pipeline/$pipeline/workflow"
	workflow=$(field items.0.id)
	ask GET "/api/v2/workflow/$workflow/job"
	printf '%s' "$body" | python3 -c '
import json, sys
jobs = [job for job in json.load(sys.stdin)["items"] if job["name"] == sys.argv[1]]
print(jobs[0]["id"], jobs[0]["status"])' "$1"
}
why()
{
	# shellcheck disable=SC2046
	set -- $(id_of "$1")
	runnerctl --hub "$hub_url" why "$1"
}
runs()
{
	[ "$(id_of first | cut -d' ' -f2)" = running ]
}
wait_until 20 runs
like "$(why third)" "no connected agent serves resource class 'test/xlarge' and none ever did; 'test/large' is served; the largest class on offer is 'test/large' \(4 CPUs, 1.0 GiB of memory\)" \
	'a class that nobody has: the largest there is, is named'
id_of begun >"$tmp/begun"
ask POST "/api/v2/workflow/$workflow/approve/$(cut -d' ' -f1 "$tmp/begun")"
queued()
{
	[ "$(id_of second | cut -d' ' -f2)" = queued ]
}
wait_until 20 queued
waits_for_room()
{
	why second | grep -q 'it needs 4 CPUs where 3 are free on agent'
}
ok 'what a task lacks is said, and where it lacks least' wait_until 20 waits_for_room
touch "$tmp/go"
second_ended()
{
	[ "$(id_of second | cut -d' ' -f2)" = success ]
}
ok 'and it runs when there is room' wait_until 30 second_ended
stop "$agent_pid"
done_testing

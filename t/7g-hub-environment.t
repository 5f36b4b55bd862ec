#!/bin/sh
# The variables a job sees: every built-in one, none that is deprecated, and who stands above whom.
. "${0%/*}/lib.sh"
. "${0%/*}/hub.sh"

start_plain_hub --public-url https://hub.example || exit 1
RUNNER_HUB=unix:$tmp/hub.sock
CIRCLE_TOKEN=$(cat "$tmp/hub/admin.token")
export RUNNER_HUB CIRCLE_TOKEN
unset CI CIRCLECI CIRCLE_BRANCH CIRCLE_TAG
mkdir -m 777 "$tmp/seen"
revision=0123456789012345678901234567890123456789
# build BRANCH-OR-TAG-OPTIONS...: a pipeline of $tmp/config.yml to its end
build()
{
	runnerctl --project gh/ada/engine pipeline run --follow --config "$tmp/config.yml" \
		--repo git@github.com:ada/engine.git --revision "$revision" "$@" >"$tmp/out" 2>&1
	status=$?
}
seen()
{
	sed -n "s/^$2=//p" "$tmp/seen/$1"
}
start_agent --token-file "$tmp/hub/agent.token" -j 2
agent_pid=$pid

# --- built-in ones ---------------------------------------------------------------------------
cat >"$tmp/config.yml" <<END
version: 2.1
jobs:
  show: {machine: true, resource_class: test/linux, parallelism: 2, working_directory: ~/here, steps: [run: 'env >$tmp/seen/\$CIRCLE_NODE_INDEX; mv $tmp/seen/\$CIRCLE_NODE_INDEX $tmp/seen/all']}
workflows: {w: {jobs: [show: {name: shown, filters: {tags: {only: /.*/}}}]}}
END
build --branch main
is "$status" 0 'a build'
cp "$tmp/seen/all" "$tmp/seen/first"
has_those()
{
	is "$(sed -n 's/^\(CI\|BASH_ENV\|CIRCLE[A-Z0-9_]*\)=.*/\1/p' "$tmp/seen/$1" | sort)" "$(awk -v when=" always $2 " \
		'/^[A-Z]/ && index(when, " " $2 " ") { print $1 }' "$top_srcdir/t/data/environment.txt" | sort)" "$3"
}
has_those first 'branch url' 'has the variables of t/data/environment.txt that apply, and no other'
is "$(for name in CI CIRCLECI CIRCLE_BRANCH CIRCLE_JOB CIRCLE_NODE_TOTAL CIRCLE_PROJECT_REPONAME CIRCLE_PROJECT_USERNAME CIRCLE_REPOSITORY_URL CIRCLE_SHA1 CIRCLE_WORKING_DIRECTORY; do
	seen first $name
done | tr '\n' ' ')" "true true main shown 2 engine ada git@github.com:ada/engine.git $revision ~/here " 'with their values'
ask GET /api/v2/project/gh/ada/engine
is "$(seen first CIRCLE_ORGANIZATION_ID) $(seen first CIRCLE_PROJECT_ID)" "$(field organization_id) $(field id)" 'organization and project as the API has them'
is "$(seen first CIRCLE_WORKFLOW_WORKSPACE_ID)" "$(seen first CIRCLE_WORKFLOW_ID)" "the workspace is the workflow's"
ok 'BASH_ENV is a file of the task' test -n "$(seen first BASH_ENV)"
first=$(seen first CIRCLE_BUILD_NUM)
build --branch other
is "$(seen all CIRCLE_PREVIOUS_BUILD_NUM)" '' 'the first build on a branch has none before it'
build --branch main
is "$(seen all CIRCLE_PREVIOUS_BUILD_NUM)" "$first" 'the second has'
has_those all 'branch url again' 'which is all that it has more'
second=$(seen all CIRCLE_BUILD_NUM)
build --tag v1
is "$(seen all CIRCLE_TAG):$(seen all CIRCLE_BRANCH)$(seen all CIRCLE_PREVIOUS_BUILD_NUM)" v1: 'of a tag the tag is set, and no branch'
has_those all 'tag url' 'and nothing else'
build --branch pull/17
is "$(seen all CIRCLE_PR_NUMBER) $(seen all CIRCLE_PULL_REQUEST) $(seen all CIRCLE_PULL_REQUESTS)" \
	'17 https://github.com/ada/engine/pull/17 https://github.com/ada/engine/pull/17' 'of a pull request its number and page'
has_those all 'branch url pull' 'which is all that it has more'
stop "$agent_pid"
stop "$hub_pid"
start_plain_hub --public-url https://hub.example || exit 1
start_agent --token-file "$tmp/hub/agent.token" -j 2
build --branch main
is "$(seen all CIRCLE_PREVIOUS_BUILD_NUM)" "$second" 'a hub that was started again knows the builds of before'

# A hub that does not know its own address, and a setup workflow.
stop "$agent_pid"
stop "$hub_pid"
sed -i '/^public_url/d' "$tmp/hub/runner-hub.yaml"
start_plain_hub || exit 1
start_agent --token-file "$tmp/hub/agent.token" -j 2
build --branch plain
has_those all branch 'a hub that does not know its address gives no address and no tokens'
cp "$tmp/config.yml" "$tmp/plain.yml"
{
	echo 'setup: true'
	sed 's/, parallelism: 2//' "$tmp/plain.yml"
} >"$tmp/config.yml"
build --branch setup
has_those all 'branch setup' 'in a setup workflow there is the key of its pipeline'

# --- who stands above whom: conformance case 100 --------------------------------------------------
printf project >"$tmp/value"
runnerctl --project gh/ada/engine envvar set V "$tmp/value"
printf context >"$tmp/value"
runnerctl --project gh/ada/engine context create c >"$tmp/out"
runnerctl --project gh/ada/engine context set c V "$tmp/value"
runnerctl --project gh/ada/engine context set c CIRCLE_JOB "$tmp/value"
cat >"$tmp/config.yml" <<END
version: 2.1
commands:
  say:
    parameters: {to: {type: string}}
    steps: [run: echo "\$V" >$tmp/seen/<< parameters.to >>]
jobs:
  inline: {machine: true, resource_class: test/linux, environment: {V: job}, steps: [run: {environment: {V: step}, command: "V=x sh -c 'echo \$V' >$tmp/seen/inline"}]}
  step: {machine: true, resource_class: test/linux, environment: {V: job}, steps: [run: {environment: {V: step}, command: "echo \$V >$tmp/seen/step"}]}
  job: {machine: true, resource_class: test/linux, environment: {V: job, CIRCLE_JOB: mine}, steps: [say: {to: job}, run: "echo \$CIRCLE_JOB >$tmp/seen/own"]}
  context: {machine: true, resource_class: test/linux, steps: [say: {to: context}, run: "echo \$CIRCLE_JOB >$tmp/seen/name"]}
  project: {machine: true, resource_class: test/linux, steps: [say: {to: project}]}
  bash: {machine: true, resource_class: test/linux, environment: {V: job}, steps: [run: "echo 'export V=exported' >>\$BASH_ENV", run: {environment: {V: step}, command: "echo \$V >$tmp/seen/exported"}]}
workflows: {w: {jobs: [inline: {context: c}, step: {context: c}, job: {context: c}, context: {context: c}, project, bash]}}
END
build --branch main
is "$status" 0 'a variable of one name in every place'
cd "$tmp/seen" || exit 99
is "$(cat inline step job context project exported | tr '\n' ' ')" 'x step job context project exported ' \
	"the shell's own stands above the step's, the job's, the context's, the project's"
is "$(cat own name | tr '\n' ' ')" 'mine context ' "the job may replace a built-in one, a context does not"

# A cache's key has what lies below the job's own environment.
cat >"$tmp/config.yml" <<END
version: 2.1
jobs:
  cache:
    machine: true
    resource_class: test/linux
    environment: {V: job, CIRCLE_JOB: mine, OWN: job}
    steps:
      - run: touch f
      - save_cache: {key: 'k-{{ .Environment.V }}-{{ .Environment.CIRCLE_JOB }}-{{ .Environment.OWN }}-{{ .Environment.CIRCLE_NODE_INDEX }}', paths: [f]}
workflows: {w: {jobs: [cache: {context: c}]}}
END
build --branch main
like "$(cat "$tmp/out")" "key 'k-[*]+-cache--0'" "a cache's key has built-in variables and those of contexts, and not the job's own"
done_testing

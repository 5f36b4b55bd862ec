/*
 * explain_examples.c - for each diagnostic code, what gives it; a remark says what to write
 * instead.
 *
 * A fragment that begins with 'steps:' is a job's; one without 'version:' is of version 2.1, and
 * one without 'jobs:' has a job 'build' that checks out. A test compiles each: it gives its own
 * code and no other. Those that no few lines can give have none: limits, bytes that are no text,
 * and what depends on files.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/diag.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *code;
	const char *fragment;
} examples[] = {
	{"E_ARG_MISSING", "commands:\n"
			  "  greet: {parameters: {to: {type: string}}, steps: [checkout]}\n"
			  "jobs:\n"
			  "  build: {machine: true, steps: [greet]}  # greet: {to: you}\n"},
	{"E_ARG_UNEXPECTED", "commands:\n"
			     "  greet: {parameters: {to: {type: string}}, steps: [checkout]}\n"
			     "jobs:\n"
			     "  # without 'form'\n"
			     "  build: {machine: true, steps: [greet: {to: you, form: me}]}\n"},
	{"E_CHECKOUT", "steps:\n"
		       "  - checkout: {method: full, depth: 1}  # method: shallow\n"},
	{"E_CMD_RECURSION", "commands:\n"
			    "  a: {steps: [b]}\n"
			    "  b: {steps: [a]}\n"
			    "jobs:\n"
			    "  build: {machine: true, steps: [a]}\n"},
	{"E_CMD_RESERVED", "commands:\n"
			   "  run: {steps: [checkout]}  # another name\n"},
	{"E_CMD_UNKNOWN", "steps:\n"
			  "  - chekout  # checkout\n"},
	{"E_CONTEXT", "workflows:\n"
		      "  w: {jobs: [build: {context: \" deploy\"}]}  # deploy\n"},
	{"E_CRON", "workflows:\n"
		   "  nightly:\n"
		   "    triggers:\n"
		   "      # 0,5,10,...\n"
		   "      - schedule: {cron: \"*/5 * * * *\", filters: {branches: {only: main}}}\n"
		   "    jobs: [build]\n"},
	{"E_CYCLE", "workflows:\n"
		    "  w:\n"
		    "    jobs:\n"
		    "      - build: {name: a, requires: [b]}\n"
		    "      - build: {name: b, requires: [a]}\n"},
	{"E_DUP_JOB_CASE", "jobs:\n"
			   "  build: {machine: true, steps: [checkout]}\n"
			   "  Build: {machine: true, steps: [checkout]}\n"},
	{"E_ENV_NAME", "jobs:\n"
		       "  # MY_VAR\n"
		       "  build: {machine: true, environment: {MY-VAR: x}, steps: [checkout]}\n"},
	{"E_ENV_VALUE",
	 "jobs:\n"
	 "  # LIST: \"a b\"\n"
	 "  build: {machine: true, environment: {LIST: [a, b]}, steps: [checkout]}\n"},
	{"E_EXEC_MULTI",
	 "jobs:\n"
	 "  build: {machine: true, docker: [{image: cimg/base}], steps: [checkout]}\n"},
	{"E_EXEC_NAME",
	 "executors:\n"
	 "  host: {machine: true}\n"
	 "jobs:\n"
	 "  build: {executor: {host: {}}, steps: [checkout]}  # executor: {name: host}\n"},
	{"E_EXEC_NONE", "jobs:\n"
			"  build: {steps: [checkout]}  # machine: true\n"},
	{"E_EXEC_UNKNOWN", "executors:\n"
			   "  host: {machine: true}\n"
			   "jobs:\n"
			   "  build: {executor: hots, steps: [checkout]}  # host\n"},
	{"E_EXPR_EMPTY", "steps:\n"
			 "  - run: echo << >>  # a name between them, or \\<<\n"},
	{"E_EXPR_SYNTAX", "workflows:\n"
			  "  w: {when: pipeline.git.branch = \"main\", jobs: [build]}  # ==\n"},
	{"E_EXPR_TYPE", "workflows:\n"
			"  # not (... matches ...)\n"
			"  w: {when: not pipeline.git.branch matches /v.*/, jobs: [build]}\n"},
	{"E_FILTER_KEY", "workflows:\n"
			 "  w: {jobs: [build: {filters: {branch: {only: main}}}]}  # branches\n"},
	{"E_GROUP_ATTR", "job-groups:\n"
			 "  g: {jobs: [build]}\n"
			 "workflows:\n"
			 "  w: {jobs: [g: {context: deploy}]}  # at the group's members\n"},
	{"E_GROUP_DUP", "job-groups:\n"
			"  g: {jobs: [build]}\n"
			"workflows:\n"
			"  w: {jobs: [g, g]}  # g: {name: other}\n"},
	{"E_GROUP_KEY", "job-groups:\n"
			"  g: {jobs: [build], machine: true}  # jobs alone\n"
			"workflows:\n"
			"  w: {jobs: [g]}\n"},
	{"E_GROUP_NAME", "jobs:\n"
			 "  build: {machine: true, steps: [checkout]}\n"
			 "  rollout: {machine: true, steps: [checkout]}\n"
			 "job-groups:\n"
			 "  rollout: {jobs: [build]}  # another name\n"},
	{"E_GROUP_NEST", "job-groups:\n"
			 "  inner: {jobs: [build]}\n"
			 "  outer: {jobs: [inner]}\n"
			 "workflows:\n"
			 "  w: {jobs: [outer]}\n"},
	{"E_JOBREF_SHAPE", "workflows:\n"
			   "  w:\n"
			   "    jobs:\n"
			   "      - build:\n"
			   "        requires: [test]  # indented by two more\n"},
	{"E_JOB_KEY", "jobs:\n"
		      "  # docker: [{image: cimg/base}]\n"
		      "  build: {machine: true, image: cimg/base, steps: [checkout]}\n"},
	{"E_JOB_TYPE", "jobs:\n"
		       "  build: {type: test, machine: true}  # build, or no type\n"},
	{"E_JOB_UNKNOWN", "workflows:\n"
			  "  w: {jobs: [built]}  # build\n"},
	{"E_KEY", "jobs:\n"
		  "  # without 'pull'\n"
		  "  build: {docker: [{image: cimg/base, pull: always}], steps: [checkout]}\n"},
	{"E_KEY_MISSING", "steps:\n"
			  "  - run: {name: Build it}  # and 'command'\n"},
	{"E_LOGIC_EMPTY", "steps:\n"
			  "  - when: {condition: {and: []}, steps: [checkout]}\n"},
	{"E_LOGIC_SHAPE", "steps:\n"
			  "  - when: {condition: {equals: [a, b]}, steps: [checkout]}  # equal\n"},
	{"E_MATRIX_DUP",
	 "jobs:\n"
	 "  test: {machine: true, parameters: {os: {type: string}}, steps: [checkout]}\n"
	 "workflows:\n"
	 "  # one of the two\n"
	 "  w: {jobs: [test: {os: linux, matrix: {parameters: {os: [mac]}}}]}\n"},
	{"E_MATRIX_EMPTY",
	 "jobs:\n"
	 "  test: {machine: true, parameters: {os: {type: string}}, steps: [checkout]}\n"
	 "workflows:\n"
	 "  w: {jobs: [test: {matrix: {parameters: {os: []}}}]}  # at least one value\n"},
	{"E_MATRIX_EXCLUDE",
	 "jobs:\n"
	 "  test: {machine: true, parameters: {os: {type: string}}, steps: [checkout]}\n"
	 "workflows:\n"
	 "  # os\n"
	 "  w: {jobs: [test: {matrix: {parameters: {os: [a, b]}, exclude: [{so: a}]}}]}\n"},
	{"E_MATRIX_KEY",
	 "jobs:\n"
	 "  test: {machine: true, parameters: {os: {type: string}}, steps: [checkout]}\n"
	 "workflows:\n"
	 "  # matrix: {parameters: {os: [a, b]}}\n"
	 "  w: {jobs: [test: {matrix: {os: [a, b]}}]}\n"},
	{"E_MATRIX_SHAPE",
	 "jobs:\n"
	 "  test: {machine: true, parameters: {os: {type: string}}, steps: [checkout]}\n"
	 "workflows:\n"
	 "  w: {jobs: [test: {matrix: {parameters: {os: a}}}]}  # [a]\n"},
	{"E_NAME", "commands:\n"
		   "  \"2nd\": {steps: [checkout]}  # second\n"},
	{"E_NEEDS_21", "version: 2\n"
		       "jobs:\n"
		       "  build: {executor: host, steps: [checkout]}  # version: 2.1\n"},
	{"E_NO_BUILD_JOB", "jobs:\n"
			   "  # and workflows: {w: {jobs: [test]}}\n"
			   "  test: {machine: true, steps: [checkout]}\n"},
	{"E_ORB_KEY", "orbs:\n"
		      "  mine: {workflows: {}}  # an orb has no workflows\n"},
	{"E_ORB_REF", "orbs:\n"
		      "  node: circleci/node  # circleci/node@5\n"},
	{"E_ORB_UNKNOWN", "orbs:\n"
			  "  node: circleci/node@5  # runnerctl orb fetch circleci/node@5\n"},
	{"E_PARALLELISM",
	 "jobs:\n"
	 "  build: {machine: true, parallelism: 0, steps: [checkout]}  # 1 or more\n"},
	{"E_PARAM_DEFAULT", "parameters:\n"
			    "  retries: {type: integer, default: \"3\"}  # 3\n"},
	{"E_PARAM_KEY",
	 "parameters:\n"
	 "  retries: {type: integer, default: 3, minimum: 1}  # without 'minimum'\n"},
	{"E_PARAM_NODEFAULT", "parameters:\n"
			      "  retries: {type: integer}  # default: 3\n"},
	{"E_PARAM_RESERVED",
	 "jobs:\n"
	 "  build: {machine: true, parameters: {name: {type: string}}, steps: [checkout]}\n"},
	{"E_PARAM_TYPE", "parameters:\n"
			 "  retries: {type: int, default: 3}  # integer\n"},
	{"E_PARAM_UNDECLARED", "steps:\n"
			       "  # parameters: {to: {type: string}} in the job\n"
			       "  - run: echo << parameters.to >>\n"},
	{"E_REGEX", "workflows:\n"
		    "  w: {jobs: [build: {filters: {branches: {only: /(v.*/}}}]}  # /(v.*)/\n"},
	{"E_REQ_AMBIGUOUS",
	 "workflows:\n"
	 "  w:\n"
	 "    jobs:\n"
	 "      - build\n"
	 "      - build\n"
	 "      - build: {name: last, requires: [build]}  # give the others names\n"},
	{"E_REQ_STATUS",
	 "workflows:\n"
	 "  # failed\n"
	 "  w: {jobs: [build, build: {name: again, requires: [build: [failure]]}]}\n"},
	{"E_REQ_UNKNOWN", "workflows:\n"
			  "  w: {jobs: [build: {requires: [test]}]}  # a job of this workflow\n"},
	{"E_RERUN_BG", "steps:\n"
		       "  - run: {command: ./server, background: true, max_auto_reruns: 2}\n"},
	{"E_RERUN_DELAY", "steps:\n"
			  "  # 10m at most\n"
			  "  - run: {command: make, max_auto_reruns: 2, auto_rerun_delay: 11m}\n"},
	{"E_RERUN_RANGE", "steps:\n"
			  "  - run: {command: make, max_auto_reruns: 6}  # 5 at most\n"},
	{"E_RETENTION", "jobs:\n"
			"  # 15d at most\n"
			"  build: {machine: true, retention: {caches: 30d}, steps: [checkout]}\n"},
	{"E_SERIAL_GROUP", "workflows:\n"
			   "  w: {jobs: [build: {serial-group: my group}]}  # my-group\n"},
	{"E_SETUP_TRIGGERS",
	 "setup: true\n"
	 "workflows:\n"
	 "  w: {jobs: [build]}\n"
	 "  nightly:  # not in a setup config\n"
	 "    triggers:\n"
	 "      - schedule: {cron: \"0 0 * * *\", filters: {branches: {only: main}}}\n"
	 "    jobs: [build]\n"},
	{"E_SETUP_WORKFLOWS", "setup: true\n"
			      "workflows:\n"
			      "  one: {jobs: [build]}\n"
			      "  two: {jobs: [build]}  # 'when' chooses one of them\n"},
	{"E_SHAPE", "jobs:\n"
		    "  build:\n"
		    "    docker: {image: cimg/base}  # [{image: cimg/base}]\n"
		    "    steps: [checkout]\n"},
	{"E_SHELL", "steps:\n"
		    "  - run: {command: make, shell: \"bash -c 'x\"}\n"},
	{"E_STEP_KEY",
	 "steps:\n"
	 "  - when: {condition: true, steps: [checkout], name: x}  # without 'name'\n"},
	{"E_STEP_SHAPE", "steps:\n"
			 "  - run:\n"
			 "    name: Build it  # indented by two more\n"},
	{"E_SUBST_KEY",
	 "parameters: {key: {type: string, default: shell}}\n"
	 "jobs:\n"
	 "  build: {machine: true, \"<< pipeline.parameters.key >>\": sh, steps: [checkout]}\n"},
	{"E_SUBST_NONSCALAR", "commands:\n"
			      "  wrap:\n"
			      "    parameters: {inner: {type: steps}}\n"
			      "    # - steps: << parameters.inner >>\n"
			      "    steps: [run: \"echo << parameters.inner >>\"]\n"
			      "jobs:\n"
			      "  build: {machine: true, steps: [wrap: {inner: [checkout]}]}\n"},
	{"E_SUBST_SECTION", "commands:\n"
			    "  make:\n"
			    "    parameters: {quiet: {type: boolean, default: true}}\n"
			    "    # -s<</ parameters.quiet >>\n"
			    "    steps: [run: \"make <<# parameters.quiet >>-s\"]\n"
			    "jobs:\n"
			    "  build: {machine: true, steps: [make]}\n"},
	{"E_SUBST_SYNTAX", "steps:\n"
			   "  - run: |\n"
			   "      cat <<EOF > list  # \\<<EOF\n"
			   "      one\n"
			   "      EOF\n"
			   "      echo two >> list\n"},
	{"E_SUBST_UNCLOSED", "steps:\n"
			     "  - run: |\n"
			     "      cat <<EOF  # \\<<EOF\n"
			     "      one\n"
			     "      EOF\n"},
	{"E_TIMEOUT", "steps:\n"
		      "  - run: {command: make, no_output_timeout: 90}  # 90s\n"},
	{"E_TYPE", "commands:\n"
		   "  python: {parameters: {tag: {type: string}}, steps: [checkout]}\n"
		   "jobs:\n"
		   "  build: {machine: true, steps: [python: {tag: 3.10}]}  # \"3.10\"\n"},
	{"E_TYPE_INLINE", "workflows:\n"
			  "  w: {jobs: [build: {type: no-op}]}  # in the job itself\n"},
	{"E_UNSUPPORTED", "steps:\n"
			  "  - install_signing_bundle\n"},
	{"E_VAR_UNKNOWN", "steps:\n"
			  "  - run: echo << pipeline.git.brnach >>  # pipeline.git.branch\n"},
	{"E_VERSION_MISSING", "jobs:  # version: 2.1 above it\n"
			      "  build: {machine: true, steps: [checkout]}\n"},
	{"E_VERSION_UNSUPPORTED", "version: 3  # 2.1\n"},
	{"E_WF_KEY", "workflows:\n"
		     "  w: {jobs: [build], on: push}  # without 'on'\n"},
	{"E_WF_SHAPE", "workflows:\n"
		       "  - w: {jobs: [build]}  # w: {jobs: [build]}\n"},
	{"E_WF_VERSION", "version: 2\n"
			 "jobs:\n"
			 "  build: {machine: true, steps: [checkout]}\n"
			 "workflows:  # with 'version: 2' below it\n"
			 "  w: {jobs: [build]}\n"},
	{"E_WHEN", "steps:\n"
		   "  - run: {command: make, when: on_failure}  # on_fail\n"},
	{"E_WORKSPACE_PATH", "steps:\n"
			     "  # root: ., paths: [other]\n"
			     "  - persist_to_workspace: {root: build, paths: [../other]}\n"},
	{"E_YAML_ALIAS", "jobs:\n"
			 "  build: *defaults  # &defaults stands nowhere above\n"},
	{"E_YAML_CYCLE", "x-list: &list [one, *list]\n"},
	{"E_YAML_DUPKEY", "jobs:\n"
			  "  build: {machine: true, steps: [checkout]}\n"
			  "  build: {machine: true, steps: [checkout]}  # another name\n"},
	{"E_YAML_KEY", "jobs:\n"
		       "  [a, b]: {machine: true, steps: [checkout]}  # a job each\n"},
	{"E_YAML_MERGE",
	 "x-keys: &keys [checkout]\n"
	 "commands:\n"
	 "  greet: {<<: *keys, steps: [run: echo hello]}  # an alias of a mapping\n"},
	{"E_YAML_MULTIDOC", "jobs:\n"
			    "  build: {machine: true, steps: [checkout]}\n"
			    "---\n"
			    "jobs: {}  # a file of its own\n"},
	{"E_YAML_NUL", "steps:\n"
		       "  - run: \"printf 'a\\0b'\"  # in single quotes, or a\\\\0b\n"},
	{"E_YAML_ROOT", "- version: 2.1  # version: 2.1\n"
			"- jobs: {}\n"},
	{"E_YAML_SYNTAX", "steps:\n"
			  "  - run: echo note: this  # \"echo note: this\"\n"},
	{"E_YAML_TAG", "steps:\n"
		       "  - run: !command make  # make\n"},
	{"W_BRANCHES", "jobs:\n"
		       "  # filters, in a workflow\n"
		       "  build: {machine: true, branches: {only: main}, steps: [checkout]}\n"},
	{"W_CMD_UNKNOWN", "steps:\n"
			  "  - when: {condition: false, steps: [chekout]}  # checkout\n"},
	{"W_CONDITION", "steps:\n"
			"  - when:\n"
			"      condition: pipeline.git.branch == \"main\"  # << ... >>\n"
			"      steps: [checkout]\n"},
	{"W_DEPLOY", "steps:\n"
		     "  - deploy: {command: make deploy}  # run\n"},
	{"W_EXTRANEOUS", "jobs:\n"
			 "  build:\n"
			 "    machine: {image: \"ubuntu-2204:current\"}  # true\n"
			 "    resource_class: my/class\n"
			 "    steps: [checkout]\n"},
	{"W_FILTER_TEXT",
	 "workflows:\n"
	 "  w: {jobs: [build: {filters: {branches: {only: release/*}}}]}  # /release.*/\n"},
	{"W_JOBREF_NULL", "workflows:\n"
			  "  w:\n"
			  "    jobs:\n"
			  "      - build:  # build\n"},
	{"W_JOB_NAME", "jobs:\n"
		       "  test-3.9: {machine: true, steps: [checkout]}  # test-3_9\n"
		       "workflows:\n"
		       "  w: {jobs: [test-3.9]}\n"},
	{"W_KEY", "job:  # jobs\n"
		  "  build: {machine: true, steps: [checkout]}\n"},
	{"W_KINDS", "commands:\n"
		    "  build: {steps: [checkout]}\n"
		    "jobs:\n"
		    "  build: {machine: true, steps: [build]}\n"},
	{"W_LIST", "steps:\n"
		   "  - persist_to_workspace: {root: ., paths: build}  # [build]\n"},
	{"W_MATRIX_EXCLUDE", "jobs:\n"
			     "  test:\n"
			     "    machine: true\n"
			     "    parameters: {os: {type: string}, arch: {type: string}}\n"
			     "    steps: [checkout]\n"
			     "workflows:\n"
			     "  w:\n"
			     "    jobs:\n"
			     "      - test:\n"
			     "          matrix:\n"
			     "            parameters: {os: [linux, mac], arch: [arm, x86]}\n"
			     "            exclude: [{os: mac}]  # {os: mac, arch: x86}\n"},
	{"W_NAME", "workflows:\n"
		   "  w: {jobs: [build: {name: same}, build: {name: same}]}\n"},
	{"W_NUMBER", "jobs:\n"
		     "  build: {macos: {xcode: 13.10}, steps: [checkout]}  # \"13.10\"\n"},
	{"W_PARALLELISM", "jobs:\n"
			  "  build: {machine: true, parallelism: 1, steps: [checkout]}\n"},
	{"W_PARAM_EMPTY", "parameters: {}\n"},
	{"W_REQUIRES", "workflows:\n"
		       "  w: {jobs: [build, build: {name: next, requires: build}]}  # [build]\n"},
	{"W_RUN_EMPTY", "steps:\n"
			"  - run: \"\"\n"},
	{"W_RUN_KEY", "steps:\n"
		      "  - run: {command: make, working_dir: src}  # working_directory\n"},
	{"W_STEPS", "jobs:\n"
		    "  build: {machine: true, steps: []}\n"},
	{"W_STEP_KEY", "steps:\n"
		       "  - attach_workspace: {at: ., to: /tmp}  # without 'to'\n"},
	{"W_STEP_WHEN", "steps:\n"
			"  - store_artifacts: {path: out, when: always}  # without 'when'\n"},
	{"W_UNUSED", "commands:\n"
		     "  greet: {steps: [run: echo hello]}\n"},
	{"W_WF_VERSION", "workflows:\n"
			 "  version: 2  # without it\n"
			 "  w: {jobs: [build]}\n"},
	{"W_WORKSPACE_PATH", "steps:\n"
			     "  - persist_to_workspace: {root: build, paths: [.]}\n"},
	{"W_YAML_ANCHOR",
	 "jobs:\n"
	 "  build: &build {machine: true, steps: [checkout]}  # without '&build'\n"},
	{"W_YAML_MERGE", "x-one: &one {machine: true}\n"
			 "x-two: &two {steps: [checkout]}\n"
			 "jobs:\n"
			 "  build: {<<: *one, <<: *two}  # <<: [*one, *two]\n"},
	{"W_YAML_OCTAL",
	 "jobs:\n"
	 "  # \"0755\"\n"
	 "  build: {machine: true, environment: {MODE: 0755}, steps: [checkout]}\n"},
};

const char *
diag_example(const char *code)
{
	size_t i;

	for (i = 0; i < sizeof(examples) / sizeof(examples[0]); i++)
		if (strcmp(examples[i].code, code) == 0)
			return examples[i].fragment;
	return NULL;
}

/*
 * explain.c - each diagnostic code in a sentence or two, for "config explain CODE".
 *
 * Sorted; a test holds the table to the codes that the cases under t/data/config give.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/diag.h"

#include <string.h>

static const struct {
	const char *code;
	const char *text;
} codes[] = {
	{"E_ARG_MISSING", "A call leaves out a parameter that has no default."},
	{"E_ARG_UNEXPECTED", "A call gives an argument that nothing declares."},
	{"E_CHECKOUT",
	 "checkout takes method blobless, full or shallow; depth belongs to shallow."},
	{"E_CMD_RECURSION", "A command calls itself, by way of other commands perhaps."},
	{"E_CMD_RESERVED", "run, when, unless and steps cannot be redefined as commands."},
	{"E_CMD_UNKNOWN",
	 "A step is neither built in nor a command of this config or of an imported "
	 "orb. Orbs do not see the config's own commands."},
	{"E_CONTEXT",
	 "A context's name has at most 200 characters and no white space at its ends."},
	{"E_CRON",
	 "A schedule has five fields: minute, hour, day, month, day of the week. Steps "
	 "(*/5), ranges within lists and ranges of days of the week are not allowed; a day "
	 "that never comes (31 February) is none."},
	{"E_CYCLE", "Jobs wait for one another, so that none could ever start."},
	{"E_DUP_JOB_CASE", "Names of jobs must differ in more than upper and lower case."},
	{"E_ENV_NAME", "Names of environment variables are letters, digits and '_', and do not "
		       "begin with a digit."},
	{"E_ENV_VALUE", "An environment variable has one value: no list, no mapping."},
	{"E_EXEC_MULTI", "docker, machine and macos exclude one another."},
	{"E_EXEC_NAME", "An executor with arguments is a mapping with the key 'name'."},
	{"E_EXEC_NONE", "A job needs machine, docker, macos or executor."},
	{"E_EXEC_UNKNOWN", "There is no executor of that name in this config or the imported orb."},
	{"E_EXPR_EMPTY", "There is nothing between '<<' and '>>', or in a when or filters."},
	{"E_EXPR_SYNTAX", "A when or filters is not an expression. Strings are in double quotes."},
	{"E_EXPR_TYPE", "An operator got a value of the wrong type: matches and starts-with take "
			"strings, < <= > >= numbers. 'not' binds tighter than they do."},
	{"E_FILTER_KEY", "Filters have branches and tags, each with only and ignore."},
	{"E_GROUP_ATTR", "A job group takes name, requires, filters and serial-group where it is "
			 "used; its members take no serial-group."},
	{"E_GROUP_DUP", "A job group used twice in a workflow needs two names."},
	{"E_GROUP_KEY", "A job group has the key 'jobs' alone."},
	{"E_GROUP_NAME", "A job and a job group cannot have the same name."},
	{"E_GROUP_NEST", "A job group cannot contain another."},
	{"E_JOBREF_SHAPE",
	 "An item of a workflow's jobs is a name, or one name with its attributes "
	 "indented below it."},
	{"E_JOB_KEY", "A job has a key that jobs do not have."},
	{"E_JOB_TYPE", "Types of jobs are build, approval, no-op, release, lock and unlock."},
	{"E_JOB_UNKNOWN", "A workflow names a job that is not defined."},
	{"E_KEY", "A mapping has a key that does not belong there."},
	{"E_KEY_MISSING", "A mapping lacks a key that it needs."},
	{"E_LIMIT",
	 "The config, or what it expands to, is larger than what is compiled: 46 MiB of memory "
	 "and 3,000,000 units of work (four for each value, list or mapping that is read, "
	 "and again wherever it is used; one for each step of matching a regular expression), "
	 "1,000 jobs in a workflow, 1,024 combinations of a matrix, 100 contexts, commands in "
	 "commands to 50 levels, logic to 100, 63 registry orbs."},
	{"E_LOGIC_EMPTY", "and, or and equal need at least one operand."},
	{"E_LOGIC_SHAPE",
	 "A logic statement is a value or a mapping with one operator: and, or, not, "
	 "equal or matches."},
	{"E_MATRIX_DUP", "A parameter stands in the matrix and beside it."},
	{"E_MATRIX_EMPTY", "A matrix has no combination left."},
	{"E_MATRIX_EXCLUDE", "exclude names something that is no parameter of the matrix."},
	{"E_MATRIX_KEY", "A matrix has parameters, exclude and alias."},
	{"E_MATRIX_SHAPE", "Values of a matrix parameter are a list."},
	{"E_NAME", "The name has characters that such names cannot have, or is too long."},
	{"E_NEEDS_21", "This exists in config version 2.1 only."},
	{"E_NO_BUILD_JOB", "Without workflows, the job called 'build' runs, and there is none."},
	{"E_ORB_KEY",
	 "Orbs have commands, jobs, executors, orbs, description, display and examples."},
	{"E_ORB_LOCK",
	 "The orb that is there is not the one that orbs.lock, beside the config, has: "
	 "somebody changed it, or put another in its place."},
	{"E_ORB_REF", "An orb is written ns/name@version: 1, 1.2, 1.2.3, volatile or dev:LABEL."},
	{"E_ORB_UNKNOWN", "The orb is not where this runner looks for orbs."},
	{"E_PARALLELISM", "parallelism is an integer of at least 1."},
	{"E_PARAM_DEFAULT", "A default is not of the type its parameter declares."},
	{"E_PARAM_KEY", "A parameter has type, default, description and enum."},
	{"E_PARAM_NODEFAULT", "Every pipeline parameter needs a default."},
	{"E_PARAM_RESERVED", "Entries in workflows use this key, so no job parameter can have it."},
	{"E_PARAM_TYPE", "Parameters of this kind cannot have that type."},
	{"E_PARAM_UNDECLARED",
	 "parameters.NAME is used where nothing declares NAME. A command, job "
	 "or executor sees its own parameters only."},
	{"E_REGEX",
	 "The regular expression cannot be read, or takes too long. It is matched against "
	 "the whole of a text."},
	{"E_REQ_AMBIGUOUS", "Several jobs of the workflow have the required name."},
	{"E_REQ_STATUS", "Statuses are success, failed, canceled, unauthorized and not_run; "
			 "'terminal' alone stands for all."},
	{"E_REQ_UNKNOWN", "A required job is not part of this workflow."},
	{"E_RERUN_BG", "A background step cannot be rerun."},
	{"E_RERUN_DELAY",
	 "auto_rerun_delay is Ns or Nm, at most 10 minutes, beside max_auto_reruns."},
	{"E_RERUN_RANGE", "max_auto_reruns is from 1 to 5, RUNNER_RETRIES from 0 to 5."},
	{"E_RETENTION", "Caches are kept from 1d to 15d."},
	{"E_SERIAL_GROUP",
	 "A serial group's name is 1 to 512 of letters, digits, '.', '_', '-', '/'."},
	{"E_SETUP_TRIGGERS", "A setup config cannot have scheduled workflows."},
	{"E_SETUP_WORKFLOWS", "A setup config runs exactly one workflow."},
	{"E_SHAPE", "Something is a list where a mapping is needed, or the like."},
	{"E_SHELL", "A shell is a command line with closed quotes."},
	{"E_STEP_KEY", "when and unless have condition and steps, and no other key."},
	{"E_STEP_SHAPE", "A step is a name, or one name with its keys indented below it."},
	{"E_SUBST_KEY",
	 "'<< >>' tags stand in values, and in keys under environment and requires."},
	{"E_SUBST_NONSCALAR", "Steps and mappings cannot be part of a text."},
	{"E_SUBST_SECTION",
	 "A section is opened by '<<# x >>' or '<<^ x >>' and closed by '<</ x >>'."},
	{"E_SUBST_SYNTAX", "What stands between '<<' and '>>' is no expression. To write '<<' as "
			   "text, as in a here-document, escape it: '\\<<'."},
	{"E_SUBST_UNCLOSED",
	 "'<<' begins a tag in config version 2.1. To write it as text, as in a "
	 "here-document, escape it: '\\<<'."},
	{"E_TIMEOUT", "no_output_timeout is a number with h, m or s."},
	{"E_TYPE",
	 "A value is not of the type that is expected. Unquoted, 3.10 is a number and 'on' "
	 "a boolean: quote what is text."},
	{"E_TYPE_INLINE", "In a workflow a job's type can only be approval."},
	{"E_UNSUPPORTED", "This runner cannot do what the config asks for."},
	{"E_VAR_UNKNOWN",
	 "There is no such pipeline value, pipeline parameter or matrix parameter, or "
	 "it is not seen here."},
	{"E_VERSION_MISSING", "A config begins with its version."},
	{"E_VERSION_UNSUPPORTED", "Versions are 2, 2.0 and 2.1."},
	{"E_WF_KEY", "A workflow has jobs, when, unless, triggers and max_auto_reruns."},
	{"E_WF_SHAPE", "workflows is a mapping of names; when and unless exclude each other."},
	{"E_WF_VERSION", "In config version 2, workflows need 'version: 2'."},
	{"E_WHEN", "A step runs always, on_success or on_fail."},
	{"E_WORKSPACE_PATH", "What is kept in a workspace lies below its root."},
	{"E_YAML_ALIAS", "An alias has no anchor before it in this file."},
	{"E_YAML_CYCLE", "An alias stands inside what it names."},
	{"E_YAML_DUPKEY", "A mapping has the same key twice."},
	{"E_YAML_EMPTY", "There is nothing in the file."},
	{"E_YAML_KEY", "A key is a list or a mapping."},
	{"E_YAML_LIMIT",
	 "The file is larger, deeper or expands to more than what is read. A config and the orbs "
	 "that it imports have together at most 3 MiB, 200,000 values, keys, lists and mappings as "
	 "written (of these 20,000 within more than 20 open brackets) and 1,000,000 once aliases are "
	 "filled in, 10,000 anchors; each of them 200 levels and 16 %TAG directives."},
	{"E_YAML_MERGE", "'<<:' merges mappings only."},
	{"E_YAML_MULTIDOC", "The file holds several YAML documents."},
	{"E_YAML_NUL", "The file, or a value, contains a NUL character."},
	{"E_YAML_ROOT", "A config is a mapping."},
	{"E_YAML_SYNTAX", "The file is not YAML."},
	{"E_YAML_TAG", "YAML tags other than the standard ones are not supported."},
	{"E_YAML_UTF8", "The file is not UTF-8."},
	{"W_BRANCHES", "branches in a job has no effect with workflows."},
	{"W_CMD_UNKNOWN", "A branch that is not taken names an unknown command."},
	{"W_CONDITION", "A condition without '<< >>' is a text, and a text is true."},
	{"W_DEPLOY", "The step deploy is deprecated."},
	{"W_EXTRANEOUS", "A self-hosted runner has no machine image to choose."},
	{"W_FILTER_TEXT",
	 "A filter's text is compared as it stands: no branch or tag can have this one. A pattern "
	 "is a regular expression between slashes."},
	{"W_JOBREF_NULL", "A ':' with nothing behind it."},
	{"W_JOB_NAME", "Not every tool takes such a name of a job."},
	{"W_KEY", "A config has no such key; it is ignored."},
	{"W_KINDS", "Two things of different kinds have the same name."},
	{"W_LIST", "A list of one is written as a text."},
	{"W_MATRIX_EXCLUDE", "An exclusion must name all parameters of the matrix."},
	{"W_NAME", "Jobs of the same explicit name get numbers."},
	{"W_NUMBER", "A version was read as a number and may lose its last zeros."},
	{"W_PARALLELISM", "A job of parallelism 1 is one task, as without it."},
	{"W_PARAM_EMPTY", "parameters declares nothing."},
	{"W_REQUIRES", "requires is a list."},
	{"W_RUN_EMPTY", "A run step has an empty command."},
	{"W_RUN_KEY", "A run step has a key that run steps do not have; it is ignored."},
	{"W_STEPS", "A job has no steps, or steps that do not run."},
	{"W_STEP_KEY", "A step has a key that such steps do not have; it is ignored."},
	{"W_STEP_WHEN", "This step always runs; 'when' has no effect."},
	{"W_UNUSED", "Nothing uses this."},
	{"W_WF_VERSION", "version in workflows belongs to config version 2."},
	{"W_WORKSPACE_PATH", "The whole of a workspace's root is kept."},
	{"W_YAML_ANCHOR", "An anchor is never used."},
	{"W_YAML_MERGE", "A mapping has several merge keys."},
	{"W_YAML_OCTAL", "A number with a leading 0 is octal."},
};

const char *
diag_explain(const char *code)
{
	size_t i;

	for (i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (strcmp(codes[i].code, code) == 0)
			return codes[i].text;
	return NULL;
}

const char *
diag_code(size_t index)
{
	return index < sizeof(codes) / sizeof(codes[0]) ? codes[index].code : NULL;
}

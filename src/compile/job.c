/*
 * job.c - one job on its way into the plan.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/job.h"

#include <string.h>

#include "compile/command.h"
#include "compile/environment.h"
#include "compile/executor.h"
#include "compile/names.h"
#include "compile/substitute.h"
#include "compile/tree.h"

enum { PARALLELISM_MAX = 10000, JOB_RETRIES_MAX = 5 };

static const char *const job_keys[] = {"type",
				       "docker",
				       "machine",
				       "macos",
				       "executor",
				       "steps",
				       "parameters",
				       "description",
				       "shell",
				       "working_directory",
				       "environment",
				       "parallelism",
				       "resource_class",
				       "retention",
				       "circleci_ip_ranges",
				       "branches",
				       "plan_name",
				       "key",
				       NULL};

/* ---- what this runner cannot do ---- */

void
job_refuse(struct compilation *c, struct job_build *build, const struct node *at, const char *hint,
	   const char *message)
{
	build->refusals =
		comp_grow(c, build->refusals, build->refusal_count, sizeof(struct refusal));
	build->refusals[build->refusal_count++] = (struct refusal){at, hint, message};
}

static const char unsupported_hint[] =
	"leave it out to run the config here; 'runnerctl config validate --all' takes it";

static const char *
unsupported(struct compilation *c, const char *what)
{
	return comp_printf(c, "%s is not supported by this runner yet", what);
}

void
job_need(struct compilation *c, struct job_build *build, const struct node *at, uint64_t feature,
	 const char *what)
{
	if (feature == FEATURE_NEVER || !(c->input->policy.supported & feature))
		job_refuse(c, build, at, unsupported_hint, unsupported(c, what));
}

void
job_tell_refusals(struct compilation *c, const struct job_build *build)
{
	size_t i;

	for (i = 0; i < build->refusal_count; i++)
		comp_error(c, build->refusals[i].at, "E_UNSUPPORTED", build->refusals[i].hint, "%s",
			   build->refusals[i].message);
}

bool
feature_need(struct compilation *c, const struct node *at, uint64_t feature, const char *what)
{
	if (c->input->policy.supported & feature)
		return true;
	comp_error(c, at, "E_UNSUPPORTED", unsupported_hint, "%s", unsupported(c, what));
	return false;
}

/* ---- single keys ---- */

/* Taking or giving back a serial group is a job of its own; "key" names the group. */
static enum plan_job_type
lock_type(struct compilation *c, struct job_build *build, const struct node *body,
	  const struct node *type)
{
	const struct node *key = tree_need(c, body, "key", "a lock");
	const char *text = key != NULL ? tree_string(c, key, "key 'key'") : NULL;

	if (text != NULL && !name_is_serial_group(text))
		comp_error(c, key, "E_SERIAL_GROUP",
			   "1 to 512 of letters, digits, '.', '_', '-' and '/'",
			   "'%s' cannot be the name of a serial group", text);
	build->job->serial_group = text;
	job_need(c, build, type, FEATURE_SERIAL_GROUP, comp_printf(c, "job type '%s'", type->text));
	return strcmp(type->text, "lock") == 0 ? PLAN_JOB_LOCK : PLAN_JOB_UNLOCK;
}

enum plan_job_type
job_type(struct compilation *c, struct job_build *build, const struct node *body)
{
	const struct node *type = node_get(body, "type");
	const char *name = type != NULL ? tree_string(c, type, "key 'type'") : NULL;

	if (name == NULL || strcmp(name, "build") == 0)
		return PLAN_JOB_BUILD;
	if (strcmp(name, "approval") == 0)
		return PLAN_JOB_APPROVAL;
	if (!c->is_21) {
		comp_error(c, type, "E_NEEDS_21", "write 'version: 2.1' at the top of the config",
			   "job type '%s' needs config version 2.1", name);
		return PLAN_JOB_NO_OP;
	}
	if (strcmp(name, "lock") == 0 || strcmp(name, "unlock") == 0)
		return lock_type(c, build, body, type);
	if (strcmp(name, "release") == 0)
		job_need(c, build, type, FEATURE_NEVER, "job type 'release'");
	else if (strcmp(name, "no-op") != 0)
		comp_error(c, type, "E_JOB_TYPE", "one of: build, approval, no-op, release",
			   "there is no job type '%s'", name);
	return PLAN_JOB_NO_OP;
}

static void
read_parallelism(struct compilation *c, struct job_build *build, const struct node *body)
{
	const struct node *value = node_get(body, "parallelism");
	struct plan_job *job = build->job;

	job->parallelism = 1;
	if (value == NULL || value->flags & TREE_BAD)
		return;
	if (value->kind != NODE_INT || value->integer < 1 || value->integer > PARALLELISM_MAX) {
		comp_error(c, value, "E_PARALLELISM", NULL,
			   "parallelism must be an integer from 1 to %d, found: '%s'",
			   PARALLELISM_MAX, value->kind < NODE_SEQ ? value->text : "[...]");
		return;
	}
	job->parallelism = (unsigned)value->integer;
	if (job->parallelism == 1 && !(value->flags & TREE_FROM_TAG))
		comp_error(c, value, "W_PARALLELISM", "remove it, or state 2 or more",
			   "'parallelism: 1' changes nothing");
	if (job->parallelism > 1)
		job_need(c, build, node_get_pair(body, "parallelism")->key, FEATURE_PARALLELISM,
			 "parallelism above 1");
}

static void
read_retention(struct compilation *c, struct job_build *build, const struct node *body)
{
	static const char *const keys[] = {"caches", NULL};
	const struct node *retention = node_get(body, "retention"), *caches;
	unsigned days = 0;
	const char *text, *p;

	if (retention == NULL || !tree_expect(c, retention, NODE_MAP, "key 'retention'"))
		return;
	tree_check_keys(c, retention, keys, "E_KEY", "key 'retention'");
	caches = node_get(retention, "caches");
	text = caches != NULL ? tree_string(c, caches, "key 'caches'") : NULL;
	if (text == NULL)
		return;
	for (p = text; *p >= '0' && *p <= '9' && days < 100; p++)
		days = days * 10 + (unsigned)(*p - '0');
	if (days < 1 || days > 15 || text[0] == '0' || strcmp(p, "d") != 0) {
		comp_error(c, caches, "E_RETENTION", "write for example '15d'",
			   "retention of caches is from 1d to 15d, found: '%s'", text);
		return;
	}
	build->job->retention_days = days;
	job_need(c, build, node_get_pair(body, "retention")->key, FEATURE_RETENTION, "'retention'");
}

static void
read_directory(struct compilation *c, struct plan_job *job, const struct node *body,
	       const struct node *named)
{
	const struct node *directory = node_get(body, "working_directory");

	if (directory == NULL)
		directory = node_get(named, "working_directory");
	if (directory != NULL)
		job->working_directory = tree_string(c, directory, "key 'working_directory'");
}

static void
check_keys(struct compilation *c, const struct element *element, const struct node *body)
{
	static const char *const of_21[] = {"executor", "parameters", NULL};
	const char *what = comp_printf(c, "job '%s'", element->full_name);
	const struct pair *branches = node_get_pair(body, "branches");
	bool ignored;

	tree_check_keys(c, body, job_keys, "E_JOB_KEY", what);
	tree_need_21(c, body, of_21);
	if (branches != NULL)
		comp_error(c, branches->key, "W_BRANCHES", "use 'filters' in the workflow",
			   "'branches' in a job is ignored");
	if (node_get(body, "circleci_ip_ranges") != NULL)
		(void)tree_bool(c, node_get(body, "circleci_ip_ranges"), "key 'circleci_ip_ranges'",
				&ignored);
}

/* ---- the job ---- */

static void
read_steps(struct compilation *c, struct job_build *build, const struct element *element,
	   const struct node *body, const struct job_extra *extra)
{
	const struct home home = {element->space, NULL};
	struct home *kept = COMP_NEW(c, struct home);
	const struct node *steps;

	*kept = home;
	if (extra->pre_steps != NULL)
		steps_expand(c, build, extra->pre_steps, extra->home);
	steps = tree_need(c, body, "steps", comp_printf(c, "job '%s'", element->full_name));
	if (steps != NULL)
		steps_expand(c, build, steps, kept);
	if (extra->post_steps != NULL)
		steps_expand(c, build, extra->post_steps, extra->home);
	if (steps != NULL && build->job->step_count == 0 && steps->kind == NODE_SEQ &&
	    steps->count == 0)
		comp_error(c, steps, "W_STEPS", NULL, "the job has no steps");
	if (build->deploy != NULL && build->job->parallelism > 1)
		job_need(c, build, build->deploy, FEATURE_NEVER,
			 "'deploy' in a job with parallelism");
}

/*
 * RUNNER_RETRIES of the job's or its executor's environment: no key, so that CircleCI takes the config, too. It says that
 * the job may be run twice.
 */
static void
read_retries(struct compilation *c, struct plan_job *job, const struct node *at)
{
	const char *value = environment_get(c, &job->environment, "RUNNER_RETRIES");

	if (value == NULL)
		return;
	if (value[0] < '0' || value[0] > '0' + JOB_RETRIES_MAX || value[1] != '\0') {
		comp_error(c, at, "E_RERUN_RANGE", NULL, "RUNNER_RETRIES must be an integer from 0 to %d, not '%s'",
			   JOB_RETRIES_MAX, value);
		return;
	}
	job->retries = (unsigned)(value[0] - '0');
}

static void
read_build(struct compilation *c, struct job_build *build, const struct element *element,
	   const struct node *body, const struct job_extra *extra)
{
	const struct node *reference = c->is_21 ? node_get(body, "executor") : NULL;
	const struct node *named = NULL, *environment = node_get(body, "environment");

	if (reference != NULL)
		named = executor_resolve(c, element->space, reference);
	executor_read(c, build, body, named);
	read_directory(c, build->job, body, named);
	environment_read(c, node_get(named, "environment"), &build->job->environment);
	environment_read(c, environment, &build->job->environment);
	read_retries(c, build->job, environment != NULL ? environment : node_get(named, "environment"));
	read_parallelism(c, build, body);
	read_retention(c, build, body);
	read_steps(c, build, element, body, extra);
}

void
job_read(struct compilation *c, struct job_build *build, struct element *element,
	 const struct bindings *parameters, const struct job_extra *extra)
{
	struct scope scope = space_scope(element->space, parameters);
	const struct node *body = substitute_body(c, &scope, element->body);

	element->is_expanded = true;
	comp_work_tree(c, element->body, node_get(element->body, "steps")); /* see steps_expand() */
	check_keys(c, element, body);
	build->job->parallelism = 1;
	build->job->type = job_type(c, build, body);
	if (build->job->type == PLAN_JOB_BUILD)
		read_build(c, build, element, body, extra);
	else if (node_get(body, "steps") != NULL)
		comp_error(c, node_get_pair(body, "steps")->key, "W_STEPS", "remove them",
			   "the steps of this job are ignored: its type is '%s'",
			   plan_job_type_name(build->job->type));
}

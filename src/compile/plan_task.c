/*
 * plan_task.c - from a job of a plan to the task document an agent gets.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/plan_task.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "compile/built_in.h"
#include "compile/plan.h"
#include "runner/protocol.h"

enum { MAX_RUN_TIME_MS = 5 * 60 * 60 * 1000, DAY_MS = 24 * 60 * 60 * 1000 };

static const char default_directory[] = "~/project";

struct env_list {
	struct task_doc *doc;
	struct env_var *vars;
	size_t count;
};

static int
copy_environment(struct task_doc *doc, const struct plan_environment *from, size_t more,
		 struct env_list *out, struct err *err)
{
	size_t i;

	out->doc = doc;
	out->count = 0;
	out->vars = ARENA_NEW_ARRAY(&doc->arena, struct env_var, from->count + more + 1);
	if (out->vars == NULL)
		return err_set(err, ERR_LIMIT, "the environment is too large");
	for (i = 0; i < from->count; i++)
		out->vars[out->count++] =
			(struct env_var){from->items[i].name, from->items[i].value};
	return 0;
}

/* NULL-terminated; NULL where the config states none. */
static const char *const *
copy_words(struct task_doc *doc, const struct plan_strings *from)
{
	const char **words;

	if (from->count == 0)
		return NULL;
	words = ARENA_NEW_ARRAY(&doc->arena, const char *, from->count + 1);
	if (words != NULL)
		memcpy(words, from->items, from->count * sizeof(*words));
	return words;
}

static enum step_when
when_of(enum plan_when when)
{
	switch (when) {
	case PLAN_ON_FAIL:
		return WHEN_ON_FAIL;
	case PLAN_ALWAYS:
		return WHEN_ALWAYS;
	default:
		return WHEN_ON_SUCCESS;
	}
}

/* "path" of a plan's step is "at" where it is a place to unpack. */
static void
copy_place(struct task_step *to, const struct plan_step *from)
{
	if (from->kind == PLAN_STEP_ATTACH_WORKSPACE)
		to->at = from->path;
	else
		to->path = from->path;
	if (from->kind != PLAN_STEP_CHECKOUT)
		return;
	if (to->path == NULL)
		to->path = ".";
	if (from->method != PLAN_CHECKOUT_BLOBLESS)
		to->method = plan_checkout_name(from->method);
	to->depth = from->depth;
}

_Static_assert((int)PLAN_STEP_KIND_COUNT == (int)STEP_KIND_UNKNOWN &&
		       (int)PLAN_STEP_SETUP_REMOTE_DOCKER == (int)STEP_SETUP_REMOTE_DOCKER,
	       "a plan's kinds of steps are a task document's");

static int
copy_step(struct task_doc *doc, struct task_step *to, const struct plan_step *from, struct err *err)
{
	struct env_list list;
	int rc = copy_environment(doc, &from->environment, 0, &list, err);

	if (rc < 0)
		return rc;
	to->kind = (enum step_kind)from->kind;
	to->kind_name = step_kind_name(to->kind);
	to->name = from->name;
	to->when = when_of(from->when);
	to->command = from->command;
	to->shell = copy_words(doc, &from->shell);
	to->environment = list.vars;
	to->environment_count = list.count;
	to->working_directory = from->working_directory;
	to->background = from->background;
	to->no_output_timeout_ms = from->no_output_timeout_ms;
	to->max_auto_reruns = from->max_auto_reruns;
	to->auto_rerun_delay_ms = from->auto_rerun_delay_ms;
	to->key = from->key;
	to->keys = copy_words(doc, &from->keys);
	to->paths = copy_words(doc, &from->paths);
	to->root = from->root;
	to->destination = from->destination;
	to->fingerprints = copy_words(doc, &from->fingerprints);
	to->version = from->version;
	to->docker_layer_caching = from->docker_layer_caching;
	copy_place(to, from);
	return 0;
}

static int
copy_steps(struct task_doc *doc, const struct plan_job *job, struct err *err)
{
	size_t i;

	if (job->step_count < 1 || job->step_count > RUNNER_TASK_STEPS_MOST)
		return err_set(err, ERR_LIMIT, "job '%s' has %zu steps, 1 to %d are allowed",
			       job->name, job->step_count, RUNNER_TASK_STEPS_MOST);
	doc->steps = ARENA_NEW_ARRAY(&doc->arena, struct task_step, job->step_count);
	if (doc->steps == NULL)
		return err_set(err, ERR_LIMIT, "job '%s' is too large", job->name);
	doc->step_count = job->step_count;
	for (i = 0; i < job->step_count; i++) {
		int rc = copy_step(doc, &doc->steps[i], &job->steps[i], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

static bool
has_cache_step(const struct plan_job *job)
{
	size_t i;

	for (i = 0; i < job->step_count; i++)
		if (job->steps[i].kind == PLAN_STEP_SAVE_CACHE ||
		    job->steps[i].kind == PLAN_STEP_RESTORE_CACHE)
			return true;
	return false;
}

static const char *
value_of(const struct env_var *vars, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++)
		if (text_eq(vars[i].name, name))
			return vars[i].value;
	return NULL;
}

/* The key of a cache does not see what the config's own environment sets, but what lies below. */
static int
fill_key_environment(struct task_doc *doc, const struct plan_job *job,
		     const struct env_var *built_in, size_t built_in_count, struct err *err)
{
	size_t count = job->environment.count - job->given, i;
	struct env_var *vars;

	if (count == 0 || !has_cache_step(job))
		return 0;
	vars = ARENA_NEW_ARRAY(&doc->arena, struct env_var, count);
	if (vars == NULL)
		return err_set(err, ERR_LIMIT, "the environment is too large");
	doc->key_environment = vars;
	for (i = 0; i < count; i++) {
		const char *name = job->environment.items[i].name;

		if (!text_eq(name, "HOME")) /* that is where "~" of its paths is */
			vars[doc->key_environment_count++] =
				(struct env_var){name, value_of(built_in, built_in_count, name)};
	}
	return 0;
}

static int
fill_environment(struct task_doc *doc, const struct plan_job *job,
		 const struct plan_task_facts *facts, struct err *err)
{
	struct env_var built_in[BUILT_IN_MOST];
	size_t built_in_count = built_in_list(built_in, &doc->arena, job, facts), i;
	struct env_list list;
	int rc = copy_environment(doc, &job->environment, BUILT_IN_MOST, &list, err);

	if (rc < 0)
		return rc;
	for (i = 0; i < built_in_count; i++)
		if (value_of(list.vars, job->environment.count, built_in[i].name) == NULL)
			list.vars[list.count++] = built_in[i];
	doc->environment = list.vars;
	doc->environment_count = list.count;
	return fill_key_environment(doc, job, built_in, built_in_count, err);
}

static int
fill(struct task_doc *doc, const struct plan_job *job, const struct plan_task_facts *facts,
     struct err *err)
{
	int rc = fill_environment(doc, job, facts, err);

	if (rc < 0)
		return rc;
	doc->token = "";
	doc->job_id = facts->job_id;
	doc->job_name = job->name;
	doc->job_number = facts->job_number;
	doc->workflow_name = facts->workflow_name;
	doc->project_slug = facts->project_slug;
	doc->resource_class = facts->resource_class;
	doc->node_total = job->parallelism;
	doc->shell = copy_words(doc, &job->shell);
	doc->working_directory =
		job->working_directory != NULL ? job->working_directory : default_directory;
	doc->max_run_time_ms = MAX_RUN_TIME_MS;
	doc->cache_keep_ms = (uint64_t)job->retention_days * DAY_MS;
	doc->no_new_privs = true;
	doc->source = facts->source;
	rc = copy_steps(doc, job, err);
	if (rc == 0 && arena_is_full(&doc->arena))
		return err_set(err, ERR_LIMIT, "job '%s' is too large", job->name);
	return rc;
}

int
plan_task(struct task_doc **out, const struct plan_job *job, const struct plan_task_facts *facts,
	  struct err *err)
{
	struct task_doc *doc = task_doc_new();
	int rc = fill(doc, job, facts, err);

	if (rc < 0) {
		task_doc_free(doc);
		return rc;
	}
	*out = doc;
	return 0;
}

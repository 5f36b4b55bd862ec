/*
 * draft.c - what a pipeline will be made of, worked out from its plan.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/draft.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "compile/plan.h"
#include "compile/plan_task.h"
#include "format/json.h"
#include "hub/api/views.h"
#include "hub/grant.h"
#include "hub/model.h"
#include "hub/secrets.h"
#include "hub/settings.h"

/* A lease adds a kilobyte, and its values twice: as variables and to be masked. */
enum { DOCUMENT_MOST_BYTES = RUNNER_TASK_DOC_MOST_BYTES - 2 * GRANT_MOST_BYTES - 1024 };

static bool
is_wanted(const struct pipeline_spec *spec, const char *workflow)
{
	size_t i;

	for (i = 0; i < spec->workflow_count; i++)
		if (strcmp(spec->workflows[i], workflow) == 0)
			return true;
	return spec->workflow_count == 0;
}

static int
check_wanted(const struct pipeline_spec *spec, const struct plan *plan, struct err *err)
{
	size_t i, j;

	for (i = 0; i < spec->workflow_count; i++) {
		for (j = 0; j < plan->workflow_count; j++)
			if (strcmp(spec->workflows[i], plan->workflows[j].name) == 0)
				break;
		if (j == plan->workflow_count)
			return err_set(err, ERR_INPUT, "the config has no workflow '%s' for this trigger",
				       spec->workflows[i]);
	}
	return 0;
}

static int
choose_class(struct draft *draft, struct draft_job *job, struct err *err)
{
	const struct settings *settings = draft->settings;
	const struct plan_job *plan = job->plan;

	job->class = settings_class(settings, plan->resource_class);
	if (job->class == NULL) {
		err->code = err_set(err, ERR_INPUT, "job '%s' states %s%s, and the hub has no default class",
				    plan->name, plan->resource_class == NULL ? "no resource class" : "class ",
				    plan->resource_class == NULL ? "" : plan->resource_class);
		return err_hint(err, "name one as 'namespace/name', or set default_resource_class in runner-hub.yaml");
	}
	if (strlen(job->class) >= HUB_NAME_BYTES)
		return err_set(err, ERR_LIMIT, "job '%s' has a resource class of %zu bytes, %d are allowed",
			       plan->name, strlen(job->class), HUB_NAME_BYTES - 1);
	if (plan->executor.kind == PLAN_EXECUTOR_DOCKER && !settings_docker_on_host(settings, job->class)) {
		err->code = err_set(err, ERR_INPUT, "job '%s' has a docker executor, and class '%s' runs none",
				    plan->name, job->class);
		return err_hint(err, "set docker_on_host for the class in runner-hub.yaml to run the steps on the host");
	}
	return 0;
}

static const char *
write_requires(struct draft *draft, const struct draft_workflow *workflow, const struct plan_job *plan)
{
	struct buffer text = BUFFER_INIT;
	char id[ID_TEXT_BYTES];
	const char *kept;
	size_t i;

	for (i = 0; i < plan->require_count; i++)
		buffer_printf(&text, "%s%s:%u", i > 0 ? " " : "",
			      id_text(id, &workflow->jobs[plan->requires[i].job].id),
			      plan->requires[i].statuses);
	kept = arena_strdup(&draft->arena, buffer_text(&text));
	buffer_release(&text);
	return kept;
}

static bool
has_step(const struct plan_job *plan, enum plan_step_kind kind)
{
	size_t i;

	for (i = 0; i < plan->step_count; i++)
		if (plan->steps[i].kind == kind)
			return true;
	return false;
}

static int
fill_source(const struct pipeline_spec *spec, const struct plan_job *plan,
	    struct task_source *source, struct err *err)
{
	if (spec->directory != NULL && !spec->commit_only) {
		source->kind = SOURCE_DIRECTORY;
		source->path = spec->directory;
	} else if (spec->directory != NULL || spec->repository != NULL) {
		source->kind = SOURCE_GIT;
		source->url = spec->directory != NULL ? spec->directory : spec->repository;
		source->revision = spec->revision;
		source->branch = spec->branch;
		source->tag = spec->tag;
	} else if (has_step(plan, PLAN_STEP_CHECKOUT)) {
		err->code = err_set(err, ERR_INPUT, "job '%s' has a checkout step, and nothing says what to check out",
				    plan->name);
		return err_hint(err, "give the repository's URL with the pipeline");
	}
	return 0;
}

/* Their values come with the lease: grant.c. */
static const char *
write_contexts(struct draft *draft, const struct plan_strings *contexts)
{
	struct buffer text = BUFFER_INIT;
	struct json *list;
	const char *kept;
	size_t i;

	if (contexts->count == 0)
		return NULL;
	list = json_new_array();
	for (i = 0; i < contexts->count; i++)
		json_push(list, json_new_string(contexts->items[i]));
	json_write(&text, list);
	json_free(list);
	kept = arena_strdup(&draft->arena, buffer_text(&text));
	buffer_release(&text);
	return kept;
}

static const char *
organization_of(char room[ID_TEXT_BYTES], const char *slug)
{
	char owner[HUB_NAME_BYTES];
	struct id id;

	view_person_id(&id, secrets_owner_of(owner, slug));
	return id_text(room, &id);
}

static int
write_document(struct draft *draft, const struct draft_workflow *workflow, struct draft_job *job,
	       struct err *err)
{
	const struct pipeline_spec *spec = draft->spec;
	char job_id[ID_TEXT_BYTES], workflow_id[ID_TEXT_BYTES], pipeline_id[ID_TEXT_BYTES],
		project_id[ID_TEXT_BYTES], organization_id[ID_TEXT_BYTES];
	struct plan_task_facts facts = {
		.job_id = id_text(job_id, &job->id),
		.job_number = (uint64_t)job->number,
		.workflow_name = workflow->plan->name,
		.workflow_id = id_text(workflow_id, &workflow->id),
		.pipeline_id = id_text(pipeline_id, &spec->id),
		.project_id = id_text(project_id, &draft->spec->project),
		.organization_id = organization_of(organization_id, spec->project_slug),
		.project_slug = spec->project_slug,
		.resource_class = job->class,
		.branch = spec->branch,
		.tag = spec->tag,
		.revision = spec->revision,
		.repository = spec->repository,
		.user = spec->actor,
	};
	struct buffer text = BUFFER_INIT;
	struct task_doc *doc;
	struct json *json;
	int rc;

	if (draft->settings->public_url != NULL)
		facts.job_url = arena_printf(&draft->arena, "%s/jobs/%s", draft->settings->public_url,
					     job_id);
	rc = fill_source(spec, job->plan, &facts.source, err);
	if (rc < 0)
		return rc;
	rc = plan_task(&doc, job->plan, &facts, err);
	if (rc < 0)
		return rc;
	json = task_doc_write(doc);
	json_write(&text, json);
	if (text.len > DOCUMENT_MOST_BYTES)
		rc = err_set(err, ERR_LIMIT, "job '%s' makes a task document of %zu bytes, %d are allowed",
			     job->plan->name, text.len, DOCUMENT_MOST_BYTES);
	else
		job->document = arena_strdup(&draft->arena, buffer_text(&text));
	job->document_bytes = text.len;
	buffer_release(&text);
	json_free(json);
	task_doc_free(doc);
	return rc;
}

static int
draft_job(struct draft *draft, const struct draft_workflow *workflow, struct draft_job *job,
	  struct err *err)
{
	int rc;

	job->requires = write_requires(draft, workflow, job->plan);
	if (job->plan->type != PLAN_JOB_BUILD)
		return 0;
	if (job->plan->parallelism > MODEL_PARALLELISM_MOST)
		return err_set(err, ERR_LIMIT, "job '%s' has parallelism %u, %d is allowed", job->plan->name,
			       job->plan->parallelism, MODEL_PARALLELISM_MOST);
	job->number = ++draft->last_job;
	job->contexts = write_contexts(draft, &job->plan->contexts);
	job->needs_keys = has_step(job->plan, PLAN_STEP_CHECKOUT) || has_step(job->plan, PLAN_STEP_ADD_SSH_KEYS);
	rc = choose_class(draft, job, err);
	return rc < 0 ? rc : write_document(draft, workflow, job, err);
}

static int
draft_workflow(struct draft *draft, const struct plan_workflow *plan, struct err *err)
{
	struct draft_workflow *workflow = &draft->workflows[draft->workflow_count++];
	size_t i;

	workflow->plan = plan;
	id_random(&workflow->id);
	draft->job_count += plan->job_count;
	if (draft->job_count > MODEL_JOBS_MOST)
		return err_set(err, ERR_LIMIT, "the config makes more than %d jobs", MODEL_JOBS_MOST);
	workflow->jobs = ARENA_NEW_ARRAY(&draft->arena, struct draft_job, plan->job_count + 1);
	for (i = 0; i < plan->job_count; i++) {
		workflow->jobs[i].plan = &plan->jobs[i];
		id_random(&workflow->jobs[i].id);
	}
	for (i = 0; i < plan->job_count; i++) {
		int rc = draft_job(draft, workflow, &workflow->jobs[i], err);

		if (rc < 0)
			return rc;
	}
	return 0;
}

int
draft_make(struct draft *draft, const struct settings *settings, const struct pipeline_spec *spec,
	   const struct plan *plan, struct err *err)
{
	struct buffer text = BUFFER_INIT;
	size_t i;
	int rc = check_wanted(spec, plan, err);

	arena_init(&draft->arena, 0);
	draft->settings = settings;
	draft->spec = spec;
	draft->last_job = spec->last_job;
	draft->setup = plan->setup;
	draft->workflows =
		ARENA_NEW_ARRAY(&draft->arena, struct draft_workflow, plan->workflow_count + 1);
	for (i = 0; rc == 0 && i < plan->workflow_count; i++)
		if (is_wanted(draft->spec, plan->workflows[i].name))
			rc = draft_workflow(draft, &plan->workflows[i], err);
	if (rc < 0)
		return rc;
	plan_process(plan, &text);
	draft->compiled = arena_strdup(&draft->arena, buffer_text(&text));
	buffer_release(&text);
	return 0;
}

void
draft_release(struct draft *draft)
{
	arena_release(&draft->arena);
}

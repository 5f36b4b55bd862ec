/*
 * create.c - a pipeline from a plan.
 *
 * All that can be refused is worked out first, as drafts, so that a refusal leaves
 * nothing behind. Then rows and objects are made and what can start starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/plan.h"
#include "compile/plan_task.h"
#include "format/json.h"
#include "hub/actions.h"
#include "hub/grant.h"
#include "hub/hub.h"
#include "hub/states.h"

/* A lease adds a kilobyte, and its values twice: as variables and to be masked. */
enum { DOCUMENT_MOST_BYTES = RUNNER_TASK_DOC_MOST_BYTES - 2 * GRANT_MOST_BYTES - 1024 };

struct draft_job {
	const struct plan_job *plan;
	struct id id;
	int64_t number;
	const char *class; /* NULL where nothing runs */
	const char *requires, *document;
};

struct draft_workflow {
	const struct plan_workflow *plan;
	struct id id;
	struct draft_job *jobs;
};

struct draft {
	struct hub *hub;
	const struct pipeline_spec *spec;
	struct project *project;
	int64_t last_job;
	struct arena arena;
	struct draft_workflow *workflows;
	size_t workflow_count, job_count;
	const char *compiled;
};

long long
pipeline_next_number(struct hub *hub, const char *project_slug)
{
	const struct project *project = model_project_find(&hub->model, project_slug);

	return project == NULL ? 1 : (long long)project->row.last_pipeline + 1;
}

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
	const struct settings *settings = &draft->hub->settings;
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
has_checkout(const struct plan_job *plan)
{
	size_t i;

	for (i = 0; i < plan->step_count; i++)
		if (plan->steps[i].kind == PLAN_STEP_CHECKOUT)
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
	} else if (has_checkout(plan)) {
		err->code = err_set(err, ERR_INPUT, "job '%s' has a checkout step, and nothing says what to check out",
				    plan->name);
		return err_hint(err, "give the repository's URL with the pipeline");
	}
	return 0;
}

/* Their values come with the lease: document.c. */
static void
put_contexts(struct json *document, const struct plan_strings *contexts)
{
	struct json *list;
	size_t i;

	if (contexts->count == 0)
		return;
	list = json_new_array();
	for (i = 0; i < contexts->count; i++)
		json_push(list, json_new_string(contexts->items[i]));
	json_put(document, "contexts", list);
}

static int
write_document(struct draft *draft, const struct draft_workflow *workflow, struct draft_job *job,
	       struct err *err)
{
	const struct pipeline_spec *spec = draft->spec;
	char job_id[ID_TEXT_BYTES], workflow_id[ID_TEXT_BYTES], pipeline_id[ID_TEXT_BYTES],
		project_id[ID_TEXT_BYTES];
	struct plan_task_facts facts = {
		.job_id = id_text(job_id, &job->id),
		.job_number = (uint64_t)job->number,
		.workflow_name = workflow->plan->name,
		.workflow_id = id_text(workflow_id, &workflow->id),
		.pipeline_id = id_text(pipeline_id, &spec->id),
		.project_id = id_text(project_id, &draft->project->row.id),
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

	if (draft->hub->settings.public_url != NULL)
		facts.job_url = arena_printf(&draft->arena, "%s/jobs/%s", draft->hub->settings.public_url,
					     job_id);
	rc = fill_source(spec, job->plan, &facts.source, err);
	if (rc < 0)
		return rc;
	rc = plan_task(&doc, job->plan, &facts, err);
	if (rc < 0)
		return rc;
	json = task_doc_write(doc);
	put_contexts(json, &job->plan->contexts);
	json_write(&text, json);
	if (text.len > DOCUMENT_MOST_BYTES)
		rc = err_set(err, ERR_LIMIT, "job '%s' makes a task document of %zu bytes, %d are allowed",
			     job->plan->name, text.len, DOCUMENT_MOST_BYTES);
	else
		job->document = arena_strdup(&draft->arena, buffer_text(&text));
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

static int
draft_all(struct draft *draft, const struct plan *plan, struct err *err)
{
	struct buffer text = BUFFER_INIT;
	size_t i;
	int rc = check_wanted(draft->spec, plan, err);

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

/* --- made real ------------------------------------------------------------------------------- */

int
job_link(struct job *job)
{
	struct model *model = job->workflow->pipeline->model;
	const char *at = job->row.requires;
	unsigned statuses;
	struct id id;

	while (job_requires_next(&at, &id, &statuses)) {
		struct job *other = model_job(model, &id);

		if (other == NULL || other->workflow != job->workflow)
			return ERR_INPUT;
		job->requires =
			mem_resize(job->requires, job->require_count + 1, sizeof(*job->requires));
		job->requires[job->require_count++] = (struct requirement){other, statuses};
	}
	return 0;
}

static void
make_job(struct workflow *workflow, const struct draft_job *draft, uint32_t position)
{
	struct job_row row = {
		.id = draft->id,
		.number = draft->number,
		.position = position,
		.name = draft->plan->name,
		.type = plan_job_type_name(draft->plan->type),
		.requires = draft->requires,
		.resource_class = draft->class,
		.serial_group = draft->plan->serial_group,
		.parallelism = draft->plan->parallelism > 0 ? draft->plan->parallelism : 1,
		.document = draft->document,
		.state = JOB_BLOCKED,
		.created_ms = workflow->row.created_ms,
	};

	job_touch(job_new(workflow, &row));
}

static struct workflow *
make_workflow(struct pipeline *pipeline, const struct draft_workflow *draft, uint32_t position)
{
	struct workflow_row row = {
		.id = draft->id,
		.name = draft->plan->name,
		.position = position,
		.state = WORKFLOW_RUNNING,
		.auto_reruns = draft->plan->max_auto_reruns,
		.created_ms = pipeline->row.created_ms,
	};
	struct workflow *workflow = workflow_new(pipeline, &row);
	size_t i;
	int rc = 0;

	workflow_touch(workflow);
	for (i = 0; i < draft->plan->job_count; i++)
		make_job(workflow, &draft->jobs[i], (uint32_t)i);
	for (i = 0; i < workflow->job_count; i++)
		rc |= job_link(workflow->jobs[i]);
	assert(rc == 0);
	return workflow;
}

static struct pipeline *
make_pipeline(struct draft *draft)
{
	const struct pipeline_spec *spec = draft->spec;
	struct model *model = &draft->hub->model;
	struct pipeline_row row = {
		.id = spec->id,
		.project_slug = spec->project_slug,
		.number = ++draft->project->row.last_pipeline,
		.state = PIPELINE_RUNNING,
		.created_ms = model->unix_ms(),
		.actor = spec->actor,
		.branch = spec->branch,
		.tag = spec->tag,
		.revision = spec->revision,
		.repository = spec->repository,
		.directory = spec->directory,
		.config_path = spec->config_path,
		.config = spec->config,
		.compiled = draft->compiled,
	};
	struct pipeline *pipeline;
	size_t i;

	draft->project->row.last_job = draft->last_job;
	project_touch(model, draft->project);
	pipeline = pipeline_new(model, &row);
	pipeline_touch(pipeline);
	for (i = 0; i < draft->workflow_count; i++)
		make_workflow(pipeline, &draft->workflows[i], (uint32_t)i);
	log_info("pipeline %lld of project '%s': %zu workflows with %zu jobs", (long long)row.number,
		 row.project_slug, draft->workflow_count, draft->job_count);
	return pipeline;
}

int
pipeline_create(struct pipeline **out, struct hub *hub, const struct pipeline_spec *spec,
		const struct plan *plan, struct err *err)
{
	struct draft draft = {.hub = hub, .spec = spec};
	size_t i;
	int rc;

	arena_init(&draft.arena, 0);
	draft.project = model_project(&hub->model, spec->project_slug);
	draft.last_job = draft.project->row.last_job;
	rc = draft_all(&draft, plan, err);
	if (rc == 0) {
		*out = make_pipeline(&draft);
		for (i = 0; i < (*out)->workflow_count; i++)
			workflow_advance((*out)->workflows[i]);
		pipeline_advance(*out);
	}
	arena_release(&draft.arena);
	return rc;
}

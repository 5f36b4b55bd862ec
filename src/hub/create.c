/*
 * create.c - a pipeline from its draft: rows and objects are made, and what can start starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "compile/plan.h"
#include "hub/actions.h"
#include "hub/draft.h"
#include "hub/hub.h"
#include "hub/previous.h"
#include "hub/states.h"

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
		.document_bytes = (uint32_t)draft->document_bytes,
		.contexts = draft->contexts,
		.needs_keys = draft->needs_keys,
		.retries = draft->plan->retries,
		.state = JOB_BLOCKED,
		.created_ms = workflow->row.created_ms,
	};

	struct job *job = job_new(workflow, &row);

	previous_note(workflow->pipeline->model, job);
	job_touch(job);
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
		.created_ms = pipeline->model->unix_ms(),
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

static struct project *
find_project(struct model *model, const struct pipeline_spec *spec)
{
	struct project *project = model_project_find(model, spec->project_slug);
	struct project_row row = {.id = spec->project, .slug = spec->project_slug};

	return project != NULL ? project : project_new(model, &row);
}

/* The latest that says so is right: a repository's default branch may change. */
static void
note_default_branch(struct project *project, const struct pipeline_spec *spec)
{
	const char *known = project->row.default_branch;
	bool is_known = known != NULL && spec->branch != NULL && strcmp(known, spec->branch) == 0;

	if (spec->branch == NULL || !(is_known ? spec->is_no_default : spec->is_default))
		return;
	project->row.default_branch = is_known ? NULL : mem_strdup(spec->branch);
	free((char *)known);
}

static struct pipeline *
make_pipeline(struct hub *hub, const struct draft *draft)
{
	const struct pipeline_spec *spec = draft->spec;
	struct model *model = &hub->model;
	struct project *project = find_project(model, spec);
	struct pipeline_row row = {
		.id = spec->id,
		.project_slug = spec->project_slug,
		.number = spec->number,
		.state = PIPELINE_RUNNING,
		.created_ms = spec->created_ms,
		.actor = spec->actor,
		.branch = spec->branch,
		.tag = spec->tag,
		.revision = spec->revision,
		.repository = spec->repository,
		.directory = spec->directory,
		.config_path = spec->config_path,
		.config = spec->config,
		.trigger = spec->trigger,
		.request = spec->request,
		.setup = draft->setup ? SETUP_PENDING : SETUP_NONE,
		.compiled = draft->compiled,
	};
	struct pipeline *pipeline;
	size_t i;

	project->row.last_pipeline = spec->number;
	project->row.last_job = draft->last_job;
	note_default_branch(project, spec);
	project_touch(model, project);
	pipeline = pipeline_new(model, &row);
	pipeline_touch(pipeline);
	for (i = 0; i < draft->workflow_count; i++)
		make_workflow(pipeline, &draft->workflows[i], (uint32_t)i);
	log_info("pipeline %lld of project '%s': %zu workflows with %zu jobs", (long long)row.number,
		 row.project_slug, draft->workflow_count, draft->job_count);
	return pipeline;
}

static void
advance_all(struct pipeline *pipeline)
{
	size_t i;

	for (i = 0; i < pipeline->workflow_count; i++)
		workflow_advance(pipeline->workflows[i]);
	pipeline_advance(pipeline);
}

struct pipeline *
pipeline_create(struct hub *hub, const struct draft *draft)
{
	struct pipeline *pipeline = make_pipeline(hub, draft);

	advance_all(pipeline);
	return pipeline;
}

void
pipeline_continue(struct pipeline *pipeline, const struct draft *draft)
{
	struct project *project = pipeline->project;
	size_t i, before = pipeline->workflow_count;

	project->row.last_job = draft->last_job;
	project_touch(pipeline->model, project);
	pipeline->row.setup = SETUP_CONTINUED;
	/* The store puts them before those of the setup config. */
	pipeline->row.config = arena_strdup(&pipeline->arena, draft->spec->config);
	pipeline->row.compiled = arena_strdup(&pipeline->arena, draft->compiled);
	pipeline_touch(pipeline);
	for (i = 0; i < draft->workflow_count; i++)
		make_workflow(pipeline, &draft->workflows[i], (uint32_t)(before + i));
	log_info("pipeline %lld of project '%s' goes on: %zu workflows with %zu jobs",
		 (long long)pipeline->row.number, pipeline->row.project_slug, draft->workflow_count,
		 draft->job_count);
	advance_all(pipeline);
}

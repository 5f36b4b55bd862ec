/*
 * objects.c - the model's objects: made of their rows, entered in tables, found again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "hub/model.h"
#include "hub/ssh_keys.h"

/* --- tables -------------------------------------------------------------------------------- */

#define FIND(type, name, table)                                        \
	struct type *name(struct model *model, const struct id *id)    \
	{                                                              \
		struct type *found;                                    \
                                                                       \
		HASH_FIND(hh, model->table, id, sizeof(*id), found);   \
		return found;                                          \
	}

FIND(pipeline, model_pipeline, pipelines)
FIND(workflow, model_workflow, workflows)
FIND(job, model_job, jobs)
FIND(task, model_task, tasks)
FIND(agent, model_agent, agents)

struct step *
task_step(struct task *task, uint32_t step, uint32_t attempt)
{
	struct step *found;

	for (found = task->steps; found != NULL; found = found->next)
		if (found->row.step == step && found->row.attempt == attempt)
			return found;
	return NULL;
}

struct position *
task_position(struct task *task, uint32_t step, uint32_t attempt)
{
	struct position *position;
	size_t i;

	for (i = task->position_count; i > 0; i--) {
		position = &task->positions[i - 1];
		if (position->step == step && position->attempt == attempt)
			return position;
	}
	task->positions =
		mem_resize(task->positions, task->position_count + 1, sizeof(*task->positions));
	position = &task->positions[task->position_count++];
	*position = (struct position){.step = step, .attempt = attempt};
	return position;
}

struct project *
model_project_find(struct model *model, const char *slug)
{
	struct project *project;

	HASH_FIND(hh, model->projects, slug, strlen(slug), project);
	return project;
}

struct project *
project_new(struct model *model, const struct project_row *row)
{
	struct project *project = MEM_NEW(struct project);

	project->row = *row;
	project->row.slug = mem_strdup(row->slug);
	if (row->default_branch != NULL)
		project->row.default_branch = mem_strdup(row->default_branch);
	project->variables.owner = row->id;
	ssh_keys_owner(&project->ssh_keys.owner, &row->id);
	HASH_ADD_KEYPTR(hh, model->projects, project->row.slug, strlen(project->row.slug), project);
	return project;
}

struct project *
model_project(struct model *model, const char *slug)
{
	struct project *project = model_project_find(model, slug);
	struct project_row row = {.slug = slug};

	if (project != NULL)
		return project;
	id_random(&row.id);
	project = project_new(model, &row);
	project_touch(model, project);
	return project;
}

struct resource_class *
model_class_find(struct model *model, const char *name)
{
	struct resource_class *class;

	HASH_FIND(hh, model->classes, name, strlen(name), class);
	return class;
}

struct resource_class *
model_class(struct model *model, const char *name)
{
	struct resource_class *class = model_class_find(model, name);

	if (class != NULL)
		return class;
	class = MEM_NEW(struct resource_class);
	class->model = model;
	snprintf(class->row.name, sizeof(class->row.name), "%s", name);
	if (model->is_private)
		snprintf(class->sentence, sizeof(class->sentence), "no agent is connected");
	else
		snprintf(class->sentence, sizeof(class->sentence),
			 "no connected agent serves resource class '%s'", class->row.name);
	HASH_ADD(hh, model->classes, row.name, strlen(class->row.name), class);
	return class;
}

static const char *
keep(struct pipeline *pipeline, const char *text)
{
	return text == NULL ? NULL : arena_strdup(&pipeline->arena, text);
}

struct pipeline *
pipeline_new(struct model *model, const struct pipeline_row *row)
{
	struct pipeline *pipeline = MEM_NEW(struct pipeline);

	pipeline->touched.magic = PIPELINE_MAGIC;
	pipeline->touched.kind = TOUCHED_PIPELINE;
	arena_init(&pipeline->arena, 0);
	pipeline->model = model;
	pipeline->project = model_project(model, row->project_slug);
	pipeline->row = *row;
	pipeline->row.project = pipeline->project->row.id;
	pipeline->row.project_slug = pipeline->project->row.slug;
	pipeline->row.actor = keep(pipeline, row->actor);
	pipeline->row.branch = keep(pipeline, row->branch);
	pipeline->row.tag = keep(pipeline, row->tag);
	pipeline->row.revision = keep(pipeline, row->revision);
	pipeline->row.repository = keep(pipeline, row->repository);
	pipeline->row.directory = keep(pipeline, row->directory);
	pipeline->row.config_path = keep(pipeline, row->config_path);
	pipeline->row.config = keep(pipeline, row->config);
	pipeline->row.compiled = keep(pipeline, row->compiled);
	pipeline->row.setup_config = pipeline->row.setup_compiled = NULL;
	pipeline->row.request = keep(pipeline, row->request);
	pipeline->row.errors = keep(pipeline, row->errors);
	pipeline->row.trigger = keep(pipeline, row->trigger);
	HASH_ADD(hh, model->pipelines, row.id, sizeof(pipeline->row.id), pipeline);
	if (row->state != PIPELINE_ENDED)
		model->counts.pipelines_active++;
	return pipeline;
}

struct workflow *
workflow_new(struct pipeline *pipeline, const struct workflow_row *row)
{
	struct workflow *workflow = ARENA_NEW(&pipeline->arena, struct workflow);
	struct model *model = pipeline->model;

	workflow->touched.magic = WORKFLOW_MAGIC;
	workflow->touched.kind = TOUCHED_WORKFLOW;
	workflow->pipeline = pipeline;
	workflow->row = *row;
	workflow->row.pipeline = pipeline->row.id;
	workflow->row.name = keep(pipeline, row->name);
	workflow->row.project_slug = pipeline->row.project_slug;
	workflow->row.actor = pipeline->row.actor;
	workflow->row.pipeline_number = pipeline->row.number;
	pipeline->workflows = mem_resize(pipeline->workflows, pipeline->workflow_count + 1,
					 sizeof(struct workflow *));
	pipeline->workflows[pipeline->workflow_count++] = workflow;
	HASH_ADD(hh, model->workflows, row.id, sizeof(workflow->row.id), workflow);
	return workflow;
}

struct job *
job_new(struct workflow *workflow, const struct job_row *row)
{
	struct pipeline *pipeline = workflow->pipeline;
	struct job *job = ARENA_NEW(&pipeline->arena, struct job);
	struct model *model = pipeline->model;

	job->touched.magic = JOB_MAGIC;
	job->touched.kind = TOUCHED_JOB;
	job->workflow = workflow;
	job->row = *row;
	job->row.workflow = workflow->row.id;
	job->row.pipeline = pipeline->row.id;
	job->row.name = keep(pipeline, row->name);
	job->row.type = keep(pipeline, row->type);
	job->row.requires = keep(pipeline, row->requires);
	job->row.resource_class = keep(pipeline, row->resource_class);
	job->row.serial_group = keep(pipeline, row->serial_group);
	job->row.contexts = keep(pipeline, row->contexts);
	job->row.document = row->document == NULL ? NULL : mem_strdup(row->document);
	job->row.workflow_name = workflow->row.name;
	job->row.project_slug = pipeline->row.project_slug;
	job->row.pipeline_number = pipeline->row.number;
	if (row->resource_class != NULL)
		job->class = model_class(model, model->is_private ? MODEL_PRIVATE_CLASS : row->resource_class);
	workflow->jobs = mem_resize(workflow->jobs, workflow->job_count + 1, sizeof(struct job *));
	workflow->jobs[workflow->job_count++] = job;
	HASH_ADD(hh, model->jobs, row.id, sizeof(job->row.id), job);
	return job;
}

struct task *
task_new(struct job *job, const struct task_row *row)
{
	struct pipeline *pipeline = job->workflow->pipeline;
	struct task *task = ARENA_NEW(&pipeline->arena, struct task);

	task->touched.magic = TASK_MAGIC;
	task->touched.kind = TOUCHED_TASK;
	task->job = job;
	task->row = *row;
	task->row.job = job->row.id;
	task->row.pipeline = pipeline->row.id;
	task->row.job_name = job->row.name;
	task->row.job_number = job->row.number;
	if (row->output_open)
		pipeline->open_tasks++;
	job->tasks = mem_resize(job->tasks, job->task_count + 1, sizeof(struct task *));
	job->tasks[job->task_count++] = task;
	HASH_ADD(hh, pipeline->model->tasks, row.id, sizeof(task->row.id), task);
	return task;
}

struct step *
step_new(struct task *task, const struct step_row *row)
{
	struct pipeline *pipeline = task->job->workflow->pipeline;
	struct step *step = ARENA_NEW(&pipeline->arena, struct step), **at;

	step->touched.magic = STEP_MAGIC;
	step->touched.kind = TOUCHED_STEP;
	step->task = task;
	step->row = *row;
	step->row.task = task->row.id;
	for (at = &task->steps; *at != NULL; at = &(*at)->next)
		;
	*at = step;
	return step;
}

struct agent *
agent_new(struct model *model, const struct agent_row *row)
{
	struct agent *agent = MEM_NEW(struct agent);

	agent->touched.magic = AGENT_MAGIC;
	agent->touched.kind = TOUCHED_AGENT;
	agent->model = model;
	agent->row = *row;
	HASH_ADD(hh, model->agents, row.id, sizeof(agent->row.id), agent);
	return agent;
}

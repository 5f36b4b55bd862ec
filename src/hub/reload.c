/*
 * reload.c - the model as the store has it, at the start.
 *
 * Every lease gets a full period: its holder could not reach us while we were away.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "hub/lease.h"
#include "hub/model.h"
#include "hub/orbs.h"
#include "hub/previous.h"
#include "hub/serial.h"
#include "hub/states.h"
#include "hub/store/store.h"
#include "hub/tokens.h"

enum { SEQ_SKIP = 1000 };

static int
lost_row(struct err *err, const char *what, const struct id *id, const char *of)
{
	char text[ID_TEXT_BYTES];

	return err_set(err, ERR_INPUT, "the database has %s %s without its %s", what, id_text(text, id), of);
}

static int
load_structure(struct model *model, const struct store_snapshot *snapshot, struct err *err)
{
	size_t i;

	for (i = 0; i < snapshot->pipeline_count; i++)
		pipeline_new(model, &snapshot->pipelines[i])->touched.is_stored = true;
	for (i = 0; i < snapshot->workflow_count; i++) {
		const struct workflow_row *row = &snapshot->workflows[i];
		struct pipeline *pipeline = model_pipeline(model, &row->pipeline);

		if (pipeline == NULL)
			return lost_row(err, "workflow", &row->id, "pipeline");
		workflow_new(pipeline, row)->touched.is_stored = true;
	}
	for (i = 0; i < snapshot->job_count; i++) {
		const struct job_row *row = &snapshot->jobs[i];
		struct workflow *workflow = model_workflow(model, &row->workflow);
		struct job *job;

		if (workflow == NULL)
			return lost_row(err, "job", &row->id, "workflow");
		job = job_new(workflow, row);
		job->touched.is_stored = true;
		previous_note(model, job);
	}
	return 0;
}

static int
link_requires(struct model *model, const struct store_snapshot *snapshot, struct err *err)
{
	size_t i;

	for (i = 0; i < snapshot->job_count; i++)
		if (job_link(model_job(model, &snapshot->jobs[i].id)) < 0)
			return lost_row(err, "job", &snapshot->jobs[i].id, "requirement");
	return 0;
}

static int
load_tasks(struct model *model, const struct store_snapshot *snapshot, struct err *err)
{
	size_t i;

	for (i = 0; i < snapshot->task_count; i++) {
		const struct task_row *row = &snapshot->tasks[i];
		struct job *job = model_job(model, &row->job);
		struct task *task;

		if (job == NULL || job->class == NULL)
			return lost_row(err, "task", &row->id, "job");
		task = task_new(job, row);
		task->touched.is_stored = true;
		if (row->state == HUB_LEASED) {
			task->agent = model_agent(model, &row->agent);
			if (task->agent == NULL)
				return lost_row(err, "task", &row->id, "agent");
			if (job->row.document == NULL)
				return lost_row(err, "job", &row->job, "document");
		}
	}
	for (i = 0; i < snapshot->step_count; i++) {
		struct task *task = model_task(model, &snapshot->steps[i].task);

		if (task != NULL)
			step_new(task, &snapshot->steps[i])->touched.is_stored = true;
	}
	for (i = 0; i < snapshot->position_count; i++) {
		const struct output_row *row = &snapshot->positions[i];
		struct task *task = model_task(model, &row->task);

		if (task != NULL)
			task_position(task, row->step, row->attempt)->offset = row->offset;
	}
	return 0;
}

/* The highest change number of a pipeline is that of its youngest row. */
static void
raise_seq(struct pipeline *pipeline, uint64_t seq)
{
	if (seq > pipeline->row.seq)
		pipeline->row.seq = seq;
}

static void
place_tasks(struct model *model, const struct store_snapshot *snapshot)
{
	size_t i;

	for (i = 0; i < snapshot->workflow_count; i++)
		raise_seq(model_pipeline(model, &snapshot->workflows[i].pipeline),
			  snapshot->workflows[i].seq);
	for (i = 0; i < snapshot->job_count; i++)
		raise_seq(model_pipeline(model, &snapshot->jobs[i].pipeline), snapshot->jobs[i].seq);
	for (i = 0; i < snapshot->step_count; i++) {
		struct task *task = model_task(model, &snapshot->steps[i].task);

		if (task != NULL)
			raise_seq(task->job->workflow->pipeline, snapshot->steps[i].seq);
	}
	for (i = 0; i < snapshot->task_count; i++) {
		struct task *task = model_task(model, &snapshot->tasks[i].id);

		raise_seq(task->job->workflow->pipeline, task->row.seq);
		task_place(task);
		if (task->row.state == HUB_LEASED)
			lease_renew(task);
	}
	/* Some numbers are told and stored with no row; a watcher that comes back is behind none of ours. */
	for (i = 0; i < snapshot->pipeline_count; i++)
		model_pipeline(model, &snapshot->pipelines[i].id)->row.seq += SEQ_SKIP;
}

/* Pipelines and all that belongs to them. */
static int
load_pipelines(struct model *model, const struct store_snapshot *snapshot, struct err *err)
{
	int rc = load_structure(model, snapshot, err);

	if (rc == 0)
		rc = link_requires(model, snapshot, err);
	return rc == 0 ? load_tasks(model, snapshot, err) : rc;
}

int
model_revive(struct model *model, const struct store_snapshot *snapshot, struct err *err)
{
	int rc;

	if (snapshot->pipeline_count == 0 || model_pipeline(model, &snapshot->pipelines[0].id) != NULL)
		return 0;
	rc = load_pipelines(model, snapshot, err);
	if (rc == 0)
		place_tasks(model, snapshot);
	return rc;
}

int
model_load(struct model *model, const struct store_snapshot *snapshot, struct err *err)
{
	struct resource_class *class, *next;
	size_t i;
	int rc;

	for (i = 0; i < snapshot->project_count; i++)
		project_new(model, &snapshot->projects[i]);
	for (i = 0; i < snapshot->class_count; i++) {
		class = model_class(model, snapshot->classes[i].name);
		class->row = snapshot->classes[i];
		class->is_known = true;
	}
	for (i = 0; i < snapshot->token_count; i++)
		token_new(model, &snapshot->tokens[i]);
	orbs_load(model, snapshot);
	for (i = 0; i < snapshot->agent_count; i++)
		agent_new(model, &snapshot->agents[i])->touched.is_stored = true;
	rc = load_pipelines(model, snapshot, err);
	if (rc == 0)
		rc = secrets_load(model, snapshot, err);
	if (rc < 0)
		return rc;
	place_tasks(model, snapshot);
	previous_load(model, snapshot);
	serial_load(model);
	HASH_ITER(hh, model->classes, class, next)
		class_check_waiting(class);
	if (snapshot->pipeline_count > 0)
		log_info("%zu pipelines with %zu tasks are active", snapshot->pipeline_count,
			 snapshot->task_count);
	return 0;
}

/*
 * commit.c - this turn's changes of the model, on their way to the store and to watchers.
 *
 * Touched rows wait in one list. At the end of the turn the list is sorted as a
 * reader wants to hear it (what begins from the pipeline down, steps, what has ended from
 * the task up), each gets its number, goes to the store, and is told to watchers when the
 * STORE_SYNC behind it is done. A pipeline that was touched is pinned until then: the
 * store may still read its strings.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/commit.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/mem.h"
#include "hub/dispatch.h"
#include "hub/store/store.h"

/* What one commit will tell, in order. */
struct commit {
	struct model *model;
	struct change *changes;
	size_t change_count, change_room;
	struct pipeline **pins;
	size_t pin_count, pin_room;
	struct {
		model_done_fn *fn;
		void *arg;
	} *waiters;
	size_t waiter_count, waiter_room;
	struct commit *next; /* submitted, not done */
};

/* --- one commit ---------------------------------------------------------------------- */

#define GROW(items, count, room)                                                       \
	do {                                                                           \
		if ((count) == (room)) {                                               \
			(room) = (room) == 0 ? 8 : (room) * 2;                         \
			(items) = mem_resize((items), (room), sizeof(*(items)));       \
		}                                                                      \
	} while (0)

static struct commit *
commit_of(struct model *model)
{
	if (model->commit == NULL) {
		model->commit = MEM_NEW(struct commit);
		model->commit->model = model;
	}
	return model->commit;
}

static void
commit_pin(struct commit *commit, struct pipeline *pipeline)
{
	size_t i;

	for (i = commit->pin_count; i > 0; i--)
		if (commit->pins[i - 1] == pipeline)
			return;
	GROW(commit->pins, commit->pin_count, commit->pin_room);
	commit->pins[commit->pin_count++] = pipeline;
	pipeline_pin(pipeline);
}

static void
commit_tell(struct commit *commit, const struct change *change)
{
	GROW(commit->changes, commit->change_count, commit->change_room);
	commit->changes[commit->change_count++] = *change;
}

static void
tell_watchers(const struct change *change)
{
	struct watcher *watcher, *next;

	for (watcher = change->pipeline->watchers; watcher != NULL; watcher = next) {
		next = watcher->next;
		watcher->fn(watcher->arg, change);
	}
}

static void
commit_free(struct commit *commit)
{
	free(commit->changes);
	free(commit->pins);
	free(commit->waiters);
	free(commit);
}

static void
on_commit_done(void *arg, struct store_op *op)
{
	struct commit *commit = arg;
	struct model *model = commit->model;
	size_t i;

	(void)op;
	assert(model->commits == commit);
	model->commits = commit->next;
	if (model->commits == NULL)
		model->commits_end = &model->commits;
	for (i = 0; i < commit->waiter_count; i++)
		commit->waiters[i].fn(commit->waiters[i].arg);
	for (i = 0; i < commit->change_count; i++)
		tell_watchers(&commit->changes[i]);
	for (i = 0; i < commit->pin_count; i++)
		pipeline_unpin(commit->pins[i]);
	commit_free(commit);
}

void
model_after_commit(struct model *model, model_done_fn *fn, void *arg)
{
	struct commit *commit = commit_of(model);

	GROW(commit->waiters, commit->waiter_count, commit->waiter_room);
	commit->waiters[commit->waiter_count].fn = fn;
	commit->waiters[commit->waiter_count++].arg = arg;
	later_want(&model->flush);
}

/* --- the turn's list -------------------------------------------------------------------- */

static void
touch(struct model *model, struct touched *touched)
{
	later_want(&model->flush);
	if (touched->is_touched)
		return;
	touched->is_touched = true;
	touched->next = NULL;
	*model->touched_end = touched;
	model->touched_end = &touched->next;
}

/* The store reads the row's strings until the commit: the pipeline stays until then. */
static void
touch_in(struct pipeline *pipeline, struct touched *touched)
{
	commit_pin(commit_of(pipeline->model), pipeline);
	touch(pipeline->model, touched);
}

void
pipeline_touch(struct pipeline *pipeline)
{
	touch_in(pipeline, &pipeline->touched);
}

void
workflow_touch(struct workflow *workflow)
{
	touch_in(workflow->pipeline, &workflow->touched);
}

void
job_touch(struct job *job)
{
	touch_in(job->workflow->pipeline, &job->touched);
}

void
task_touch(struct task *task)
{
	touch_in(task->job->workflow->pipeline, &task->touched);
}

void
step_touch(struct step *step)
{
	touch_in(step->task->job->workflow->pipeline, &step->touched);
}

void
agent_touch(struct agent *agent)
{
	touch(agent->model, &agent->touched);
}

/* Its row is not to be written any more. */
static void
untouch(struct model *model, struct touched *touched)
{
	struct touched **at = &model->touched_first;

	if (!touched->is_touched)
		return;
	while (*at != touched)
		at = &(*at)->next;
	*at = touched->next;
	if (model->touched_end == &touched->next)
		model->touched_end = at;
}

void
agent_delete(struct agent *agent)
{
	struct model *model = agent->model;
	struct store_op *op = store_op_new(STORE_DELETE_AGENT);

	assert(agent->leases == NULL && agent->claim == NULL && agent->heartbeat == NULL && !agent->is_present);
	untouch(model, &agent->touched);
	op->id = agent->row.id;
	store_submit(model->store, op, NULL, NULL);
	HASH_DEL(model->agents, agent);
	OBJ_WIPE(&agent->touched);
	free(agent->offer);
	free(agent);
}

void
project_touch(struct model *model, struct project *project)
{
	project->is_touched = true;
	model->projects_touched = true;
	later_want(&model->flush);
}

/* In which of the passes over the list a row is told; see the file's head. */
enum { RANK_PIPELINE, RANK_WORKFLOW, RANK_JOB, RANK_TASK, RANK_STEP, RANK_ENDED_TASK, RANK_ENDED_JOB,
       RANK_ENDED_WORKFLOW, RANK_ENDED_PIPELINE, RANK_AGENT, RANK_COUNT };

static int
rank_of(const struct touched *touched)
{
	switch (touched->kind) {
	case TOUCHED_PIPELINE:
		return ((const struct pipeline *)touched)->row.state == PIPELINE_ENDED
			       ? RANK_ENDED_PIPELINE : RANK_PIPELINE;
	case TOUCHED_WORKFLOW:
		return ((const struct workflow *)touched)->row.state == WORKFLOW_ENDED
			       ? RANK_ENDED_WORKFLOW : RANK_WORKFLOW;
	case TOUCHED_JOB:
		return ((const struct job *)touched)->row.state == JOB_ENDED ? RANK_ENDED_JOB : RANK_JOB;
	case TOUCHED_TASK:
		return ((const struct task *)touched)->row.state == HUB_ENDED ? RANK_ENDED_TASK : RANK_TASK;
	case TOUCHED_STEP:
		return RANK_STEP;
	case TOUCHED_AGENT:
		return RANK_AGENT;
	}
	UNREACHABLE();
}

static void
submit(struct model *model, struct store_op *op)
{
	store_submit(model->store, op, NULL, NULL);
}

/* Give the change its number and note whom it concerns. */
static uint64_t
number_change(struct model *model, struct pipeline *pipeline, struct change *change)
{
	struct commit *commit = commit_of(model);

	change->pipeline = pipeline;
	change->seq = ++pipeline->row.seq;
	commit_pin(commit, pipeline);
	if (pipeline->watchers != NULL)
		commit_tell(commit, change);
	return change->seq;
}

static void
flush_pipeline(struct model *model, struct pipeline *pipeline)
{
	struct change change = {.kind = CHANGE_PIPELINE};
	struct store_op *op;

	number_change(model, pipeline, &change);
	op = store_op_new(pipeline->touched.is_stored ? STORE_PUT_PIPELINE : STORE_ADD_PIPELINE);
	op->pipeline = pipeline->row;
	submit(model, op);
	if (pipeline->touched.is_stored && pipeline->row.config != NULL) {
		op = store_op_new(STORE_CONTINUE_PIPELINE);
		op->pipeline = pipeline->row;
		submit(model, op);
	}
	pipeline->row.config = pipeline->row.compiled = pipeline->row.request = NULL;
}

static void
flush_workflow(struct model *model, struct workflow *workflow)
{
	struct change change = {.kind = CHANGE_WORKFLOW, .workflow = workflow};
	struct store_op *op;

	workflow->row.seq = number_change(model, workflow->pipeline, &change);
	op = store_op_new(workflow->touched.is_stored ? STORE_PUT_WORKFLOW : STORE_ADD_WORKFLOW);
	op->workflow = workflow->row;
	submit(model, op);
}

static void
flush_job(struct model *model, struct job *job)
{
	struct change change = {.kind = CHANGE_JOB, .job = job};
	struct store_op *op;

	job->row.seq = number_change(model, job->workflow->pipeline, &change);
	op = store_op_new(job->touched.is_stored ? STORE_PUT_JOB : STORE_ADD_JOB);
	op->job = job->row;
	/* From here on the store has it: document.h. */
	if (!job->touched.is_stored)
		job->row.document = NULL;
	submit(model, op);
}

static void
flush_task(struct model *model, struct task *task)
{
	struct change change = {.kind = CHANGE_TASK, .job = task->job, .task = task};
	struct store_op *op = store_op_new(STORE_PUT_TASK);

	task->row.seq = number_change(model, task->job->workflow->pipeline, &change);
	op->task = task->row;
	submit(model, op);
}

static void
flush_step(struct model *model, struct step *step)
{
	struct change change = {.kind = CHANGE_STEP, .job = step->task->job, .task = step->task,
				.step = step};
	struct store_op *op = store_op_new(STORE_PUT_STEP);

	step->row.seq = number_change(model, step->task->job->workflow->pipeline, &change);
	op->step = step->row;
	submit(model, op);
}

static void
flush_one(struct model *model, struct touched *touched)
{
	struct store_op *op;

	switch (touched->kind) {
	case TOUCHED_PIPELINE:
		flush_pipeline(model, (struct pipeline *)touched);
		break;
	case TOUCHED_WORKFLOW:
		flush_workflow(model, (struct workflow *)touched);
		break;
	case TOUCHED_JOB:
		flush_job(model, (struct job *)touched);
		break;
	case TOUCHED_TASK:
		flush_task(model, (struct task *)touched);
		break;
	case TOUCHED_STEP:
		flush_step(model, (struct step *)touched);
		break;
	case TOUCHED_AGENT:
		op = store_op_new(STORE_PUT_AGENT);
		op->agent = ((struct agent *)touched)->row;
		submit(model, op);
		break;
	}
	touched->is_stored = true;
}

static void
flush_touched(struct model *model)
{
	struct touched *ranks[RANK_COUNT] = {NULL}, **ends[RANK_COUNT];
	struct touched *touched, *next;
	int rank;

	for (rank = 0; rank < RANK_COUNT; rank++)
		ends[rank] = &ranks[rank];
	for (touched = model->touched_first; touched != NULL; touched = next) {
		next = touched->next;
		rank = rank_of(touched);
		touched->next = NULL;
		*ends[rank] = touched;
		ends[rank] = &touched->next;
	}
	model->touched_first = NULL;
	model->touched_end = &model->touched_first;
	for (rank = 0; rank < RANK_COUNT; rank++)
		for (touched = ranks[rank]; touched != NULL; touched = touched->next) {
			touched->is_touched = false;
			flush_one(model, touched);
		}
}

static void
flush_projects(struct model *model)
{
	struct project *project, *next;

	if (!model->projects_touched)
		return;
	model->projects_touched = false;
	HASH_ITER(hh, model->projects, project, next) {
		struct store_op *op;

		if (!project->is_touched)
			continue;
		project->is_touched = false;
		op = store_op_new(STORE_PUT_PROJECT);
		op->project = project->row;
		if (project->row.default_branch != NULL) /* it may change meanwhile */
			op->project.default_branch =
				arena_strdup(&op->arena, project->row.default_branch);
		submit(model, op);
	}
}

void
commit_turn(void *arg)
{
	struct model *model = arg;
	struct commit *commit;
	struct store_op *op;

	/* Decisions first, so that they go into the same transaction. */
	dispatch_run(model);
	flush_projects(model);
	flush_touched(model);
	while ((op = model->history) != NULL) {
		model->history = op->next;
		submit(model, op);
	}
	model->history_end = &model->history;
	commit = model->commit;
	if (commit == NULL)
		return;
	model->commit = NULL;
	commit->next = NULL;
	*model->commits_end = commit;
	model->commits_end = &commit->next;
	store_submit(model->store, store_op_new(STORE_SYNC), on_commit_done, commit);
}

void
model_want_dispatch(struct model *model)
{
	model->dispatch_wanted = true;
	later_want(&model->flush);
}

void
task_has_output(struct task *task)
{
	struct pipeline *pipeline = task->job->workflow->pipeline;
	struct change change = {.kind = CHANGE_OUTPUT, .pipeline = pipeline, .job = task->job, .task = task};
	struct commit *commit;

	if (pipeline->watchers == NULL)
		return;
	commit = commit_of(pipeline->model);
	commit_pin(commit, pipeline);
	commit_tell(commit, &change);
	later_want(&pipeline->model->flush);
}

void
job_tell_waiting(struct job *job)
{
	struct pipeline *pipeline = job->workflow->pipeline;
	struct change change = {.kind = CHANGE_WAITING, .job = job,
				.resource_class = job->row.resource_class, .message = job->waiting};

	number_change(pipeline->model, pipeline, &change);
	later_want(&pipeline->model->flush);
}

void
task_remember(struct task *task, const char *state, const char *reason)
{
	task_remember_at(task, state, reason, task->job->workflow->pipeline->model->unix_ms());
}

void
task_remember_at(struct task *task, const char *state, const char *reason, int64_t time_ms)
{
	struct model *model = task->job->workflow->pipeline->model;
	struct store_op *op = store_op_new(STORE_ADD_HISTORY);

	op->history.task = task->row.id;
	op->history.seq = ++task->row.history_seq;
	op->history.time_ms = time_ms;
	snprintf(op->history.state, sizeof(op->history.state), "%s", state);
	snprintf(op->history.reason, sizeof(op->history.reason), "%s", reason);
	*model->history_end = op;
	model->history_end = &op->next;
	task_touch(task);
}

void
commits_release(struct model *model)
{
	struct commit *commit;
	struct store_op *op;

	while ((commit = model->commits) != NULL) {
		model->commits = commit->next;
		commit_free(commit);
	}
	if (model->commit != NULL)
		commit_free(model->commit);
	while ((op = model->history) != NULL) {
		model->history = op->next;
		store_op_free(op);
	}
}

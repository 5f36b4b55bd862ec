/*
 * model.c - what is active, in memory: tables, and this turn's transaction.
 *
 * Touched rows wait in one list. At the end of the turn the list is sorted as a
 * reader wants to hear it (what begins from the pipeline down, steps, what has ended from
 * the task up), each gets its number, goes to the store, and is told to watchers when the
 * STORE_SYNC behind it is done. A pipeline that was touched is pinned until then: the
 * store may still read its strings.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/model.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/json.h"
#include "hub/dispatch.h"
#include "hub/lease.h"
#include "hub/store/store.h"
#include "loop/clock.h"

enum {
	PIPELINE_MAGIC = 0x68700001,
	WORKFLOW_MAGIC,
	JOB_MAGIC,
	TASK_MAGIC,
	STEP_MAGIC,
	AGENT_MAGIC,
};

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
	pipeline->row.config = pipeline->row.compiled = NULL;
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
		submit(model, op);
	}
}

static void
on_flush(void *arg)
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
	struct model *model = task->job->workflow->pipeline->model;
	struct store_op *op = store_op_new(STORE_ADD_HISTORY);

	op->history.task = task->row.id;
	op->history.seq = ++task->row.history_seq;
	op->history.time_ms = model->unix_ms();
	snprintf(op->history.state, sizeof(op->history.state), "%s", state);
	snprintf(op->history.reason, sizeof(op->history.reason), "%s", reason);
	*model->history_end = op;
	model->history_end = &op->next;
	task_touch(task);
}

/* --- watchers and pins --------------------------------------------------------------------- */

void
watcher_start(struct watcher *watcher, struct pipeline *pipeline, watcher_fn *fn, void *arg)
{
	assert(watcher->pipeline == NULL);
	*watcher = (struct watcher){.pipeline = pipeline, .fn = fn, .arg = arg};
	watcher->next = pipeline->watchers;
	if (watcher->next != NULL)
		watcher->next->prev = watcher;
	pipeline->watchers = watcher;
	pipeline_pin(pipeline);
}

void
watcher_stop(struct watcher *watcher)
{
	struct pipeline *pipeline = watcher->pipeline;

	if (pipeline == NULL)
		return;
	if (watcher->prev != NULL)
		watcher->prev->next = watcher->next;
	else
		pipeline->watchers = watcher->next;
	if (watcher->next != NULL)
		watcher->next->prev = watcher->prev;
	watcher->pipeline = NULL;
	pipeline_unpin(pipeline);
}

static void
step_free_all(struct task *task)
{
	struct step *step;

	while ((step = task->steps) != NULL) {
		task->steps = step->next;
		OBJ_WIPE(&step->touched);
		free(step);
	}
}

static void
task_free(struct model *model, struct task *task)
{
	assert(!task->is_queued && task->agent == NULL && !task->touched.is_touched);
	HASH_DEL(model->tasks, task);
	step_free_all(task);
	free(task->positions);
	OBJ_WIPE(&task->touched);
	free(task);
}

static void
job_free(struct model *model, struct job *job)
{
	size_t i;

	for (i = 0; i < job->task_count; i++)
		task_free(model, job->tasks[i]);
	HASH_DEL(model->jobs, job);
	json_free(job->document);
	free(job->tasks);
	free(job->requires);
	OBJ_WIPE(&job->touched);
	free(job);
}

static void
workflow_free(struct model *model, struct workflow *workflow)
{
	size_t i;

	for (i = 0; i < workflow->job_count; i++)
		job_free(model, workflow->jobs[i]);
	HASH_DEL(model->workflows, workflow);
	free(workflow->jobs);
	OBJ_WIPE(&workflow->touched);
	free(workflow);
}

static void
pipeline_free(struct pipeline *pipeline)
{
	struct model *model = pipeline->model;
	size_t i;

	log_debug("pipeline %lld of project '%s' is the store's alone now", (long long)pipeline->row.number,
		  pipeline->row.project_slug);
	for (i = 0; i < pipeline->workflow_count; i++)
		workflow_free(model, pipeline->workflows[i]);
	HASH_DEL(model->pipelines, pipeline);
	free(pipeline->workflows);
	arena_release(&pipeline->arena);
	OBJ_WIPE(&pipeline->touched);
	free(pipeline);
}

void
pipeline_pin(struct pipeline *pipeline)
{
	OBJ_CHECK(&pipeline->touched, PIPELINE_MAGIC);
	pipeline->pins++;
}

void
pipeline_unpin(struct pipeline *pipeline)
{
	OBJ_CHECK(&pipeline->touched, PIPELINE_MAGIC);
	assert(pipeline->pins > 0);
	pipeline->pins--;
	if (pipeline->pins == 0 && pipeline->row.state == PIPELINE_ENDED && pipeline->open_tasks == 0)
		later_want(&pipeline->model->reap);
}

/* Nobody up the stack holds one here. */
static void
on_reap(void *arg)
{
	struct model *model = arg;
	struct pipeline *pipeline, *next;

	HASH_ITER(hh, model->pipelines, pipeline, next) {
		if (pipeline->pins == 0 && pipeline->row.state == PIPELINE_ENDED &&
		    pipeline->open_tasks == 0)
			pipeline_free(pipeline);
	}
}

/* --- life -------------------------------------------------------------------------------- */

static uint64_t
loop_mono_ms(struct model *model)
{
	return loop_now_us(model->loop) / 1000;
}

static void
on_clock(void *arg)
{
	struct model *model = arg;

	model->clock_due_ms = 0;
	leases_check(model);
}

void
model_want_clock(struct model *model, uint64_t due_ms)
{
	uint64_t now = model->mono_ms(model);

	if (model->clock_due_ms != 0 && model->clock_due_ms <= due_ms)
		return;
	model->clock_due_ms = due_ms;
	timer_start_ms(&model->clock, due_ms > now ? due_ms - now : 0);
}

void
model_init(struct model *model, struct loop *loop, struct store *store)
{
	memset(model, 0, sizeof(*model));
	model->loop = loop;
	model->store = store;
	model->unix_ms = clock_unix_ms;
	model->mono_ms = loop_mono_ms;
	model->touched_end = &model->touched_first;
	model->commits_end = &model->commits;
	model->history_end = &model->history;
	later_init(&model->flush, loop, on_flush, model);
	later_init(&model->reap, loop, on_reap, model);
	timer_init(&model->clock, loop, on_clock, model);
}

static void
release_tables(struct model *model)
{
	struct pipeline *pipeline, *next_pipeline;
	struct project *project, *next_project;
	struct agent *agent, *next_agent;
	struct resource_class *class, *next_class;
	struct token *token, *next_token;

	HASH_ITER(hh, model->pipelines, pipeline, next_pipeline)
		pipeline_free(pipeline);
	HASH_ITER(hh, model->projects, project, next_project) {
		HASH_DEL(model->projects, project);
		free((char *)project->row.slug);
		free(project);
	}
	HASH_ITER(hh, model->agents, agent, next_agent) {
		HASH_DEL(model->agents, agent);
		free(agent);
	}
	HASH_ITER(hh, model->classes, class, next_class) {
		HASH_DEL(model->classes, class);
		free(class);
	}
	HASH_ITER(hh, model->tokens, token, next_token) {
		HASH_DEL(model->tokens, token);
		free(token);
	}
}

/* Tasks leave their queues and leases as they are stored: this is the end of the program. */
static void
forget_places(struct model *model)
{
	struct task *task, *next;
	struct touched *touched;

	HASH_ITER(hh, model->tasks, task, next) {
		task->is_queued = false;
		task->agent = NULL;
	}
	for (touched = model->touched_first; touched != NULL; touched = touched->next)
		touched->is_touched = false;
}

void
model_release(struct model *model)
{
	struct commit *commit;
	struct store_op *op;

	later_release(&model->flush);
	later_release(&model->reap);
	timer_release(&model->clock);
	forget_places(model);
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
	release_tables(model);
}

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
	HASH_ADD(hh, model->pipelines, row.id, sizeof(pipeline->row.id), pipeline);
	if (row->state != PIPELINE_ENDED)
		model->counts.pipelines_active++;
	return pipeline;
}

struct workflow *
workflow_new(struct pipeline *pipeline, const struct workflow_row *row)
{
	struct workflow *workflow = MEM_NEW(struct workflow);
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
	struct job *job = MEM_NEW(struct job);
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
	job->row.document = keep(pipeline, row->document);
	job->document_bytes = row->document == NULL ? 0 : strlen(row->document);
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
	struct task *task = MEM_NEW(struct task);

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
	struct step *step = MEM_NEW(struct step), **at;

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

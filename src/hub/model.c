/*
 * model.c - the life of what is active: pins and watchers, the clock, the end.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/model.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "hub/commit.h"
#include "hub/document.h"
#include "hub/lease.h"
#include "hub/oidc.h"
#include "hub/orbs.h"
#include "hub/previous.h"
#include "hub/serial.h"
#include "loop/clock.h"

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

/* The objects themselves lie in the pipeline's arena. */
static void
task_release(struct model *model, struct task *task)
{
	struct step *step;

	assert(!task->is_queued && task->agent == NULL && !task->touched.is_touched);
	HASH_DEL(model->tasks, task);
	for (step = task->steps; step != NULL; step = step->next)
		OBJ_WIPE(&step->touched);
	free(task->positions);
	free(task->grant);
	OBJ_WIPE(&task->touched);
}

static void
job_release(struct model *model, struct job *job)
{
	size_t i;

	for (i = 0; i < job->task_count; i++)
		task_release(model, job->tasks[i]);
	HASH_DEL(model->jobs, job);
	document_forget(job);
	free(job->tasks);
	free(job->requires);
	OBJ_WIPE(&job->touched);
}

static void
workflow_release(struct model *model, struct workflow *workflow)
{
	size_t i;

	for (i = 0; i < workflow->job_count; i++)
		job_release(model, workflow->jobs[i]);
	HASH_DEL(model->workflows, workflow);
	free(workflow->jobs);
	OBJ_WIPE(&workflow->touched);
}

static void
pipeline_free(struct pipeline *pipeline)
{
	struct model *model = pipeline->model;
	size_t i;

	log_debug("pipeline %lld of project '%s' is the store's alone now", (long long)pipeline->row.number,
		  pipeline->row.project_slug);
	for (i = 0; i < pipeline->workflow_count; i++)
		workflow_release(model, pipeline->workflows[i]);
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
	if (model->clock.late_us > LEASE_STALL_MS * 1000)
		leases_excuse(model, model->clock.late_us / 1000);
	leases_check(model);
	serial_check(model);
}

static void
on_serial(void *arg)
{
	serial_run(arg);
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
	oidc_owner(&model->oidc.owner);
	model->touched_end = &model->touched_first;
	model->commits_end = &model->commits;
	model->history_end = &model->history;
	pthread_mutex_init(&model->orb_lock, NULL);
	later_init(&model->flush, loop, commit_turn, model);
	later_init(&model->reap, loop, on_reap, model);
	later_init(&model->serial, loop, on_serial, model);
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
		free((char *)project->row.default_branch);
		variables_release(&project->variables);
		variables_release(&project->ssh_keys);
		free(project);
	}
	secrets_release(model);
	orbs_release(model);
	pthread_mutex_destroy(&model->orb_lock);
	serial_release(model);
	previous_release(model);
	HASH_ITER(hh, model->agents, agent, next_agent) {
		HASH_DEL(model->agents, agent);
		free(agent->offer);
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
	later_release(&model->flush);
	later_release(&model->reap);
	later_release(&model->serial);
	timer_release(&model->clock);
	forget_places(model);
	commits_release(model);
	release_tables(model);
}

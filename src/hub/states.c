/*
 * states.c - the lives of tasks, jobs, workflows and pipelines: one row a state.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/states.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

#include "base/assert.h"
#include "base/log.h"
#include "compile/plan.h"
#include "hub/document.h"
#include "hub/grant.h"
#include "hub/rerun.h"
#include "hub/scheduler.h"
#include "hub/serial.h"
#include "hub/store/store.h"
#include "task/names.h"

#define BIT(state) (1u << (state))

static struct model *
model_of(const struct job *job)
{
	return job->workflow->pipeline->model;
}

/* --- tasks -------------------------------------------------------------------------------- */

static void
enter_queued(struct task *task)
{
	struct resource_class *class = task->job->class;
	struct model *model = model_of(task->job);

	DL_APPEND2(class->queue, task, queue_prev, queue_next);
	task->is_queued = true;
	class->queued++;
	model->counts.tasks_queued++;
	model_want_dispatch(model);
}

static void
leave_queued(struct task *task)
{
	struct resource_class *class = task->job->class;

	assert(task->is_queued);
	DL_DELETE2(class->queue, task, queue_prev, queue_next);
	task->is_queued = false;
	class->queued--;
	model_of(task->job)->counts.tasks_queued--;
}

static void
enter_leased(struct task *task)
{
	assert(task->agent != NULL);
	DL_APPEND2(task->agent->leases, task, lease_prev, lease_next);
	task->agent->lease_count++;
	task->job->class->running++;
	document_want(task->job);
	model_of(task->job)->counts.tasks_running++;
}

static void
leave_leased(struct task *task)
{
	DL_DELETE2(task->agent->leases, task, lease_prev, lease_next);
	task->agent->lease_count--;
	task->agent = NULL;
	grant_drop(task);
	task->job->class->running--;
	model_of(task->job)->counts.tasks_running--;
}

/* A step that was under way when its task ended has ended with it. */
static void
end_steps(struct task *task)
{
	struct step *step;

	for (step = task->steps; step != NULL; step = step->next) {
		if (step->row.state == STEP_ENDED)
			continue;
		step->row.state = STEP_ENDED;
		step->row.outcome = task->row.outcome == OUTCOME_INFRA_FAIL ? OUTCOME_INFRA_FAIL
									    : OUTCOME_CANCELED;
		step->row.ended_ms = task->row.ended_ms;
		step_touch(step);
	}
}

static void
enter_ended(struct task *task)
{
	end_steps(task);
	task_check_output(task);
}

static void
leave_ended(struct task *task)
{
	(void)task;
	UNREACHABLE();
}

static const struct {
	unsigned next;
	void (*enter)(struct task *task);
	void (*leave)(struct task *task);
} task_rows[HUB_STATE_COUNT] = {
	[HUB_QUEUED] = {BIT(HUB_LEASED) | BIT(HUB_ENDED), enter_queued, leave_queued},
	[HUB_LEASED] = {BIT(HUB_QUEUED) | BIT(HUB_ENDED), enter_leased, leave_leased},
	[HUB_ENDED] = {0, enter_ended, leave_ended},
};

static void
task_log(const struct task *task, const char *reason)
{
	char id[ID_TEXT_BYTES];
	struct log_at at = LOG_AT_TASK(id_text(id, &task->row.id));

	switch (task->row.state) {
	case HUB_QUEUED:
		log_line(LOG_WARN, at, "task of job '%s' is queued again: %s", task->row.job_name, reason);
		break;
	case HUB_LEASED:
		log_line(LOG_INFO, at, "task of job '%s' leased to agent '%s'", task->row.job_name,
			 task->row.agent_name);
		break;
	case HUB_ENDED:
		log_line(LOG_INFO, at, "task of job '%s' ended: %s%s%s", task->row.job_name,
			 outcome_name(task->row.outcome), reason[0] != '\0' ? ": " : "", reason);
		break;
	case HUB_STATE_COUNT:
		UNREACHABLE();
	}
}

static void job_follow(struct job *job);

void
task_enter(struct task *task, enum hub_state to, enum outcome outcome, const char *reason)
{
	struct model *model = model_of(task->job);

	assert((task_rows[task->row.state].next & BIT(to)) != 0);
	assert((to == HUB_ENDED) == (outcome != OUTCOME_NONE));
	/* The agent has been set by lease_take() for the state to come. */
	task_rows[task->row.state].leave(task);
	task->row.state = to;
	task->row.outcome = outcome;
	snprintf(task->row.reason, sizeof(task->row.reason), "%s", to == HUB_LEASED ? "" : reason);
	if (to == HUB_QUEUED)
		task->row.queued_ms = model->unix_ms();
	if (to == HUB_LEASED)
		task->row.leased_ms = model->unix_ms();
	if (to == HUB_ENDED)
		task->row.ended_ms = model->unix_ms();
	task_remember(task, hub_state_name(to), to == HUB_LEASED ? task->row.agent_name : reason);
	task_log(task, reason);
	task_rows[to].enter(task);
	document_check(task->job);
	job_follow(task->job);
}

/* Make the nodes' tasks of one attempt; they are queued as they are made. */
static void
job_add_tasks(struct job *job, uint32_t attempt)
{
	struct model *model = model_of(job);
	uint32_t node;

	for (node = 0; node < job->row.parallelism; node++) {
		struct task_row row = {
			.attempt = attempt,
			.node_index = node,
			.state = HUB_QUEUED,
			.output_open = true,
			.queued_ms = model->unix_ms(),
		};
		struct task *task;

		id_random(&row.id);
		task = task_new(job, &row);
		task_remember(task, hub_state_name(HUB_QUEUED), "");
		enter_queued(task);
	}
}

static void
on_gathered(void *arg, struct store_op *op)
{
	struct task *task = arg;
	struct pipeline *pipeline = task->job->workflow->pipeline;

	(void)op;
	task->row.output_open = false;
	pipeline->open_tasks--;
	/* A pin's end looks whether the pipeline may go. */
	pipeline_pin(pipeline);
	pipeline_unpin(pipeline);
}

void
task_close_output(struct task *task)
{
	struct model *model = model_of(task->job);
	struct store_op *op;
	size_t i;

	assert(task->row.state == HUB_ENDED);
	if (!task->row.output_open || task->is_gathering)
		return;
	/* Who follows the output learns that this was all. */
	task_has_output(task);
	for (i = 0; i < task->position_count; i++)
		if (task->positions[i].offset > 0)
			break;
	if (i == task->position_count) {
		task->row.output_open = false;
		task->job->workflow->pipeline->open_tasks--;
		document_check(task->job);
		task_touch(task);
		return;
	}
	task->is_gathering = true;
	document_check(task->job);
	op = store_op_new(STORE_GATHER);
	op->id = task->row.id;
	store_submit(model->store, op, on_gathered, task);
}

bool
task_output_is_complete(const struct task *task)
{
	return task->row.state == HUB_ENDED && (!task->row.output_open || task->is_gathering);
}

static bool
output_is_complete(struct task *task)
{
	const struct step *step;

	for (step = task->steps; step != NULL; step = step->next)
		if (task_position(task, step->row.step, step->row.attempt)->offset < step->row.output_bytes)
			return false;
	return true;
}

void
task_check_output(struct task *task)
{
	struct model *model = model_of(task->job);

	if (task->row.state != HUB_ENDED || !task->row.output_open || task->is_gathering)
		return;
	/* Nobody may send for it any more when the hub itself ended it. */
	if (task->is_abandoned || output_is_complete(task)) {
		task_close_output(task);
		return;
	}
	if (task->output_until_ms == 0) {
		task->output_until_ms = model->mono_ms(model) + RUNNER_LOST_MS;
		model_want_clock(model, task->output_until_ms);
	}
}

void
task_place(struct task *task)
{
	switch (task->row.state) {
	case HUB_QUEUED:
		enter_queued(task);
		break;
	case HUB_LEASED:
		enter_leased(task);
		break;
	case HUB_ENDED:
		enter_ended(task);
		break;
	case HUB_STATE_COUNT:
		UNREACHABLE();
	}
}

/* --- jobs ---------------------------------------------------------------------------------- */

static uint32_t
last_attempt(const struct job *job)
{
	return job->task_count == 0 ? 0 : job->tasks[job->task_count - 1]->row.attempt;
}

/* Tasks of the job that are in that state, of all attempts. */
static size_t
count_tasks(const struct job *job, enum hub_state state)
{
	size_t i, n = 0;

	for (i = 0; i < job->task_count; i++)
		n += job->tasks[i]->row.state == state;
	return n;
}

/* Nobody who would run it is there: said once, and again when that has changed. */
static void
job_check_waiting(struct job *job)
{
	const char *sentence = job->class->agents == 0 ? job->class->sentence : NULL;

	if (job->waiting == sentence || job->row.state == JOB_ENDED)
		return;
	job->waiting = sentence;
	if (sentence != NULL)
		log_warn("job '%s' waits: %s", job->row.name, sentence);
	job_tell_waiting(job);
}

void
class_check_waiting(struct resource_class *class)
{
	struct task *task;

	for (task = class->queue; task != NULL; task = task->queue_next)
		job_check_waiting(task->job);
}

static void
job_enter_queued(struct job *job)
{
	if (job->row.queued_ms == 0)
		job->row.queued_ms = model_of(job)->unix_ms();
	/* Tasks that came back are queued already. */
	if (count_tasks(job, HUB_ENDED) == job->task_count)
		job_add_tasks(job, last_attempt(job) + 1);
	job_check_waiting(job);
}

/* To be run again: as if it had never run. */
static void
job_enter_blocked(struct job *job)
{
	job->row.by[0] = '\0';
	job->row.queued_ms = job->row.started_ms = job->row.ended_ms = 0;
	job->row.retried = 0;
}

static void
job_enter_running(struct job *job)
{
	if (job->row.started_ms == 0)
		job->row.started_ms = model_of(job)->unix_ms();
}

static void
job_enter_ended(struct job *job)
{
	job->row.ended_ms = model_of(job)->unix_ms();
	serial_leave(job);
}

static void
job_enter_held(struct job *job)
{
	(void)job;
}

static const struct {
	unsigned next;
	void (*enter)(struct job *job);
} job_rows[JOB_STATE_COUNT] = {
	[JOB_BLOCKED] = {BIT(JOB_ON_HOLD) | BIT(JOB_QUEUED) | BIT(JOB_ENDED),
			 job_enter_blocked},
	[JOB_ON_HOLD] = {BIT(JOB_ENDED), job_enter_held},
	[JOB_QUEUED] = {BIT(JOB_RUNNING) | BIT(JOB_ENDED), job_enter_queued},
	[JOB_RUNNING] = {BIT(JOB_QUEUED) | BIT(JOB_ENDED), job_enter_running},
	[JOB_ENDED] = {BIT(JOB_BLOCKED), job_enter_ended},
};

static void
job_log(const struct job *job)
{
	if (job->row.state == JOB_ENDED)
		log_info("job '%s' of workflow '%s' ended: %s%s%s", job->row.name, job->row.workflow_name,
			 outcome_name(job->row.outcome), job->row.reason[0] != '\0' ? ": " : "",
			 job->row.reason);
	else
		log_info("job '%s' of workflow '%s' is %s", job->row.name, job->row.workflow_name,
			 job_state_name(job->row.state));
}

void
job_enter(struct job *job, enum job_state to, enum outcome outcome, const char *reason)
{
	assert((job_rows[job->row.state].next & BIT(to)) != 0);
	assert((to == JOB_ENDED) == (outcome != OUTCOME_NONE));
	job->row.state = to;
	job->row.outcome = outcome;
	snprintf(job->row.reason, sizeof(job->row.reason), "%s", reason);
	if (job->waiting != NULL) {
		job->waiting = NULL;
		job_tell_waiting(job);
	}
	job_touch(job);
	job_log(job);
	job_rows[to].enter(job);
	if (to == JOB_ENDED)
		workflow_advance(job->workflow);
}

/* A job that may be run twice is, when it was its host that failed: all of it, as a new attempt. */
static bool
job_retry(struct job *job, enum outcome outcome, const struct task *task)
{
	char reason[RUNNER_REASON_BYTES];

	if (outcome != OUTCOME_INFRA_FAIL || job->row.retried >= job->row.retries ||
	    task->row.cancel_by[0] != '\0' || job->workflow->row.canceled_by[0] != '\0')
		return false;
	job->row.retried++;
	(void)snprintf(reason, sizeof(reason), "retry %u of %u after an infrastructure failure: %.130s",
		       job->row.retried, job->row.retries, task->row.reason);
	job_enter(job, JOB_QUEUED, OUTCOME_NONE, reason);
	return true;
}

/* One of its tasks has changed: the job's own state comes from theirs. */
static void
job_follow(struct job *job)
{
	const struct task *task = NULL;
	enum outcome outcome;

	if (job->row.state == JOB_ENDED)
		return;
	if (schedule_job_outcome(job, &outcome, &task)) {
		if (!job_retry(job, outcome, task))
			job_enter(job, JOB_ENDED, outcome, task->row.reason);
		return;
	}
	if (job->row.state == JOB_QUEUED && count_tasks(job, HUB_LEASED) > 0)
		job_enter(job, JOB_RUNNING, OUTCOME_NONE, "");
	else if (job->row.state == JOB_RUNNING && count_tasks(job, HUB_QUEUED) == job->row.parallelism)
		job_enter(job, JOB_QUEUED, OUTCOME_NONE, "");
}

void
job_begin(struct job *job)
{
	if (strcmp(job->row.type, plan_job_type_name(PLAN_JOB_APPROVAL)) == 0)
		job_enter(job, JOB_ON_HOLD, OUTCOME_NONE, "");
	else if (job->class == NULL)
		job_enter(job, JOB_ENDED, OUTCOME_SUCCESS, "");
	else
		job_enter(job, JOB_QUEUED, OUTCOME_NONE, "");
}

/* --- workflows and pipelines ------------------------------------------------------------------ */

static void
pipeline_enter(struct pipeline *pipeline, enum pipeline_state to, enum outcome outcome)
{
	assert(pipeline->row.state != to);
	pipeline->row.state = to;
	pipeline->row.outcome = outcome;
	pipeline->row.ended_ms = to == PIPELINE_ENDED ? pipeline->model->unix_ms() : 0;
	pipeline_touch(pipeline);
	if (to == PIPELINE_RUNNING) {
		pipeline->model->counts.pipelines_active++;
		return;
	}
	pipeline->model->counts.pipelines_active--;
	log_info("pipeline %lld of project '%s' ended: %s", (long long)pipeline->row.number,
		 pipeline->row.project_slug, outcome_name(outcome));
}

void
pipeline_advance(struct pipeline *pipeline)
{
	enum pipeline_state state;
	enum outcome outcome;

	if (pipeline->row.state == PIPELINE_ENDED)
		return;
	schedule_pipeline(pipeline, &state, &outcome);
	if (state != pipeline->row.state)
		pipeline_enter(pipeline, state, outcome);
}

static const unsigned workflow_next[WORKFLOW_STATE_COUNT] = {
	[WORKFLOW_RUNNING] = BIT(WORKFLOW_FAILING) | BIT(WORKFLOW_ON_HOLD) | BIT(WORKFLOW_ENDED),
	[WORKFLOW_FAILING] = BIT(WORKFLOW_RUNNING) | BIT(WORKFLOW_ON_HOLD) | BIT(WORKFLOW_ENDED),
	[WORKFLOW_ON_HOLD] = BIT(WORKFLOW_RUNNING) | BIT(WORKFLOW_FAILING) | BIT(WORKFLOW_ENDED),
	[WORKFLOW_ENDED] = BIT(WORKFLOW_RUNNING),
};

static void
workflow_enter(struct workflow *workflow, enum workflow_state to, enum outcome outcome)
{
	assert((workflow_next[workflow->row.state] & BIT(to)) != 0);
	workflow->row.state = to;
	workflow->row.outcome = outcome;
	workflow->row.ended_ms = to == WORKFLOW_ENDED ? workflow->pipeline->model->unix_ms() : 0;
	workflow_touch(workflow);
	if (to != WORKFLOW_ENDED)
		return;
	log_info("workflow '%s' ended: %s", workflow->row.name, outcome_name(outcome));
	pipeline_advance(workflow->pipeline);
}

void
workflow_begin_again(struct workflow *workflow)
{
	if (workflow->pipeline->row.state == PIPELINE_ENDED)
		pipeline_enter(workflow->pipeline, PIPELINE_RUNNING, OUTCOME_NONE);
	workflow_enter(workflow, WORKFLOW_RUNNING, OUTCOME_NONE);
}

static bool
start_in_turn(struct job *job)
{
	switch (serial_enter(job)) {
	case SERIAL_RUN:
		job_begin(job);
		return true;
	case SERIAL_WAIT:
		return false;
	case SERIAL_SKIP:
		job_enter(job, JOB_ENDED, OUTCOME_NOT_RUN,
			  "a later pipeline has its serial group or waits for it");
		return true;
	}
	UNREACHABLE();
}

static bool
start_or_skip(struct job *job)
{
	if (job->row.state != JOB_BLOCKED)
		return false;
	switch (schedule_job(job)) {
	case VERDICT_WAIT:
		return false;
	case VERDICT_RUN:
		return start_in_turn(job);
	case VERDICT_SKIP:
		job_enter(job, JOB_ENDED, OUTCOME_NOT_RUN, "a job it requires ended otherwise");
		return true;
	}
	UNREACHABLE();
}

void
workflow_advance(struct workflow *workflow)
{
	enum workflow_state state;
	enum outcome outcome;
	bool again;
	size_t i;

	/* A job that ends at once comes here from within: the outermost call goes on for it. */
	if (workflow->is_advancing)
		return;
	do {
		workflow->is_advancing = true;
		for (again = true; again;)
			for (again = false, i = 0; i < workflow->job_count; i++)
				again |= start_or_skip(workflow->jobs[i]);
		workflow->is_advancing = false;
		schedule_workflow(workflow, &state, &outcome);
	} while (state == WORKFLOW_ENDED && workflow->row.state != WORKFLOW_ENDED &&
		 workflow_rerun_by_itself(workflow, outcome));
	if (state != workflow->row.state)
		workflow_enter(workflow, state, outcome);
}

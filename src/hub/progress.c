/*
 * progress.c - what an agent reports of its tasks: events and output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/progress.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "hub/document.h"
#include "hub/lease.h"
#include "hub/model.h"
#include "hub/states.h"
#include "task/event.h"
#include "task/names.h"
#include "task/output_record.h"

/* --- events ---------------------------------------------------------------------------------- */

static struct step *
step_of(struct task *task, const struct task_event *event)
{
	struct step *step = task_step(task, event->step, event->attempt);
	struct step_row row = {.step = event->step, .attempt = event->attempt,
			       .exit_code = EVENT_NO_EXIT_CODE};
	const char *name, *kind;

	if (step != NULL)
		return step;
	task_step_words(task, event->step, &name, &kind);
	snprintf(row.name, sizeof(row.name), "%s", name != NULL ? name : "");
	snprintf(row.kind, sizeof(row.kind), "%s", kind != NULL ? kind : "");
	return step_new(task, &row);
}

/* Output may come before the event that says that it runs: a task never goes back. */
static void
reach(struct task *task, enum task_state phase)
{
	if (task->row.phase < phase) {
		task->row.phase = phase;
		task_touch(task);
	}
	/* The period of a task that runs is longer. */
	lease_renew(task);
}

static void
do_phase(struct task *task, const struct task_event *event)
{
	static const enum task_state phases[EVENT_COUNT] = {
		[EVENT_PREPARING] = TASK_PREPARING,
		[EVENT_RUNNING] = TASK_RUNNING,
		[EVENT_FINISHING] = TASK_FINISHING,
	};

	reach(task, phases[event->type]);
	task_remember_at(task, task_state_name(phases[event->type]), "", event->time_ms);
	if (task->row.started_ms == 0)
		task->row.started_ms = event->time_ms;
}

static void
do_step_started(struct task *task, const struct task_event *event)
{
	struct step *step = step_of(task, event);

	reach(task, TASK_RUNNING);
	step->row.state = STEP_RUNNING;
	step->row.started_ms = event->time_ms;
	step_touch(step);
}

static void
do_step_ended(struct task *task, const struct task_event *event)
{
	struct step *step = step_of(task, event);
	struct step_row *row = &step->row;

	row->state = STEP_ENDED;
	row->outcome = event->outcome;
	snprintf(row->reason, sizeof(row->reason), "%s", event->reason);
	row->exit_code = event->exit_code;
	row->signal = event->signal;
	row->output_bytes = event->output_bytes;
	row->wall_ms = event->wall_ms;
	row->user_us = event->user_us;
	row->system_us = event->system_us;
	row->max_rss_bytes = event->max_rss_bytes;
	row->peak_bytes = event->peak_bytes;
	row->read_bytes = event->read_bytes;
	row->write_bytes = event->write_bytes;
	row->ended_ms = event->time_ms;
	step_touch(step);
}

static void
do_ended(struct task *task, const struct task_event *event)
{
	task->row.phase = TASK_DONE;
	task_enter(task, HUB_ENDED, event->outcome, event->reason);
}

static void (*const event_rows[EVENT_COUNT])(struct task *task, const struct task_event *event) = {
	[EVENT_PREPARING] = do_phase,
	[EVENT_RUNNING] = do_phase,
	[EVENT_STEP_STARTED] = do_step_started,
	[EVENT_STEP_ENDED] = do_step_ended,
	[EVENT_FINISHING] = do_phase,
	[EVENT_ENDED] = do_ended,
};

static int
check_event(struct task *task, const struct task_event *event, struct err *err)
{
	bool of_step = event->type == EVENT_STEP_STARTED || event->type == EVENT_STEP_ENDED;
	enum outcome outcome = event->outcome;

	if (of_step && event->step >= task_step_count(task))
		return err_set(err, ERR_INPUT, "the task has no step %u", event->step);
	if (of_step && (event->attempt < 1 || event->attempt > MODEL_ATTEMPTS_MOST))
		return err_set(err, ERR_INPUT, "attempt %u is not within 1 to %d", event->attempt,
			       MODEL_ATTEMPTS_MOST);
	if (outcome == OUTCOME_UNAUTHORIZED)
		return err_set(err, ERR_INPUT, "outcome 'unauthorized' is the hub's alone to give");
	if (event->type == EVENT_STEP_ENDED && (outcome == OUTCOME_NONE || outcome == OUTCOME_NOT_RUN))
		return err_set(err, ERR_INPUT, "a step that has ended needs an outcome");
	if (event->type == EVENT_ENDED &&
	    (outcome == OUTCOME_NONE || outcome == OUTCOME_SKIPPED || outcome == OUTCOME_NOT_RUN))
		return err_set(err, ERR_INPUT, "a task that has ended needs an outcome of a task");
	return 0;
}

/* Its agent would send the same again for ever: the two disagree on what the task is. */
static void
end_contradicted(struct task *task, const struct task_event *event, const struct err *err)
{
	char reason[RUNNER_REASON_BYTES];

	snprintf(reason, sizeof(reason), "agent '%.60s' reported what cannot be (event %u): %.80s",
		 task->row.agent_name, event->seq, err->text);
	task->is_abandoned = true;
	task_enter(task, HUB_ENDED, OUTCOME_INFRA_FAIL, reason);
}

enum progress
progress_event(struct model *model, const struct id *agent, const struct task_event *event,
	       uint32_t *seq)
{
	struct task *task = model_task(model, &event->task);
	struct err err = ERR_INIT;

	*seq = 0;
	if (task == NULL || task->row.epoch != event->epoch || !id_eq(&task->row.agent, agent))
		return PROGRESS_GONE;
	*seq = task->row.event_seq;
	if (event->seq <= task->row.event_seq)
		return PROGRESS_OK;
	if (!lease_is(task, agent, event->epoch))
		return PROGRESS_GONE;
	if (event->seq != task->row.event_seq + 1)
		return PROGRESS_GAP;
	if (check_event(task, event, &err) < 0) {
		end_contradicted(task, event, &err);
		return PROGRESS_GONE;
	}
	*seq = ++task->row.event_seq;
	task_touch(task);
	event_rows[event->type](task, event);
	return PROGRESS_OK;
}

/* --- output ------------------------------------------------------------------------------------ */

/* Its holder may still send: it has the lease, or has ended it itself and is not done sending. */
static bool
takes_output(const struct task *task, const struct id *agent, uint32_t epoch)
{
	if (task->row.epoch != epoch || !id_eq(&task->row.agent, agent))
		return false;
	if (task->row.state == HUB_ENDED)
		return task->row.output_open && !task->is_gathering && !task->is_abandoned;
	return task->row.state == HUB_LEASED;
}

static enum progress
refused(struct err *err, const struct output_record *record)
{
	err->code = err_set(err, ERR_INPUT, "the task has no step %u with attempt %u", record->step,
			    record->attempt);
	return PROGRESS_REFUSED;
}

enum progress
progress_output(struct model *model, const struct id *agent, const struct output_record *record,
		uint64_t *offset, bool *is_new, struct err *err)
{
	struct task *task = model_task(model, &record->task);
	const struct position *position;

	*offset = 0;
	*is_new = false;
	if (task == NULL || !takes_output(task, agent, record->epoch))
		return PROGRESS_GONE;
	if (record->step >= task_step_count(task) || record->attempt < 1 ||
	    record->attempt > MODEL_ATTEMPTS_MOST)
		return refused(err, record);
	position = task_position(task, record->step, record->attempt);
	*offset = position->offset;
	if (record->offset + record->raw_len <= position->offset)
		return PROGRESS_OK;
	if (record->offset != position->offset)
		return PROGRESS_GAP;
	*offset += record->raw_len;
	*is_new = true;
	return PROGRESS_OK;
}

void
progress_output_position(struct model *model, const struct output_record *record)
{
	struct task *task = model_task(model, &record->task);
	struct position *position = task_position(task, record->step, record->attempt);
	struct step *step = task_step(task, record->step, record->attempt);

	/* What has printed has run: its lease is not one that may be given to another. */
	if (task->row.state == HUB_LEASED)
		reach(task, TASK_RUNNING);
	position->offset = record->offset + record->raw_len;
	if (step != NULL && step->row.state == STEP_RUNNING)
		step->row.output_bytes = position->offset;
}

void
progress_output_submitted(struct model *model, const struct id *id)
{
	struct task *task = model_task(model, id);

	if (task == NULL)
		return;
	task_has_output(task);
	/* Behind the store's write: the file is gathered after it. */
	task_check_output(task);
}

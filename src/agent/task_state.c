/*
 * task_state.c - the states of a task: one row each, and the one function that changes them.
 *
 * task_want() looks at the state's row and does what can be done; every callback ends in
 * it. A change of state goes through task_enter() alone. What cannot be journaled has not
 * happened: the same is tried again a second later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "agent/task_struct.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "task/mask.h"
#include "task/names.h"
#include "task/task_doc.h"

enum {
	JOURNAL_RETRY_MS = 1000,
	ANSWER_MS = SUPERVISOR_GIVE_UP_MS + 15000, /* to end everything, after the grace */
};

#define BIT(state) (1u << (state))
#define AT(task)   LOG_AT_TASK((task)->id_text)

/* --- journal and verdict --- */

static uint32_t
grace_of(const struct task *task)
{
	return task->dropped ? SUPERVISOR_NO_GRACE : task->tasks->settings.grace_ms;
}

bool
task_journal_append(struct task *task, struct journal_record *record)
{
	struct err err = ERR_INIT;
	enum event_type event;

	if (journal_append(&task->journal, record, &err) < 0) {
		log_line(LOG_ERROR, AT(task), "%s; trying again in %d ms", err.text,
			 JOURNAL_RETRY_MS);
		timer_start_ms(&task->timer, JOURNAL_RETRY_MS);
		return false;
	}
	if (!journal_type_event(record->type, &event))
		return true;
	task->tasks->counters.events++;
	task->tasks->hooks.on_events(task->tasks->hooks.arg, task);
	return true;
}

void
task_judge(struct task *task, enum outcome outcome, const char *reason)
{
	struct journal_record record;

	if (task->verdict != OUTCOME_NONE || task->state >= TASK_FINISHING)
		return;
	journal_record_init(&record, JOURNAL_VERDICT);
	record.outcome = outcome;
	(void)snprintf(record.reason, sizeof(record.reason), "%s", reason);
	mask_text(task->mask, record.reason);
	/* Without room in the journal it holds for this runnerd, and its cause for the next one. */
	(void)task_journal_append(task, &record);
	task->verdict = outcome;
	memcpy(task->reason, record.reason, sizeof(task->reason));
	log_line(LOG_INFO, AT(task), "will end as %s: %s", outcome_name(outcome), task->reason);
}

/* --- the states --- */

static bool
want_claimed(struct task *task)
{
	if (!task->begun)
		return false;
	return task_enter(task, task->verdict == OUTCOME_NONE ? TASK_PREPARING : TASK_FINISHING);
}

static void
enter_preparing(struct task *task)
{
	task->prepared = true;
	(void)task_prepare(task); /* where it fails it has judged */
}

static bool
want_preparing(struct task *task)
{
	if (task->verdict != OUTCOME_NONE)
		return task_stop_hook(task) && task_enter(task, TASK_FINISHING);
	if (!task->masked)
		turn_want(&task->masking);
	if (!task->ready || !task->masked)
		return false;
	if (!task_pre_job(task))
		return task->verdict != OUTCOME_NONE;
	return task_enter(task, TASK_RUNNING);
}

static bool
want_running(struct task *task)
{
	task_end_steps(task);
	if (task->verdict != OUTCOME_NONE)
		return task_enter(task, TASK_FINISHING);
	if (!task->ready || task->current != NULL)
		return false;
	if (sequence_next(&task->sequence, task->doc) == SEQUENCE_FINISH)
		return task_enter(task, TASK_FINISHING);
	return task_next_step(task);
}

void
task_expect_answer(struct task *task, uint64_t grace_ms)
{
	uint64_t ms = grace_ms + ANSWER_MS;

	task->answer_due_us = loop_now_us(task->tasks->loop) + ms * 1000;
	timer_start_ms(&task->timer, ms);
}

void
task_kill_all(struct task *task)
{
	struct message message = {.type = MESSAGE_KILL_ALL, .kill_all = {grace_of(task)}};
	uint32_t grace_ms = grace_of(task);

	task->kill_sent = true;
	task->empty = false;
	supervisor_send(&task->supervisor, &message, NULL, 0);
	task_expect_answer(task, grace_ms == SUPERVISOR_NO_GRACE ? 0 : grace_ms);
}

void
task_quit_supervisor(struct task *task)
{
	supervisor_quit(&task->supervisor, SUPERVISOR_NO_GRACE);
	task_expect_answer(task, 0);
}

/* What it has come to, or will. */
static enum outcome
outcome_of(const struct task *task)
{
	if (task->verdict != OUTCOME_NONE)
		return task->verdict;
	return task->sequence.failed ? OUTCOME_FAILED : OUTCOME_SUCCESS;
}

/*
 * Runner-init holds the memfds, and with them what is not in the spool yet: it is let go when
 * everything is there. Where nobody can print any more one message is enough.
 */
static bool
want_finishing(struct task *task)
{
	bool kept = task_will_be_kept(task, outcome_of(task));

	task_end_steps(task);
	if (supervisor_is_alive(&task->supervisor)) {
		if (!task->ready || task->supervisor.quit_sent)
			return false;
		if (!task->kill_sent && (kept || !task_steps_are_quiet(task)))
			task_kill_all(task);
		if (task->kill_sent && !task->empty)
			return false;
	}
	if (!task_steps_have_ended(task) || !task_drain_steps(task))
		return false;
	if (supervisor_is_alive(&task->supervisor) && !kept) {
		task_quit_supervisor(task);
		return false;
	}
	return task_leave_cgroup(task) && task_enter(task, TASK_DONE);
}

static void
on_work_gone(void *arg)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	task->work_gone = true;
	task_want(task);
}

void
task_remove_work(struct task *task)
{
	task->leaving = true;
	if (!task->has_work) {
		task->work_gone = true;
		return;
	}
	if (task->tasks->settings.keep_work) {
		work_dir_keep(&task->work, &task->tasks->work_dirs);
		log_line(LOG_INFO, AT(task), "kept '%s'", task->work.path);
		task->work_gone = true;
		return;
	}
	task->work_gone = work_dir_remove(&task->work, &task->tasks->work_dirs, on_work_gone, task);
}

static void
enter_done(struct task *task)
{
	struct tasks *tasks = task->tasks;

	tasks->stuck -= task->stuck;
	task->stuck = false;
	timer_stop(&task->timer);
	task->answer_due_us = 0;
	later_stop(&task->tidy);
	turn_stop(&task->masking);
	if (task_will_be_kept(task, task->outcome))
		task_begin_keep(task, task->outcome);
	if (task_is_kept(task))
		task_ack_steps(task);
	else if (supervisor_is_alive(&task->supervisor))
		task_quit_supervisor(task); /* it was to be kept, and cannot be */
	else
		supervisor_release(&task->supervisor);
	task_lose_sessions(task, "the task has ended");
	task_free_steps(task);
	mask_free(task->mask);
	task->mask = NULL;
	tasks->counters.done++;
	tasks->counters.by_outcome[task->outcome]++;
	task->holds_slot = true;
	task_post_job(task);
}

void
task_leave(struct task *task)
{
	struct tasks *tasks = task->tasks;

	if (task_is_kept(task)) {
		task->left = true;
		task_bound_kept(tasks);
	} else {
		task_doc_free(task->doc);
		task->doc = NULL;
		task->cleaning = true;
		if (!task_leave_cgroup(task)) /* what a hook or a session has left */
			return;
		task->cleaning = false;
		if (!task_slot_is_clean(task))
			return; /* from its end we come again */
		task_remove_work(task);
	}
	if (!task->holds_slot)
		return;
	task->holds_slot = false;
	tasks->running--;
	tasks->hooks.on_done(tasks->hooks.arg, task);
}

/* And is to go now: nothing of it runs any more. */
static bool
was_kept(const struct task *task)
{
	return task->left && !task_is_kept(task) && !supervisor_is_alive(&task->supervisor);
}

static bool
want_done(struct task *task)
{
	bool sent = !journal_has_unsent(&task->journal) && spool_is_acked(&task->spool);

	if (task->cleaning && !child_is_running(&task->cleaner)) {
		task_leave(task);
	} else if (was_kept(task) && !task->leaving && !task->cleaning) {
		timer_stop(&task->timer); /* its runner-init has answered */
		task_leave(task);
	}
	if (task->left && task_is_kept(task) && sent && !task->resting) {
		task->resting = true;
		task->tasks->resting++;
		task->tasks->hooks.on_resting(task->tasks->hooks.arg, task);
	}
	/* By its directory the next runnerd finds a runner-init that has not heard us. */
	if (task->work_gone && (sent || task->dropped) && !task->removable &&
	    !supervisor_is_alive(&task->supervisor)) {
		task->removable = true;
		later_want(&task->tasks->reap);
	}
	return false;
}

static void
enter_unclaimed(struct task *task)
{
	task->tasks->running--;
	task->tasks->counters.unclaimed++;
	task->work_gone = true;
}

static bool
want_unclaimed(struct task *task)
{
	if (task->dropped && !task->removable) {
		task->removable = true;
		later_want(&task->tasks->reap);
	}
	return false;
}

static void
enter_finishing(struct task *task)
{
	task_end_sessions(task, task_will_be_kept(task, outcome_of(task))
					? "the task has ended; it is kept: attach again"
					: "the task has ended");
}

static void
enter_nothing(struct task *task)
{
	(void)task; /* what there is to do is in its want */
}

/* One row a state; what it is called and which record it is come from the same list. */
static const struct {
	unsigned next; /* bits of the states that may follow */
	enum journal_type record;
	void (*enter)(struct task *task);
	bool (*want)(struct task *task); /* true: look again */
} rows[TASK_STATE_COUNT] = {
	[TASK_CLAIMED] = {BIT(TASK_PREPARING) | BIT(TASK_FINISHING) | BIT(TASK_UNCLAIMED),
			  JOURNAL_CLAIMED, enter_nothing, want_claimed},
	[TASK_PREPARING] = {BIT(TASK_RUNNING) | BIT(TASK_FINISHING), JOURNAL_PREPARING,
			    enter_preparing, want_preparing},
	[TASK_RUNNING] = {BIT(TASK_FINISHING), JOURNAL_RUNNING, enter_nothing, want_running},
	[TASK_FINISHING] = {BIT(TASK_DONE), JOURNAL_FINISHING, enter_finishing, want_finishing},
	[TASK_DONE] = {0, JOURNAL_DONE, enter_done, want_done},
	[TASK_UNCLAIMED] = {0, JOURNAL_UNCLAIMED, enter_unclaimed, want_unclaimed},
};

/* --- the one function that changes the state --- */

/* What the task came to, when nothing has been decided against its steps' will. */
static void
conclude(struct task *task, struct journal_record *record)
{
	const struct sequence *sequence = &task->sequence;

	record->outcome = outcome_of(task);
	if (record->outcome == OUTCOME_FAILED && task->reason[0] == '\0')
		(void)snprintf(task->reason, sizeof(task->reason), "step %u '%.100s' failed",
			       sequence->failed_step, task->doc->steps[sequence->failed_step].name);
	memcpy(record->reason, task->reason, sizeof(record->reason));
}

bool
task_enter(struct task *task, enum task_state to)
{
	struct journal_record record;

	assert((rows[task->state].next & BIT(to)) != 0);
	journal_record_init(&record, rows[to].record);
	if (to == TASK_DONE)
		conclude(task, &record);
	if (to == TASK_RUNNING)
		record.wall_ms = loop_now_us(task->tasks->loop) / 1000;
	if (!task_journal_append(task, &record))
		return false;
	task->state = to;
	task->outcome = record.outcome;
	if (to == TASK_RUNNING) {
		task->running_ms = record.time_ms;
		task->running_us = (int64_t)record.wall_ms * 1000;
	}
	if (to == TASK_DONE)
		log_line(LOG_INFO, AT(task), "state done: %s%s%s", outcome_name(record.outcome),
			 record.reason[0] != '\0' ? ": " : "", record.reason);
	else
		log_line(LOG_INFO, AT(task), "state %s", task_state_name(to));
	rows[to].enter(task);
	return true;
}

void
task_want(struct task *task)
{
	bool again;

	OBJ_CHECK(task, TASK_MAGIC);
	if (task->wanting) {
		task->want_again = true;
		return;
	}
	task->wanting = true;
	do {
		task->want_again = false;
		again = rows[task->state].want(task);
	} while (again || task->want_again);
	task->wanting = false;
}

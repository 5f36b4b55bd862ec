/*
 * task.c - one task on this host, from its document to its end.
 *
 * task_want() looks at the state's row and does what can be done; every callback ends in
 * it. A change of state goes through task_enter() alone. What cannot be journaled has not
 * happened: the same is tried again a second later.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/task.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/cgroup.h"
#include "agent/holding.h"
#include "agent/job_hook.h"
#include "agent/state_dir.h"
#include "agent/task_struct.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "task/mask.h"
#include "task/names.h"
#include "task/task_doc.h"

enum {
	JOURNAL_RETRY_MS = 1000,
	ANSWER_MS = SUPERVISOR_GIVE_UP_MS + 15000, /* to end everything, after the grace */
};

#define BIT(state) (1u << (state))
#define AT(task)   LOG_AT_TASK((task)->id_text)

static bool task_enter(struct task *task, enum task_state to);

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

/* Many secrets take longer to be made ready than the loop may be held. A task that is found again
 * prints already: it has passed by here, and they are made ready at once. */
static void
on_masking(void *arg)
{
	struct task *task = arg;
	struct err err = ERR_INIT;

	OBJ_CHECK(task, TASK_MAGIC);
	if (mask_work(task->mask, &task->masked, &err) < 0)
		task_judge(task, OUTCOME_INFRA_FAIL, err.text);
	task_want(task);
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

static void
kill_all(struct task *task)
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
			kill_all(task);
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

static bool
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

/* --- life --- */

static void
on_timer(void *arg)
{
	struct task *task = arg;
	uint64_t now;

	OBJ_CHECK(task, TASK_MAGIC);
	if (task->answer_due_us != 0 && supervisor_is_alive(&task->supervisor)) {
		now = loop_now_us(task->tasks->loop);
		if (now >= task->answer_due_us) {
			log_line(LOG_WARN, AT(task), "runner-init does not answer: killing it");
			supervisor_kill(&task->supervisor);
			return;
		}
		timer_start_us(&task->timer, task->answer_due_us - now);
	}
	task_want(task);
}

static void
on_tidy(void *arg)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	if (task->state == TASK_RUNNING)
		task_tidy_steps(task);
	task_want(task);
}

static void
on_spool_room(void *arg)
{
	struct task *task = arg;
	struct step *step;

	OBJ_CHECK(task, TASK_MAGIC);
	task->wanting = true; /* the steps are walked through: nothing may end the task meanwhile */
	for (step = task->steps; step != NULL; step = step->next)
		if (step->has_output)
			output_resume(&step->output);
	task->wanting = false;
	later_want(&task->tidy);
}

static void
on_spool_unsent(void *arg)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	task->tasks->hooks.on_output(task->tasks->hooks.arg, task);
}

struct task *
task_alloc(struct tasks *tasks, const struct id *id, uint32_t epoch)
{
	struct task *task = MEM_NEW(struct task);

	task->magic = TASK_MAGIC;
	task->tasks = tasks;
	task->id = *id;
	(void)id_text(task->id_text, id);
	task->epoch = epoch;
	task->claimed_us = loop_now_us(tasks->loop);
	task->dir_fd = -1;
	task->slot = -1;
	task->cleaner = (struct child)CHILD_INIT;
	task->journal = (struct journal)JOURNAL_INIT;
	task->sequence = (struct sequence)SEQUENCE_INIT;
	rate_init(&task->rate, tasks->settings.output_rate, loop_now_us(tasks->loop));
	task->token = mem_strdup("");
	task->resource_class = mem_strdup("");
	task->job_name = mem_strdup("");
	timer_init(&task->timer, tasks->loop, on_timer, task);
	task_init_keep(task);
	later_init(&task->tidy, tasks->loop, on_tidy, task);
	turn_init(&task->masking, &tasks->press.turns, on_masking, task);
	return task;
}

void
task_open_spool(struct task *task)
{
	spool_init(&task->spool, task->dir_fd, &task->id, task->epoch,
		   task->tasks->settings.spool_most_bytes, on_spool_room, task);
	spool_share(&task->spool, task->tasks->settings.depot, on_spool_unsent);
	task->spool.more_is_dropped = task->tasks->press.limits.drops_when_full;
}

void
task_name_work_dir(struct task *task)
{
	work_dir_init(&task->work, &task->tasks->work_dirs, task->id_text);
	task->work.slot = task->slot;
	task->has_work = true;
}

void
task_dispose(struct task *task)
{
	OBJ_CHECK(task, TASK_MAGIC);
	timer_release(&task->timer);
	timer_release(&task->keep_timer);
	later_release(&task->tidy);
	turn_stop(&task->masking);
	job_hook_free(task->hook);
	task_drop_sessions(task);
	child_release(&task->cleaner);
	supervisor_release(&task->supervisor);
	task_free_steps(task);
	cgroup_free(task->cgroup);
	task_doc_free(task->doc);
	mask_free(task->mask);
	spool_release(&task->spool);
	journal_release(&task->journal);
	if (task->has_work) {
		task->work.queued = false;
		work_dir_release(&task->work);
	}
	if (task->dir_fd >= 0)
		(void)close(task->dir_fd);
	free(task->token);
	free(task->holding);
	free(task->resource_class);
	free(task->job_name);
	OBJ_WIPE(task);
	free(task);
}

/* --- what its owner may do --- */

static const struct task_step *
find_foreign_step(const struct task_doc *doc)
{
	size_t i;

	for (i = 0; i < doc->step_count; i++)
		if (!command_can_make(doc->steps[i].kind))
			return &doc->steps[i];
	return NULL;
}

void
task_begin(struct task *task, const char *holding)
{
	const struct task_step *foreign;
	char reason[RUNNER_REASON_BYTES];
	struct err err = ERR_INIT;

	OBJ_CHECK(task, TASK_MAGIC);
	if (task->state != TASK_CLAIMED || task->begun)
		return;
	task->begun = true;
	task->holding = mem_strdup(holding);
	if (holding_write(task->dir_fd, holding, &err) < 0)
		task_judge(task, OUTCOME_INFRA_FAIL, err.text);
	if (task->doc == NULL) {
		(void)snprintf(reason, sizeof(reason), "%s", task->reason);
		task_judge(task, OUTCOME_INFRA_FAIL, reason);
	} else if ((foreign = find_foreign_step(task->doc)) != NULL) {
		(void)snprintf(reason, sizeof(reason),
			       "this agent cannot run a step of kind '%.100s'", foreign->kind_name);
		task_judge(task, OUTCOME_INFRA_FAIL, reason);
	}
	task_want(task);
}

bool
task_unclaim(struct task *task)
{
	OBJ_CHECK(task, TASK_MAGIC);
	if (task->state != TASK_CLAIMED || task->begun)
		return false;
	return task_enter(task, TASK_UNCLAIMED);
}

void
task_cancel(struct task *task, const char *reason)
{
	OBJ_CHECK(task, TASK_MAGIC);
	task_judge(task, OUTCOME_CANCELED, reason);
	task->begun = true;
	task_want(task);
}

void
task_fail(struct task *task, const char *reason)
{
	OBJ_CHECK(task, TASK_MAGIC);
	task_judge(task, OUTCOME_INFRA_FAIL, reason);
	task->begun = true;
	task_want(task);
}

void
task_forget(struct task *task, const char *reason)
{
	struct journal_record record;

	OBJ_CHECK(task, TASK_MAGIC);
	if (task->dropped)
		return;
	journal_record_init(&record, JOURNAL_DROPPED);
	(void)snprintf(record.reason, sizeof(record.reason), "%s", reason);
	(void)task_journal_append(task, &record);
	task->dropped = true;
	spool_discard(&task->spool);
	log_line(LOG_INFO, AT(task), "forgotten: %s", reason);
	task_judge(task, OUTCOME_CANCELED, reason);
	task->begun = true;
	if (task->state == TASK_FINISHING && task->kill_sent &&
	    supervisor_is_alive(&task->supervisor))
		kill_all(task); /* without the grace that it has been given */
	task_want(task);
}

void
task_events_acked(struct task *task, uint32_t seq)
{
	struct err err = ERR_INIT;

	OBJ_CHECK(task, TASK_MAGIC);
	if (task->state == TASK_DONE && !task_is_kept(task) && seq == task->journal.last_seq)
		task->journal.acked = seq; /* the file goes: no need to write it there */
	else if (journal_acked(&task->journal, seq, &err) < 0)
		log_line(LOG_WARN, AT(task), "%s", err.text);
	task_want(task);
}

void
task_output_acked(struct task *task, uint32_t step, uint32_t attempt, uint64_t offset)
{
	OBJ_CHECK(task, TASK_MAGIC);
	spool_acked(&task->spool, step, attempt, offset);
	if (task->state == TASK_DONE)
		task_want(task);
}

/* --- what it is --- */

struct journal *
task_journal(struct task *task)
{
	return &task->journal;
}

struct spool *
task_spool(struct task *task)
{
	return &task->spool;
}

const struct id *
task_id(const struct task *task)
{
	return &task->id;
}

const char *
task_id_text(const struct task *task)
{
	return task->id_text;
}

uint32_t
task_epoch(const struct task *task)
{
	return task->epoch;
}

const char *
task_token(const struct task *task)
{
	return task->token;
}

uint64_t
task_lease_ms(const struct task *task)
{
	return task->lease_ms;
}

const char *
task_holding(const struct task *task)
{
	return task->holding;
}

const char *
task_resource_class(const struct task *task)
{
	return task->resource_class;
}

const char *
task_job_name(const struct task *task)
{
	return task->job_name;
}

enum task_state
task_state(const struct task *task)
{
	return task->state;
}

enum outcome
task_outcome(const struct task *task)
{
	return task->state == TASK_DONE ? task->outcome : task->verdict;
}

const char *
task_reason(const struct task *task)
{
	return task->reason;
}

bool
task_is_dropped(const struct task *task)
{
	return task->dropped;
}

int
task_current_step(const struct task *task)
{
	return task->current != NULL ? (int)task->current->index : -1;
}

const char *
task_last_line(const struct task *task)
{
	return task->last_line;
}

const char *
task_current_step_name(const struct task *task)
{
	return task->current != NULL ? task->current->doc->name : NULL;
}

int64_t
task_running_ms(const struct task *task)
{
	return task->running_ms;
}

pid_t
task_supervisor_pid(const struct task *task)
{
	return supervisor_pid(&task->supervisor);
}

void
task_set_owner(struct task *task, void *owner)
{
	task->owner = owner;
}

void *
task_owner(const struct task *task)
{
	return task->owner;
}

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

#include "agent/leftover.h"
#include "agent/state_dir.h"
#include "agent/task_struct.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "task/names.h"
#include "task/task_doc.h"

enum {
	JOURNAL_RETRY_MS = 1000,
	ANSWER_MS = SUPERVISOR_GIVE_UP_MS + 15000, /* for runner-init to end everything, after the grace */
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
		log_line(LOG_ERROR, AT(task), "%s; trying again in %d ms", err.text, JOURNAL_RETRY_MS);
		timer_start_ms(&task->timer, JOURNAL_RETRY_MS);
		return false;
	}
	if (journal_type_event(record->type, &event))
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
	/* Without room in the journal it holds for this runnerd, and its cause for the next one. */
	(void)task_journal_append(task, &record);
	task->verdict = outcome;
	(void)snprintf(task->reason, sizeof(task->reason), "%s", reason);
	log_line(LOG_INFO, AT(task), "will end as %s: %s", outcome_name(outcome), reason);
}

/* --- runner-init's news --- */

static void
on_step_state(void *arg, const struct message_step_state *state, int pipe_fd, int memfd)
{
	struct task *task = arg;
	struct err err = ERR_INIT;
	struct step *step;

	OBJ_CHECK(task, TASK_MAGIC);
	step = task_find_step(task, state->step, state->attempt);
	if (step == NULL && task->doc != NULL && state->step < task->doc->step_count) {
		struct step *current = task->current;

		/* The journal has its end; its survivors may print on. */
		step = task_add_step(task, state->step, state->attempt);
		step->ended = step->exited = step->drained = true;
		task->current = current;
	}
	if (step == NULL) {
		log_line(LOG_WARN, AT(task), "runner-init holds step %u, which the task has not", state->step);
		if (pipe_fd >= 0)
			(void)close(pipe_fd);
		if (memfd >= 0)
			(void)close(memfd);
		return;
	}
	step->told = true;
	if (step_adopt(step, pipe_fd, memfd, &err) < 0)
		task_judge(task, OUTCOME_INFRA_FAIL, err.text);
	else if (step->stopping != OUTCOME_NONE && !step->exited)
		step_stop_again(step);
}

/* What the journal says has begun and runner-init does not hold never reached it. */
static void
ask_untold_steps(struct task *task)
{
	struct step *step, *next;

	for (step = task->steps; step != NULL; step = next) {
		next = step->next;
		if (!step->told && !step->exited && !step->started)
			task_ask_step(task, step);
		step->told = false;
	}
}

static void
on_ready(void *arg)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	if (!task->fresh)
		ask_untold_steps(task);
	task->fresh = false;
	task->ready = true;
	task_want(task);
}

static void
on_step_started(void *arg, const struct message_step_started *started, int pipe_fd)
{
	struct task *task = arg;
	struct step *step;

	OBJ_CHECK(task, TASK_MAGIC);
	step = task_find_step(task, started->step, started->attempt);
	if (step != NULL)
		step_note_started(step, pipe_fd);
	else
		(void)close(pipe_fd);
}

/* Is it the host's fault, and not that of what the step asks for? */
static bool
is_of_host(uint32_t what)
{
	return what != FAULT_EXEC && what != FAULT_CWD_MAKE && what != FAULT_CWD_ENTER &&
	       what != FAULT_ROOM;
}

static void
on_step_failed(void *arg, const struct message_step_failed_to_start *failed)
{
	struct task *task = arg;
	char sentence[RUNNER_REASON_BYTES];
	struct step *step;

	OBJ_CHECK(task, TASK_MAGIC);
	step = task_find_step(task, failed->step, failed->attempt);
	if (step == NULL)
		return;
	task_fault_sentence(sentence, task, step, failed);
	step_note_failed(step, sentence, is_of_host(failed->what));
}

static void
on_step_exited(void *arg, const struct message_step_exited *exited)
{
	struct task *task = arg;
	struct step *step;

	OBJ_CHECK(task, TASK_MAGIC);
	step = task_find_step(task, exited->step, exited->attempt);
	if (step != NULL)
		step_note_exited(step, exited);
}

static void
on_empty(void *arg, uint32_t left)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	if (left > 0)
		log_line(LOG_WARN, AT(task), "%u processes could not be ended", left);
	task->empty = task->kill_sent;
	task_want(task);
}

static void
on_error(void *arg, const struct message_error *error)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	log_line(LOG_WARN, AT(task), "runner-init cannot %s%s%s", message_fault_sentence(error->what),
		 error->sys != 0 ? ": " : "", error->sys != 0 ? strerror((int)error->sys) : "");
}

static void
on_gone(void *arg, const char *reason)
{
	struct task *task = arg;
	unsigned killed = 0;

	OBJ_CHECK(task, TASK_MAGIC);
	if (task->state == TASK_PREPARING && !task->ready && task_prepare(task))
		return; /* the one that was found was on its way out; nothing has run yet */
	task->wanting = true; /* the steps are walked through: nothing may end the task meanwhile */
	if (reason != NULL && !supervisor_has_namespace(&task->supervisor) && task->has_work)
		killed = leftover_kill(task->work.path);
	if (killed > 0)
		log_line(LOG_WARN, AT(task), "killed %u processes that runner-init left behind", killed);
	if (reason != NULL) {
		log_line(LOG_WARN, AT(task), "%s", reason);
		task_judge(task, OUTCOME_INFRA_FAIL, reason);
		task_lose_steps(task, reason);
	}
	task->wanting = false;
	task_want(task);
}

static const struct supervisor_hooks hooks_of_supervisor = {
	.on_step_state = on_step_state,
	.on_ready = on_ready,
	.on_step_started = on_step_started,
	.on_step_failed = on_step_failed,
	.on_step_exited = on_step_exited,
	.on_empty = on_empty,
	.on_error = on_error,
	.on_gone = on_gone,
};

bool
task_prepare(struct task *task)
{
	struct supervisor_hooks hooks = hooks_of_supervisor;
	struct tasks *tasks = task->tasks;
	struct err err = ERR_INIT;

	hooks.arg = task;
	supervisor_release(&task->supervisor);
	task->ready = task->fresh = true;
	if (work_dir_make(&task->work, &err) == 0 &&
	    supervisor_start(&task->supervisor, tasks->loop, tasks->executor, task->dir_fd,
			     tasks->settings.orphan_ms, &hooks, &err) == 0)
		return true;
	task_judge(task, OUTCOME_INFRA_FAIL, err.text);
	return false;
}

int
task_find_supervisor(struct task *task, struct err *err)
{
	struct supervisor_hooks hooks = hooks_of_supervisor;

	hooks.arg = task;
	return supervisor_find(&task->supervisor, task->tasks->loop, task->dir_fd, &hooks, err);
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
	(void)task_prepare(task); /* where it fails it has judged */
}

static bool
want_preparing(struct task *task)
{
	if (task->verdict != OUTCOME_NONE)
		return task_enter(task, TASK_FINISHING);
	return task->ready && task_enter(task, TASK_RUNNING);
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

static void
kill_all(struct task *task)
{
	struct message message = {.type = MESSAGE_KILL_ALL, .kill_all = {grace_of(task)}};
	uint32_t grace_ms = grace_of(task);

	task->kill_sent = true;
	task->empty = false;
	supervisor_send(&task->supervisor, &message, NULL, 0);
	if (grace_ms == SUPERVISOR_NO_GRACE)
		grace_ms = 0;
	timer_start_ms(&task->timer, (uint64_t)grace_ms + ANSWER_MS);
}

static void
quit(struct task *task)
{
	supervisor_quit(&task->supervisor, SUPERVISOR_NO_GRACE);
	timer_start_ms(&task->timer, ANSWER_MS);
}

/*
 * Runner-init holds the memfds, and with them what is not in the spool yet: it is let go when everything is there.
 * Where nobody can print any more one message is enough.
 */
static bool
want_finishing(struct task *task)
{
	task_end_steps(task);
	if (supervisor_is_alive(&task->supervisor)) {
		if (!task->ready || task->supervisor.quit_sent)
			return false;
		if (!task->kill_sent && !task_steps_are_quiet(task))
			kill_all(task);
		if (task->kill_sent && !task->empty)
			return false;
	}
	if (!task_steps_have_ended(task) || !task_drain_steps(task))
		return false;
	if (supervisor_is_alive(&task->supervisor)) {
		quit(task);
		return false;
	}
	return task_enter(task, TASK_DONE);
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
	if (!task->has_work) {
		task->work_gone = true;
		return;
	}
	if (task->tasks->settings.keep_failed && task->outcome != OUTCOME_SUCCESS && !task->dropped) {
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

	timer_stop(&task->timer);
	later_stop(&task->tidy);
	supervisor_release(&task->supervisor);
	task_free_steps(task);
	task_doc_free(task->doc);
	task->doc = NULL;
	task_remove_work(task);
	tasks->running--;
	tasks->counters.done++;
	tasks->counters.by_outcome[task->outcome]++;
	tasks->hooks.on_done(tasks->hooks.arg, task);
}

static bool
want_done(struct task *task)
{
	bool sent = !journal_has_unsent(&task->journal) && spool_is_acked(&task->spool);

	if (task->work_gone && (sent || task->dropped) && !task->removable) {
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
	[TASK_FINISHING] = {BIT(TASK_DONE), JOURNAL_FINISHING, enter_nothing, want_finishing},
	[TASK_DONE] = {0, JOURNAL_DONE, enter_done, want_done},
	[TASK_UNCLAIMED] = {0, JOURNAL_UNCLAIMED, enter_unclaimed, want_unclaimed},
};

/* --- the one function that changes the state --- */

/* What the task came to, when nothing has been decided against its steps' will. */
static void
conclude(struct task *task, struct journal_record *record)
{
	const struct sequence *sequence = &task->sequence;

	record->outcome = task->verdict;
	if (record->outcome == OUTCOME_NONE)
		record->outcome = sequence->failed ? OUTCOME_FAILED : OUTCOME_SUCCESS;
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
	if (!task_journal_append(task, &record))
		return false;
	task->state = to;
	task->outcome = record.outcome;
	if (to == TASK_RUNNING)
		task->running_ms = record.time_ms;
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

	OBJ_CHECK(task, TASK_MAGIC);
	if (task->state == TASK_FINISHING && supervisor_is_alive(&task->supervisor) &&
	    (task->kill_sent || task->supervisor.quit_sent)) {
		log_line(LOG_WARN, AT(task), "runner-init does not answer: killing it");
		supervisor_kill(&task->supervisor);
		return;
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

struct task *
task_alloc(struct tasks *tasks, const struct id *id, uint32_t epoch)
{
	struct task *task = MEM_NEW(struct task);

	task->magic = TASK_MAGIC;
	task->tasks = tasks;
	task->id = *id;
	(void)id_text(task->id_text, id);
	task->epoch = epoch;
	task->dir_fd = -1;
	task->journal = (struct journal)JOURNAL_INIT;
	task->sequence = (struct sequence)SEQUENCE_INIT;
	task->token = mem_strdup("");
	task->resource_class = mem_strdup("");
	task->job_name = mem_strdup("");
	timer_init(&task->timer, tasks->loop, on_timer, task);
	later_init(&task->tidy, tasks->loop, on_tidy, task);
	return task;
}

void
task_open_spool(struct task *task)
{
	spool_init(&task->spool, task->dir_fd, &task->id, task->epoch,
		   task->tasks->settings.spool_most_bytes, on_spool_room, task);
}

void
task_name_work_dir(struct task *task)
{
	work_dir_init(&task->work, &task->tasks->work_dirs, task->id_text);
	task->has_work = true;
}

void
task_dispose(struct task *task)
{
	OBJ_CHECK(task, TASK_MAGIC);
	timer_release(&task->timer);
	later_release(&task->tidy);
	supervisor_release(&task->supervisor);
	task_free_steps(task);
	task_doc_free(task->doc);
	spool_release(&task->spool);
	journal_release(&task->journal);
	if (task->has_work) {
		task->work.queued = false;
		work_dir_release(&task->work);
	}
	if (task->dir_fd >= 0)
		(void)close(task->dir_fd);
	free(task->token);
	free(task->resource_class);
	free(task->job_name);
	OBJ_WIPE(task);
	free(task);
}

/* --- what its owner may do --- */

static const struct task_step *
find_unknown_step(const struct task_doc *doc)
{
	size_t i;

	for (i = 0; i < doc->step_count; i++)
		if (doc->steps[i].kind == STEP_KIND_UNKNOWN)
			return &doc->steps[i];
	return NULL;
}

void
task_begin(struct task *task)
{
	const struct task_step *unknown;
	char reason[RUNNER_REASON_BYTES];

	OBJ_CHECK(task, TASK_MAGIC);
	if (task->state != TASK_CLAIMED || task->begun)
		return;
	task->begun = true;
	if (task->doc == NULL) {
		(void)snprintf(reason, sizeof(reason), "%s", task->reason);
		task_judge(task, OUTCOME_INFRA_FAIL, reason);
	} else if ((unknown = find_unknown_step(task->doc)) != NULL) {
		(void)snprintf(reason, sizeof(reason), "this agent cannot run a step of kind '%.100s'",
			       unknown->kind_name);
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
	if (task->state == TASK_FINISHING && task->kill_sent && supervisor_is_alive(&task->supervisor))
		kill_all(task); /* without the grace that it has been given */
	task_want(task);
}

void
task_events_acked(struct task *task, uint32_t seq)
{
	struct err err = ERR_INIT;

	OBJ_CHECK(task, TASK_MAGIC);
	if (task->state == TASK_DONE && seq == task->journal.last_seq)
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

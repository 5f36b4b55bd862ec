/*
 * task.c - one task on this host, from its document to its end: its life, and what its owner may do.
 *
 * What happens in it is in task_state.c.
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
#include "agent/task_struct.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "task/mask.h"
#include "task/task_doc.h"

#define AT(task) LOG_AT_TASK((task)->id_text)

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
		task_kill_all(task); /* without the grace that it has been given */
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

/*
 * recovery.c - tasks that an earlier runnerd left behind, rebuilt from their state directories.
 *
 * The journal says what had been decided, the spool what had been kept, runner-init what
 * runs. A directory without a claimed record was never ours: the hub knows that from the
 * next claim, and gives the task to somebody.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/recovery.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/holding.h"
#include "agent/shelters.h"
#include "agent/state_dir.h"
#include "agent/state_version.h"
#include "agent/task_masks.h"
#include "agent/task_struct.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/json.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "runner/state_dir.h"
#include "task/names.h"
#include "task/task_doc.h"

/* --- replaying the journal --- */

static int
replay_step_started(struct task *task, const struct journal_record *record, struct err *err)
{
	if (task->doc == NULL || record->step >= task->doc->step_count)
		return err_set(err, ERR_INPUT, "the journal names step %u, which the task has not",
			       record->step);
	(void)task_add_step(task, record->step, record->attempt);
	if (task->doc->steps[record->step].background)
		sequence_pass(&task->sequence);
	return 0;
}

static void
remove_step(struct task *task, struct step *step)
{
	struct step **at = &task->steps;

	while (*at != step)
		at = &(*at)->next;
	*at = step->next;
	if (task->current == step)
		task->current = NULL;
	step_free(step);
}

static int
replay_step_ended(struct task *task, const struct journal_record *record, struct err *err)
{
	struct step *step = task_find_step(task, record->step, record->attempt);

	if (record->outcome == OUTCOME_SKIPPED) {
		sequence_pass(&task->sequence);
		return 0;
	}
	if (step == NULL)
		return err_set(err, ERR_INPUT, "the journal ends step %u, which has not begun",
			       record->step);
	remove_step(task, step);
	sequence_note_end(&task->sequence, task->doc, record->step, record->attempt,
			  record->outcome, record->time_ms);
	/* Such an end decides the task's; the record that says so may not have been written any
	 * more. */
	if (task->verdict == OUTCOME_NONE &&
	    (record->outcome == OUTCOME_TIMEDOUT || record->outcome == OUTCOME_INFRA_FAIL)) {
		task->verdict = record->outcome;
		memcpy(task->reason, record->reason, sizeof(task->reason));
	}
	return 0;
}

static void
replay_step_stopping(struct task *task, const struct journal_record *record)
{
	struct step *step = task_find_step(task, record->step, record->attempt);

	if (step == NULL)
		return;
	step->stopping = record->outcome;
	step->stop_size = record->output_bytes;
	memcpy(step->reason, record->reason, sizeof(step->reason));
}

/* A runnerd before version 4 noted the time of day alone. */
static void
replay_running(struct task *task, const struct journal_record *record)
{
	int64_t now_us = (int64_t)loop_now_us(task->tasks->loop);

	task->state = TASK_RUNNING;
	task->running_ms = record->time_ms;
	task->running_us = (int64_t)record->wall_ms * 1000;
	if (record->wall_ms == 0)
		task->running_us = now_us - (clock_unix_ms() - record->time_ms) * 1000;
}

/* A document that we do not read we would not have prepared. */
static int
replay_preparing(struct task *task, struct err *err)
{
	task->state = TASK_PREPARING;
	task->prepared = true;
	if (task->doc_version <= RUNNER_TASK_DOC)
		return 0;
	return state_version_check(STATE_DOCUMENT_NAME, (uint64_t)task->doc_version, RUNNER_TASK_DOC, err);
}

static int
on_record(void *arg, const struct journal_record *record, struct err *err)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	switch (record->type) {
	case JOURNAL_CLAIMED:
		task->state = TASK_CLAIMED;
		return 0;
	case JOURNAL_PREPARING:
		return replay_preparing(task, err);
	case JOURNAL_RUNNING:
		replay_running(task, record);
		return 0;
	case JOURNAL_STEP_STARTED:
		return replay_step_started(task, record, err);
	case JOURNAL_STEP_STOPPING:
		replay_step_stopping(task, record);
		return 0;
	case JOURNAL_STEP_ENDED:
		return replay_step_ended(task, record, err);
	case JOURNAL_VERDICT:
		task->verdict = record->outcome;
		memcpy(task->reason, record->reason, sizeof(task->reason));
		return 0;
	case JOURNAL_FINISHING:
		task->state = TASK_FINISHING;
		return 0;
	case JOURNAL_DONE:
		task->state = TASK_DONE;
		task->outcome = record->outcome;
		memcpy(task->reason, record->reason, sizeof(task->reason));
		return 0;
	case JOURNAL_UNCLAIMED:
		task->state = TASK_UNCLAIMED;
		return 0;
	case JOURNAL_DROPPED:
		task->dropped = true;
		return 0;
	case JOURNAL_HALTED:
		task->sequence.halted = true;
		return 0;
	case JOURNAL_ACKED:
		return 0;
	case JOURNAL_NO_TYPE:
	case JOURNAL_TYPE_COUNT:
		break;
	}
	UNREACHABLE(); /* journal_record_unpack() lets no other pass */
}

/* --- reading one task --- */

/* Where the id is a later one's affair it may be said otherwise. */
static int
foreign_document(const struct json *json, struct err *err)
{
	int64_t version = json_get_int(json, "version", 1);

	if (version > RUNNER_TASK_DOC)
		return state_version_check(STATE_DOCUMENT_NAME, (uint64_t)version, RUNNER_TASK_DOC, err);
	return err_set(err, ERR_INPUT, "its document is not of this task");
}

static int
read_document(struct tasks *tasks, const struct id *id, int dir_fd, struct task **out,
	      struct err *err)
{
	struct buffer text = BUFFER_INIT;
	struct json *json = NULL;
	struct id named;
	uint32_t epoch;
	const char *token;
	int rc =
		state_dir_read(dir_fd, STATE_DOCUMENT_NAME, RUNNER_TASK_DOC_MOST_BYTES, &text, err);

	if (rc == 0)
		rc = json_parse(&json, text.data, text.len, err);
	if (rc == 0 && (!task_doc_identity(json, &named, &epoch, &token) || !id_eq(&named, id)))
		rc = foreign_document(json, err);
	if (rc == 0) {
		*out = task_alloc(tasks, id, epoch);
		free((*out)->token);
		(*out)->token = mem_strdup(token);
		task_read_document(*out, json);
	}
	json_free(json);
	buffer_release(&text);
	return rc;
}

static int
read_task(struct task *task, struct err *err)
{
	int rc = journal_open(&task->journal, task->dir_fd, &task->id, task->epoch, on_record, task,
			      err);

	if (rc < 0)
		return rc;
	task_open_spool(task);
	rc = task_find_slot(task, err);
	if (rc == 0)
		rc = supervisor_check_log(task->dir_fd, err);
	if (rc == 0)
		rc = task_check_hooks(task, err);
	if (rc == 0)
		rc = task_recover_keep(task, err);
	if (rc == 0)
		rc = spool_recover(&task->spool, err);
	if (rc == 0 && task->mask != NULL)
		rc = task_masks_recover(task->dir_fd, task->mask, &task->masks_bytes, err);
	if (rc == 0 && task->state != TASK_CLAIMED)
		rc = holding_read(task->dir_fd, &task->holding, err);
	if (rc == 0 && task->dropped)
		spool_discard(&task->spool);
	return rc;
}

/* --- going on --- */

static void
lose(struct task *task, const char *reason)
{
	const char *words = supervisor_last_words(task->dir_fd);

	words = words != NULL ? words : reason;
	task_judge(task, OUTCOME_INFRA_FAIL, words);
	task->wanting = true; /* the steps are walked through: nothing may end the task meanwhile */
	task_lose_steps(task, words);
	task->wanting = false;
}

void
recovery_settle(struct task *task)
{
	struct tasks *tasks = task->tasks;

	if (!task->sought)
		return;
	task->sought = false;
	tasks->regained += task->ready;
	if (--tasks->sought == 0)
		log_info("connected to %zu tasks of an earlier runnerd in %llu ms", tasks->regained,
			 (unsigned long long)(loop_now_us(tasks->loop) - tasks->sought_us) / 1000);
}

/* In preparing nothing has run yet: what is missing is made. */
static void
reconnect(struct task *task)
{
	struct err err = ERR_INIT;
	int rc;

	if (task_open_cgroup(task, &err) < 0)
		log_line(LOG_WARN, LOG_AT_TASK(task->id_text), "%s", err.text);
	rc = task_find_supervisor(task, &err);

	if (rc == 0) { /* on_ready goes on */
		task->sought = true;
		task->tasks->sought++;
		return;
	}
	if (rc == ERR_GONE && task->state == TASK_PREPARING && task->verdict == OUTCOME_NONE) {
		(void)task_prepare(task);
		return;
	}
	if (rc == ERR_GONE)
		(void)snprintf(err.text, sizeof(err.text),
			       "runner-init ended while no runnerd was there");
	lose(task, err.text);
}

static void
go_on(struct task *task)
{
	struct tasks *tasks = task->tasks;

	log_line(LOG_INFO, LOG_AT_TASK(task->id_text), "recovered: state %s, %u records",
		 task_state_name(task->state), task->journal.records);
	switch (task->state) {
	case TASK_CLAIMED:
		return; /* its owner begins it when there is room */
	case TASK_PREPARING:
	case TASK_RUNNING:
	case TASK_FINISHING:
		task->begun = true;
		reconnect(task);
		break;
	case TASK_DONE:
		task_resume_keep(task);
		task_post_job(task);
		break;
	case TASK_UNCLAIMED:
		task->work_gone = true;
		break;
	case TASK_STATE_COUNT:
		UNREACHABLE();
	}
	if (journal_has_unsent(&task->journal))
		tasks->hooks.on_events(tasks->hooks.arg, task);
	if (spool_has_unsent(&task->spool))
		tasks->hooks.on_output(tasks->hooks.arg, task);
	task_want(task);
}

/*
 * What cannot be read is given up: nothing can be told of it any more, its events have no numbers.
 * The hub finds out by the lease. What runs is ended like a task that somebody else has.
 */
static int
doom(struct task *task, struct err *err)
{
	struct journal_record records[2];

	task_free_steps(task);
	journal_release(&task->journal);
	spool_release(&task->spool);
	task_open_spool(task);
	spool_discard(&task->spool);
	journal_record_init(&records[0], JOURNAL_FINISHING);
	journal_record_init(&records[1], JOURNAL_DROPPED);
	task->state = TASK_FINISHING;
	task->verdict = OUTCOME_CANCELED;
	task->dropped = true;
	return journal_replace(&task->journal, task->dir_fd, &task->id, task->epoch, records, 2,
			       err);
}

/* Removes what there is no task for. */
static void
clear_away(struct tasks *tasks, const struct id *id, int dir_fd, struct task *task)
{
	state_dir_remove_task(tasks->settings.state_dir, id, dir_fd);
	if (task != NULL)
		task_dispose(task); /* and with it dir_fd */
	else if (dir_fd >= 0)
		(void)close(dir_fd);
}

/* What the host refuses now it may grant later: the task is not to be given up for that. */
static bool
is_given_up(int rc)
{
	return rc == ERR_GONE || rc == ERR_INPUT;
}

/* *out is NULL where there was nothing to recover. Fails: the host refuses; all stays as it is. */
static int
recover_task(struct tasks *tasks, const struct id *id, struct task **out, struct err *err)
{
	struct task *task = NULL;
	char text[ID_TEXT_BYTES];
	int dir_fd = -1, rc;

	*out = NULL;
	rc = state_dir_open_task(tasks->settings.state_dir, id, &dir_fd, err);
	if (rc == 0)
		rc = read_document(tasks, id, dir_fd, &task, err);
	if (task != NULL)
		task->dir_fd = dir_fd;
	if (rc == 0)
		rc = read_task(task, err);
	if (is_given_up(rc))
		log_line(rc == ERR_GONE ? LOG_INFO : LOG_ERROR, LOG_AT_TASK(id_text(text, id)),
			 "not recovered: %s", err->text);
	/* A document that was cut short has no journal: it was never claimed, and nothing runs. */
	if (rc == ERR_INPUT && task == NULL &&
	    faccessat(dir_fd, STATE_JOURNAL_NAME, F_OK, 0) == 0) {
		task = task_alloc(tasks, id, 0);
		task->dir_fd = dir_fd;
	}
	if (rc == ERR_INPUT && task != NULL)
		rc = doom(task, err);
	if (is_given_up(rc)) {
		*err = (struct err)ERR_INIT;
		clear_away(tasks, id, dir_fd, task);
		return 0;
	}
	if (rc < 0) {
		if (task != NULL)
			task_dispose(task); /* and with it dir_fd */
		else if (dir_fd >= 0)
			(void)close(dir_fd);
		return err_wrap(err, "task %s", id_text(text, id));
	}
	task_name_work_dir(task);
	shelters_recognize(tasks->shelters, &task->work);
	tasks_hold(tasks, task);
	*out = task;
	return 0;
}

int
recovery_run(struct tasks *tasks, size_t *count, struct err *err)
{
	struct task **found;
	struct id *ids;
	size_t n, i;
	int rc = state_dir_list_tasks(tasks->settings.state_dir, &ids, &n, err);

	if (rc < 0)
		return rc;
	tasks->sought_us = clock_monotonic_us(); /* no turn of the loop has begun */
	*count = 0;
	found = MEM_NEW_ARRAY(struct task *, n + 1);
	for (i = 0; i < n && rc == 0; i++) {
		rc = recover_task(tasks, &ids[i], &found[*count], err);
		if (found[*count] != NULL)
			++*count;
	}
	/* Only now, so that who hears of them finds all of them. */
	for (i = 0; i < *count && rc == 0; i++)
		go_on(found[i]);
	tasks->counters.recovered += *count;
	free(found);
	free(ids);
	return rc;
}

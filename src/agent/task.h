/*
 * task.h - one task on this host, from its document to its end.
 *
 * claimed -> preparing -> running -> finishing -> done, or claimed -> unclaimed. One function
 * changes the state: it checks, journals, counts, logs, then acts. Tasks are made by
 * tasks_add() and tasks_recover(); who links them to the hub calls what is below.
 *
 * Events: journal_has_unsent(task_journal(task)) and journal_unsent(); when the hub has
 * stored them task_events_acked(). Output: spool_unsent(task_spool(task)) and
 * task_output_acked(). When a done task is acknowledged in both it removes itself (at the end
 * of the loop's turn, with on_removed).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_TASK_H
#define AGENT_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/states.h"

struct err;
struct id;
struct journal;
struct mask;
struct spool;
struct task;

/*
 * Leave claimed: prepare, run, end. holding says by name what of this host it may use (holding.h;
 * "": nothing by name); it is noted before anything runs, for the next runnerd.
 */
void task_begin(struct task *task, const char *holding);
/* What it was begun with, here or by an earlier runnerd; NULL: it has not begun. */
const char *task_holding(const struct task *task);

/*
 * Give it back before anything ran: false when it is too late for that. It stays, in state
 * unclaimed, until task_forget().
 */
bool task_unclaim(struct task *task);

/* End it as canceled: TERM, the grace, KILL; nothing further runs. Harmless when it is ending
 * already. */
void task_cancel(struct task *task, const char *reason);

/* End it as infra-fail for a reason of the agent's ("the hub refused its output"). Harmless when it
 * is ending. */
void task_fail(struct task *task, const char *reason);

/*
 * Its lease is another's, or the hub knows it no longer: kill it at once and send nothing more. It
 * removes itself when no process is left. For a task that is done or unclaimed: forget it now.
 */
void task_forget(struct task *task, const char *reason);

/* Mask a value in all that the task prints from now on; kept over a restart. Fails: ERR_INPUT (it is
 * too short to be one), ERR_LIMIT, ERR_HOST. */
int task_mask_value(struct task *task, const void *value, size_t len, struct err *err);

/* All that it masks; NULL when it is done, or has none. */
struct mask *task_mask(struct task *task);

/* What the hub has stored: both may be repeated, and out of order. */
void task_events_acked(struct task *task, uint32_t seq);
void task_output_acked(struct task *task, uint32_t step, uint32_t attempt, uint64_t offset);

struct journal *task_journal(struct task *task);
struct spool *task_spool(struct task *task);

const struct id *task_id(const struct task *task);
const char *task_id_text(const struct task *task);
uint32_t task_epoch(const struct task *task);
const char *task_token(const struct task *task);
uint64_t task_lease_ms(const struct task *task); /* as the document says */
const char *
task_resource_class(const struct task *task);	    /* "" when the document could not be read */
const char *task_job_name(const struct task *task); /* the same */
enum task_state task_state(const struct task *task);
enum outcome task_outcome(const struct task *task); /* OUTCOME_NONE while nothing is decided */
const char *task_reason(const struct task *task);   /* "" when there is none */
bool task_is_dropped(const struct task *task);	    /* task_forget() was called: send nothing */

/* For a status: the foreground step (or -1), and the last line that was printed ("" when there is
 * none). */
int task_current_step(const struct task *task);
const char *task_last_line(const struct task *task);
const char *task_current_step_name(const struct task *task); /* NULL when there is none */
int64_t task_running_ms(const struct task *task); /* Unix time when it began to run; 0: not yet */
pid_t task_supervisor_pid(const struct task *task); /* 0 when it has none, or none is known yet */

/* The times of its job's tests that a run before has left in the cache directory; the caller's, -1: none. */
int task_open_timings(const struct task *task);

/* The owner's own pointer. */
void task_set_owner(struct task *task, void *owner);
void *task_owner(const struct task *task);

#endif

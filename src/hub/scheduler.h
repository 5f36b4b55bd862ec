/*
 * scheduler.h - decisions alone: what may run, how things ended, who gets a task.
 *
 * No I/O, no clock, nothing is changed: facts of the model in, a decision out. states.h
 * and dispatch.h act on them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_SCHEDULER_H
#define HUB_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hub/model.h"
#include "hub/offer.h"

enum verdict {
	VERDICT_WAIT, /* something it requires has not ended */
	VERDICT_RUN,
	VERDICT_SKIP, /* something it requires ended in another way: not_run */
};

/* One thing that a blocked job requires. */
enum verdict schedule_requirement(const struct requirement *requirement);

/* Of a job that is blocked: skipped if anything it requires says so, once all of it has ended. */
enum verdict schedule_job(const struct job *job);

/* How a job's dependants see its end: one enum plan_status; 0 while it has not ended. */
unsigned schedule_status(const struct job *job);

/*
 * Of a job with tasks: true when all nodes of the last attempt have ended. Then *outcome is the worst
 * of theirs and *task one that ended so.
 */
bool schedule_job_outcome(const struct job *job, enum outcome *outcome, const struct task **task);

/* Where the workflow stands by its jobs. outcome is OUTCOME_NONE unless it has ended. */
void schedule_workflow(const struct workflow *workflow, enum workflow_state *state,
		       enum outcome *outcome);
void schedule_pipeline(const struct pipeline *pipeline, enum pipeline_state *state,
		       enum outcome *outcome);

enum { SCHEDULE_PATIENCE_MS = 60000 };

/*
 * Which task goes where next: the task that has waited longest among the heads of all queues that
 * an offer has room for, to the offer that is idlest (first come where they are equal). False when nothing
 * fits. The caller takes the task out of its queue and its room off the offer, then asks again.
 *
 * A task for which no offer has room enough is passed by younger ones of other classes. Once it has waited
 * for SCHEDULE_PATIENCE_MS it is passed no more on the offer that is least short of room for it, but by those that do
 * not make it wait longer. now_ms is Unix time, as in the tasks' rows.
 */
bool schedule_next(struct offer *const *offers, size_t count, int64_t now_ms, struct task **task,
		   struct offer **offer);

/* For people: of the head of a queue for which some offers have room, the older task that all of these
 * are kept for; NULL when one of them is not. */
const struct task *schedule_kept_for(struct offer *const *offers, size_t count, int64_t now_ms,
				     const struct task *task);

/* The same: the offer that is kept for a task, or would be if it waited long enough; NULL: none serves its
 * class and is short of room. */
const struct offer *schedule_nearest(struct offer *const *offers, size_t count, const struct task *task);

#endif

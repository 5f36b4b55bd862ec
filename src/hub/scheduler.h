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

/* What a waiting agent has room for. */
struct offer {
	unsigned free;	/* slots */
	unsigned total; /* of the agent: free / total says how idle it is */
	uint64_t since; /* order of arrival */
	struct {
		struct resource_class *class;
		unsigned slots;
	} classes[MODEL_CLASSES_OF_AGENT];
	unsigned class_count;
};

/* It takes a task of its class number idx. */
bool offer_has_room(const struct offer *offer, unsigned idx);

/*
 * Which task goes where next: the task that has waited longest among the heads of all queues that
 * an offer has room for, to the offer that is idlest (first come where they are equal). False when nothing
 * fits. The caller takes the task out of its queue and its room off the offer, then asks again.
 */
bool schedule_next(struct offer *const *offers, size_t count, struct task **task,
		   struct offer **offer);

/* One slot of class less. */
void offer_take(struct offer *offer, const struct resource_class *class);

#endif

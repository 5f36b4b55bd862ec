/*
 * berth.h - a task's place on this host: what it holds of its class, and what is under way for it.
 *
 * It is the task's owner pointer, made when it is first asked for. A hub that does not know what
 * classes reserve may give more than fits: such a task is ours, is renewed, and waits in its berth
 * until there is room.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_BERTH_H
#define AGENT_BERTH_H

#include <stdbool.h>

#include "agent/carrier.h"
#include "agent/errand.h"
#include "agent/slots.h"

struct task;
struct tasks;

struct berth {
	struct reservation reservation; /* while in_slot */
	bool in_slot;			/* holds what its class reserves */
	bool waiting;			/* for room: task_begin() was not called */
	struct errands errands;
	struct carriers carriers;
};

/* The task's own; made where it has none yet. */
struct berth *berth_of(struct task *task);
/* End what is under way for it, and forget what it holds: the slots, if they are still there, were
 * told before. */
void berth_drop(struct task *task);

/* The class in slots that the task counts under. */
unsigned berth_class(const struct slots *slots, const struct task *task);

/*
 * Hold what its class reserves, also where there is no room. words says by name what it has already
 * (it was found again); NULL: it is to be given its own.
 */
void berth_take_slot(struct task *task, struct slots *slots, const char *words);
/* The same after slots_replace(): what it holds is counted anew. Nothing where it holds nothing. */
void berth_retake_slot(struct task *task, struct slots *slots);
/* What it holds is free again, if it holds anything. */
void berth_leave_slot(struct task *task, struct slots *slots);

/* Begin it where there is room, else it waits. */
void berth_begin(struct task *task, struct slots *slots);
/* Begin those that wait, as far as there is room. */
void berths_begin_waiting(struct tasks *tasks, struct slots *slots);
bool berth_waits(const struct task *task);

#endif

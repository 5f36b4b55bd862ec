/*
 * berth.c - a task's place on this host: what it holds of its class, and what is under way for it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/berth.h"

#include <stdlib.h>

#include "agent/task.h"
#include "agent/tasks.h"
#include "base/mem.h"

struct berth *
berth_of(struct task *task)
{
	struct berth *berth = task_owner(task);

	if (berth == NULL) {
		berth = MEM_NEW(struct berth);
		task_set_owner(task, berth);
	}
	return berth;
}

void
berth_drop(struct task *task)
{
	struct berth *berth = task_owner(task);

	if (berth != NULL) {
		reservation_release(&berth->reservation);
		errands_release(&berth->errands);
		carriers_release(&berth->carriers);
	}
	free(berth);
	task_set_owner(task, NULL);
}

unsigned
berth_class(const struct slots *slots, const struct task *task)
{
	return slots_class_of(slots, task_resource_class(task));
}

void
berth_take_slot(struct task *task, struct slots *slots, const char *words)
{
	struct berth *berth = berth_of(task);

	slots_take(slots, berth_class(slots, task), words, &berth->reservation);
	berth->in_slot = true;
}

void
berth_retake_slot(struct task *task, struct slots *slots)
{
	struct berth *berth = berth_of(task);
	char *words = berth->reservation.words;

	if (!berth->in_slot)
		return;
	berth_take_slot(task, slots, words);
	free(words);
}

void
berth_leave_slot(struct task *task, struct slots *slots)
{
	struct berth *berth = task_owner(task);

	if (berth == NULL)
		return;
	if (berth->in_slot)
		slots_give(slots, &berth->reservation);
	berth->in_slot = false;
	berth->waiting = false;
}

void
berth_begin(struct task *task, struct slots *slots)
{
	struct berth *berth = berth_of(task);

	berth->waiting = slots_room(slots, berth_class(slots, task)) == 0;
	if (berth->waiting)
		return;
	berth_take_slot(task, slots, NULL);
	task_begin(task, berth->reservation.words);
}

void
berths_begin_waiting(struct tasks *tasks, struct slots *slots)
{
	struct task *task = NULL;

	while (slots_free(slots) > 0 && (task = tasks_next(tasks, task)) != NULL)
		if (berth_of(task)->waiting)
			berth_begin(task, slots);
}

bool
berth_waits(const struct task *task)
{
	const struct berth *berth = task_owner(task);

	return berth != NULL && berth->waiting;
}

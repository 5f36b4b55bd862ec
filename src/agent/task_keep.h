/*
 * task_keep.h - failed tasks that are kept for people to look at: for how long, and which.
 *
 * A task is to be kept when the settings say so and it fails, or when a person has asked for it
 * (task_keep()) and it does not succeed. Its processes end as always, its outcome is told, its slot is
 * free; but its runner-init stays, and with it its namespaces, and its work directory, until the time is
 * over, somebody lets it go, or there are newer ones and no room. A new runnerd goes on with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_TASK_KEEP_H
#define AGENT_TASK_KEEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct task;
struct tasks;

struct keep {
	uint64_t asked_ms; /* a person's: so long from its end on; 0: nobody asked */
	int64_t since_ms; /* Unix time when that began; 0: it has not */
	int64_t until_ms; /* Unix time; 0: it is not kept (yet, or any more) */
};

/*
 * A person wants it kept for so long from its end, or from now where it is kept already; 0: no
 * longer. Fails: ERR_GONE when it has ended and is not kept; ERR_LIMIT; ERR_HOST.
 */
int task_keep(struct task *task, uint64_t ms, struct err *err);

/* What is known of it, for the hub. */
const struct keep *task_keep_of(const struct task *task);

/* It is kept, and the hub has all of it: nobody waits for it any more. */
bool task_is_resting(const struct task *task);

/* Let the oldest go. False: none is kept. */
bool tasks_evict_kept(struct tasks *tasks, const char *why);

/* Counts each change of what task_keep_of() says of any. */
uint64_t tasks_keep_changes(const struct tasks *tasks);

#endif

/*
 * recovery.h - tasks that an earlier runnerd left behind, rebuilt from their state directories.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_RECOVERY_H
#define AGENT_RECOVERY_H

#include <stddef.h>

struct err;
struct task;
struct tasks;

/* See tasks_recover(). */
int recovery_run(struct tasks *tasks, size_t *count, struct err *err);

/* The runner-init of a task that was found has spoken, or does not any more. Harmless for any other task. */
void recovery_settle(struct task *task);

#endif

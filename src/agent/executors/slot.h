/*
 * slot.h - the executor that has runner-launcher start runner-init, as the user of the task's slot.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_EXECUTORS_SLOT_H
#define AGENT_EXECUTORS_SLOT_H

struct err;
struct executor;
struct launcher;

/*
 * isolation is "namespace" (a PID namespace besides the user), "user" (the user alone) or "auto" (the first
 * that works, found out here). NULL: "auto". launcher is borrowed. Fails: ERR_INPUT for "none", which would be no user
 * of its own, and for another word; ERR_HOST when the host has it not.
 */
int slot_executor_new(struct executor **out, struct launcher *launcher, const char *isolation,
		      struct err *err);

#endif

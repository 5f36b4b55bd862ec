/*
 * leftover.h - processes of a task whose runner-init has died without a PID namespace.
 *
 * They are known by the variable CIRCLE_INTERNAL_TASK_DATA in their environment, which each
 * step is given. A process that has changed it escapes: that is what the namespace is for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_LEFTOVER_H
#define AGENT_LEFTOVER_H

/* SIGKILL for every process whose variable is this path. Returns how many there were. */
unsigned leftover_kill(const char *task_path);

#endif

/*
 * built_in.h - the variables that every job has: CI, CIRCLE_*.
 *
 * Those of a self-hosted runner, and none that are deprecated. What is not known is not set.
 * CIRCLE_NODE_INDEX, CIRCLE_PREVIOUS_BUILD_NUM and CIRCLE_CONTINUATION_KEY come with a lease;
 * BASH_ENV and CIRCLE_INTERNAL_TASK_DATA are the agent's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_BUILT_IN_H
#define COMPILE_BUILT_IN_H

#include <stddef.h>

struct arena;
struct env_var;
struct plan_job;
struct plan_task_facts;

enum { BUILT_IN_MOST = 32 };

/*
 * Those of a job, above which its own stand, into vars, which has room for BUILT_IN_MOST; texts may
 * lie in the arena. Returns how many there are.
 */
size_t built_in_list(struct env_var *vars, struct arena *arena, const struct plan_job *job,
		     const struct plan_task_facts *facts);

#endif

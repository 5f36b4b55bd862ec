/*
 * class_environment.h - what a resource class adds to the environment of its tasks' steps.
 *
 * The devices that the task has, and the proxy and the certificates of this network, under every
 * name that programs look for. A job's own variables stand above them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CLASS_ENVIRONMENT_H
#define AGENT_CLASS_ENVIRONMENT_H

#include <stddef.h>

struct arena;
struct env_var;
struct slots_class;

/*
 * holding: what the task has by name (holding.h). All is in arena; *count is how many. NULL when
 * there is none, or the arena is full (which its owner sees).
 */
const struct env_var *class_environment(const struct slots_class *class, const char *holding,
					struct arena *arena, size_t *count);

#endif

/*
 * environment.h - the variables and paths a step sees.
 *
 * Everything is made in an arena; what the caller passes is borrowed by the result.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_ENVIRONMENT_H
#define AGENT_ENVIRONMENT_H

#include <stddef.h>

struct arena;
struct env_var;
struct err;

struct env_layer {
	const struct env_var *vars;
	size_t count;
};

/*
 * NAME=value of all layers, NULL-terminated, each name once: a later layer wins over an earlier
 * one, and within one the last; a value of NULL takes the name away. Fails: ERR_LIMIT when the arena is full.
 */
int environment_make(const char *const **out, struct arena *arena, const struct env_layer *layers,
		     size_t count, struct err *err);

/* "~" and "~/x" are in home, relative paths in base; NULL when the arena is full. */
const char *
environment_path(struct arena *arena, const char *home, const char *base, const char *path);

/* Our own PATH without relative and empty parts; the usual one when nothing is left. In the arena.
 */
const char *environment_search_path(struct arena *arena, const char *inherited);

#endif

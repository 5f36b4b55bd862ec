/*
 * step.h - the built-in steps: run, checkout, save_cache and so on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_STEP_H
#define COMPILE_STEP_H

#include <stdbool.h>

#include "compile/job.h"

bool step_is_builtin(const char *name);
void step_suggest(struct suggestion *suggestion);

/*
 * Append a built-in step; key is its name, body (filled in, NULL for a bare name) its keys.
 * What is wrong is told; what the caller cannot do is noted with job_need().
 */
void step_add(struct compilation *c, struct job_build *build, const struct node *key,
	      const struct node *body);

#endif

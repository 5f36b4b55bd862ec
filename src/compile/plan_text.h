/*
 * plan_text.h - a plan as config text, piece by piece; plan_process() puts them together.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_PLAN_TEXT_H
#define COMPILE_PLAN_TEXT_H

#include <stdbool.h>

#include "base/arena.h"
#include "compile/plan.h"

struct buffer;

/* A job's body, one key a line, all that compile() reads in a job. escapes_tags: for version 2.1.
 */
void
plan_write_job(const struct plan_job *job, struct buffer *out, unsigned depth, bool escapes_tags);

/* A plan with this content, which lives in the arena; the arena is taken. */
struct plan *plan_new(const struct plan *content, struct arena *arena);

#endif

/*
 * plan_string.h - strings of a plan as YAML scalars.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_PLAN_STRING_H
#define COMPILE_PLAN_STRING_H

#include <stdbool.h>

struct buffer;

/* Two spaces a level. */
void plan_write_indent(struct buffer *out, unsigned depth);

/* A scalar that reads back as this string, at this depth (two spaces each); no line end after it.
 */
void plan_write_string(const char *text, struct buffer *out, unsigned depth, bool escapes_tags);

/* The same for a key: always on one line. */
void plan_write_key(const char *text, struct buffer *out, bool escapes_tags);

#endif

/*
 * regex.h - does a regular expression match a whole string, as Java's matches() has it.
 *
 * PCRE2, anchored at both ends, UTF-8, with limits on work and depth.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_REGEX_H
#define COMPILE_REGEX_H

#include <stdbool.h>
#include <stddef.h>

#include "compile/compilation.h"

enum { REGEX_MATCH_LIMIT = 1000000, REGEX_DEPTH_LIMIT = 20000, REGEX_HEAP_LIMIT_KIB = 8192 };

/* false, and *matched false, after telling E_REGEX at spot. */
bool regex_match(struct compilation *c, const struct spot *spot, const char *pattern, size_t len,
		 const char *subject, bool *matched);

/* Whether it is one; false after telling E_REGEX at spot. */
bool regex_check(struct compilation *c, const struct spot *spot, const char *pattern, size_t len);

#endif

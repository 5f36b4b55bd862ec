/*
 * logic.h - logic statements: {and: [...]}, {or: [...]}, {not: s}, {equal: [...]},
 * {matches: {pattern, value}}, or a plain value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_LOGIC_H
#define COMPILE_LOGIC_H

#include <stdbool.h>

#include "compile/scope.h"

enum { LOGIC_DEPTH_MAX = 100 };

/*
 * Whether a statement (filled in) is true. false is returned after telling. A bare string
 * is an expression where expressions is the scope to evaluate it in (a workflow's when);
 * where that is NULL it is a string, true unless it is empty (a step's condition).
 */
bool logic_eval(struct compilation *c, const struct node *statement,
		const struct scope *expressions, bool *out);

#endif

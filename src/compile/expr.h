/*
 * expr.h - expressions: 'pipeline.git.branch == "main" and not parameters.dry'.
 *
 *	expr := and ("or" and)*			and := cmp ("and" cmp)*
 *	cmp := unary (OP unary)?		OP := == != >= > <= < starts-with matches
 *	unary := "not" unary | primary		primary := "(" expr ")" | literal | reference
 *
 * "and" and "or" give one of their operands, as in Lisp. Types are strict; null counts
 * as "" for starts-with and matches.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_EXPR_H
#define COMPILE_EXPR_H

#include <stdbool.h>
#include <stddef.h>

#include "compile/scope.h"

enum { EXPR_DEPTH_MAX = 100, EXPR_NOT_CLOSED = -1 };

struct expr {
	const char *text; /* not NUL-terminated */
	size_t len;
	struct spot spot; /* where diagnostics point */
	const struct scope *scope;
	bool is_tag; /* within "<< >>": syntax errors are E_SUBST_SYNTAX, E_EXPR_SYNTAX otherwise */
};

/* The value; TREE_BAD after telling. */
const struct node *expr_eval(struct compilation *c, const struct expr *expr);

/*
 * Bytes from text (just behind a "<<") to the ">>" that closes the tag, one inside a
 * string or a /regex/ not counted; EXPR_NOT_CLOSED where there is none.
 */
long expr_tag_length(const char *text);

#endif

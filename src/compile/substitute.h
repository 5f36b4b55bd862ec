/*
 * substitute.h - "<< >>" tags: what a body looks like with them filled in.
 *
 * Version 2.1 only; in version 2 a tag is text. The result is literal: nothing in it
 * is looked at for tags again. Subtrees without a tag are shared with the source.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_SUBSTITUTE_H
#define COMPILE_SUBSTITUTE_H

#include "compile/scope.h"

/*
 * node with every tag of every string filled in. A string that is nothing but one tag
 * becomes what the tag names, with its type (TREE_FROM_TAG); elsewhere values are spliced
 * as text. What is in error is told and TREE_BAD in the result.
 */
const struct node *
substitute(struct compilation *c, const struct scope *scope, const struct node *node);

/* The same for a map without those of its keys that are in skipped (NULL-terminated). */
const struct node *substitute_without(struct compilation *c, const struct scope *scope,
				      const struct node *map, const char *const *skipped);

/* The body of an element: its "parameters" and "description" are not filled in, and left out. */
const struct node *
substitute_body(struct compilation *c, const struct scope *scope, const struct node *body);

#endif

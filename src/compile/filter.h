/*
 * filter.h - "filters": does an entry run for this branch or tag.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_FILTER_H
#define COMPILE_FILTER_H

#include <stdbool.h>

#include "compile/scope.h"

/*
 * Decide a "filters" (filled in; NULL: there is none) for the input's branch and tag. An
 * expression decides alone; a map by branches and tags; none keeps branches and drops
 * tags. true after telling of an error.
 */
bool filter_keeps(struct compilation *c, const struct node *filters, const struct scope *scope);

/* Whether it is a name or a /regex/ in order; after telling it is not, and marked TREE_BAD. */
bool filter_check(struct compilation *c, struct node *pattern);
/* Whether that, once checked, is what is built. */
bool filter_matches(struct compilation *c, const struct node *pattern, const char *ref);

#endif

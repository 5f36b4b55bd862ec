/*
 * requires.h - who waits for whom: names to jobs, no cycles, and what filters leave.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_REQUIRES_H
#define COMPILE_REQUIRES_H

#include "compile/invocation.h"

/* Turn every "requires" into requirements. Before suffixes are given to names. */
void requires_resolve(struct compilation *c, struct invocations *list);

/*
 * Drop pruned jobs from what others require; a job all of whose requirements were pruned
 * is pruned, too.
 */
void requires_prune(struct compilation *c, struct invocations *list);

#endif

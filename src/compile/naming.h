/*
 * naming.h - effective names: who keeps one, who gets a number.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_NAMING_H
#define COMPILE_NAMING_H

#include "compile/invocation.h"

/*
 * Give the invocations of all workflows (lists[0..n)), in source order, their final names.
 * A name shared within a workflow, or between workflows by jobs that are not identical, is
 * numbered from 1 everywhere: "build-1", "build-2"; a number that makes a name someone
 * else has is left out.
 */
void names_settle(struct compilation *c, struct invocations *const *lists, size_t n);

#endif

/*
 * cycle.h - jobs that wait for one another.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_CYCLE_H
#define COMPILE_CYCLE_H

#include "compile/invocation.h"

/*
 * Tell E_CYCLE for a shortest cycle, at its member that is written first; then for a shortest one
 * among the jobs it does not name, and so on. Requirements are resolved.
 */
void cycles_tell(struct compilation *c, const struct invocations *list);

#endif

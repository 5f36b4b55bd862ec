/*
 * orb.h - "orbs": inline, or from a registry by way of the caller.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_ORB_H
#define COMPILE_ORB_H

#include "compile/space.h"

enum { ORB_DEPTH_MAX = 10 };

/* Read an "orbs" section (NULL: none) into space->orbs; depth counts orbs within orbs. */
void
orbs_import(struct compilation *c, struct space *space, const struct node *section, unsigned depth);

#endif

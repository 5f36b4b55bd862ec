/*
 * workflow.h - "workflows": which are selected, and what becomes of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_WORKFLOW_H
#define COMPILE_WORKFLOW_H

#include "compile/space.h"

/*
 * Select and expand the workflows of config.yml (root, whose names are in space) into
 * plan->workflows and plan->schedules. What is wrong is told.
 */
void workflows_read(struct compilation *c, const struct space *space, const struct node *root,
		    struct plan *plan);

#endif

/*
 * schedule.h - "triggers": workflows that a clock starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_SCHEDULE_H
#define COMPILE_SCHEDULE_H

#include "compile/compilation.h"

/* Append a workflow's triggers to plan->schedules. Tells E_CRON and what else is wrong. */
void schedules_read(struct compilation *c, const struct node *triggers, const char *workflow,
		    struct plan *plan);

#endif

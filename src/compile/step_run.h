/*
 * step_run.h - the run step, and what readers of all steps share.
 *
 * Private to step.c and step_run.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_STEP_RUN_H
#define COMPILE_STEP_RUN_H

#include <stdbool.h>

#include "compile/job.h"

enum { STEP_RERUNS_MAX = 5, STEP_RERUN_DELAY_MAX_MS = 600 * 1000 };

/* A step being read. */
struct step_reading {
	struct compilation *c;
	struct job_build *build;
	const struct node *key;
	const struct node *body; /* NULL or null: a bare name */
	const char *what;	 /* "step 'run'" */
	struct plan_step *step;
};

/* The string at a key, or NULL; wrong types are told. */
const char *step_text(struct step_reading *reading, const char *key);
/* "when": tells E_WHEN. */
void step_when(struct step_reading *reading);

/* A string, or a mapping with "command". false after telling. */
bool step_run_check(struct step_reading *reading);
void step_run_read(struct step_reading *reading);

#endif

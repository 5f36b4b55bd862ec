/*
 * serial.h - serial groups: jobs of one organization that run one at a time.
 *
 * A job whose requirements are met asks for its group. It runs while it holds it; others wait in the
 * order they came, also over a restart (a blocked job with a queued_ms waits, and that is its
 * place). A group of jobs holds it from its lock to its unlock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_SERIAL_H
#define HUB_SERIAL_H

#include <stdbool.h>

#include "hub/model.h"

enum { SERIAL_WAIT_MS = 5 * 60 * 60 * 1000 }; /* then a job that waits is canceled */

enum serial {
	SERIAL_RUN,  /* it holds its group, or has none */
	SERIAL_WAIT, /* it will be started when its turn comes */
	SERIAL_SKIP, /* a later pipeline of its project is before it: not_run */
};

/* Of a blocked job that could run. */
enum serial serial_enter(struct job *job);

/* It has ended: what it held or waited for is others' now. */
void serial_leave(struct job *job);

/* Waits for its turn; why, or NULL. */
const char *serial_waiting(const struct job *job);

/* Of a job that waits: who holds its group (NULL: its turn is coming), and how many wait before it. */
const struct job *serial_holder(const struct job *job);
unsigned serial_before(const struct job *job);

/* The job between whose end and the end of the unlock its group is held; NULL: it is no unlock. */
struct job *serial_lock_of(const struct job *unlock);

/* Start those whose turn has come; the model's later does so by itself. */
void serial_run(struct model *model);

/* End those that have waited too long, and ask for the clock for the others. */
void serial_check(struct model *model);

/* At the start: put the jobs of loaded pipelines where their rows say. */
void serial_load(struct model *model);
void serial_release(struct model *model);

#endif

/*
 * progress.h - what an agent reports of its tasks: events and output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_PROGRESS_H
#define HUB_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

struct err;
struct model;
struct output_record;
struct task;
struct task_event;

enum progress {
	PROGRESS_OK,	 /* taken, or known already */
	PROGRESS_GAP,	 /* something before it is missing: not taken */
	PROGRESS_GONE,	 /* the lease is another's, or the task is over */
	PROGRESS_REFUSED, /* output of a step that the task has not; err says which */
};

/*
 * One event: OK, GAP or GONE. *seq is the last one stored of its task afterwards (0 where gone). One that
 * contradicts the task's document ends the task as infra-fail.
 */
enum progress progress_event(struct model *model, const struct id *agent,
			     const struct task_event *event, uint32_t *seq);

/*
 * May this record be stored? *offset is where the hub expects the next one. PROGRESS_OK with *is_new false is a
 * duplicate. Nothing is changed; the caller stores it and calls the two functions below.
 */
enum progress progress_output(struct model *model, const struct id *agent,
			      const struct output_record *record, uint64_t *offset, bool *is_new,
			      struct err *err);

/* The record is among those to store: what follows it may come. */
void progress_output_position(struct model *model, const struct output_record *record);

/* The records have been submitted to the store. */
void progress_output_submitted(struct model *model, const struct id *task);

#endif

/*
 * layers.h - what the jobs upstream of a task have persisted to the workspace, in the order to
 * unpack.
 *
 * A member of the task document (doc/task-document.md, "workspace"): the jobs in an order in which
 * each stands behind all that it requires, and of each the steps that have persisted a layer. A
 * layer is named by the task and the step that made it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_LAYERS_H
#define TASK_LAYERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

struct arena;
struct err;
struct json;

enum {
	LAYERS_MOST = 4096,	   /* of one task */
	LAYERS_AFTER_MOST = 65536, /* pairs of jobs of which one follows the other */
	LAYER_NAME_BYTES = ID_TEXT_BYTES + 12,
};

struct layer {
	const char *task; /* that persisted it */
	uint32_t step;	  /* of that task, from 0 */
	uint32_t node;	  /* of the job that the task is */
	uint32_t job;	  /* in the list of jobs */
};

struct layer_job {
	const char *name;
	const uint32_t
		*after; /* the nearest jobs of the list that it runs behind; each before it */
	size_t after_count;
};

struct layers {
	struct layer_job *jobs;
	size_t job_count;
	struct layer *list; /* in the order to unpack */
	size_t count;
};

/* "TASK/STEP": what a layer is called. Returns room. */
const char *layer_name(char room[LAYER_NAME_BYTES], const char *task, uint32_t step);

/*
 * Of an array; its texts go into the arena. Absent or null: none. Fails: ERR_INPUT, ERR_LIMIT.
 */
int
layers_read(struct layers *layers, struct arena *arena, const struct json *json, struct err *err);

/* The same as JSON; the caller frees. */
struct json *layers_write(const struct layers *layers);

/* NULL: it names none such. */
const struct layer *layers_find(const struct layers *layers, const char *name);

#endif

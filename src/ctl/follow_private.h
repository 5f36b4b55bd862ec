/*
 * follow_private.h - what the parts of follow.c share: nodes, their facts, and the streams.
 *
 * A node is one parallel run of a job: one line of the display. Its facts wait in a
 * queue of its own until the output before them has been shown. follow.c owns the
 * streams, follow_node.c the nodes, follow_watch.c reads the watch's lines.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_FOLLOW_PRIVATE_H
#define CTL_FOLLOW_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>
#include <uthash.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/id.h"
#include "ctl/api.h"
#include "ctl/display.h"
#include "ctl/records.h"
#include "ctl/resume.h"

struct json;

enum {
	FOLLOW_LINE_MOST_BYTES = 16 << 20, /* of the watch */
	FOLLOW_NODES_MOST = 20000,
	FOLLOW_STEPS_MOST = 1000,
	FOLLOW_KEY_BYTES = ID_TEXT_BYTES + 12,
};

enum fact_type { FACT_STEP_STARTED, FACT_STEP_ENDED, FACT_JOB_ENDED };

/* Something that happened to a node and was not shown yet. */
struct fact {
	enum fact_type type;
	uint32_t step, attempt;
	uint64_t output_bytes;
	struct step_end end; /* its strings are ours */
	enum job_look look;
	char *reason;
	uint64_t took_ms;
	struct fact *next;
};

struct node {
	char job[ID_TEXT_BYTES];
	unsigned index;
	char *name, *workflow; /* the job's */
	bool is_parallel;
	bool is_waiting; /* it has been said that it waits for its turn */
	char key[FOLLOW_KEY_BYTES]; /* "job id/index" */
	unsigned shown;		    /* its number in the display */
	char task[ID_TEXT_BYTES];   /* of the latest attempt */
	int64_t attempt;
	bool started, ended; /* facts of the current task have been queued */
	int64_t step;	     /* last that was shown to start; -1: none */
	uint32_t step_attempt;
	int64_t told_step; /* last whose start was queued; -1: none */
	uint32_t told_attempt;
	uint64_t *received; /* bytes of each step's current attempt shown so far */
	uint32_t *received_attempt;
	size_t received_count;
	struct fact *first, **end;
	bool has_failure; /* a step failed: what will be printed when the job ends so */
	struct fact failure;
	UT_hash_handle hh; /* by key */
};

struct task_of {
	char id[ID_TEXT_BYTES];
	struct node *node;
	UT_hash_handle hh;
};

/* A failed step's output that is to be printed. */
struct block {
	struct node *node;
	char task[ID_TEXT_BYTES];
	struct fact failure;
	uint64_t shown;
	struct block *next;
};

struct follow {
	struct api *api;
	struct display *display;
	struct outlet *outlet;
	void (*on_change)(void *arg);
	void *arg;
	char *pipeline;
	bool several_workflows; /* names are written with theirs */
	struct api_stream watch, output, block_stream;
	struct resume resume;
	bool resumes;
	int64_t seq; /* of the watch's last line */
	bool watch_ended, output_ended, block_stream_ended, paused;
	struct buffer line;
	struct records records, block_records;
	struct node *nodes;
	struct task_of *tasks;
	struct block *blocks, **blocks_end; /* the first is the one being printed */
	char outcome[32];
	struct err err;
};

/* --- follow.c --- */

/* It cannot be followed any more. */
void follow_fail(struct follow *follow, const struct err *err);
/* A job has failed: print what its failed step printed, when its turn comes. */
void follow_queue_block(struct follow *follow, struct node *node);

/* --- follow_node.c --- */

struct node *node_find(struct follow *follow, const char *job, unsigned index);
/* The same, made when it is new; NULL when there are too many. job is the hub's Job. */
struct node *node_of(struct follow *follow, const struct json *job, const char *id, unsigned index);
void node_free(struct node *node);

/* A task that takes the place of an earlier one of the same node begins it anew. */
void node_renew(struct node *node, const char *task, int64_t attempt);

/* Where a step's bytes are counted; NULL for an index no task has. */
uint64_t *node_received(struct node *node, uint32_t step, uint32_t attempt);

/* Show the fact when all before it has been shown; it is copied. */
void node_queue(struct follow *follow, struct node *node, const struct fact *fact);
/* Whether the start of the step's attempt, or of a later one, has been queued. */
bool node_knows_start(const struct node *node, uint32_t step, uint32_t attempt);
/* Show what can be shown now. */
void node_advance(struct follow *follow, struct node *node);
void node_advance_all(struct follow *follow);

void fact_copy(struct fact *to, const struct fact *from);
void fact_release(struct fact *fact);

/* --- follow_watch.c --- */

/* One line of the watch. */
void watch_take_line(struct follow *follow, const struct json *line);

#endif

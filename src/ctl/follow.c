/*
 * follow.c - a pipeline of a hub, watched until it has ended, as facts for a display.
 *
 * One failed step's output at a time is read again and printed; the pipeline's own
 * output stands still meanwhile.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/follow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/follow_private.h"
#include "ctl/outlet.h"
#include "format/json.h"

/* --- the end --------------------------------------------------------------------------- */

static bool
all_is_shown(const struct follow *follow)
{
	const struct node *node;

	for (node = follow->nodes; node != NULL; node = node->hh.next)
		if (node->first != NULL)
			return false;
	return follow->blocks == NULL;
}

bool
follow_is_done(const struct follow *follow)
{
	if (follow->err.code < 0)
		return true;
	return follow->watch_ended && follow->output_ended && all_is_shown(follow);
}

int
follow_error(const struct follow *follow, struct err *err)
{
	if (follow->err.code < 0)
		*err = follow->err;
	return follow->err.code;
}

const char *
follow_outcome(const struct follow *follow)
{
	return follow->outcome[0] != '\0' ? follow->outcome : NULL;
}

void
follow_fail(struct follow *follow, const struct err *err)
{
	if (follow->err.code == 0)
		follow->err = *err;
	follow->on_change(follow->arg);
}

/* --- what changes --------------------------------------------------------------------- */

static void
on_watch_data(void *arg, const void *bytes, size_t len)
{
	struct follow *follow = arg;
	struct err err = ERR_INIT;
	const unsigned char *newline;
	struct json *line;
	size_t n;

	if (buffer_append(&follow->line, bytes, len, &err) < 0) {
		follow_fail(follow, &err);
		return;
	}
	while (follow->line.len > 0 && follow->err.code == 0 &&
	       (newline = memchr(follow->line.data, '\n', follow->line.len)) != NULL) {
		n = (size_t)(newline - follow->line.data);
		if (n > 0 && json_parse(&line, follow->line.data, n, &err) < 0 &&
		    err_wrap(&err, "reading the hub's watch") < 0) {
			follow_fail(follow, &err);
			return;
		}
		if (n > 0) {
			watch_take_line(follow, line);
			resume_progress(&follow->resume);
			json_free(line);
		}
		buffer_consume(&follow->line, n + 1);
	}
	follow_want(follow);
}

/* A stream has broken off: all of them begin again on a new connection, or it is the end. */
static void
on_cut(struct follow *follow, const struct api_stream *stream, const struct err *err)
{
	if (!follow->resumes || !resume_want(&follow->resume, stream, err)) {
		follow_fail(follow, err);
		return;
	}
	api_stream_stop(&follow->watch);
	api_stream_stop(&follow->output);
	api_stream_stop(&follow->block_stream);
}

static void
on_watch_ended(void *arg, const struct err *err)
{
	struct follow *follow = arg;
	struct err own = ERR_INIT;

	if (err == NULL && follow->outcome[0] == '\0' &&
	    err_set(&own, ERR_AGAIN, "the hub ended its watch before the pipeline had ended") < 0)
		err = &own;
	if (err != NULL) {
		on_cut(follow, &follow->watch, err);
		return;
	}
	follow->watch_ended = true;
	follow_want(follow);
}

/* --- what jobs print ------------------------------------------------------------------- */

/* False: it has to wait for what the watch will say, for room, or for the block that is being
 * printed. */
static bool
take_record(void *arg, const struct output_record *record, const void *bytes)
{
	struct follow *follow = arg;
	char id[ID_TEXT_BYTES];
	struct task_of *task;
	struct node *node;
	uint64_t *received;

	if (follow->blocks != NULL || outlet_is_full(follow->outlet))
		return false;
	HASH_FIND_STR(follow->tasks, id_text(id, &record->task), task);
	if (task == NULL)
		return follow->watch_ended;
	node = task->node;
	if (strcmp(node->task, id) != 0)
		return true; /* of an attempt that is history */
	if ((int64_t)record->step > node->step && !follow->watch_ended)
		return false;
	received = node_received(node, record->step, record->attempt);
	if (received == NULL || record->attempt < node->received_attempt[record->step] ||
	    record->offset + record->raw_len <= *received)
		return true;
	resume_progress(&follow->resume);
	display_output(follow->display, node->shown, bytes, record->raw_len);
	*received = record->offset + record->raw_len;
	node_advance(follow, node);
	return true;
}

static void
on_output_data(void *arg, const void *bytes, size_t len)
{
	struct follow *follow = arg;
	struct err err = ERR_INIT;

	if (records_feed(&follow->records, bytes, len, &err) < 0)
		follow_fail(follow, &err);
	else
		follow_want(follow);
}

static void
on_output_ended(void *arg, const struct err *err)
{
	struct follow *follow = arg;

	if (err != NULL) {
		on_cut(follow, &follow->output, err);
		return;
	}
	follow->output.call = NULL;
	follow->output_ended = follow->records.held.len == 0;
	follow_want(follow);
}

/* --- a failed step's output, once more ---------------------------------------------------- */

void
follow_queue_block(struct follow *follow, struct node *node)
{
	struct block *block = MEM_NEW(struct block);

	block->node = node;
	memcpy(block->task, node->task, sizeof(block->task));
	fact_copy(&block->failure, &node->failure);
	*follow->blocks_end = block;
	follow->blocks_end = &block->next;
}

static bool
take_block_record(void *arg, const struct output_record *record, const void *bytes)
{
	struct follow *follow = arg;
	struct block *block = follow->blocks;

	if (outlet_is_full(follow->outlet))
		return false;
	if (record->step != block->failure.step || record->attempt != block->failure.attempt)
		return true;
	if (record->offset + record->raw_len <= block->shown)
		return true;
	resume_progress(&follow->resume);
	display_failure_output(follow->display, bytes, record->raw_len);
	block->shown = record->offset + record->raw_len;
	return true;
}

static void
on_block_data(void *arg, const void *bytes, size_t len)
{
	struct follow *follow = arg;
	struct err err = ERR_INIT;

	if (records_feed(&follow->block_records, bytes, len, &err) < 0)
		follow_fail(follow, &err);
	else
		follow_want(follow);
}

static void
on_block_ended(void *arg, const struct err *err)
{
	struct follow *follow = arg;

	if (err != NULL) {
		on_cut(follow, &follow->block_stream, err);
		return;
	}
	follow->block_stream_ended = true;
	follow_want(follow);
}

static int
block_stream_start(struct follow *follow, struct err *err)
{
	const struct block *block = follow->blocks;
	LOCAL_FREE char *path = NULL;
	char step[16];

	(void)snprintf(step, sizeof(step), "%u", block->failure.step);
	path = api_path("/api/runner/v1/tasks/%s/output?step=%s&follow=1", block->task, step);
	follow->block_stream_ended = false;
	return api_stream_start(&follow->block_stream, follow->api, path, RUNNER_OUTPUT_TYPE,
				on_block_data, on_block_ended, follow, err);
}

static void
block_start(struct follow *follow)
{
	struct err err = ERR_INIT;

	display_failure_begin(follow->display, follow->blocks->node->shown,
			      &follow->blocks->failure.end);
	if (records_init(&follow->block_records, take_block_record, follow, &err) < 0 ||
	    block_stream_start(follow, &err) < 0)
		follow_fail(follow, &err);
}

static void
block_end(struct follow *follow)
{
	struct block *block = follow->blocks;

	api_stream_stop(&follow->block_stream);
	records_release(&follow->block_records);
	display_failure_end(follow->display);
	follow->blocks = block->next;
	if (follow->blocks == NULL)
		follow->blocks_end = &follow->blocks;
	fact_release(&block->failure);
	free(block);
}

/* The first block is under way while its reader is there. */
static bool
block_is_open(const struct follow *follow)
{
	return follow->block_records.reader != NULL;
}

static void
blocks_want(struct follow *follow)
{
	const struct block *block;

	while ((block = follow->blocks) != NULL && follow->err.code == 0) {
		if (!block_is_open(follow)) {
			if (resume_is_waiting(&follow->resume))
				return;
			block_start(follow);
		} else if (block->shown >= block->failure.output_bytes ||
			   (follow->block_stream_ended && follow->block_records.held.len == 0)) {
			block_end(follow);
			node_advance_all(follow);
		} else {
			return;
		}
	}
}

/* --- going on ------------------------------------------------------------------------------ */

/* What was held back gets its chance. */
static void
feed_held(struct follow *follow)
{
	struct err err = ERR_INIT;

	if (block_is_open(follow) && records_feed(&follow->block_records, NULL, 0, &err) < 0)
		follow_fail(follow, &err);
	blocks_want(follow);
	if (records_feed(&follow->records, NULL, 0, &err) < 0)
		follow_fail(follow, &err);
	blocks_want(follow);
}

static void
pause_streams(struct follow *follow)
{
	bool full = outlet_is_full(follow->outlet);

	if (full || follow->blocks != NULL || records_is_stopped(&follow->records))
		api_stream_pause(&follow->output);
	else
		api_stream_resume(&follow->output);
	if (full)
		api_stream_pause(&follow->block_stream);
	else
		api_stream_resume(&follow->block_stream);
}

void
follow_want(struct follow *follow)
{
	if (follow->err.code < 0 || follow->records.feeding || follow->block_records.feeding)
		return;
	blocks_want(follow);
	feed_held(follow);
	/* The stream has ended and what it had brought is shown now. */
	if (follow->output.call == NULL && follow->records.held.len == 0 &&
	    !resume_is_waiting(&follow->resume))
		follow->output_ended = true;
	if (follow->output_ended)
		node_advance_all(follow);
	blocks_want(follow);
	pause_streams(follow);
	follow->on_change(follow->arg);
}

/* --- life --------------------------------------------------------------------------------- */

/* What the watch has told is not told again; output that comes again is dropped as it comes. */
static int
start_streams(struct follow *follow, struct err *err)
{
	char after[24];
	LOCAL_FREE char *watch = NULL;
	LOCAL_FREE char *output =
		api_path("/api/runner/v1/pipelines/%s/output?follow=1", follow->pipeline);

	(void)snprintf(after, sizeof(after), "%lld", (long long)follow->seq);
	watch = api_path("/api/runner/v1/pipelines/%s/watch?after=%s", follow->pipeline, after);
	if (!follow->watch_ended &&
	    api_stream_start(&follow->watch, follow->api, watch, NULL, on_watch_data,
			     on_watch_ended, follow, err) < 0)
		return err->code;
	if (!follow->output_ended &&
	    api_stream_start(&follow->output, follow->api, output, RUNNER_OUTPUT_TYPE,
			     on_output_data, on_output_ended, follow, err) < 0)
		return err->code;
	return 0;
}

static void
on_again(void *arg)
{
	struct follow *follow = arg;
	struct err err = ERR_INIT;

	buffer_clear(&follow->line);
	buffer_clear(&follow->records.held);
	buffer_clear(&follow->block_records.held);
	if (start_streams(follow, &err) < 0 ||
	    (block_is_open(follow) && block_stream_start(follow, &err) < 0))
		follow_fail(follow, &err);
	else
		follow_want(follow);
}

int
follow_start(struct follow **out, const struct follow_options *options, struct err *err)
{
	struct follow *follow = MEM_NEW(struct follow);

	follow->api = options->api;
	follow->display = options->display;
	follow->outlet = options->outlet;
	follow->on_change = options->on_change;
	follow->arg = options->arg;
	follow->pipeline = mem_strdup(options->pipeline);
	follow->blocks_end = &follow->blocks;
	follow->resumes = options->resumes;
	resume_init(&follow->resume, follow->api, on_again, follow);
	buffer_init(&follow->line, FOLLOW_LINE_MOST_BYTES);
	if (records_init(&follow->records, take_record, follow, err) < 0 ||
	    start_streams(follow, err) < 0) {
		follow_free(follow);
		return err->code;
	}
	*out = follow;
	return 0;
}

void
follow_free(struct follow *follow)
{
	struct node *node, *next_node;
	struct task_of *task, *next_task;
	struct block *block;

	if (follow == NULL)
		return;
	api_stream_stop(&follow->watch);
	api_stream_stop(&follow->output);
	api_stream_stop(&follow->block_stream);
	resume_release(&follow->resume);
	records_release(&follow->records);
	records_release(&follow->block_records);
	buffer_release(&follow->line);
	HASH_ITER (hh, follow->tasks, task, next_task) {
		HASH_DEL(follow->tasks, task);
		free(task);
	}
	HASH_ITER (hh, follow->nodes, node, next_node) {
		HASH_DEL(follow->nodes, node);
		node_free(node);
	}
	while ((block = follow->blocks) != NULL) {
		follow->blocks = block->next;
		fact_release(&block->failure);
		free(block);
	}
	free(follow->pipeline);
	free(follow);
}

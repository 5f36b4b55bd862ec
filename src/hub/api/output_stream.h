/*
 * output_stream.h - a reply that carries output: of a task, of one of its steps, or of a pipeline
 * as it comes.
 *
 * output_stream_new() -> its members are set -> output_stream_begin(), which ends the call in the
 * end. Before that, output_stream_free() and the call is the caller's again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_OUTPUT_STREAM_H
#define HUB_API_OUTPUT_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <uthash.h>

#include "base/buffer.h"
#include "base/id.h"
#include "hub/api/output_form.h"
#include "hub/api/output_lines.h"
#include "task/output_marks.h"
#include "hub/model.h"
#include "loop/loop.h"

struct call;
struct hub;
struct output_stream;

enum { OUTPUT_READERS_MOST = 1024 }; /* at a time; each may have 0.7 MiB while it does not read */

/* One task, and how far the reader has each of its (step, attempt)s. */
struct feed {
	struct id task;
	struct marks marks;
	bool is_wanted;		/* in the list of those that may have something to read */
	bool is_history;	/* the store alone knows it; read from one end to the other */
	uint32_t step, attempt; /* history: go on there */
	uint64_t from;
	struct feed *next;
	UT_hash_handle hh;
};

/* The reply's message, with status 410. */
extern const char output_deleted_text[];

struct output_stream {
	uint32_t magic;
	/* What is asked for: set before output_stream_begin(). */
	struct id pipeline, task;
	bool whole_pipeline;
	bool follow;
	bool one_step;
	uint32_t step, attempt; /* one_step: only that, and only this attempt where not 0 */
	uint32_t first_attempt; /* where attempt is 0: this one and later ones */
	uint64_t from,
		until; /* bytes of the first attempt asked for; until UINT64_MAX: to the end */
	struct line_window lines;
	struct marks have; /* what the reader has already */
	int status;
	bool is_over; /* nothing more belongs to what is asked for */
	/* The stream's own. */
	struct hub *hub;
	struct call *call; /* NULL: the client has gone, a read is under way */
	struct output_form *form;
	struct watcher watcher;
	struct timer keep_alive;
	bool started, reading;
	bool listing; /* more tasks of a pipeline that is history are to be listed */
	size_t listed;
	struct feed *feeds, *wanted, **wanted_end;
	struct feed *current; /* of the read under way */
	struct buffer out;
};

/* NULL, and the reply is sent, when that cannot be. */
struct output_stream *output_stream_new(struct call *call, enum output_form_kind kind);
void output_stream_free(struct output_stream *stream);

/* Read and send, now and as it comes. */
void output_stream_begin(struct output_stream *stream);

#endif

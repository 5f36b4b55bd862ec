/*
 * output_batch.h - the body of a request with output: its records, each sound or with what is wrong
 * with it.
 *
 * Whoever holds a token can send anything. So each frame is decompressed once before it is stored:
 * what is stored can be read, as it is, by every reader. A record costs 64 KiB of decompression at
 * most. For a thread: nothing but the bytes is touched.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_OUTPUT_BATCH_H
#define HUB_API_OUTPUT_BATCH_H

#include <stddef.h>

#include "base/err.h"
#include "task/output_record.h"

struct frame_reader;

struct output_item {
	struct output_record record;
	const unsigned char *bytes; /* of the header and the frame, in the body */
	char *fault;		    /* owned; NULL: it is sound */
};

struct output_batch {
	struct output_item *items; /* in the body's order */
	size_t count, room;
	struct err stop; /* why the body was not read to its end; code 0: it was */
};

/* Fill batch, which is all zero, from a body that outlives it. */
void output_batch_read(struct output_batch *batch, struct frame_reader *reader,
		       const unsigned char *bytes, size_t len);
void output_batch_release(struct output_batch *batch);

#endif

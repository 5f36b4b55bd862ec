/*
 * output_batch.c - the body of a request with output: its records, each sound or with what is wrong
 * with it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/output_batch.h"

#include <stdlib.h>

#include "base/mem.h"
#include "format/frame.h"
#include "runner/protocol.h"

static struct output_item *
add_item(struct output_batch *batch)
{
	if (batch->count == batch->room) {
		batch->room = batch->room == 0 ? 16 : batch->room * 2;
		batch->items = mem_resize(batch->items, batch->room, sizeof(batch->items[0]));
	}
	return &batch->items[batch->count++];
}

/* The record at the beginning of bytes; returns how many of them are its. 0: nothing behind can be
 * read. */
static size_t
read_item(struct output_batch *batch, struct frame_reader *reader, const unsigned char *bytes,
	  size_t len)
{
	unsigned char raw[RUNNER_RECORD_RAW_MOST_BYTES];
	const unsigned char *frame = NULL;
	struct output_record record;
	struct output_item *item;
	struct err err = ERR_INIT;
	int rc = output_record_unpack(&record, &frame, bytes, len, &err);

	if (rc < 0 && frame == NULL) {
		batch->stop = err;
		return 0;
	}
	if (rc == 0)
		rc = frame_unpack(reader, raw, record.raw_len, frame, record.frame_len, &err);
	item = add_item(batch);
	*item = (struct output_item){record, bytes, rc < 0 ? mem_strdup(err.text) : NULL};
	return RUNNER_RECORD_HEADER_BYTES + (size_t)record.frame_len;
}

void
output_batch_read(struct output_batch *batch, struct frame_reader *reader,
		  const unsigned char *bytes, size_t len)
{
	size_t at, n = 0;

	for (at = 0; at < len; at += n) {
		n = read_item(batch, reader, bytes + at, len - at);
		if (n == 0)
			return;
	}
}

void
output_batch_release(struct output_batch *batch)
{
	size_t i;

	for (i = 0; i < batch->count; i++)
		free(batch->items[i].fault);
	free(batch->items);
}

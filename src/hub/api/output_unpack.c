/*
 * output_unpack.c - the bytes of a record, or of a text that stands for them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/output_unpack.h"

#include <stdio.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/err.h"
#include "format/frame.h"
#include "hub/store/store.h"

static void
fill(const struct output_row *row, unsigned char *room)
{
	size_t lines = row->lines < row->raw_len ? row->lines : row->raw_len;
	size_t len = row->raw_len - lines, n;
	char text[80];

	n = (size_t)snprintf(text, sizeof(text),
			     "[runner-hub: %u bytes here are damaged on its disk]", row->raw_len);
	memset(room, ' ', len);
	memcpy(room, text, n < len ? n : len);
	memset(room + len, '\n', lines);
}

bool
output_is_whole(const struct output_row *row, const unsigned char *frame)
{
	return crc32c(0, frame, row->frame_len) == row->frame_crc;
}

bool
output_unpack(struct frame_reader *reader, const struct output_row *row, const unsigned char *frame,
	      unsigned char *room)
{
	struct err err = ERR_INIT;

	if (frame_unpack(reader, room, row->raw_len, frame, row->frame_len, &err) == 0)
		return true;
	fill(row, room);
	return false;
}

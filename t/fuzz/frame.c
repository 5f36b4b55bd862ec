/*
 * frame.c - fuzz target: a frame of output that anybody with a token may have sent.
 *
 * The first two bytes say how much it should hold. Nothing is written behind that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "format/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What was understood is packed again, and understood to be the same. */
static void
check_again(struct frame_reader *reader, const unsigned char *raw, size_t len)
{
	unsigned char *frame = malloc(frame_bound(len)), *again = malloc(len + 1);
	struct frame_packer *packer;
	struct err err = ERR_INIT;
	size_t n;

	assert(frame_packer_new(&packer, FRAME_LEVEL_DEFAULT, &err) == 0);
	n = frame_pack(packer, frame, frame_bound(len), raw, len);
	assert(frame_unpack(reader, again, len, frame, n, &err) == 0);
	assert(memcmp(raw, again, len) == 0);
	frame_packer_free(packer);
	free(frame);
	free(again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct frame_reader *reader;
	struct err err = ERR_INIT;
	unsigned char *room;
	size_t want;

	if (len < 2)
		return 0;
	want = 1 + (size_t)(bytes[0] | bytes[1] << 8);
	room = malloc(want);
	assert(frame_reader_new(&reader, &err) == 0);
	if (frame_unpack(reader, room, want, bytes + 2, len - 2, &err) == 0)
		check_again(reader, room, want);
	frame_reader_free(reader);
	free(room);
	return 0;
}

/*
 * output_record.c - fuzz target: a batch of output records, as an agent posts it.
 *
 * The first byte chooses whether the checksums are mended first, so that what lies behind them is
 * reached.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <endian.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "format/frame.h"
#include "task/output_record.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
mend(uint8_t *record, size_t len)
{
	uint32_t frame_len, crc;

	if (len < RUNNER_RECORD_HEADER_BYTES)
		return;
	memcpy(&frame_len, record + 52, sizeof(frame_len));
	frame_len = le32toh(frame_len);
	if (frame_len <= len - RUNNER_RECORD_HEADER_BYTES) {
		crc = htole32(crc32c(0, record + RUNNER_RECORD_HEADER_BYTES, frame_len));
		memcpy(record + 60, &crc, sizeof(crc));
	}
	crc = htole32(crc32c(0, record + 8, RUNNER_RECORD_HEADER_BYTES - 8));
	memcpy(record + 4, &crc, sizeof(crc));
}

static void
read_frame(const struct output_record *record, const unsigned char *frame)
{
	unsigned char *room = malloc(record->raw_len);
	struct frame_reader *reader = NULL;
	struct err err = ERR_INIT;

	if (room != NULL && frame_reader_new(&reader, &err) == 0)
		(void)frame_unpack(reader, room, record->raw_len, frame, record->frame_len, &err);
	frame_reader_free(reader);
	free(room);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	uint8_t *copy;
	size_t at = 0;

	if (len < 1)
		return 0;
	copy = malloc(len);
	if (copy == NULL)
		return 0;
	memcpy(copy, bytes + 1, len - 1);
	len--;
	while (at < len) {
		unsigned char header[RUNNER_RECORD_HEADER_BYTES];
		const unsigned char *frame = NULL;
		struct output_record record;
		struct err err = ERR_INIT;

		if (bytes[0] & 1)
			mend(copy + at, len - at);
		if (output_record_unpack(&record, &frame, copy + at, len - at, &err) < 0)
			break;
		output_record_pack(&record, header);
		/* Records of earlier versions are read; what is written has another magic. */
		assert(memcmp(header, copy + at, 4) != 0 ||
		       memcmp(header, copy + at, sizeof(header)) == 0);
		read_frame(&record, frame);
		at += RUNNER_RECORD_HEADER_BYTES + record.frame_len;
	}
	free(copy);
	return 0;
}

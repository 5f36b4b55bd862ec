/*
 * output_record.h - one chunk of one step's output, the same bytes from spool to reader.
 *
 * The format is doc/output-record.md. A record is a header and, right behind it, a
 * zstd frame (format/frame.h). Packing and unpacking touch no heap.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_OUTPUT_RECORD_H
#define TASK_OUTPUT_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "runner/protocol.h"

struct err;

struct output_record {
	struct id task;
	uint32_t epoch, step, attempt;
	uint64_t offset;    /* of the first byte in the step's output */
	int64_t time_ms;    /* when the chunk was closed */
	uint32_t raw_len;   /* 1..RUNNER_RECORD_RAW_MOST_BYTES */
	uint32_t frame_len; /* 1..RUNNER_RECORD_FRAME_MOST_BYTES */
	uint32_t lines;
	uint32_t frame_crc;  /* of the frame: crc32c() */
	uint32_t source_len; /* bytes of the step's that became these: masking and dropping change
				their number; 0: what the step writes is not kept any more */
};

/* Write the header to room; the caller puts frame_len bytes behind it. */
void output_record_pack(const struct output_record *record,
			unsigned char room[RUNNER_RECORD_HEADER_BYTES]);

/*
 * Read the record at the beginning of bytes. On success *frame points into bytes and
 * RUNNER_RECORD_HEADER_BYTES + record->frame_len of them are the record's. The frame's checksum is
 * compared; it is not decompressed. Fails: ERR_AGAIN when the record is cut short (len too small
 * for what its header says); ERR_INPUT when a rule of the format is broken.
 */
int output_record_unpack(struct output_record *record, const unsigned char **frame,
			 const unsigned char *bytes, size_t len, struct err *err);

#endif

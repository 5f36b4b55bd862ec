/*
 * output_unpack.h - the bytes of a record, or of a text that stands for them.
 *
 * What is stored was sound when it came (output_batch.h), so a frame that cannot be read has been
 * damaged on the disk. It costs its reader those bytes and no others: as many bytes, with as many
 * newlines, say so instead, and all behind them keeps its offset and its line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_OUTPUT_UNPACK_H
#define HUB_API_OUTPUT_UNPACK_H

#include <stdbool.h>

struct frame_reader;
struct output_row;

/* Are its bytes those that came? At the cost of a checksum. */
bool output_is_whole(const struct output_row *row, const unsigned char *frame);

/* Fill row->raw_len bytes of room. False: the frame is damaged, and the text stands there. */
bool output_unpack(struct frame_reader *reader, const struct output_row *row,
		   const unsigned char *frame, unsigned char *room);

#endif

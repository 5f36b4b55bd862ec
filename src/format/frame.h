/*
 * frame.h - one zstd frame for one chunk of output, from the one context all slots share.
 *
 * Every frame is independent, is one segment, states its content size and ends with a checksum
 * (RFC 8878, 3.1.1), so a reader may start at any of them and needs no more memory than its content.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORMAT_FRAME_H
#define FORMAT_FRAME_H

#include <stddef.h>

struct err;
struct frame_packer;
struct frame_reader;

enum { FRAME_LEVEL_DEFAULT = 1, FRAME_LEVEL_MOST = 19 };

/* level 1..FRAME_LEVEL_MOST. Fails: ERR_INPUT. */
int frame_packer_new(struct frame_packer **out, int level, struct err *err);
void frame_packer_free(struct frame_packer *packer); /* NULL is fine */

/* Room that is enough for any chunk of len bytes. */
size_t frame_bound(size_t len);

/* Compress bytes into room (frame_bound(len) or more); returns the frame's length. Cannot fail. */
size_t frame_pack(struct frame_packer *packer, void *room, size_t size, const void *bytes, size_t len);

int frame_reader_new(struct frame_reader **out, struct err *err);
void frame_reader_free(struct frame_reader *reader); /* NULL is fine */

/*
 * Decompress one frame whose content is exactly want bytes into room of at least that size; nothing
 * is written beyond it, whatever the frame says. Fails: ERR_INPUT when it is damaged, is not of the
 * kind that frame_pack() makes, holds another size or has bytes behind it.
 */
int frame_unpack(struct frame_reader *reader, void *room, size_t want, const void *frame,
		 size_t len, struct err *err);

#endif

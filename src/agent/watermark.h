/*
 * watermark.h - is there room left on a disk for one more task?
 *
 * watermark_init() -> watermark_look() whenever it matters -> watermark_release(). The file system
 * is asked at most once in WATERMARK_GAP_MS, however often one looks. Low is low until an eighth
 * more than the least is free, so that a host at the mark does not stop and go. A file system that
 * counts no inodes has enough of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_WATERMARK_H
#define AGENT_WATERMARK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { WATERMARK_GAP_MS = 2000 };

struct watermark {
	char *path; /* a directory on the disk */
	uint64_t least_bytes, free_bytes;
	uint64_t least_inodes, free_inodes;
	uint64_t next_us; /* not asked again before */
	bool low_bytes, low_inodes;
};

/* path is copied; a least of 0: never low. */
void watermark_init(struct watermark *mark, const char *path, uint64_t least_bytes,
		    uint64_t least_inodes);
void watermark_release(struct watermark *mark);

/* True when it is low; a change is logged. A file system that cannot be asked leaves it as it was.
 */
bool watermark_look(struct watermark *mark, uint64_t now_us);
bool watermark_is_low(const struct watermark *mark);

/* The sentence for one that is low. */
void watermark_say(const struct watermark *mark, char *room, size_t size);

#endif

/*
 * blobs_private.h - what blobs.c, blob_work.c, blob_records.c and blob_reader.c share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_BLOBS_PRIVATE_H
#define HUB_BLOBS_PRIVATE_H

#include "hub/blobs.h"
#include "loop/loop.h"

enum { BLOB_MAGIC = 0x626c6f62 };

struct blobs {
	struct hub *hub;
	int dir;
	struct worker *writers, *readers;
	struct blob *open;
	struct timer sweep;
	struct blobs_removal *removals; /* under way */
	struct id *strays;		/* files that were there at the start, not asked for yet */
	size_t stray_count;
};

/* The queue has room for all who submit. */
void blobs_submit(struct worker *worker, struct work *work);
/* A blob's file is called after its id. */
int blobs_file_open(const struct blobs *blobs, const struct id *file, int flags, struct err *err);
/* Is there room for len bytes more on fd's disk, and the reserve? Fails: ERR_LIMIT, ERR_HOST. */
int blobs_check_room(int fd, size_t len, struct err *err);
int blobs_write_all(int fd, const void *bytes, size_t len, uint64_t at, struct err *err);
/* Durable, its name in the directory too. */
int blobs_sync(const struct blobs *blobs, int fd, struct err *err);

/* Forget it: it is complete, or dropped. */
void blob_free(struct blob *blob);

#endif

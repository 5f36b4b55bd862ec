/*
 * slab.h - memory that output passes through: reference-counted chunks under one ceiling.
 *
 * slab_new() -> slab_take() ... chunk_unref() -> slab_free(). A chunk is passed on by
 * reference; whoever keeps it takes one of its own. What output holds elsewhere (the
 * pages of memfds) is charged to the same ceiling, so that one number bounds it all:
 *
 *	bytes of chunks in use + pages of free chunks not yet given back + charged <= limit
 *
 * Chunks are of a few fixed sizes; taking one and giving it back is a free list, never
 * malloc. Pages of free chunks go back to the kernel in slab_trim(), which the owner calls
 * from an idle timer, or when room is needed; never when a chunk is given back (it costs a
 * hundred times as much there). Free chunks are poisoned under ASan, and giving back what
 * is free is an assertion. A build with --enable-slab-malloc has the same on malloc(3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct slab;

enum {
	SLAB_LEAST_BYTES = 1 << 20,
	SLAB_MOST_BYTES = 1 << 30,
	CHUNK_MOST_BYTES = 68 * 1024, /* 64 KiB and a head, whatever was made of them */
};

struct chunk {
	unsigned char *bytes; /* size of room */
	uint32_t size;
	uint32_t len;	    /* bytes in use; the holder's to set */
	uint32_t refs;	    /* private */
	uint8_t kind;	    /* private: which of the fixed sizes */
	bool resident;	    /* private: the kernel may have given it pages */
	struct slab *slab;  /* private */
	struct chunk *next; /* private while free; the holder's to link with otherwise */
};

/* Fails: ERR_LIMIT when limit_bytes is not from SLAB_LEAST_BYTES to SLAB_MOST_BYTES; ERR_HOST. */
int slab_new(struct slab **out, size_t limit_bytes, struct err *err);
/* Every chunk must have been given back, every charge taken off. NULL is fine. */
void slab_free(struct slab *slab);

/*
 * A chunk with one reference and room for size bytes (at most CHUNK_MOST_BYTES) or more; its bytes
 * are whatever they are. NULL when the ceiling is reached: the caller waits and asks again.
 */
struct chunk *slab_take(struct slab *slab, size_t size);
void chunk_ref(struct chunk *chunk);
/* The last one gives it back. NULL is fine. */
void chunk_unref(struct chunk *chunk);

/*
 * Count memory that is not the slab's against its ceiling, and take it off again. It is there
 * already, so charging cannot fail: ask slab_room() before.
 */
void slab_charge(struct slab *slab, size_t bytes);
void slab_discharge(struct slab *slab, size_t bytes);

/* Bytes that may still be taken or charged; 0 at or over the ceiling. */
size_t slab_room(const struct slab *slab);

/*
 * Give the pages of free chunks back to the kernel, but for as many as were in use at once since
 * the last call. False when nothing is left to give back: no more calls are needed until the next
 * slab_take().
 */
bool slab_trim(struct slab *slab);

/* For metrics and people; costs nothing to ask. */
struct slab_use {
	size_t limit_bytes;
	size_t chunk_bytes;    /* in chunks that are taken */
	size_t charged_bytes;  /* held elsewhere */
	size_t resident_bytes; /* pages of chunks, taken or free */
	size_t peak_bytes;     /* most of chunk_bytes and charged_bytes together so far */
	uint64_t taken;	       /* chunks, ever */
	uint64_t refused;      /* slab_take() gave NULL so often */
};

struct slab_use slab_use(const struct slab *slab);

#endif

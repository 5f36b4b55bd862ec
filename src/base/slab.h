/*
 * slab.h - output chunks of one size with a reference count, under a ceiling.
 *
 * The memory that what jobs print passes through. An arena of the ceiling's size is
 * reserved once and touched only as far as it is used; idle chunks go back to the
 * kernel by slab_trim(), never when they are given back (it costs a hundred times
 * as much there).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stddef.h>
#include <stdint.h>

enum { CHUNK_SIZE_BYTES = 64 * 1024 };

struct slab;

struct chunk {
	unsigned char *bytes; /* CHUNK_SIZE_BYTES of room */
	uint32_t len;	      /* bytes in use; the holder's to set */
	uint32_t refs;	      /* private */
	struct slab *slab;    /* private */
	struct chunk *next;   /* private while free; the holder's to link with otherwise */
};

struct err;

/* limit_bytes is rounded down to whole chunks (at least 4). Fails: ERR_LIMIT. */
int slab_new(struct slab **out, size_t limit_bytes, struct err *err);
/* Every chunk must have been given back. NULL is fine. */
void slab_free(struct slab *slab);

/* A chunk with one reference, or NULL when the ceiling is reached: wait for slab_on_give. */
struct chunk *slab_take(struct slab *slab);
void chunk_ref(struct chunk *chunk);
void chunk_unref(struct chunk *chunk);

/* Called when a chunk comes back after slab_take() had returned NULL; once for each such dry spell. */
void slab_on_give(struct slab *slab, void (*fn)(void *arg), void *arg);

/* Give the pages of free chunks back to the kernel, but for keep of them. */
void slab_trim(struct slab *slab, unsigned keep);

unsigned slab_in_use(const struct slab *slab);
unsigned slab_capacity(const struct slab *slab);

#endif

/*
 * slab.c - output chunks of one size with a reference count, under a ceiling.
 *
 * Chunk heads lie in an array beside the arena, so that a free chunk's pages need
 * not be touched. The free list is last in, first out: the warmest chunk is next.
 * Free chunks are poisoned under ASan.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/slab.h"

#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/poison.h"

enum { SLAB_LEAST_CHUNKS = 4 };

struct slab {
	unsigned char *arena;
	struct chunk *chunks;
	unsigned count, in_use;
	unsigned fresh; /* chunks from here on were never taken */
	struct chunk *free;
	bool dry;
	void (*on_give)(void *arg);
	void *on_give_arg;
};

int
slab_new(struct slab **out, size_t limit_bytes, struct err *err)
{
	struct slab *slab;
	size_t count = limit_bytes / CHUNK_SIZE_BYTES;
	void *arena;

	if (count < SLAB_LEAST_CHUNKS)
		count = SLAB_LEAST_CHUNKS;
	if (count > UINT32_MAX / 2)
		return err_set(err, ERR_LIMIT, "output memory of %zu bytes is too large", limit_bytes);
	arena = mmap(NULL, count * CHUNK_SIZE_BYTES, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena == MAP_FAILED)
		return err_sys(err, "cannot reserve %zu bytes of output memory", limit_bytes);
	/* Huge pages would round every chunk up to 2 MiB; a kernel without them says EINVAL. */
	(void)madvise(arena, count * CHUNK_SIZE_BYTES, MADV_NOHUGEPAGE);

	slab = MEM_NEW(struct slab);
	slab->arena = arena;
	slab->chunks = MEM_NEW_ARRAY(struct chunk, count);
	slab->count = (unsigned)count;
	POISON(arena, count * CHUNK_SIZE_BYTES);
	*out = slab;
	return 0;
}

void
slab_free(struct slab *slab)
{
	if (slab == NULL)
		return;
	assert(slab->in_use == 0);
	UNPOISON(slab->arena, (size_t)slab->count * CHUNK_SIZE_BYTES);
	(void)munmap(slab->arena, (size_t)slab->count * CHUNK_SIZE_BYTES);
	free(slab->chunks);
	free(slab);
}

static struct chunk *
take_fresh(struct slab *slab)
{
	struct chunk *chunk = &slab->chunks[slab->fresh];

	chunk->slab = slab;
	chunk->bytes = slab->arena + (size_t)slab->fresh * CHUNK_SIZE_BYTES;
	slab->fresh++;
	return chunk;
}

struct chunk *
slab_take(struct slab *slab)
{
	struct chunk *chunk = slab->free;

	if (chunk != NULL) {
		slab->free = chunk->next;
	} else if (slab->fresh < slab->count) {
		chunk = take_fresh(slab);
	} else {
		slab->dry = true;
		return NULL;
	}
	assert(chunk->refs == 0);
	UNPOISON(chunk->bytes, CHUNK_SIZE_BYTES);
	chunk->refs = 1;
	chunk->len = 0;
	chunk->next = NULL;
	slab->in_use++;
	return chunk;
}

void
chunk_ref(struct chunk *chunk)
{
	assert(chunk->refs > 0);
	chunk->refs++;
}

void
chunk_unref(struct chunk *chunk)
{
	struct slab *slab = chunk->slab;

	assert(chunk->refs > 0);
	if (--chunk->refs > 0)
		return;
	POISON(chunk->bytes, CHUNK_SIZE_BYTES);
	chunk->next = slab->free;
	slab->free = chunk;
	slab->in_use--;
	if (slab->dry && slab->on_give != NULL) {
		slab->dry = false;
		slab->on_give(slab->on_give_arg);
	}
}

void
slab_on_give(struct slab *slab, void (*fn)(void *arg), void *arg)
{
	slab->on_give = fn;
	slab->on_give_arg = arg;
}

void
slab_trim(struct slab *slab, unsigned keep)
{
	struct chunk *chunk;

	for (chunk = slab->free; chunk != NULL; chunk = chunk->next) {
		if (keep > 0) {
			keep--;
			continue;
		}
		(void)madvise(chunk->bytes, CHUNK_SIZE_BYTES, MADV_DONTNEED);
	}
}

unsigned
slab_in_use(const struct slab *slab)
{
	return slab->in_use;
}

unsigned
slab_capacity(const struct slab *slab)
{
	return slab->count;
}

/*
 * slab_arena.c - chunks of a slab in address space that is reserved once.
 *
 * Each size has a range as large as the ceiling, of which only what is used has pages: the
 * sum is the slab's to bound. Chunk heads lie in arrays beside the bytes, so that a free
 * chunk's pages need not be touched. The free list is last in, first out: the warmest chunk
 * is next, and those without pages come last.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <sys/mman.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/poison.h"
#include "base/slab.h"
#include "base/slab_store.h"

struct shelf {
	unsigned char *bytes;
	struct chunk *chunks; /* heads of all */
	struct chunk *free;
	size_t count;
	size_t fresh; /* chunks from here on were never taken */
};

struct slab_store {
	unsigned char *arena;
	size_t arena_bytes;
	size_t resident;
	struct shelf shelves[SLAB_KINDS];
};

int
slab_store_new(struct slab_store **out, size_t limit_bytes, struct err *err)
{
	struct slab_store *store;
	size_t total = 0, at = 0;
	unsigned kind;
	void *arena;

	for (kind = 0; kind < SLAB_KINDS; kind++)
		total += limit_bytes / slab_sizes[kind] * slab_sizes[kind];
	arena = mmap(NULL, total, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (arena == MAP_FAILED)
		return err_sys(err, "cannot reserve %zu bytes for output", total);
	/* Huge pages would round every chunk up to 2 MiB; a kernel without them says EINVAL. */
	(void)madvise(arena, total, MADV_NOHUGEPAGE);
	POISON(arena, total);

	store = MEM_NEW(struct slab_store);
	store->arena = arena;
	store->arena_bytes = total;
	for (kind = 0; kind < SLAB_KINDS; kind++) {
		struct shelf *shelf = &store->shelves[kind];

		shelf->count = limit_bytes / slab_sizes[kind];
		shelf->bytes = store->arena + at;
		shelf->chunks = MEM_NEW_ARRAY(struct chunk, shelf->count);
		at += shelf->count * slab_sizes[kind];
	}
	*out = store;
	return 0;
}

void
slab_store_free(struct slab_store *store)
{
	unsigned kind;

	UNPOISON(store->arena, store->arena_bytes);
	(void)munmap(store->arena, store->arena_bytes);
	for (kind = 0; kind < SLAB_KINDS; kind++)
		free(store->shelves[kind].chunks);
	free(store);
}

bool
slab_store_is_warm(const struct slab_store *store, unsigned kind)
{
	const struct chunk *chunk = store->shelves[kind].free;

	return chunk != NULL && chunk->resident;
}

static struct chunk *
take_fresh(struct shelf *shelf, unsigned kind)
{
	struct chunk *chunk;

	if (shelf->fresh == shelf->count)
		return NULL;
	chunk = &shelf->chunks[shelf->fresh];
	chunk->bytes = shelf->bytes + shelf->fresh * slab_sizes[kind];
	chunk->size = slab_sizes[kind];
	chunk->kind = (uint8_t)kind;
	shelf->fresh++;
	return chunk;
}

struct chunk *
slab_store_get(struct slab_store *store, unsigned kind)
{
	struct shelf *shelf = &store->shelves[kind];
	struct chunk *chunk = shelf->free;

	if (chunk != NULL)
		shelf->free = chunk->next;
	else if ((chunk = take_fresh(shelf, kind)) == NULL)
		return NULL;
	if (!chunk->resident)
		store->resident += chunk->size;
	chunk->resident = true;
	UNPOISON(chunk->bytes, chunk->size);
	return chunk;
}

void
slab_store_put(struct slab_store *store, struct chunk *chunk)
{
	struct shelf *shelf = &store->shelves[chunk->kind];

	POISON(chunk->bytes, chunk->size);
	chunk->next = shelf->free;
	shelf->free = chunk;
}

void
slab_store_trim(struct slab_store *store, unsigned kind, size_t keep)
{
	struct chunk *chunk;

	for (chunk = store->shelves[kind].free; chunk != NULL && chunk->resident;
	     chunk = chunk->next) {
		if (keep > 0) {
			keep--;
			continue;
		}
		(void)madvise(chunk->bytes, chunk->size, MADV_DONTNEED);
		chunk->resident = false;
		store->resident -= chunk->size;
	}
}

size_t
slab_store_resident(const struct slab_store *store)
{
	return store->resident;
}

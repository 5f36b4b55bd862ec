/*
 * slab_malloc.c - chunks of a slab on malloc(3): slow, and every misuse is one that ASan sees.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/slab.h"
#include "base/slab_store.h"

struct slab_store {
	size_t resident;
};

int
slab_store_new(struct slab_store **out, size_t limit_bytes, struct err *err)
{
	(void)limit_bytes;
	(void)err;
	*out = MEM_NEW(struct slab_store);
	return 0;
}

void
slab_store_free(struct slab_store *store)
{
	free(store);
}

bool
slab_store_is_warm(const struct slab_store *store, unsigned kind)
{
	(void)store;
	(void)kind;
	return false;
}

struct chunk *
slab_store_get(struct slab_store *store, unsigned kind)
{
	struct chunk *chunk = MEM_NEW(struct chunk);

	chunk->size = slab_sizes[kind];
	chunk->kind = (uint8_t)kind;
	chunk->bytes = mem_try(chunk->size);
	if (chunk->bytes == NULL) {
		free(chunk);
		return NULL;
	}
	store->resident += chunk->size;
	return chunk;
}

void
slab_store_put(struct slab_store *store, struct chunk *chunk)
{
	store->resident -= chunk->size;
	free(chunk->bytes);
	free(chunk);
}

void
slab_store_trim(struct slab_store *store, unsigned kind, size_t keep)
{
	(void)store;
	(void)kind;
	(void)keep;
}

size_t
slab_store_resident(const struct slab_store *store)
{
	return store->resident;
}

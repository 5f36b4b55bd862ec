/*
 * slab.c - memory that output passes through: what is counted, and against what.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/slab.h"

#include <stdlib.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/slab_store.h"

const uint32_t slab_sizes[SLAB_KINDS] = {4096, 16 * 1024, CHUNK_MOST_BYTES};

struct slab {
	struct slab_store *store;
	struct slab_use use;	       /* resident_bytes is the store's to say */
	size_t taken[SLAB_KINDS];      /* chunks that are out */
	size_t most_taken[SLAB_KINDS]; /* the same, since the last trim */
};

int
slab_new(struct slab **out, size_t limit_bytes, struct err *err)
{
	struct slab *slab;
	struct slab_store *store;

	if (limit_bytes < SLAB_LEAST_BYTES || limit_bytes > SLAB_MOST_BYTES)
		return err_set(err, ERR_LIMIT, "output memory of %zu bytes is not from %d to %d",
			       limit_bytes, SLAB_LEAST_BYTES, SLAB_MOST_BYTES);
	if (slab_store_new(&store, limit_bytes, err) < 0)
		return err->code;
	slab = MEM_NEW(struct slab);
	slab->store = store;
	slab->use.limit_bytes = limit_bytes;
	*out = slab;
	return 0;
}

void
slab_free(struct slab *slab)
{
	if (slab == NULL)
		return;
	assert(slab->use.chunk_bytes == 0 && slab->use.charged_bytes == 0);
	slab_store_free(slab->store);
	free(slab);
}

static void
note_peak(struct slab *slab)
{
	size_t now = slab->use.chunk_bytes + slab->use.charged_bytes;

	if (now > slab->use.peak_bytes)
		slab->use.peak_bytes = now;
}

/* Is there room for bytes more pages? Free chunks' pages make way first. */
static bool
make_room(struct slab *slab, size_t bytes)
{
	unsigned kind;
	size_t others = slab->use.charged_bytes + bytes;

	if (slab_store_resident(slab->store) + others <= slab->use.limit_bytes)
		return true;
	for (kind = 0; kind < SLAB_KINDS; kind++)
		slab_store_trim(slab->store, kind, 0);
	return slab_store_resident(slab->store) + others <= slab->use.limit_bytes;
}

static unsigned
kind_for(size_t size)
{
	unsigned kind = 0;

	while (slab_sizes[kind] < size)
		kind++;
	return kind;
}

struct chunk *
slab_take(struct slab *slab, size_t size)
{
	struct chunk *chunk = NULL;
	unsigned kind;

	assert(size <= CHUNK_MOST_BYTES);
	kind = kind_for(size);
	if (slab_store_is_warm(slab->store, kind) || make_room(slab, slab_sizes[kind]))
		chunk = slab_store_get(slab->store, kind);
	if (chunk == NULL) {
		slab->use.refused++;
		return NULL;
	}
	assert(chunk->refs == 0);
	chunk->refs = 1;
	chunk->len = 0;
	chunk->slab = slab;
	chunk->next = NULL;
	slab->use.taken++;
	slab->use.chunk_bytes += chunk->size;
	slab->taken[kind]++;
	if (slab->taken[kind] > slab->most_taken[kind])
		slab->most_taken[kind] = slab->taken[kind];
	note_peak(slab);
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
	struct slab *slab;

	if (chunk == NULL)
		return;
	assert(chunk->refs > 0);
	if (--chunk->refs > 0)
		return;
	slab = chunk->slab;
	slab->use.chunk_bytes -= chunk->size;
	slab->taken[chunk->kind]--;
	slab_store_put(slab->store, chunk);
}

void
slab_charge(struct slab *slab, size_t bytes)
{
	slab->use.charged_bytes += bytes;
	(void)make_room(slab, 0);
	note_peak(slab);
}

void
slab_discharge(struct slab *slab, size_t bytes)
{
	assert(bytes <= slab->use.charged_bytes);
	slab->use.charged_bytes -= bytes;
}

size_t
slab_room(const struct slab *slab)
{
	size_t used = slab->use.chunk_bytes + slab->use.charged_bytes;

	return used < slab->use.limit_bytes ? slab->use.limit_bytes - used : 0;
}

bool
slab_trim(struct slab *slab)
{
	size_t resident;
	unsigned kind;

	for (kind = 0; kind < SLAB_KINDS; kind++) {
		slab_store_trim(slab->store, kind, slab->most_taken[kind] - slab->taken[kind]);
		slab->most_taken[kind] = slab->taken[kind];
	}
	resident = slab_store_resident(slab->store);
	return resident > slab->use.chunk_bytes;
}

struct slab_use
slab_use(const struct slab *slab)
{
	struct slab_use use = slab->use;

	use.resident_bytes = slab_store_resident(slab->store);
	return use;
}

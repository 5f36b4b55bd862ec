/*
 * slab_store.h - where a slab's chunks come from: an arena, or malloc(3) for ASan's sake.
 *
 * Private to the slab. slab_arena.c and slab_malloc.c are two forms of the same; configure
 * chooses (--enable-slab-malloc).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_SLAB_STORE_H
#define BASE_SLAB_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct chunk;
struct err;
struct slab_store;

enum { SLAB_KINDS = 3 };
extern const uint32_t slab_sizes[SLAB_KINDS];

/* Fails: ERR_LIMIT, ERR_HOST. */
int slab_store_new(struct slab_store **out, size_t limit_bytes, struct err *err);
void slab_store_free(struct slab_store *store);

/* Will the next chunk of this kind cost no page more than are resident? */
bool slab_store_is_warm(const struct slab_store *store, unsigned kind);
/* A free chunk, its bytes, size and kind set; NULL when there is none of this kind. */
struct chunk *slab_store_get(struct slab_store *store, unsigned kind);
void slab_store_put(struct slab_store *store, struct chunk *chunk);

/* Give back the pages of free chunks of this kind, but for keep of them. */
void slab_store_trim(struct slab_store *store, unsigned kind, size_t keep);
/* Pages of chunks, taken or free, in bytes. */
size_t slab_store_resident(const struct slab_store *store);

#endif

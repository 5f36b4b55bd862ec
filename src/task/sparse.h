/*
 * sparse.h - a number for each of some places among many.
 *
 * sparse_init() -> sparse_put() in the order of the places -> sparse_get() -> sparse_release().
 * A place that has none costs two bits, one that has costs 34; to ask takes the same time whatever
 * there is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_SPARSE_H
#define TASK_SPARSE_H

#include <stdint.h>

struct sparse_block {
	uint64_t bits;	 /* which of 64 places have a number */
	uint32_t before; /* how many numbers stand before the block */
};

/* All zero: nothing has a number, and no place may be asked for. */
struct sparse {
	struct sparse_block *blocks;
	uint32_t *numbers;
	uint32_t block; /* the last that was put into */
};

/* For places 0 to places - 1, of which count have a number. */
void sparse_init(struct sparse *sparse, uint32_t places, uint32_t count);
void sparse_release(struct sparse *sparse);

/* A place behind all that were put before. */
void sparse_put(struct sparse *sparse, uint32_t place, uint32_t number);

/* Its number; 0: none. */
static inline uint32_t
sparse_get(const struct sparse *sparse, uint32_t place)
{
	const struct sparse_block *block = &sparse->blocks[place / 64];
	uint64_t bit = (uint64_t)1 << place % 64;

	if ((block->bits & bit) == 0)
		return 0;
	return sparse
		->numbers[block->before + (uint32_t)__builtin_popcountll(block->bits & (bit - 1))];
}

#endif

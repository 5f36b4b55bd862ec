/*
 * sparse.c - a number for each of some places among many.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/sparse.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

void
sparse_init(struct sparse *sparse, uint32_t places, uint32_t count)
{
	memset(sparse, 0, sizeof(*sparse));
	sparse->blocks = MEM_NEW_ARRAY(struct sparse_block, places / 64 + 1);
	sparse->numbers = MEM_NEW_ARRAY(uint32_t, count + 1);
}

void
sparse_release(struct sparse *sparse)
{
	free(sparse->blocks);
	free(sparse->numbers);
	memset(sparse, 0, sizeof(*sparse));
}

void
sparse_put(struct sparse *sparse, uint32_t place, uint32_t number)
{
	struct sparse_block *block = &sparse->blocks[sparse->block];
	uint32_t before = block->before + (uint32_t)__builtin_popcountll(block->bits);

	for (; sparse->block < place / 64; sparse->block++)
		sparse->blocks[sparse->block + 1].before = before;
	sparse->blocks[sparse->block].bits |= (uint64_t)1 << place % 64;
	sparse->numbers[before] = number;
}

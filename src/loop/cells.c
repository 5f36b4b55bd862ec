/*
 * cells.c - the small memory that libevent keeps for good, in pages of its own.
 *
 * One range of addresses, so that a pointer says whose it is. Cells are taken from its beginning;
 * those given back are a list. Pages that were never touched cost nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop/cells.h"

#include <event2/event.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/poison.h"

enum { CELL_BYTES = 32, RANGE_BYTES = 4 << 20 };

#ifdef POISON_WITH_ASAN
enum { IS_UNDER_ASAN = true };
#else
enum { IS_UNDER_ASAN = false };
#endif

struct cell {
	struct cell *next;
};

static unsigned char *range;
static size_t used; /* bytes of it that were taken at least once */
static struct cell *free_cells;

static bool
is_cell(const void *ptr)
{
	uintptr_t at = (uintptr_t)ptr, from = (uintptr_t)range;

	return at >= from && at - from < RANGE_BYTES;
}

static void *
take_cell(void)
{
	struct cell *cell = free_cells;

	if (cell != NULL) {
		free_cells = cell->next;
		return cell;
	}
	if (used == RANGE_BYTES)
		return NULL;
	used += CELL_BYTES;
	return range + used - CELL_BYTES;
}

static void
give_cell(void *ptr)
{
	struct cell *cell = ptr;

	cell->next = free_cells;
	free_cells = cell;
}

static void *
on_malloc(size_t size)
{
	void *ptr = size <= CELL_BYTES ? take_cell() : NULL;

	return ptr != NULL ? ptr : malloc(size);
}

static void
on_free(void *ptr)
{
	if (is_cell(ptr))
		give_cell(ptr);
	else
		free(ptr);
}

static void *
on_realloc(void *ptr, size_t size)
{
	void *larger;

	if (ptr == NULL)
		return on_malloc(size);
	if (!is_cell(ptr))
		return realloc(ptr, size);
	if (size <= CELL_BYTES)
		return ptr;
	larger = malloc(size);
	if (larger == NULL)
		return NULL;
	memcpy(larger, ptr, CELL_BYTES);
	give_cell(ptr);
	return larger;
}

void
cells_use(void)
{
	void *at;

	if (IS_UNDER_ASAN)
		return;
	at = mmap(NULL, RANGE_BYTES, PROT_READ | PROT_WRITE,
		  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (at == MAP_FAILED)
		return;
	range = at;
	event_set_mem_functions(on_malloc, on_realloc, on_free);
}

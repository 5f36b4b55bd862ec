/*
 * arena.c - memory of one thing (a document, a compilation), freed at once.
 *
 * A block is half of all that was handed out before, from 4 KiB to 1 MiB; a thing larger than a quarter of a block has
 * a block of its own. Under ASan each thing is a block, so that an overrun is seen.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/poison.h"

enum { BLOCK_LEAST_BYTES = 4096, BLOCK_MOST_BYTES = 1 << 20 };

struct arena_block {
	struct arena_block *before;
	size_t room, used;
	alignas(max_align_t) unsigned char bytes[];
};

void
arena_init(struct arena *arena, size_t limit)
{
	memset(arena, 0, sizeof(*arena));
	arena->limit = limit;
}

void
arena_release(struct arena *arena)
{
	struct arena_block *block, *before;

	for (block = arena->last; block != NULL; block = before) {
		before = block->before;
		free(block);
	}
	arena_init(arena, arena->limit);
}

static struct arena_block *
block_new(size_t room)
{
	struct arena_block *block = mem_resize(NULL, 1, sizeof(*block) + room);

	block->before = NULL;
	block->room = room;
	block->used = 0;
	return block;
}

static struct arena_block *
block_for(struct arena *arena, size_t size)
{
	struct arena_block *last = arena->last, *block;
	size_t room;

#ifdef POISON_WITH_ASAN
	room = 0;
#else
	if (last != NULL && last->room - last->used >= size)
		return last;
	room = arena->used / 2;
	if (room < BLOCK_LEAST_BYTES)
		room = BLOCK_LEAST_BYTES;
	if (room > BLOCK_MOST_BYTES)
		room = BLOCK_MOST_BYTES;
#endif
	if (size > room / 4) { /* of its own, behind the block that still has room */
		block = block_new(size);
		if (last != NULL) {
			block->before = last->before;
			last->before = block;
		} else {
			arena->last = block;
		}
		return block;
	}
	block = block_new(room);
	block->before = last;
	arena->last = block;
	return block;
}

/* Not zeroed: whoever fills it all has touched it once. */
static void *
take(struct arena *arena, size_t size)
{
	struct arena_block *block;
	size_t aligned;
	void *ptr;

	if (size > PTRDIFF_MAX / 2) {
		arena->full = true;
		return NULL;
	}
	aligned = (size + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
	if (arena->full || (arena->limit != 0 && aligned > arena->limit - arena->used)) {
		arena->full = true;
		return NULL;
	}
	block = block_for(arena, aligned);
	ptr = block->bytes + block->used;
	block->used += aligned;
	arena->used += aligned;
	return ptr;
}

void *
arena_zalloc(struct arena *arena, size_t size)
{
	void *ptr = take(arena, size);

	if (ptr != NULL)
		memset(ptr, 0, size);
	return ptr;
}

void *
arena_zalloc_array(struct arena *arena, size_t n, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(n, size, &total)) {
		arena->full = true;
		return NULL;
	}
	return arena_zalloc(arena, total);
}

char *
arena_strndup(struct arena *arena, const char *text, size_t len)
{
	char *copy = take(arena, len + 1);

	if (copy == NULL)
		return NULL;
	memcpy(copy, text, len);
	copy[len] = '\0';
	return copy;
}

char *
arena_strdup(struct arena *arena, const char *text)
{
	return arena_strndup(arena, text, strlen(text));
}

char *
arena_vprintf(struct arena *arena, const char *fmt, va_list ap)
{
	va_list again;
	char *text;
	int n;

	va_copy(again, ap);
	n = vsnprintf(NULL, 0, fmt, ap);
	assert(n >= 0);
	text = take(arena, (size_t)n + 1);
	if (text != NULL)
		(void)vsnprintf(text, (size_t)n + 1, fmt, again);
	va_end(again);
	return text;
}

char *
arena_printf(struct arena *arena, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(arena, fmt, ap);
	va_end(ap);
	return text;
}

bool
arena_is_full(const struct arena *arena)
{
	return arena->full;
}

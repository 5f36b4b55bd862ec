/*
 * arena.h - memory of one thing (a document, a compilation), freed at once.
 *
 * arena_init() with a ceiling -> arena_*() -> arena_release(). Passing the ceiling
 * is a sticky mark: allocations go on failing with NULL and arena_is_full() stays
 * true, so that a caller may test once at the end of a stage.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *last; /* newest block */
	size_t used;		  /* bytes handed out, alignment included */
	size_t limit;		  /* most bytes to hand out; 0: no limit */
	bool full;		  /* the limit was met */
};

#define ARENA_NEW(arena, type)		((type *)arena_zalloc((arena), sizeof(type)))
#define ARENA_NEW_ARRAY(arena, type, n) ((type *)arena_zalloc_array((arena), (n), sizeof(type)))

void arena_init(struct arena *arena, size_t limit);
void arena_release(struct arena *arena);

/* Zeroed and aligned for any type; NULL when the ceiling is reached. */
void *arena_zalloc(struct arena *arena, size_t size);
void *arena_zalloc_array(struct arena *arena, size_t n, size_t size);
char *arena_strdup(struct arena *arena, const char *text);
char *arena_strndup(struct arena *arena, const char *text, size_t len);
char *arena_printf(struct arena *arena, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
char *arena_vprintf(struct arena *arena, const char *fmt, va_list ap)
	__attribute__((format(printf, 2, 0)));

bool arena_is_full(const struct arena *arena);

#endif

/*
 * mem.h - small fixed memory; out of memory ends the program.
 *
 * Tasks outlive the agent and the hub keeps its state on disk, so an end here is a
 * restart, not a loss. What a peer or a user sizes goes through mem_try() or an
 * arena, and is bounded before it is asked for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stddef.h>

#define MEM_NEW(type)	       ((type *)mem_zalloc(1, sizeof(type)))
#define MEM_NEW_ARRAY(type, n) ((type *)mem_zalloc((n), sizeof(type)))

/* Zeroed memory for n things of size bytes; never NULL. The caller frees with free(3). */
void *mem_zalloc(size_t n, size_t size) __attribute__((returns_nonnull, malloc));
/* realloc(3) to n things of size bytes; never NULL; new room is not zeroed. */
void *mem_resize(void *ptr, size_t n, size_t size) __attribute__((returns_nonnull));
/* Copies of text; never NULL. mem_strdup(NULL) is not allowed. */
char *mem_strdup(const char *text) __attribute__((returns_nonnull, malloc));
char *mem_strndup(const char *text, size_t len) __attribute__((returns_nonnull, malloc));
char *mem_printf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));
/* size zeroed bytes or NULL: for what a peer sizes. */
void *mem_try(size_t size) __attribute__((malloc));

#endif

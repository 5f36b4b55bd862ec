/*
 * items.h - a growing list of strings: what glob finds and split divides.
 *
 * Strings lie in blocks and stay where they are. Memory that is not there ends the program.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HELPER_ITEMS_H
#define HELPER_ITEMS_H

#include <stddef.h>
#include <stdint.h>

struct items_block;

struct item {
	const char *text;
	uint64_t weight; /* bytes, or microseconds */
	unsigned node;
};

struct items {
	struct item *list;
	size_t count, room;
	struct items_block *blocks; /* the newest first */
	size_t used, size;	    /* of the newest */
};

#define ITEMS_INIT                                                                                 \
	{                                                                                          \
		NULL, 0, 0, NULL, 0, 0                                                             \
	}

void items_release(struct items *items);

/* Append a copy of text[0..len). */
void items_add(struct items *items, const char *text, size_t len);
/* Every word between white space. */
void items_add_words(struct items *items, const char *text);
/* By bytes. */
void items_sort(struct items *items);
/* Of equal neighbours one stays. */
void items_unique(struct items *items);

#endif

/*
 * items.c - a growing list of strings.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "helper/items.h"

#include <stdlib.h>
#include <string.h>

#include "helper/helper.h"
#include "runner/exit.h"

enum { BLOCK_BYTES = 1 << 20, ROOM_FIRST = 1024 };

struct items_block {
	struct items_block *next;
	char bytes[];
};

static void *
or_end(void *memory)
{
	if (memory == NULL)
		exit(helper_fail(EXIT_REFUSED, "there is no memory"));
	return memory;
}

static char *
take_room(struct items *items, size_t size)
{
	struct items_block *block = items->blocks;

	if (block == NULL || size > items->size - items->used) {
		items->size = size > BLOCK_BYTES ? size : BLOCK_BYTES;
		items->used = 0;
		block = or_end(malloc(sizeof(*block) + items->size));
		block->next = items->blocks;
		items->blocks = block;
	}
	items->used += size;
	return block->bytes + items->used - size;
}

void
items_release(struct items *items)
{
	struct items_block *block;

	while ((block = items->blocks) != NULL) {
		items->blocks = block->next;
		free(block);
	}
	free(items->list);
	*items = (struct items)ITEMS_INIT;
}

void
items_add(struct items *items, const char *text, size_t len)
{
	char *copy = take_room(items, len + 1);

	(void)memcpy(copy, text, len);
	copy[len] = '\0';
	if (items->count == items->room) {
		items->room = items->room > 0 ? items->room * 2 : ROOM_FIRST;
		items->list = or_end(realloc(items->list, items->room * sizeof(*items->list)));
	}
	items->list[items->count++] = (struct item){copy, 0, 0};
}

void
items_add_words(struct items *items, const char *text)
{
	static const char white[] = " \t\r\n\v\f";
	size_t len;

	for (text += strspn(text, white); *text != '\0'; text += strspn(text, white)) {
		len = strcspn(text, white);
		items_add(items, text, len);
		text += len;
	}
}

static int
by_text(const void *a, const void *b)
{
	const struct item *x = a, *y = b;

	return strcmp(x->text, y->text);
}

void
items_sort(struct items *items)
{
	if (items->count > 1)
		qsort(items->list, items->count, sizeof(*items->list), by_text);
}

void
items_unique(struct items *items)
{
	size_t i, n = 0;

	for (i = 0; i < items->count; i++)
		if (n == 0 || strcmp(items->list[n - 1].text, items->list[i].text) != 0)
			items->list[n++] = items->list[i];
	items->count = n;
}

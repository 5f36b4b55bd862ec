/*
 * yaml_map.c - looking into a tree: keys by name, kinds by word.
 *
 * A map of more than SMALL_MAP pairs has its keys' order beside it; lookup is then a
 * binary search, and no choice of keys makes it slower.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/yaml.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/assert.h"

enum { SMALL_MAP = 8 };

static int
order_by_key(const void *a, const void *b, void *pairs)
{
	const struct pair *all = pairs;
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
	int order = strcmp(all[left].key->text, all[right].key->text);

	if (order != 0)
		return order;
	return left < right ? -1 : left > right;
}

static void
weigh(struct node *node, const struct node *part)
{
	if (__builtin_add_overflow(node->weight, part->weight, &node->weight))
		node->weight = UINT32_MAX;
	if (part->height + 1 > node->height)
		node->height = (uint16_t)(part->height + 1);
}

void
node_seq_finish(struct node *seq)
{
	uint32_t i;

	seq->weight = 1;
	seq->height = 0;
	for (i = 0; i < seq->count; i++)
		weigh(seq, seq->items[i]);
}

static long
duplicate_in_small(const struct node *map)
{
	uint32_t i, j;

	for (i = 1; i < map->count; i++)
		for (j = 0; j < i; j++)
			if (strcmp(map->pairs[i].key->text, map->pairs[j].key->text) == 0)
				return i;
	return -1;
}

long
node_map_finish(struct node *map, struct arena *arena)
{
	long duplicate = -1;
	uint32_t i;

	map->weight = 1;
	map->height = 0;
	map->sorted = NULL;
	for (i = 0; i < map->count; i++) {
		weigh(map, map->pairs[i].key);
		weigh(map, map->pairs[i].value);
	}
	if (map->count <= SMALL_MAP)
		return duplicate_in_small(map);
	map->sorted = ARENA_NEW_ARRAY(arena, uint32_t, map->count);
	if (map->sorted == NULL)
		return -2;
	for (i = 0; i < map->count; i++)
		map->sorted[i] = i;
	qsort_r(map->sorted, map->count, sizeof(uint32_t), order_by_key, map->pairs);
	for (i = 1; i < map->count; i++) {
		const char *before = map->pairs[map->sorted[i - 1]].key->text;

		if (strcmp(before, map->pairs[map->sorted[i]].key->text) == 0 &&
		    (duplicate < 0 || map->sorted[i] < duplicate))
			duplicate = map->sorted[i];
	}
	return duplicate;
}

int
node_map_mark_shadowed(const struct node *map, bool *is_shadowed, struct arena *arena)
{
	uint32_t *sorted = map->sorted, i;

	if (sorted == NULL) {
		sorted = ARENA_NEW_ARRAY(arena, uint32_t, map->count);
		if (sorted == NULL)
			return -2;
		for (i = 0; i < map->count; i++)
			sorted[i] = i;
		qsort_r(sorted, map->count, sizeof(uint32_t), order_by_key, map->pairs);
	}
	for (i = 1; i < map->count; i++)
		if (strcmp(map->pairs[sorted[i - 1]].key->text, map->pairs[sorted[i]].key->text) ==
		    0)
			is_shadowed[sorted[i]] = true;
	return 0;
}

const struct pair *
node_get_pair(const struct node *map, const char *key)
{
	uint32_t low = 0, high;

	if (map == NULL || map->kind != NODE_MAP)
		return NULL;
	if (map->sorted == NULL) {
		for (low = 0; low < map->count; low++)
			if (strcmp(map->pairs[low].key->text, key) == 0)
				return &map->pairs[low];
		return NULL;
	}
	high = map->count;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		const struct pair *pair = &map->pairs[map->sorted[middle]];
		int order = strcmp(pair->key->text, key);

		if (order == 0)
			return pair;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

struct node *
node_get(const struct node *map, const char *key)
{
	const struct pair *pair = node_get_pair(map, key);

	return pair != NULL ? pair->value : NULL;
}

const char *
node_kind_name(enum node_kind kind)
{
	switch (kind) {
	case NODE_NULL:
		return "null";
	case NODE_BOOL:
		return "boolean";
	case NODE_INT:
		return "integer";
	case NODE_FLOAT:
		return "float";
	case NODE_STRING:
		return "string";
	case NODE_SEQ:
		return "list";
	case NODE_MAP:
		return "mapping";
	case NODE_KIND_COUNT:
		break;
	}
	UNREACHABLE();
}

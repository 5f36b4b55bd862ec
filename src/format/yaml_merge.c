/*
 * yaml_merge.c - the end of a mapping: merge keys, and keys that are there twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/yaml_reader.h"

#include <string.h>

#include "base/arena.h"

static bool
is_merge_key(const struct node *key)
{
	return key->style == NODE_PLAIN && strcmp(key->text, "<<") == 0;
}

static bool
is_merge_source(struct reader *reader, const struct node *node, const struct node *key)
{
	if (node->kind == NODE_MAP)
		return true;
	yaml_tell(reader, "E_YAML_MERGE", key->line, key->column,
		  "'<<:' as a key takes a mapping, an alias of one, or a list of those",
		  "what is merged must be a mapping, found: %s", node_kind_name(node->kind));
	return false;
}

/* Pairs that the merge keys among n children bring, own ones not counted. */
static size_t
count_merged(struct reader *reader, struct node *const *children, size_t n)
{
	const struct node *first = NULL;
	size_t merged = 0, i, j;

	for (i = 0; i < n; i += 2) {
		const struct node *key = children[i], *value = children[i + 1];

		if (!is_merge_key(key))
			continue;
		if (first != NULL)
			yaml_tell(
				reader, "W_YAML_MERGE", key->line, key->column,
				"write one: '<<: [*a, *b]'",
				"the mapping has another merge key in line %u; where both define a "
				"key that one wins",
				first->line);
		first = key;
		if (value->kind != NODE_SEQ) {
			merged += is_merge_source(reader, value, key) ? value->count : 0;
			continue;
		}
		for (j = 0; j < value->count; j++)
			if (is_merge_source(reader, value->items[j], key))
				merged += value->items[j]->count;
	}
	return merged;
}

static void
take_pairs(struct pair *all, size_t *n, const struct node *source)
{
	if (source->kind != NODE_MAP)
		return;
	if (source->count > 0)
		memcpy(all + *n, source->pairs, source->count * sizeof(*all));
	*n += source->count;
}

/*
 * Own pairs first, then those of each source in turn; of equal keys the first counts.
 * What remains is ordered as a reader expects it: merged pairs, then the map's own.
 */
static int
merge_pairs(struct reader *reader, struct node *map, struct node *const *children, size_t n,
	    size_t merged)
{
	struct node all = {.kind = NODE_MAP};
	size_t own = map->count, filled = own, i, j, kept = 0;
	bool *is_shadowed;

	all.pairs = ARENA_NEW_ARRAY(reader->arena, struct pair, own + merged);
	is_shadowed = ARENA_NEW_ARRAY(reader->arena, bool, own + merged);
	map->pairs = is_shadowed == NULL
			     ? NULL
			     : ARENA_NEW_ARRAY(reader->arena, struct pair, own + merged);
	if (all.pairs == NULL || map->pairs == NULL)
		return yaml_tell_memory(reader);
	for (i = 0, j = 0; i < n; i += 2)
		if (!is_merge_key(children[i]))
			all.pairs[j++] = (struct pair){children[i], children[i + 1]};
	for (i = 0; i < n; i += 2) {
		if (!is_merge_key(children[i]))
			continue;
		take_pairs(all.pairs, &filled, children[i + 1]);
		for (j = 0; children[i + 1]->kind == NODE_SEQ && j < children[i + 1]->count; j++)
			take_pairs(all.pairs, &filled, children[i + 1]->items[j]);
	}
	all.count = (uint32_t)filled;
	if (node_map_mark_shadowed(&all, is_shadowed, reader->arena) < 0)
		return yaml_tell_memory(reader);
	for (i = own; i < filled; i++)
		if (!is_shadowed[i])
			map->pairs[kept++] = all.pairs[i];
	if (own > 0)
		memcpy(map->pairs + kept, all.pairs, own * sizeof(*all.pairs));
	map->count = (uint32_t)(kept + own);
	return 0;
}

static void
tell_duplicate(struct reader *reader, const struct node *map, uint32_t at)
{
	const struct node *key = map->pairs[at].key;
	uint32_t i;

	for (i = 0; strcmp(map->pairs[i].key->text, key->text) != 0; i++)
		;
	yaml_tell(reader, "E_YAML_DUPKEY", key->line, key->column,
		  "rename or remove one of the two",
		  "key '%s' is already in this mapping, in line %u; this one is in line %u",
		  key->text, map->pairs[i].key->line, key->line);
}

static int
tell_duplicates(struct reader *reader, const struct node *map)
{
	bool *is_shadowed = ARENA_NEW_ARRAY(reader->arena, bool, map->count);
	uint32_t i;

	if (is_shadowed == NULL || node_map_mark_shadowed(map, is_shadowed, reader->arena) < 0)
		return yaml_tell_memory(reader);
	for (i = 0; i < map->count && reader->errors < YAML_ERRORS_MAX; i++)
		if (is_shadowed[i])
			tell_duplicate(reader, map, i);
	return 0;
}

/* The map's own pairs, merge keys left out. */
static int
own_pairs(struct reader *reader, struct node *map, struct node *const *children, size_t n)
{
	long duplicate;
	size_t i;

	map->pairs = ARENA_NEW_ARRAY(reader->arena, struct pair, n / 2);
	if (map->pairs == NULL)
		return yaml_tell_memory(reader);
	for (i = 0; i < n; i += 2)
		if (!is_merge_key(children[i]))
			map->pairs[map->count++] = (struct pair){children[i], children[i + 1]};
	duplicate = node_map_finish(map, reader->arena);
	if (duplicate == -2)
		return yaml_tell_memory(reader);
	return duplicate < 0 ? 0 : tell_duplicates(reader, map);
}

int
yaml_end_map(struct reader *reader, struct node *map, size_t base)
{
	size_t n = reader->stacked - base, merged;
	struct node *const *children = n > 0 ? reader->stack + base : NULL;
	int ret = own_pairs(reader, map, children, n);

	if (ret < 0 || map->count == n / 2)
		return ret;
	merged = count_merged(reader, children, n);
	if (merged == 0)
		return 0;
	ret = merge_pairs(reader, map, children, n, merged);
	if (ret == 0 && node_map_finish(map, reader->arena) == -2)
		ret = yaml_tell_memory(reader);
	return ret;
}

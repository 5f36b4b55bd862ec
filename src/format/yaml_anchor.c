/*
 * yaml_anchor.c - the anchors of one file, by name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/yaml_reader.h"

#include <search.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"

enum { UNUSED_TOLD_MAX = 20 };

struct anchor {
	const char *name;
	struct node *node;
	bool used;
	struct anchor *before;
};

static int
order_anchors(const void *a, const void *b)
{
	return strcmp(((const struct anchor *)a)->name, ((const struct anchor *)b)->name);
}

void
yaml_anchors_tell_unused(struct reader *reader)
{
	const struct anchor *anchor;
	unsigned told = 0;

	for (anchor = reader->anchors; anchor != NULL && told < UNUSED_TOLD_MAX;
	     anchor = anchor->before) {
		if (anchor->used)
			continue;
		yaml_tell(reader, "W_YAML_ANCHOR", anchor->node->line, anchor->node->column, NULL,
			  "anchor '%s' is never used", anchor->name);
		told++;
	}
}

int
yaml_anchor_add(struct reader *reader, const char *name, struct node *node)
{
	struct anchor *anchor, **found;

	if (name == NULL)
		return 0;
	if (reader->totals->anchors++ >= YAML_ANCHORS_MAX) {
		yaml_tell(reader, "E_YAML_LIMIT", node->line, node->column,
			  "leave out those that no alias names", "%s has more than %d anchors",
			  yaml_counted(reader), YAML_ANCHORS_MAX);
		return ERR_LIMIT;
	}
	anchor = ARENA_NEW(reader->arena, struct anchor);
	if (anchor == NULL)
		return yaml_tell_memory(reader);
	anchor->name = arena_strdup(reader->arena, name);
	if (anchor->name == NULL)
		return yaml_tell_memory(reader);
	anchor->node = node;
	node->has_anchor = true;
	found = tsearch(anchor, &reader->by_name, order_anchors);
	if (found == NULL)
		return yaml_tell_memory(reader);
	*found = anchor; /* a later anchor of the same name replaces the one before */
	anchor->before = reader->anchors;
	reader->anchors = anchor;
	return 0;
}

struct node *
yaml_anchor_find(struct reader *reader, const char *name)
{
	struct anchor wanted = {.name = name}, **found;

	found = tfind(&wanted, &reader->by_name, order_anchors);
	if (found == NULL)
		return NULL;
	(*found)->used = true;
	return (*found)->node;
}

static void
keep_anchor(void *anchor)
{
	(void)anchor; /* it is in the arena */
}

void
yaml_anchors_forget(struct reader *reader)
{
	tdestroy(reader->by_name, keep_anchor);
}

/*
 * tree.c - the config as a checked tree: loading it, and asking it for what must be there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/tree.h"

#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "compile/compilation.h"

enum { KEYS_LISTED_MAX = 8 };

struct loading {
	struct compilation *c;
	uint8_t source;
	bool is_full; /* no room for another error */
};

static void
on_yaml_problem(void *arg, const struct yaml_problem *problem)
{
	struct loading *loading = arg;
	struct place place = {loading->source, problem->line, problem->column};

	loading->is_full |=
		!comp_note(loading->c, place, problem->code, problem->hint, "%s", problem->message);
}

/* Note for each subtree whether it has a tag; a shared one is entered once. */
static bool
mark_tags(struct node *node)
{
	bool has_tag = false;
	uint32_t i;

	if (node->flags & TREE_SEEN)
		return (node->flags & TREE_HAS_TAG) != 0;
	node->flags |= TREE_SEEN;
	switch ((enum node_kind)node->kind) {
	case NODE_SEQ:
		for (i = 0; i < node->count; i++)
			has_tag |= mark_tags(node->items[i]);
		break;
	case NODE_MAP:
		for (i = 0; i < node->count; i++) {
			has_tag |= strstr(node->pairs[i].key->text, "<<") != NULL;
			has_tag |= mark_tags(node->pairs[i].value);
		}
		break;
	case NODE_STRING:
		has_tag = strstr(node->text, "<<") != NULL;
		break;
	case NODE_NULL:
	case NODE_BOOL:
	case NODE_INT:
	case NODE_FLOAT:
	case NODE_KIND_COUNT:
		break;
	}
	if (has_tag)
		node->flags |= TREE_HAS_TAG;
	return has_tag;
}

struct node *
tree_load(struct compilation *c, const char *path, const void *bytes, size_t len)
{
	struct loading loading = {.c = c, .source = (uint8_t)c->source_count};
	struct yaml_input input = {.bytes = bytes,
				   .len = len,
				   .source = loading.source,
				   .totals = &c->totals,
				   .problem = on_yaml_problem,
				   .arg = &loading};
	struct node *root;
	int ret;

	assert(c->source_count < COMP_SOURCES_MAX);
	if (!source_init(&c->sources[c->source_count++], c->arena, path, bytes, len))
		comp_limit(c, NULL, "the config needs more than %d MiB to compile",
			   COMPILE_MEMORY_BYTES >> 20);
	ret = yaml_read(&input, c->arena, &root);
	if (ret == ERR_LIMIT || loading.is_full)
		comp_leave(c, ret);
	if (root == NULL)
		return NULL;
	if (root->kind != NODE_MAP) {
		comp_error(c, root, "E_YAML_ROOT", "begin with 'version: 2.1'",
			   "expected type: mapping, found: %s", node_kind_name(root->kind));
		return NULL;
	}
	(void)mark_tags(root);
	return root;
}

long
tree_map_finish(struct compilation *c, struct node *map)
{
	long duplicate = node_map_finish(map, c->arena);

	if (duplicate == -2)
		comp_limit(c, NULL, "the config needs more than %d MiB to compile",
			   COMPILE_MEMORY_BYTES >> 20);
	return duplicate;
}

static const char *
type_hint(const struct node *node, enum node_kind wanted)
{
	if (wanted == NODE_STRING && node->kind < NODE_STRING && node->kind != NODE_NULL)
		return "quote it";
	if (wanted == NODE_SEQ)
		return "begin each item with '- '";
	if (wanted == NODE_MAP && node->kind == NODE_SEQ)
		return "write 'NAME:' where there is '- '";
	return NULL;
}

static void
tell_type(struct compilation *c, const struct node *node, enum node_kind kind, const char *code,
	  const char *what)
{
	if (node->kind < NODE_STRING && node->kind != NODE_NULL)
		comp_error(c, node, code, type_hint(node, kind),
			   "%s: expected type: %s, found: %s ('%s')", what, node_kind_name(kind),
			   node_kind_name(node->kind), node->text);
	else
		comp_error(c, node, code, type_hint(node, kind), "%s: expected type: %s, found: %s",
			   what, node_kind_name(kind), node_kind_name(node->kind));
}

bool
tree_expect(struct compilation *c, const struct node *node, enum node_kind kind, const char *what)
{
	if (node->flags & TREE_BAD)
		return false;
	if (node->kind == kind)
		return true;
	tell_type(c, node, kind, "E_SHAPE", what);
	return false;
}

const char *
tree_string(struct compilation *c, const struct node *node, const char *what)
{
	if (node->flags & TREE_BAD)
		return NULL;
	if (node->kind == NODE_STRING)
		return node->text;
	tell_type(c, node, NODE_STRING, "E_TYPE", what);
	return NULL;
}

const char *
tree_scalar(struct compilation *c, const struct node *node, const char *what)
{
	if (node->kind < NODE_SEQ && node->kind != NODE_NULL)
		return node->text;
	return tree_string(c, node, what);
}

bool
tree_strings(struct compilation *c, const struct node *node, const char *what,
	     struct plan_strings *out)
{
	bool good = true;
	uint32_t i;

	if (node->kind != NODE_SEQ) {
		const char *text = tree_string(c, node, what);

		if (text == NULL)
			return false;
		out->items = COMP_NEW_ARRAY(c, const char *, 1);
		out->items[0] = text;
		out->count = 1;
		return true;
	}
	out->items = COMP_NEW_ARRAY(c, const char *, node->count);
	out->count = node->count;
	for (i = 0; i < node->count; i++) {
		out->items[i] = tree_string(c, node->items[i], what);
		good &= out->items[i] != NULL;
	}
	if (!good)
		out->count = 0;
	return good;
}

bool
tree_bool(struct compilation *c, const struct node *node, const char *what, bool *out)
{
	if (node->flags & TREE_BAD)
		return false;
	if (node->kind != NODE_BOOL) {
		tell_type(c, node, NODE_BOOL, "E_TYPE", what);
		return false;
	}
	*out = node->boolean;
	return true;
}

struct node *
tree_need(struct compilation *c, const struct node *map, const char *key, const char *what)
{
	struct node *value = node_get(map, key);
	struct suggestion suggestion;

	if (value != NULL)
		return value;
	comp_suggest_init(c, &suggestion, key);
	comp_suggest_keys(&suggestion, map);
	comp_error(c, map, "E_KEY_MISSING",
		   suggestion.best != NULL
			   ? comp_printf(c, "is '%s' meant by '%s'?", key, suggestion.best)
			   : comp_printf(c, "add '%s:'", key),
		   "%s: required key [%s] not found", what, key);
	return NULL;
}

bool
tree_is_in(const char *const *keys, const char *key)
{
	for (; *keys != NULL; keys++)
		if (strcmp(*keys, key) == 0)
			return true;
	return false;
}

/* NULL where they are too many for a line. */
static const char *
list_keys(struct compilation *c, const char *const *keys)
{
	struct draft list = {0};
	size_t i;

	draft_add(c, &list, "permitted here: ", 16);
	for (i = 0; keys[i] != NULL; i++) {
		if (i > 0)
			draft_add(c, &list, ", ", 2);
		draft_add(c, &list, keys[i], strlen(keys[i]));
	}
	return i <= KEYS_LISTED_MAX ? draft_text(&list) : NULL;
}

void
tree_check_keys(struct compilation *c, const struct node *map, const char *const *keys,
		const char *code, const char *what)
{
	uint32_t i;

	for (i = 0; i < map->count; i++) {
		const struct node *key = map->pairs[i].key;
		struct suggestion suggestion;
		const char *const *k, *hint;

		if (key->flags & TREE_BAD || tree_is_in(keys, key->text))
			continue;
		comp_suggest_init(c, &suggestion, key->text);
		for (k = keys; *k != NULL; k++)
			comp_suggest(&suggestion, *k);
		hint = comp_suggest_hint(c, &suggestion);
		comp_error(c, key, code, hint != NULL ? hint : list_keys(c, keys),
			   "%s: extraneous key [%s] is not permitted", what, key->text);
	}
}

void
tree_need_21(struct compilation *c, const struct node *map, const char *const *keys)
{
	uint32_t i;

	if (c->is_21)
		return;
	for (i = 0; i < map->count; i++)
		if (tree_is_in(keys, map->pairs[i].key->text))
			comp_error(c, map->pairs[i].key, "E_NEEDS_21",
				   "write 'version: 2.1' at the top of the config",
				   "'%s' needs config version 2.1", map->pairs[i].key->text);
}

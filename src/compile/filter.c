/*
 * filter.c - "filters": does an entry run for this branch or tag.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/filter.h"

#include <string.h>

#include "compile/logic.h"
#include "compile/regex.h"
#include "compile/tree.h"

/* One of branches and tags. */
struct refs {
	bool is_there;
	const struct node *only; /* NULL: not given */
	const struct node *ignore;
};

/* "/.../": a regular expression; anything else is compared as it stands. */
static bool
is_regex(const char *text)
{
	size_t len = strlen(text);

	return len >= 2 && text[0] == '/' && text[len - 1] == '/';
}

/* No branch and no tag can have such a name (git-check-ref-format(1)). */
static bool
looks_like_pattern(const char *text)
{
	return strpbrk(text, "*?[^") != NULL;
}

/* Whether or not anything is compared with it: what is wrong is wrong on every branch. */
bool
filter_check(struct compilation *c, struct node *pattern)
{
	const char *text = tree_scalar(c, pattern, "a filter");
	const struct spot spot = {pattern, NULL};

	if (text == NULL)
		pattern->flags |= TREE_BAD;
	else if (is_regex(text) && !regex_check(c, &spot, text + 1, strlen(text) - 2))
		pattern->flags |= TREE_BAD;
	else if (!is_regex(text) && looks_like_pattern(text))
		comp_error(c, pattern, "W_FILTER_TEXT",
			   "write a regular expression between slashes: /release.*/",
			   "'%s' is compared as it stands: nothing can have this name", text);
	return !(pattern->flags & TREE_BAD);
}

static void
check_patterns(struct compilation *c, struct node *list)
{
	uint32_t i;

	if (list->kind != NODE_SEQ) {
		(void)filter_check(c, list);
		return;
	}
	for (i = 0; i < list->count; i++)
		(void)filter_check(c, list->items[i]);
}

bool
filter_matches(struct compilation *c, const struct node *pattern, const char *ref)
{
	const struct spot spot = {pattern, NULL};
	bool matched;

	if (pattern->flags & TREE_BAD)
		return false;
	if (!is_regex(pattern->text))
		return strcmp(pattern->text, ref) == 0;
	(void)regex_match(c, &spot, pattern->text + 1, strlen(pattern->text) - 2, ref, &matched);
	return matched;
}

static bool
matches_any(struct compilation *c, const struct node *list, const char *ref)
{
	bool matched = false;
	uint32_t i;

	if (list->kind != NODE_SEQ)
		return filter_matches(c, list, ref);
	for (i = 0; i < list->count; i++)
		matched |= filter_matches(c, list->items[i], ref);
	return matched;
}

static const struct node *
read_list(struct compilation *c, const struct node *map, const char *key)
{
	struct node *list = node_get(map, key);

	if (list == NULL || list->kind == NODE_NULL)
		return NULL;
	check_patterns(c, list);
	return list;
}

static struct refs
read_refs(struct compilation *c, const struct node *filters, const char *key)
{
	static const char *const keys[] = {"only", "ignore", NULL};
	const struct node *map = node_get(filters, key);
	const char *what = comp_printf(c, "key '%s'", key);
	struct refs refs = {0};

	if (map == NULL || map->kind == NODE_NULL)
		return refs;
	if (map->kind < NODE_SEQ && !(map->flags & TREE_BAD)) {
		comp_error(c, map, "E_SHAPE",
			   comp_printf(c, "write 'only: %.60s' below it", map->text),
			   "%s: expected type: mapping, found: %s", what,
			   node_kind_name(map->kind));
		return refs;
	}
	if (!tree_expect(c, map, NODE_MAP, what))
		return refs;
	tree_check_keys(c, map, keys, "E_FILTER_KEY", what);
	refs.only = read_list(c, map, "only");
	refs.ignore = read_list(c, map, "ignore");
	refs.is_there = refs.only != NULL || refs.ignore != NULL;
	return refs;
}

static bool
keeps_branch(struct compilation *c, const struct refs *branches, const char *branch)
{
	if (branches->only != NULL)
		return matches_any(c, branches->only, branch);
	return branches->ignore == NULL || !matches_any(c, branches->ignore, branch);
}

static bool
keeps_tag(struct compilation *c, const struct refs *tags, const char *tag)
{
	if (tags->only != NULL)
		return matches_any(c, tags->only, tag);
	return tags->ignore != NULL && !matches_any(c, tags->ignore, tag);
}

static bool
decide(struct compilation *c, const struct refs *branches, const struct refs *tags)
{
	const char *branch = c->input->branch, *tag = c->input->tag;

	if (branch != NULL && tag != NULL && !branches->is_there)
		return tags->ignore == NULL || !matches_any(c, tags->ignore, tag);
	if (tag != NULL && branch == NULL)
		return keeps_tag(c, tags, tag);
	return branch == NULL || keeps_branch(c, branches, branch);
}

bool
filter_keeps(struct compilation *c, const struct node *filters, const struct scope *scope)
{
	static const char *const keys[] = {"branches", "tags", NULL};
	struct refs branches = {0}, tags = {0};
	bool keeps;

	if (filters != NULL && filters->flags & TREE_BAD)
		return true;
	if (filters == NULL || filters->kind == NODE_NULL)
		return decide(c, &branches, &tags);
	if (filters->kind != NODE_MAP) {
		if (filters->kind == NODE_SEQ)
			return !tree_expect(c, filters, NODE_MAP, "key 'filters'");
		if (!c->is_21) {
			comp_error(c, filters, "E_NEEDS_21",
				   "write 'version: 2.1' at the top of the config",
				   "an expression as 'filters' needs config version 2.1");
			return true;
		}
		return !logic_eval(c, filters, scope, &keeps) || keeps;
	}
	tree_check_keys(c, filters, keys, "E_FILTER_KEY", "key 'filters'");
	branches = read_refs(c, filters, "branches");
	tags = read_refs(c, filters, "tags");
	return decide(c, &branches, &tags);
}

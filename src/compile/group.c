/*
 * group.c - job groups: jobs with requirements among themselves, used as one.
 *
 * Start, members, end and unlock stand in the list in that order; the end knows its start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/group.h"

#include <string.h>

#include "compile/filter.h"
#include "compile/names.h"
#include "compile/substitute.h"
#include "compile/tree.h"

static const char *const use_keys[] = {"name", "requires", "filters", "serial-group", NULL};

/* ---- declaring ---- */

static void
check_group(struct compilation *c, const struct pair *pair, const struct node *jobs)
{
	static const char *const keys[] = {"jobs", NULL};
	const char *what = comp_printf(c, "job group '%s'", pair->key->text);
	const struct node *list;

	if (!name_is_job(pair->key->text))
		comp_error(c, pair->key, "E_NAME",
			   "a letter first, then letters, digits, spaces, '_' and '-'",
			   "'%s' cannot be the name of a job group", pair->key->text);
	if (node_get(jobs, pair->key->text) != NULL)
		comp_error(c, pair->key, "E_GROUP_NAME", "rename one of the two",
			   "'%s' is the name of a job and of a job group", pair->key->text);
	if (!tree_expect(c, pair->value, NODE_MAP, what))
		return;
	tree_check_keys(c, pair->value, keys, "E_GROUP_KEY", what);
	list = tree_need(c, pair->value, "jobs", what);
	if (list != NULL && tree_expect(c, list, NODE_SEQ, what) && list->count == 0)
		comp_error(c, list, "E_SHAPE", NULL, "%s has no jobs", what);
}

const struct node *
group_declare(struct compilation *c, const struct node *section, const struct node *jobs)
{
	uint32_t i;

	if (section == NULL || !c->is_21 || !tree_expect(c, section, NODE_MAP, "key 'job-groups'"))
		return NULL;
	for (i = 0; i < section->count; i++)
		check_group(c, &section->pairs[i], jobs);
	return section;
}

/* ---- expanding ---- */

static void
check_use(struct compilation *c, const struct entry *entry)
{
	uint32_t i;

	for (i = 0; entry->attrs != NULL && i < entry->attrs->count; i++) {
		const struct node *key = entry->attrs->pairs[i].key;

		if (!tree_is_in(use_keys, key->text))
			comp_error(c, key, "E_GROUP_ATTR",
				   "a job group takes name, requires, filters and serial-group",
				   "job group '%s' cannot take '%s'", entry->name, key->text);
	}
}

static struct invocation *
add_border(struct compilation *c, struct entries *entries, const struct entry *entry,
	   const char *name, enum plan_job_type type)
{
	struct invocation *border = invocation_new(c, entries->list, entry->at);

	border->name = name;
	border->job_name = entry->name;
	border->job->job = entry->name;
	border->job->type = type;
	border->is_pruned = entries->is_pruned;
	border->entry = entries->list->entries;
	return border;
}

static const char *
read_serial_group(struct compilation *c, struct invocation *start, const struct node *attrs)
{
	const struct pair *pair = node_get_pair(attrs, "serial-group");
	const char *text = pair != NULL ? tree_string(c, pair->value, "key 'serial-group'") : NULL;

	if (text == NULL)
		return NULL;
	if (!name_is_serial_group(text)) {
		comp_error(c, pair->value, "E_SERIAL_GROUP",
			   "1 to 512 of letters, digits, '.', '_', '-' and '/'",
			   "'%s' cannot be the name of a serial group", text);
		return NULL;
	}
	job_need(c, &start->build, pair->key, FEATURE_SERIAL_GROUP, "'serial-group'");
	return text;
}

static void
expand_members(struct compilation *c, struct entries *entries, const struct node *jobs,
	       const char *prefix, bool is_pruned)
{
	struct entries inside = *entries;
	struct entry member;
	uint32_t i;

	inside.domain = ++entries->list->domains;
	inside.prefix = prefix;
	inside.is_pruned = is_pruned;
	for (i = 0; i < jobs->count; i++) {
		if (!entry_shape(c, jobs->items[i], &member))
			continue;
		if (node_get(entries->groups, member.name) != NULL)
			comp_error(c, member.at, "E_GROUP_NEST", NULL,
				   "a job group cannot contain a job group");
		else
			entry_read(c, &inside, jobs->items[i]);
	}
}

static bool
is_second_use(struct compilation *c, const struct entries *entries, const struct entry *entry,
	      const char *prefix)
{
	size_t i;

	for (i = 0; i < entries->list->count; i++) {
		const struct invocation *other = entries->list->items[i];

		if (other->group_end == NULL || strcmp(other->lookup, prefix) != 0)
			continue;
		comp_error(c, entry->at, "E_GROUP_DUP", "give each use a 'name' of its own",
			   "job group '%s' is used twice under the name '%s'", entry->name, prefix);
		return true;
	}
	return false;
}

void
group_expand(struct compilation *c, struct entries *entries, const struct entry *entry,
	     const struct node *group)
{
	struct scope scope = space_scope(entries->home->space, NULL);
	const struct node *attrs = NULL, *jobs = node_get(group, "jobs"), *name;
	struct invocation *start, *end, *unlock;
	const char *prefix, *serial;
	struct entries border = *entries;

	check_use(c, entry);
	if (jobs == NULL || jobs->kind != NODE_SEQ)
		return;
	if (entry->attrs != NULL)
		attrs = substitute(c, &scope, entry->attrs);
	name = node_get(attrs, "name");
	prefix = name != NULL ? tree_string(c, name, "key 'name'") : entry->name;
	if (prefix == NULL || is_second_use(c, entries, entry, prefix))
		return;
	border.is_pruned = !filter_keeps(c, node_get(attrs, "filters"), &scope);
	start = add_border(c, &border, entry, comp_printf(c, "%s-group-start", prefix),
			   PLAN_JOB_NO_OP);
	start->requires = node_get(attrs, "requires");
	serial = read_serial_group(c, start, attrs);
	expand_members(c, entries, jobs, prefix, border.is_pruned);
	end = add_border(c, &border, entry, comp_printf(c, "%s-group-end", prefix), PLAN_JOB_NO_OP);
	end->lookup = prefix;
	end->group_end = start;
	if (serial == NULL)
		return;
	start->job->type = PLAN_JOB_LOCK;
	start->job->serial_group = serial;
	unlock = add_border(c, &border, entry, comp_printf(c, "%s-group-unlock", prefix),
			    PLAN_JOB_UNLOCK);
	unlock->job->serial_group = serial;
	invocation_require(c, unlock, entries->list->count - 2, PLAN_TERMINAL, entry->at);
}

/* ---- tying ---- */

static void
tie_one(struct compilation *c, struct invocations *list, size_t start, size_t end)
{
	bool *is_required = COMP_NEW_ARRAY(c, bool, list->count);
	size_t i, j;

	for (i = start + 1; i < end; i++) {
		struct plan_job *job = list->items[i]->job;

		for (j = 0; j < job->require_count; j++)
			is_required[job->requires[j].job] = true;
		if (job->require_count == 0)
			invocation_require(c, list->items[i], start, PLAN_SUCCESS,
					   list->items[i]->at);
	}
	for (i = start + 1; i < end; i++)
		if (!is_required[i])
			invocation_require(c, list->items[end], i, PLAN_SUCCESS,
					   list->items[end]->at);
}

void
group_tie(struct compilation *c, struct invocations *list)
{
	size_t i, start;

	for (i = 0; i < list->count; i++) {
		if (list->items[i]->group_end == NULL)
			continue;
		for (start = i; list->items[start] != list->items[i]->group_end; start--)
			;
		tie_one(c, list, start, i);
	}
}

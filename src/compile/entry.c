/*
 * entry.c - one item of a workflow's "jobs": matrix, name, arguments, contexts, filters,
 * the job itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/entry.h"

#include <string.h>

#include "compile/filter.h"
#include "compile/group.h"
#include "compile/matrix.h"
#include "compile/names.h"
#include "compile/substitute.h"
#include "compile/tree.h"

static const char *const attributes[] = {"requires",	 "name",	  "context",   "type",
					 "filters",	 "matrix",	  "pre-steps", "post-steps",
					 "serial-group", "override-with", NULL};
static const char *const attributes_of_21[] = {
	"name", "matrix", "pre-steps", "post-steps", "serial-group", "override-with", NULL};
static const char *const matrix_key[] = {"matrix", NULL};

/* One invocation on its way: an entry and one combination of its matrix. */
struct reading {
	struct compilation *c;
	struct entries *entries;
	const struct entry *entry;
	const struct node *attrs;	    /* filled in; NULL: none */
	struct element *job;		    /* NULL: an inline approval */
	const struct bindings *combination; /* NULL: no matrix */
	struct scope scope;
	struct invocation *invocation;
};

/* ---- shape ---- */

bool
entry_shape(struct compilation *c, const struct node *item, struct entry *out)
{
	out->attrs = NULL;
	out->at = item;
	if (item->kind == NODE_MAP && item->count == 1) {
		out->at = item->pairs[0].key;
		out->attrs = item->pairs[0].value;
	} else if (item->kind == NODE_MAP && item->count > 1) {
		comp_error(c, item->pairs[1].key, "E_JOBREF_SHAPE",
			   comp_printf(c, "indent '%s' further, so that it belongs to '%s'",
				       item->pairs[1].key->text, item->pairs[0].key->text),
			   "an item of 'jobs' has exactly one key, this one has %u: '%s', '%s'",
			   item->count, item->pairs[0].key->text, item->pairs[1].key->text);
		return false;
	} else if (item->kind >= NODE_SEQ || item->kind == NODE_NULL) {
		comp_error(c, item, "E_JOBREF_SHAPE", NULL,
			   "an item of 'jobs' is a name or a mapping with one key, found: %s",
			   node_kind_name(item->kind));
		return false;
	}
	out->name = out->at->text;
	if (out->attrs != NULL && out->attrs->kind == NODE_NULL) {
		comp_error(c, out->at, "W_JOBREF_NULL", "remove the ':'", "nothing follows '%s:'",
			   out->name);
		out->attrs = NULL;
	}
	return out->attrs == NULL ||
	       tree_expect(c, out->attrs, NODE_MAP, comp_printf(c, "job '%s'", out->name));
}

/* ---- which job ---- */

static bool
is_inline_approval(struct compilation *c, const struct entry *entry)
{
	const struct node *type = node_get(entry->attrs, "type");
	struct suggestion suggestion;

	if (type == NULL)
		return false;
	if (type->kind == NODE_STRING && strcmp(type->text, "approval") == 0)
		return true;
	comp_suggest_init(c, &suggestion, type->kind == NODE_STRING ? type->text : "");
	comp_suggest(&suggestion, "approval");
	comp_error(c, type, "E_TYPE_INLINE",
		   suggestion.best != NULL ? comp_suggest_hint(c, &suggestion)
					   : "state other types in the job itself",
		   "in a workflow a job's type can only be approval");
	/* A slip of the pen in the type is not a second one in the job's name. */
	return suggestion.best != NULL;
}

static struct element *
overriding_job(struct compilation *c, const struct entries *entries, const struct entry *entry)
{
	const struct node *override = node_get(entry->attrs, "override-with");
	const char *name;

	if (override == NULL)
		return NULL;
	name = tree_string(c, override, "key 'override-with'");
	return name != NULL ? space_get(c, entries->home->space, ELEMENT_JOB, name) : NULL;
}

static struct element *
find_job(struct compilation *c, const struct entries *entries, const struct entry *entry)
{
	const struct space *space = entries->home->space;
	struct element *job = overriding_job(c, entries, entry);

	if (job == NULL)
		job = space_find(c, space, ELEMENT_JOB, entry->name, entry->at);
	return job != NULL && !job->is_bad ? job : NULL;
}

void
entry_check(struct compilation *c, const struct entries *entries, const struct node *item)
{
	struct entry entry;

	if (entry_shape(c, item, &entry) && !is_inline_approval(c, &entry) &&
	    node_get(entries->groups, entry.name) == NULL)
		(void)find_job(c, entries, &entry);
}

/* ---- attributes ---- */

static void
read_contexts(struct reading *reading)
{
	const struct pair *pair = node_get_pair(reading->attrs, "context");
	struct compilation *c = reading->c;
	struct plan_job *job = reading->invocation->job;
	size_t i;

	if (pair == NULL || !tree_strings(c, pair->value, "key 'context'", &job->contexts))
		return;
	for (i = 0; i < job->contexts.count; i++)
		if (!name_is_context(job->contexts.items[i]))
			comp_error(c, pair->value, "E_CONTEXT",
				   "at most 200 characters, no white space at its ends",
				   "'%s' cannot be the name of a context", job->contexts.items[i]);
	if (job->contexts.count > 0)
		job_need(c, &reading->invocation->build, pair->key, FEATURE_CONTEXTS, "'context'");
}

static void
read_serial_group(struct reading *reading)
{
	const struct pair *pair = node_get_pair(reading->attrs, "serial-group");
	struct compilation *c = reading->c;
	const char *text = pair != NULL ? tree_string(c, pair->value, "key 'serial-group'") : NULL;

	if (text == NULL)
		return;
	if (reading->entries->domain != 0) {
		comp_error(c, pair->key, "E_GROUP_ATTR", "put it where the group is used",
			   "'serial-group' cannot stand inside a job group");
		return;
	}
	if (!name_is_serial_group(text)) {
		comp_error(c, pair->value, "E_SERIAL_GROUP",
			   "1 to 512 of letters, digits, '.', '_', '-' and '/'",
			   "'%s' cannot be the name of a serial group", text);
		return;
	}
	reading->invocation->job->serial_group = text;
	job_need(c, &reading->invocation->build, pair->key, FEATURE_SERIAL_GROUP, "'serial-group'");
}

static void
read_name(struct reading *reading)
{
	const struct node *name = node_get(reading->attrs, "name");
	struct compilation *c = reading->c;
	struct invocation *invocation = reading->invocation;
	const char *text = name != NULL ? tree_string(c, name, "key 'name'") : NULL;

	if (text == NULL && reading->combination != NULL)
		text = matrix_name(c, reading->entry->name, reading->combination);
	if (text == NULL)
		text = reading->entry->name;
	if (!name_is_line(text)) {
		comp_error(c, name != NULL ? name : reading->entry->at, "E_NAME",
			   "one line of 1 to 300 bytes", "'%s' cannot be the name of a job", text);
		text = reading->entry->name;
	}
	invocation->lookup = text;
	invocation->name = reading->entries->prefix == NULL
				   ? text
				   : comp_printf(c, "%s-%s", reading->entries->prefix, text);
}

static void
read_attributes(struct reading *reading)
{
	struct invocation *invocation = reading->invocation;
	struct compilation *c = reading->c;

	read_name(reading);
	read_contexts(reading);
	read_serial_group(reading);
	invocation->requires = node_get(reading->attrs, "requires");
	invocation->is_pruned = reading->entries->is_pruned;
	/* Filters of a group's member count only where it has some: the group's decide first. */
	if (reading->entries->domain == 0 || node_get(reading->attrs, "filters") != NULL)
		invocation->is_pruned |=
			!filter_keeps(c, node_get(reading->attrs, "filters"), &reading->scope);
}

/* ---- the job ---- */

static void
read_job(struct reading *reading)
{
	struct compilation *c = reading->c;
	struct element *job = reading->job;
	struct home *declarer = COMP_NEW(c, struct home);
	struct bindings bindings = {0};
	struct call call = {.what = comp_printf(c, "job '%s'", job->full_name),
			    .at = reading->entry->at,
			    .arguments = reading->attrs,
			    .attributes = attributes,
			    .extra = reading->combination,
			    .caller = reading->entries->home,
			    .declarer = declarer};
	struct job_extra extra = {.pre_steps = node_get(reading->attrs, "pre-steps"),
				  .post_steps = node_get(reading->attrs, "post-steps"),
				  .home = reading->entries->home};

	declarer->space = job->space;
	if (!params_bind(c, &job->parameters, &call, &bindings))
		return;
	job_read(c, &reading->invocation->build, job, &bindings, &extra);
	if (reading->invocation->job->type == PLAN_JOB_APPROVAL)
		job_need(c, &reading->invocation->build, reading->entry->at, FEATURE_APPROVAL,
			 "an approval job");
}

static void
read_approval(struct reading *reading)
{
	static const char *const keys[] = {"requires", "name", "filters", "context", "type", NULL};
	struct invocation *invocation = reading->invocation;

	if (reading->attrs != NULL)
		tree_check_keys(reading->c, reading->attrs, keys, "E_ARG_UNEXPECTED",
				comp_printf(reading->c, "approval job '%s'", reading->entry->name));
	invocation->job->type = PLAN_JOB_APPROVAL;
	job_need(reading->c, &invocation->build, reading->entry->at, FEATURE_APPROVAL,
		 "an approval job");
}

static void
read_invocation(struct reading *reading)
{
	struct entries *entries = reading->entries;
	struct invocation *invocation;
	struct compilation *c = reading->c;
	struct link link;

	reading->scope = space_scope(entries->home->space, NULL);
	reading->scope.matrix = reading->combination;
	if (reading->entry->attrs != NULL) {
		comp_work_tree(c, reading->entry->attrs, node_get(reading->entry->attrs, "matrix"));
		reading->attrs =
			substitute_without(c, &reading->scope, reading->entry->attrs, matrix_key);
	}
	invocation = invocation_new(c, entries->list, reading->entry->at);
	reading->invocation = invocation;
	invocation->job_name =
		reading->job != NULL ? reading->job->full_name : reading->entry->name;
	invocation->job->job = invocation->job_name;
	invocation->entry = entries->list->entries;
	invocation->domain = entries->domain;
	read_attributes(reading);
	comp_enter(c, &link, "job", invocation->name);
	if (reading->job != NULL)
		read_job(reading);
	else
		read_approval(reading);
	comp_exit(c);
}

/* ---- the entry ---- */

/* false after telling that there is no matrix to go by. */
static bool
read_matrix(struct reading *reading)
{
	struct compilation *c = reading->c;
	const struct node *node = node_get(reading->entry->attrs, "matrix");
	struct scope scope = space_scope(reading->entries->home->space, NULL);
	struct matrix matrix;
	size_t i, first = reading->entries->list->count;

	if (!matrix_read(c, substitute(c, &scope, node), reading->job, reading->entry->attrs,
			 &matrix))
		return false;
	for (i = 0; i < matrix.count; i++) {
		reading->combination = &matrix.combinations[i];
		read_invocation(reading);
	}
	for (i = first; i < reading->entries->list->count; i++)
		reading->entries->list->items[i]->alias =
			matrix.alias != NULL ? matrix.alias : reading->job->full_name;
	return true;
}

static void
lose(struct compilation *c, struct invocations *list, const struct entry *entry)
{
	const struct node *name = node_get(entry->attrs, "name");
	const struct node *matrix = node_get(entry->attrs, "matrix");
	const struct node *alias = node_get(matrix, "alias");
	struct lost_entry *lost;

	list->lost = comp_grow(c, list->lost, list->lost_count, sizeof(*list->lost));
	lost = &list->lost[list->lost_count++];
	lost->job_name = entry->name;
	lost->name = name != NULL && name->kind == NODE_STRING ? name->text : NULL;
	lost->alias = alias != NULL && alias->kind == NODE_STRING ? alias->text : NULL;
	lost->has_matrix = matrix != NULL;
}

void
entry_read(struct compilation *c, struct entries *entries, const struct node *item)
{
	struct entry entry;
	struct reading reading = {.c = c, .entries = entries, .entry = &entry};
	const struct node *group;

	comp_work(c, 120);
	if (!entry_shape(c, item, &entry))
		return;
	entries->list->entries++;
	group = node_get(entries->groups, entry.name);
	if (group != NULL) {
		group_expand(c, entries, &entry, group);
		return;
	}
	if (entry.attrs != NULL)
		tree_need_21(c, entry.attrs, attributes_of_21);
	if (!is_inline_approval(c, &entry)) {
		reading.job = find_job(c, entries, &entry);
		if (reading.job == NULL) {
			lose(c, entries->list, &entry);
			return;
		}
	}
	if (!c->is_21 || reading.job == NULL || node_get(entry.attrs, "matrix") == NULL)
		read_invocation(&reading);
	else if (!read_matrix(&reading))
		lose(c, entries->list, &entry);
}

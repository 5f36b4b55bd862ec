/*
 * space.c - the names of one file: its commands, jobs, executors and the orbs it imports.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/space.h"

#include <stdlib.h>
#include <string.h>

#include "compile/names.h"
#include "compile/tree.h"

static const struct kind {
	const char *key;  /* of the section */
	const char *word; /* of one */
	const char *unknown;
	enum param_owner owner;
} kinds[ELEMENT_KIND_COUNT] = {
	[ELEMENT_COMMAND] = {"commands", "command", "E_CMD_UNKNOWN", PARAM_OF_COMMAND},
	[ELEMENT_JOB] = {"jobs", "job", "E_JOB_UNKNOWN", PARAM_OF_JOB},
	[ELEMENT_EXECUTOR] = {"executors", "executor", "E_EXEC_UNKNOWN", PARAM_OF_EXECUTOR},
};

/* ---- declaring ---- */

/*
 * The schema's grammar is narrower than what runs elsewhere ("test-3.9"), so the rest is
 * a warning, but for '/', which leads into orbs. Version 2 has neither orbs nor a grammar.
 */
static bool
check_job_name(struct compilation *c, const struct node *key)
{
	if (!name_is_line(key->text) || (c->is_21 && strchr(key->text, '/') != NULL)) {
		comp_error(c, key, "E_NAME", "one line of 1 to 300 bytes without '/'",
			   "'%s' cannot be the name of a job", key->text);
		return false;
	}
	if (c->is_21 && !name_is_job(key->text))
		comp_error(c, key, "W_JOB_NAME",
			   "a letter first, then letters, digits, spaces, '_' and '-'",
			   "'%s' is an unusual name of a job", key->text);
	return true;
}

static bool
check_name(struct compilation *c, enum element_kind kind, const struct node *key)
{
	static const char *const fixed[] = {"when", "unless", "steps", "run", NULL};

	if (kind == ELEMENT_COMMAND && tree_is_in(fixed, key->text)) {
		comp_error(c, key, "E_CMD_RESERVED", "choose another name",
			   "command '%s' cannot be redefined", key->text);
		return false;
	}
	if (kind == ELEMENT_JOB)
		return check_job_name(c, key);
	if (name_is_element(key->text))
		return true;
	comp_error(c, key, "E_NAME", "a letter first, then letters, digits, '_' and '-'",
		   "'%s' cannot be the name of a %s", key->text, kinds[kind].word);
	return false;
}

static void
check_element(struct compilation *c, struct element *element)
{
	static const char *const command_keys[] = {"description", "parameters", "steps", NULL};
	static const char *const executor_keys[] = {
		"docker",      "machine",	 "macos",	"shell",      "working_directory",
		"environment", "resource_class", "description", "parameters", NULL};
	const struct kind *kind = &kinds[element->kind];
	const char *what = comp_printf(c, "%s '%s'", kind->word, element->full_name);
	const struct node *parameters;

	if (!tree_expect(c, element->body, NODE_MAP, what)) {
		element->is_bad = true;
		return;
	}
	if (element->kind == ELEMENT_COMMAND) {
		tree_check_keys(c, element->body, command_keys, "E_KEY", what);
		element->is_bad |= tree_need(c, element->body, "steps", what) == NULL;
	} else if (element->kind == ELEMENT_EXECUTOR) {
		tree_check_keys(c, element->body, executor_keys, "E_KEY", what);
	}
	parameters = c->is_21 ? node_get(element->body, "parameters") : NULL;
	element->is_bad |= !params_declare(c, parameters, kind->owner, &element->parameters);
}

static int
order_ignoring_case(const void *a, const void *b)
{
	const struct element *left = *(const struct element *const *)a;
	const struct element *right = *(const struct element *const *)b;
	int order = name_compare_ignoring_case(left->name, right->name);

	return order != 0 ? order : left->key->line < right->key->line ? -1 : 1;
}

static void
check_case(struct compilation *c, const struct section *jobs)
{
	struct element **sorted = COMP_NEW_ARRAY(c, struct element *, jobs->map->count);
	uint32_t i;

	for (i = 0; i < jobs->map->count; i++)
		sorted[i] = &jobs->items[i];
	qsort(sorted, jobs->map->count, sizeof(struct element *), order_ignoring_case);
	for (i = 1; i < jobs->map->count; i++)
		if (name_compare_ignoring_case(sorted[i - 1]->name, sorted[i]->name) == 0 &&
		    strcmp(sorted[i - 1]->name, sorted[i]->name) != 0)
			comp_error(c, sorted[i]->key, "E_DUP_JOB_CASE", "rename one of the two",
				   "jobs '%s' (line %u) and '%s' differ only in case",
				   sorted[i - 1]->name, sorted[i - 1]->key->line, sorted[i]->name);
}

static void
declare_section(struct compilation *c, struct space *space, enum element_kind kind,
		const struct node *map)
{
	struct section *section = &space->sections[kind];
	uint32_t i;

	if (map == NULL ||
	    !tree_expect(c, map, NODE_MAP, comp_printf(c, "key '%s'", kinds[kind].key)))
		return;
	section->map = map;
	section->items = COMP_NEW_ARRAY(c, struct element, map->count);
	for (i = 0; i < map->count; i++) {
		struct element *element = &section->items[i];

		element->kind = kind;
		element->key = map->pairs[i].key;
		element->name = element->key->text;
		element->full_name = space->alias == NULL
					     ? element->name
					     : comp_printf(c, "%s/%s", space->alias, element->name);
		element->body = map->pairs[i].value;
		element->space = space;
		element->is_bad = !check_name(c, kind, element->key);
		check_element(c, element);
	}
	if (kind == ELEMENT_JOB)
		check_case(c, section);
}

/*
 * A job, a command and a workflow of one name are legal, and easily mixed up. A job and a
 * job group are an error, told in group.c.
 */
static void
warn_kinds(struct compilation *c, const struct node *root)
{
	static const char *const sections[] = {"jobs", "commands", "workflows", "job-groups"};
	static const char *const words[] = {"job", "command", "workflow", "job group"};
	size_t i, j;
	uint32_t k;

	for (i = 1; i < sizeof(sections) / sizeof(sections[0]); i++) {
		const struct node *later = node_get(root, sections[i]);

		for (k = 0; later != NULL && later->kind == NODE_MAP && k < later->count; k++)
			for (j = 0; j < i; j++)
				if ((i != 3 || j != 0) &&
				    node_get(node_get(root, sections[j]),
					     later->pairs[k].key->text) != NULL &&
				    strcmp(later->pairs[k].key->text, "version") != 0)
					comp_error(c, later->pairs[k].key, "W_KINDS", NULL,
						   "'%s' is the name of a %s and of a %s",
						   later->pairs[k].key->text, words[j], words[i]);
	}
}

void
space_declare(struct compilation *c, struct space *space, const struct node *root)
{
	declare_section(c, space, ELEMENT_EXECUTOR, c->is_21 ? node_get(root, "executors") : NULL);
	declare_section(c, space, ELEMENT_COMMAND, c->is_21 ? node_get(root, "commands") : NULL);
	declare_section(c, space, ELEMENT_JOB, node_get(root, "jobs"));
	if (c->is_21 && space->alias == NULL)
		warn_kinds(c, root);
}

/* ---- finding ---- */

static struct element *
get_own(const struct space *space, enum element_kind kind, const char *name)
{
	const struct section *section = &space->sections[kind];
	const struct pair *pair = node_get_pair(section->map, name);

	return pair != NULL ? &section->items[pair - section->map->pairs] : NULL;
}

static struct orb *
get_orb(struct compilation *c, const struct space *space, const char *alias, size_t len)
{
	size_t i;

	comp_work(c, space->orb_count);
	for (i = 0; i < space->orb_count; i++)
		if (strncmp(space->orbs[i].alias, alias, len) == 0 &&
		    space->orbs[i].alias[len] == '\0')
			return &space->orbs[i];
	return NULL;
}

struct element *
space_get(struct compilation *c, const struct space *space, enum element_kind kind,
	  const char *name)
{
	const char *slash = strchr(name, '/');
	struct element *element = get_own(space, kind, name); /* version 2 has names with '/' */
	struct orb *orb;

	if (element == NULL && slash != NULL) {
		orb = get_orb(c, space, name, (size_t)(slash - name));
		if (orb == NULL || orb->space == NULL)
			return NULL;
		orb->is_used = true;
		element = get_own(orb->space, kind, slash + 1);
	}
	if (element != NULL)
		element->is_used = true;
	return element;
}

static const char *
nearest(struct compilation *c, const struct space *space, enum element_kind kind, const char *name)
{
	struct suggestion suggestion;
	size_t i;
	uint32_t j;

	comp_suggest_init(c, &suggestion, name);
	comp_suggest_keys(&suggestion, space->sections[kind].map);
	for (i = 0; i < space->orb_count; i++) {
		const struct space *orb = space->orbs[i].space;
		const struct section *section = orb != NULL ? &orb->sections[kind] : NULL;

		for (j = 0; section != NULL && section->map != NULL && j < section->map->count; j++)
			comp_suggest(&suggestion, section->items[j].full_name);
	}
	return comp_suggest_hint(c, &suggestion);
}

static const char *
hint_of_unknown(struct compilation *c, const struct space *space, enum element_kind kind,
		const char *name)
{
	const char *hint = nearest(c, space, kind, name);

	if (hint != NULL)
		return hint;
	if (kind == ELEMENT_JOB)
		return "define it under 'jobs:'; one that waits for a person needs 'type: "
		       "approval'";
	return c->is_21 ? comp_printf(c, "define it under '%s:'", kinds[kind].key) : NULL;
}

struct element *
space_find(struct compilation *c, const struct space *space, enum element_kind kind,
	   const char *name, const struct node *at)
{
	struct element *element = space_get(c, space, kind, name);
	const char *slash = strchr(name, '/');
	const struct orb *orb;

	if (element != NULL)
		return element;
	orb = slash != NULL ? get_orb(c, space, name, (size_t)(slash - name)) : NULL;
	if (orb != NULL && orb->space == NULL)
		return NULL; /* the orb's own error says it all */
	if (slash != NULL && orb == NULL)
		comp_error(c, at, kinds[kind].unknown, "import it under 'orbs:'",
			   "cannot find orb '%.*s' looking for %s named '%s'", (int)(slash - name),
			   name, kinds[kind].word, name);
	else
		comp_error(c, at, kinds[kind].unknown, hint_of_unknown(c, space, kind, name),
			   "cannot find a definition for %s named '%s'", kinds[kind].word, name);
	return NULL;
}

struct scope
space_scope(const struct space *space, const struct bindings *parameters)
{
	return (struct scope){.parameters = parameters,
			      .sees_pipeline_parameters = space->alias == NULL};
}

void
space_tell_unused(struct compilation *c, const struct space *space)
{
	size_t i;
	int kind;

	for (kind = 0; kind < ELEMENT_KIND_COUNT; kind++) {
		const struct section *section = &space->sections[kind];

		for (i = 0; section->map != NULL && i < section->map->count; i++)
			if (!section->items[i].is_used)
				comp_error(c, section->items[i].key, "W_UNUSED", NULL,
					   "%s '%s' is never used", kinds[kind].word,
					   section->items[i].name);
	}
	for (i = 0; i < space->orb_count; i++)
		if (!space->orbs[i].is_used)
			comp_error(c, space->orbs[i].key, "W_UNUSED", NULL,
				   "orb '%s' is never used", space->orbs[i].alias);
}

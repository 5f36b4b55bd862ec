/*
 * environment.c - "environment" in its five spellings, and "shell" as words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/environment.h"

#include <string.h>

#include "compile/names.h"
#include "compile/tree.h"
#include "compile/value.h"

/* From so many variables on they are found by a table of slots: twice the items there is room for.
 */
enum { TABLE_FROM = 16 };

/* ---- one variable ---- */

/* FNV-1a. */
static uint32_t
hash_name(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash;
}

static size_t
slots_for(size_t count)
{
	size_t room = 1;

	while (room < count)
		room *= 2;
	return room * 2;
}

/* The slot that holds the name's item (from 1), or the free one where it belongs. */
static uint32_t *
find_slot(struct compilation *c, const struct plan_environment *environment, const char *name)
{
	size_t mask = slots_for(environment->count) - 1, at = hash_name(name) & mask;

	while (environment->slots[at] != 0 &&
	       strcmp(environment->items[environment->slots[at] - 1].name, name) != 0) {
		comp_work(c, 1); /* names may have been chosen to meet */
		at = (at + 1) & mask;
	}
	return &environment->slots[at];
}

static void
fill_slots(struct compilation *c, struct plan_environment *environment)
{
	size_t i;

	environment->slots = COMP_NEW_ARRAY(c, uint32_t, slots_for(environment->count));
	for (i = 0; i < environment->count; i++)
		*find_slot(c, environment, environment->items[i].name) = (uint32_t)i + 1;
}

static struct plan_pair *
find(struct compilation *c, const struct plan_environment *environment, const char *name)
{
	const uint32_t *slot;
	size_t i;

	if (environment->slots != NULL) {
		slot = find_slot(c, environment, name);
		return *slot != 0 ? &environment->items[*slot - 1] : NULL;
	}
	for (i = 0; i < environment->count; i++)
		if (strcmp(environment->items[i].name, name) == 0)
			return &environment->items[i];
	return NULL;
}

void
environment_set(struct compilation *c, struct plan_environment *environment, const char *name,
		const char *value)
{
	struct plan_pair *known = find(c, environment, name);
	size_t room = slots_for(environment->count);

	comp_work(c, 12);
	if (known != NULL) {
		known->value = value;
		return;
	}
	environment->items =
		comp_grow(c, environment->items, environment->count, sizeof(struct plan_pair));
	environment->items[environment->count].name = name;
	environment->items[environment->count++].value = value;
	if (environment->count < TABLE_FROM)
		return;
	if (environment->slots == NULL || room != slots_for(environment->count))
		fill_slots(c, environment);
	else
		*find_slot(c, environment, name) = (uint32_t)environment->count;
}

const char *
environment_get(struct compilation *c, const struct plan_environment *environment, const char *name)
{
	const struct plan_pair *pair = find(c, environment, name);

	return pair != NULL ? pair->value : NULL;
}

/* ---- reading ---- */

/* What is being read, and whose names it may have. */
struct reading {
	struct compilation *c;
	struct plan_environment *out;
	bool (*is_name)(const char *name);
};

static bool
check_name(const struct reading *reading, const struct node *at, const char *name)
{
	struct compilation *c = reading->c;

	if (reading->is_name(name))
		return true;
	comp_error(c, at, "E_ENV_NAME", "letters, digits and '_', not beginning with a digit",
		   "'%s' cannot be the name of an environment variable", name);
	return false;
}

static void
read_map(const struct reading *reading, const struct node *map)
{
	struct compilation *c = reading->c;
	uint32_t i;

	for (i = 0; i < map->count; i++) {
		const struct node *key = map->pairs[i].key, *value = map->pairs[i].value;
		const char *text = value_environment_text(c, value);

		if ((key->flags | value->flags) & TREE_BAD || !check_name(reading, key, key->text))
			continue;
		if (text != NULL)
			environment_set(c, reading->out, key->text, text);
		else
			comp_error(c, value, "E_ENV_VALUE", "a variable has one value: a scalar",
				   "environment variable '%s' cannot be a %s", key->text,
				   node_kind_name(value->kind));
	}
}

static void
read_assignment(const struct reading *reading, const struct node *node)
{
	struct compilation *c = reading->c;
	const char *text = tree_string(c, node, "key 'environment'"), *sign, *name;

	if (text == NULL)
		return;
	sign = strchr(text, '=');
	if (sign == NULL) {
		comp_error(c, node, "E_ENV_VALUE", "write 'NAME: value'",
			   "'%s' is no assignment: NAME=value is expected", text);
		return;
	}
	name = comp_strndup(c, text, (size_t)(sign - text));
	if (check_name(reading, node, name))
		environment_set(c, reading->out, name, sign + 1);
}

static void
read_any(const struct reading *reading, const struct node *node)
{
	uint32_t i;

	if (node == NULL || node->kind == NODE_NULL)
		return;
	if (node->kind == NODE_MAP) {
		read_map(reading, node);
		return;
	}
	if (node->kind != NODE_SEQ) {
		read_assignment(reading, node);
		return;
	}
	for (i = 0; i < node->count; i++) {
		if (node->items[i]->kind == NODE_MAP)
			read_map(reading, node->items[i]);
		else
			read_assignment(reading, node->items[i]);
	}
}

void
environment_read(struct compilation *c, const struct node *node, struct plan_environment *out)
{
	const struct reading reading = {c, out, name_is_variable};

	read_any(&reading, node);
}

void
environment_read_container(struct compilation *c, const struct node *node,
			   struct plan_environment *out)
{
	const struct reading reading = {c, out, name_is_container_variable};

	read_any(&reading, node);
}

/* ---- shell ---- */

static bool
is_space(char ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n';
}

/* One word, its quotes and backslashes taken off, from *p on; NULL where a quote is open. */
static const char *
take_word(struct compilation *c, const char **p)
{
	struct draft word = {0};
	char quote = '\0';

	draft_add(c, &word, "", 0);
	for (; **p != '\0' && (quote != '\0' || !is_space(**p)); (*p)++) {
		if (quote == '\0' && (**p == '\'' || **p == '"')) {
			quote = **p;
		} else if (**p == quote) {
			quote = '\0';
		} else {
			if (**p == '\\' && quote != '\'' && (*p)[1] != '\0')
				(*p)++;
			draft_add(c, &word, *p, 1);
		}
	}
	return quote == '\0' ? word.text : NULL;
}

static void
split_words(struct compilation *c, const struct node *node, struct plan_strings *out)
{
	const char *p = node->text, *word;

	for (;;) {
		while (is_space(*p))
			p++;
		if (*p == '\0')
			break;
		word = take_word(c, &p);
		if (word == NULL) {
			comp_error(c, node, "E_SHELL", "close the quote",
				   "shell '%s' has an open quote", node->text);
			return;
		}
		out->items = comp_grow(c, out->items, out->count, sizeof(*out->items));
		out->items[out->count++] = word;
	}
	if (out->count == 0)
		comp_error(c, node, "E_SHELL", "leave the key out to get the default shell",
			   "a shell cannot be empty");
}

void
shell_read(struct compilation *c, const struct node *node, struct plan_strings *out)
{
	memset(out, 0, sizeof(*out));
	if (node->kind == NODE_SEQ)
		(void)tree_strings(c, node, "key 'shell'", out);
	else if (tree_string(c, node, "key 'shell'") != NULL)
		split_words(c, node, out);
}

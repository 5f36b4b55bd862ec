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

void
environment_set(struct compilation *c, struct plan_environment *environment, const char *name,
		const char *value)
{
	size_t i;

	comp_work(c, 1 + environment->count / 4);
	for (i = 0; i < environment->count; i++) {
		if (strcmp(environment->items[i].name, name) == 0) {
			environment->items[i].value = value;
			return;
		}
	}
	environment->items = comp_grow(c, environment->items, environment->count,
				       sizeof(struct plan_pair));
	environment->items[environment->count].name = name;
	environment->items[environment->count++].value = value;
}

static bool
check_name(struct compilation *c, const struct node *at, const char *name)
{
	if (name_is_variable(name))
		return true;
	comp_error(c, at, "E_ENV_NAME", "letters, digits and '_', not beginning with a digit",
		   "'%s' cannot be the name of an environment variable", name);
	return false;
}

static void
read_map(struct compilation *c, const struct node *map, struct plan_environment *out)
{
	uint32_t i;

	for (i = 0; i < map->count; i++) {
		const struct node *key = map->pairs[i].key, *value = map->pairs[i].value;
		const char *text = value_environment_text(c, value);

		if ((key->flags | value->flags) & TREE_BAD || !check_name(c, key, key->text))
			continue;
		if (text != NULL)
			environment_set(c, out, key->text, text);
		else
			comp_error(c, value, "E_ENV_VALUE", "a variable has one value: a scalar",
				   "environment variable '%s' cannot be a %s", key->text,
				   node_kind_name(value->kind));
	}
}

static void
read_assignment(struct compilation *c, const struct node *node, struct plan_environment *out)
{
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
	if (check_name(c, node, name))
		environment_set(c, out, name, sign + 1);
}

void
environment_read(struct compilation *c, const struct node *node, struct plan_environment *out)
{
	uint32_t i;

	if (node == NULL || node->kind == NODE_NULL)
		return;
	if (node->kind == NODE_MAP) {
		read_map(c, node, out);
		return;
	}
	if (node->kind != NODE_SEQ) {
		read_assignment(c, node, out);
		return;
	}
	for (i = 0; i < node->count; i++) {
		if (node->items[i]->kind == NODE_MAP)
			read_map(c, node->items[i], out);
		else
			read_assignment(c, node->items[i], out);
	}
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
			comp_error(c, node, "E_SHELL", "close the quote", "shell '%s' has an open quote",
				   node->text);
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

/*
 * matrix.c - "matrix": every combination of some parameters' values.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/matrix.h"

#include <stdlib.h>
#include <string.h>

#include "compile/tree.h"
#include "compile/value.h"

struct axis {
	const char *name;
	const struct node *values; /* a list */
};

struct axes {
	struct axis *items;
	size_t count;
};

static int
order_by_name(const void *a, const void *b)
{
	return strcmp(((const struct axis *)a)->name, ((const struct axis *)b)->name);
}

/* The job's parameters right below 'matrix'. */
static bool
tell_misplaced(struct compilation *c, const struct node *node, const struct element *job)
{
	const struct node *key;
	uint32_t i;

	for (i = 0; i < node->count; i++) {
		key = node->pairs[i].key;
		if (params_find(&job->parameters, key->text) == NULL)
			continue;
		comp_error(c, key, "E_MATRIX_KEY",
			   "write 'parameters:', and it indented below that",
			   "'%s' is no key of a matrix: it is a parameter of the job", key->text);
		return true;
	}
	return false;
}

static bool
read_axis(struct compilation *c, const struct pair *pair, const struct element *job,
	  const struct node *arguments, struct axes *axes)
{
	const char *name = pair->key->text;
	struct suggestion suggestion;
	size_t i;

	if (params_find(&job->parameters, name) == NULL) {
		comp_suggest_init(c, &suggestion, name);
		for (i = 0; i < job->parameters.count; i++)
			comp_suggest(&suggestion, job->parameters.items[i].name);
		comp_error(c, pair->key, "E_ARG_UNEXPECTED", comp_suggest_hint(c, &suggestion),
			   "job '%s': unexpected argument(s): %s", job->full_name, name);
		return false;
	}
	if (node_get(arguments, name) != NULL) {
		comp_error(c, pair->key, "E_MATRIX_DUP", "keep one of them",
			   "parameter '%s' stands in the matrix and beside it", name);
		return false;
	}
	if (pair->value->flags & TREE_BAD)
		return false;
	if (pair->value->kind != NODE_SEQ) {
		comp_error(c, pair->value, "E_MATRIX_SHAPE", "write a list: [a, b]",
			   "matrix parameter '%s': expected type: list, found: %s", name,
			   node_kind_name(pair->value->kind));
		return false;
	}
	if (pair->value->count == 0) {
		comp_error(c, pair->value, "E_MATRIX_EMPTY", NULL,
			   "matrix parameter '%s' has no values", name);
		return false;
	}
	axes->items[axes->count].name = name;
	axes->items[axes->count++].values = pair->value;
	return true;
}

static bool
read_axes(struct compilation *c, const struct node *node, const struct element *job,
	  const struct node *arguments, struct axes *axes)
{
	const struct node *parameters = tree_need(c, node, "parameters", "key 'matrix'");
	uint64_t product = 1;
	bool good = true;
	uint32_t i;

	if (parameters == NULL || !tree_expect(c, parameters, NODE_MAP, "key 'parameters'"))
		return false;
	if (parameters->count == 0) {
		comp_error(c, parameters, "E_MATRIX_EMPTY", NULL, "the matrix has no parameters");
		return false;
	}
	axes->items = COMP_NEW_ARRAY(c, struct axis, parameters->count);
	for (i = 0; i < parameters->count; i++)
		good &= read_axis(c, &parameters->pairs[i], job, arguments, axes);
	for (i = 0; i < axes->count; i++) {
		product *= axes->items[i].values->count;
		if (product > MATRIX_COMBINATIONS_MAX)
			comp_limit(c, node, "the matrix has more than %d combinations",
				   MATRIX_COMBINATIONS_MAX);
	}
	qsort(axes->items, axes->count, sizeof(struct axis), order_by_name);
	return good;
}

/* ---- exclude ---- */

/* Whether a combination's full map equals the entry. */
static bool
is_excluded_by(struct compilation *c, const struct node *entry, const struct bindings *combination)
{
	size_t i;

	comp_work(c, 1);
	if (entry->count != combination->count)
		return false;
	for (i = 0; i < combination->count; i++) {
		const struct node *value = node_get(entry, combination->items[i].name);

		comp_work(c, 4);
		if (value == NULL || !value_equal(value, combination->items[i].value))
			return false;
	}
	return true;
}

static bool
has_axis(const struct axes *axes, const char *name)
{
	const struct axis wanted = {.name = name};

	return bsearch(&wanted, axes->items, axes->count, sizeof(struct axis), order_by_name) !=
	       NULL;
}

static bool
check_exclude(struct compilation *c, const struct node *entry, const struct axes *axes)
{
	uint32_t i;

	if (!tree_expect(c, entry, NODE_MAP, "an item of 'exclude'"))
		return false;
	for (i = 0; i < entry->count; i++) {
		const char *key = entry->pairs[i].key->text;

		if (has_axis(axes, key))
			continue;
		comp_error(c, entry->pairs[i].key, "E_MATRIX_EXCLUDE", NULL,
			   "'%s' is no parameter of this matrix", key);
		return false;
	}
	if (entry->count < axes->count)
		comp_error(c, entry, "W_MATRIX_EXCLUDE", "name every parameter of the matrix",
			   "this excludes nothing: it does not name all parameters");
	return true;
}

static bool
check_excludes(struct compilation *c, const struct node *exclude, const struct axes *axes)
{
	bool good = true;
	uint32_t i;

	if (exclude == NULL)
		return true;
	if (!tree_expect(c, exclude, NODE_SEQ, "key 'exclude'"))
		return false;
	for (i = 0; i < exclude->count; i++)
		good &= check_exclude(c, exclude->items[i], axes);
	return good;
}

static bool
is_excluded(struct compilation *c, const struct node *exclude, const struct bindings *combination)
{
	uint32_t i;

	for (i = 0; exclude != NULL && i < exclude->count; i++)
		if (is_excluded_by(c, exclude->items[i], combination))
			return true;
	return false;
}

/* ---- combinations ---- */

/* The n-th combination: n written in the axes' mixed base. */
static void
combine(struct compilation *c, const struct axes *axes, size_t n, struct bindings *out)
{
	size_t i;

	out->items = COMP_NEW_ARRAY(c, struct binding, axes->count);
	out->count = axes->count;
	for (i = axes->count; i-- > 0;) {
		const struct node *values = axes->items[i].values;

		out->items[i].name = axes->items[i].name;
		out->items[i].value = values->items[n % values->count];
		n /= values->count;
	}
}

bool
matrix_read(struct compilation *c, const struct node *node, const struct element *job,
	    const struct node *arguments, struct matrix *out)
{
	static const char *const keys[] = {"parameters", "exclude", "alias", NULL};
	const struct node *exclude, *alias;
	struct axes axes = {0};
	size_t product = 1, i;

	memset(out, 0, sizeof(*out));
	if (!tree_expect(c, node, NODE_MAP, "key 'matrix'"))
		return false;
	if (node_get(node, "parameters") == NULL && tell_misplaced(c, node, job))
		return false;
	tree_check_keys(c, node, keys, "E_MATRIX_KEY", "key 'matrix'");
	exclude = node_get(node, "exclude");
	if (!read_axes(c, node, job, arguments, &axes) || !check_excludes(c, exclude, &axes))
		return false;
	alias = node_get(node, "alias");
	out->alias = alias != NULL ? tree_string(c, alias, "key 'alias'") : NULL;
	for (i = 0; i < axes.count; i++)
		product *= axes.items[i].values->count;
	out->combinations = COMP_NEW_ARRAY(c, struct bindings, product);
	for (i = 0; i < product; i++) {
		combine(c, &axes, i, &out->combinations[out->count]);
		if (!is_excluded(c, exclude, &out->combinations[out->count]))
			out->count++;
	}
	if (out->count > 0)
		return true;
	comp_error(c, exclude, "E_MATRIX_EMPTY", NULL, "every combination is excluded");
	return false;
}

const char *
matrix_name(struct compilation *c, const char *job, const struct bindings *combination)
{
	struct draft draft = {0};
	size_t i;

	draft_add(c, &draft, job, strlen(job));
	for (i = 0; i < combination->count; i++) {
		const char *text = value_text(c, combination->items[i].value);

		draft_add(c, &draft, "-", 1);
		if (text != NULL)
			draft_add(c, &draft, text, strlen(text));
	}
	return draft_text(&draft);
}

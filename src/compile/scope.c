/*
 * scope.c - which names a "<< >>" may use, and what they stand for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/scope.h"

#include <stdlib.h>
#include <string.h>

#include "compile/pipeline.h"

#define PARAMETERS	    "parameters."
#define MATRIX		    "matrix."
#define PIPELINE	    "pipeline."
#define PIPELINE_PARAMETERS "pipeline.parameters."

static int
order_by_name(const void *a, const void *b)
{
	return strcmp(((const struct binding *)a)->name, ((const struct binding *)b)->name);
}

void
bindings_sort(struct bindings *bindings)
{
	if (bindings->count > 0)
		qsort(bindings->items, bindings->count, sizeof(struct binding), order_by_name);
	bindings->is_sorted = true;
}

static const struct node *
find_sorted(const struct bindings *bindings, const char *name, size_t len)
{
	size_t low = 0, high = bindings->count;

	while (low < high) {
		const struct binding *middle = &bindings->items[low + (high - low) / 2];
		int order = strncmp(middle->name, name, len);

		if (order == 0 && middle->name[len] == '\0')
			return middle->value;
		if (order < 0)
			low = (size_t)(middle - bindings->items) + 1;
		else
			high = (size_t)(middle - bindings->items);
	}
	return NULL;
}

const struct node *
bindings_get(const struct bindings *bindings, const char *name, size_t len)
{
	size_t i;

	if (bindings != NULL && bindings->is_sorted)
		return find_sorted(bindings, name, len);
	for (i = 0; bindings != NULL && i < bindings->count; i++)
		if (strncmp(bindings->items[i].name, name, len) == 0 &&
		    bindings->items[i].name[len] == '\0')
			return bindings->items[i].value;
	return NULL;
}

void
bindings_add(struct compilation *c, struct bindings *bindings, const char *name,
	     const struct node *value)
{
	bindings->items = comp_grow(c, bindings->items, bindings->count, sizeof(struct binding));
	bindings->is_sorted = false;
	bindings->items[bindings->count].name = name;
	bindings->items[bindings->count++].value = value;
}

static bool
begins(const char *name, size_t len, const char *prefix)
{
	size_t n = strlen(prefix);

	return len > n && memcmp(name, prefix, n) == 0;
}

bool
scope_is_reference(const char *name, size_t len)
{
	return begins(name, len, PARAMETERS) || begins(name, len, MATRIX) ||
	       begins(name, len, PIPELINE);
}

static const char *
nearest_binding(struct compilation *c, const struct bindings *bindings, const char *prefix,
		const char *name)
{
	struct suggestion suggestion;
	size_t i;

	comp_suggest_init(c, &suggestion, name);
	for (i = 0; bindings != NULL && i < bindings->count; i++)
		comp_suggest(&suggestion, bindings->items[i].name);
	if (suggestion.best == NULL)
		return NULL;
	return comp_printf(c, "did you mean '%s%s'?", prefix, suggestion.best);
}

static const struct node *
undeclared(struct compilation *c, const struct scope *scope, const char *name,
	   const struct spot *spot)
{
	const char *hint = nearest_binding(c, scope->parameters, PARAMETERS, name);

	if (scope->parameters == NULL)
		hint = "parameters are seen only in the command, job or executor that declares "
		       "them; a workflow uses << pipeline.parameters.NAME >>";
	else if (hint == NULL)
		hint = comp_printf(
			c, "declare it: 'parameters:' with '%.60s: {type: string}' below it", name);
	comp_tell(c, place_of_spot(c, spot), "E_PARAM_UNDECLARED", hint,
		  "arguments referenced without declared parameters: %s", name);
	return NULL;
}

static const struct node *
unknown(struct compilation *c, const struct scope *scope, const char *name, const struct spot *spot)
{
	size_t len = strlen(name);
	const char *hint = NULL;

	if (begins(name, len, "environment.") || begins(name, len, "env."))
		hint = "environment variables are known when a step runs: write $NAME";
	else if (!scope_is_reference(name, len))
		hint = "to write '<<' as text, escape it as '\\<<'";
	else if (begins(name, len, PIPELINE_PARAMETERS) && !scope->sees_pipeline_parameters)
		hint = "pipeline parameters are not seen here; pass the value as a parameter";
	else if (begins(name, len, PIPELINE_PARAMETERS))
		hint = nearest_binding(c, &c->pipeline->parameters, PIPELINE_PARAMETERS,
				       name + strlen(PIPELINE_PARAMETERS));
	else if (begins(name, len, MATRIX) && scope->matrix == NULL)
		hint = "matrix values are seen in the workflow's entry alone; a job declares the "
		       "parameter and writes << parameters.NAME >>";
	else if (begins(name, len, MATRIX))
		hint = nearest_binding(c, scope->matrix, MATRIX, name + strlen(MATRIX));
	else
		hint = pipeline_suggest(c, name);
	if (hint == NULL && begins(name, len, PIPELINE_PARAMETERS))
		hint = "declare it under 'parameters:' at the top of the config";
	comp_tell(c, place_of_spot(c, spot), "E_VAR_UNKNOWN", hint,
		  "referred to a variable \"%s\" that does not exist", name);
	return NULL;
}

const struct node *
scope_find(struct compilation *c, const struct scope *scope, const char *name, size_t len,
	   const struct spot *spot)
{
	const struct node *value = NULL;
	size_t skip;

	if (begins(name, len, PARAMETERS)) {
		skip = strlen(PARAMETERS);
		value = bindings_get(scope->parameters, name + skip, len - skip);
		if (value == NULL)
			return undeclared(c, scope, comp_strndup(c, name + skip, len - skip), spot);
		return value;
	}
	if (begins(name, len, MATRIX)) {
		skip = strlen(MATRIX);
		value = bindings_get(scope->matrix, name + skip, len - skip);
	} else if (begins(name, len, PIPELINE_PARAMETERS)) {
		skip = strlen(PIPELINE_PARAMETERS);
		if (scope->sees_pipeline_parameters)
			value = bindings_get(&c->pipeline->parameters, name + skip, len - skip);
	} else if (begins(name, len, PIPELINE)) {
		value = pipeline_value(c, name, len);
	}
	return value != NULL ? value : unknown(c, scope, comp_strndup(c, name, len), spot);
}

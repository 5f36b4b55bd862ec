/*
 * variables.c - what contexts.c and projects.c share: bodies with values, pages of variables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/variables.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "format/json.h"
#include "hub/api/people.h"
#include "hub/hub.h"

bool
variables_page(struct call *call, size_t count, size_t *from, size_t *to, int64_t *next)
{
	int64_t skip;

	if (!people_number(call, "page-token", 0, INT64_MAX / 2, &skip))
		return false;
	*from = (uint64_t)skip < count ? (size_t)skip : count;
	*to = count - *from > PEOPLE_PAGE ? *from + PEOPLE_PAGE : count;
	*next = *to < count ? (int64_t)*to : -1;
	return true;
}

static int
by_name(const void *a, const void *b)
{
	const struct variable *const *x = a, *const *y = b;

	return strcmp((*x)->row.name, (*y)->row.name);
}

void
variables_reply_page(struct call *call, const struct variables *variables, variable_view_fn *view)
{
	size_t count = HASH_COUNT(variables->table), from, to, i = 0;
	const struct variable **sorted;
	struct variable *variable, *after;
	struct json *items;
	int64_t next;

	if (!variables_page(call, count, &from, &to, &next))
		return;
	sorted = MEM_NEW_ARRAY(const struct variable *, count + 1);
	HASH_ITER (hh, variables->table, variable, after)
		sorted[i++] = variable;
	qsort(sorted, count, sizeof(*sorted), by_name);
	items = json_new_array();
	for (i = from; i < to; i++)
		json_push(items, view(&call->hub->model, sorted[i]));
	free(sorted);
	call_reply_json(call, 200, people_page(items, next));
}

void
variables_set(struct call *call, struct variables *variables, const char *name, const char *value,
	      int status, variable_view_fn *view)
{
	struct model *model = &call->hub->model;
	struct variable *variable;
	struct err err = ERR_INIT;

	if (variable_set(&variable, model, variables, name, value, &err) < 0)
		call_reply_err(call, &err);
	else
		call_reply_json_after_commit(call, status, view(model, variable));
}

void
variables_delete(struct call *call, struct variables *variables, const char *name)
{
	struct variable *variable = variables != NULL ? variable_find(variables, name) : NULL;

	if (variable == NULL) {
		people_not_found(call, "variable");
		return;
	}
	variable_delete(&call->hub->model, variables, variable);
	call_reply_json_after_commit(call, 200, people_message("variable deleted"));
}

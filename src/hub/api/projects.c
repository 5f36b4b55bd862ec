/*
 * projects.c - projects and their variables.
 *
 * A project is there once a pipeline ran in it or a variable of it was set.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "format/json.h"
#include "hub/api/people.h"
#include "hub/api/variables.h"
#include "hub/api/views.h"
#include "hub/hub.h"

static void
get_project(struct call *call)
{
	const struct project *project = people_project(call, call->vars[0]);

	if (project != NULL)
		call_reply_json(call, 200, view_v2_project(&project->row));
}

static int
by_slug(const void *a, const void *b)
{
	const struct project *const *x = a, *const *y = b;

	return strcmp((*x)->row.slug, (*y)->row.slug);
}

static void
list_projects(struct call *call)
{
	const struct model *model = &call->hub->model;
	size_t count = HASH_COUNT(model->projects), from, to, i = 0;
	const struct project **sorted;
	struct project *project, *after;
	struct json *items;
	int64_t next;

	if (!variables_page(call, count, &from, &to, &next))
		return;
	sorted = MEM_NEW_ARRAY(const struct project *, count + 1);
	HASH_ITER (hh, model->projects, project, after)
		sorted[i++] = project;
	qsort(sorted, count, sizeof(*sorted), by_slug);
	items = json_new_array();
	for (; from < to; from++)
		json_push(items, view_v2_project(&sorted[from]->row));
	free(sorted);
	call_reply_json(call, 200, people_page(items, next));
}

/* --- their variables --------------------------------------------------------------------- */

static struct json *
view_variable(const struct model *model, const struct variable *variable)
{
	struct json *json = json_new_object();
	char masked[SECRETS_MASKED_BYTES];

	json_put_str(json, "name", variable->row.name);
	json_put_str(json, "value", variable_masked(masked, model, variable));
	json_put_time(json, "created_at", variable->row.created_ms);
	json_put_time(json, "created-at", variable->row.created_ms);
	return json;
}

static void
list_variables(struct call *call)
{
	const struct project *project = people_project(call, call->vars[0]);

	if (project != NULL)
		variables_reply_page(call, &project->variables, view_variable);
}

/* A refusal makes no project. */
static void
set_named(struct call *call, const char *slug, const char *name, const char *value)
{
	static const struct variables none;
	struct project *project = model_project_find(&call->hub->model, slug);
	struct err err = ERR_INIT;

	if (variable_check(project != NULL ? &project->variables : &none, name, value, &err) < 0) {
		call_reply_err(call, &err);
		return;
	}
	project = model_project(&call->hub->model, slug);
	variables_set(call, &project->variables, name, value, 201, view_variable);
}

static void
set_variable(struct call *call)
{
	char slug[PEOPLE_SLUG_BYTES];
	const char *name, *value;
	struct err err = ERR_INIT;
	struct json *body;

	if (!people_slug(call, call->vars[0], slug))
		return;
	if (call_body(call, &body, &err) < 0) {
		call_reply_err(call, &err);
		return;
	}
	if (json_need_str(body, "name", &name, &err) < 0 ||
	    json_need_str(body, "value", &value, &err) < 0)
		call_reply_err(call, &err);
	else
		set_named(call, slug, name, value);
	json_free(body);
}

static void
get_variable(struct call *call)
{
	const struct project *project = people_project(call, call->vars[0]);
	const struct variable *variable;

	if (project == NULL)
		return;
	variable = variable_find(&project->variables, call->vars[1]);
	if (variable == NULL)
		people_not_found(call, "variable");
	else
		call_reply_json(call, 200, view_variable(&call->hub->model, variable));
}

static void
delete_variable(struct call *call)
{
	struct project *project = people_project(call, call->vars[0]);

	if (project != NULL)
		variables_delete(call, &project->variables, call->vars[1]);
}

const struct route project_routes[] = {
	{"GET", "/api/v2/project/{slug}", WHO_PERSON, get_project},
	{"GET", "/api/runner/v1/projects", WHO_PERSON, list_projects},
	{"GET", "/api/v2/project/{slug}/envvar", WHO_PERSON, list_variables},
	{"POST", "/api/v2/project/{slug}/envvar", WHO_PERSON, set_variable},
	{"GET", "/api/v2/project/{slug}/envvar/{name}", WHO_PERSON, get_variable},
	{"DELETE", "/api/v2/project/{slug}/envvar/{name}", WHO_PERSON, delete_variable},
	{NULL, NULL, WHO_ANYONE, NULL},
};

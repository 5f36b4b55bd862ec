/*
 * contexts.c - contexts and their variables, as CircleCI's API has them.
 *
 * A value goes in and never comes out: what is shown is its tail. An organization is
 * "vcs/owner" as projects' slugs begin; its id follows from that text alone.
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

/* --- owners ------------------------------------------------------------------------------ */

/* False, and the reply (400) is sent, when it is none. */
static bool
owner_of_slug(struct call *call, const char *text, char room[HUB_NAME_BYTES])
{
	char *slug = mem_printf("%s/any", text), kept[PEOPLE_SLUG_BYTES];
	bool is_one = people_slug(call, slug, kept);

	free(slug);
	if (is_one)
		secrets_owner_of(room, kept);
	return is_one;
}

static bool
is_owner_id(const char *owner, const struct id *id)
{
	struct id of;

	view_person_id(&of, owner);
	return id_eq(&of, id);
}

/* An id says nothing of the text it follows from: look at all whose text we know. */
static bool
owner_of_id(struct call *call, const char *text, char room[HUB_NAME_BYTES])
{
	const struct model *model = &call->hub->model;
	struct project *project, *next_project;
	struct context *context, *next_context;
	struct id id;

	if (id_parse(&id, text)) {
		HASH_ITER (hh, model->projects, project, next_project)
			if (is_owner_id(secrets_owner_of(room, project->row.slug), &id))
				return true;
		HASH_ITER (hh, model->contexts, context, next_context)
			if (is_owner_id(context->row.owner, &id)) {
				(void)strcpy(room, context->row.owner);
				return true;
			}
	}
	people_not_found(call, "organization; name it by its slug, vcs/owner");
	return false;
}

/* id or slug; at least one is not NULL. */
static bool
find_owner(struct call *call, const char *id, const char *slug, char room[HUB_NAME_BYTES])
{
	return slug != NULL ? owner_of_slug(call, slug, room) : owner_of_id(call, id, room);
}

/* --- contexts ---------------------------------------------------------------------------- */

static struct json *
view_context(const struct context *context)
{
	struct json *json = json_new_object();
	struct id owner;

	view_person_id(&owner, context->row.owner);
	view_put_id(json, "id", &context->row.id);
	json_put_str(json, "name", context->row.name);
	json_put_time(json, "created_at", context->row.created_ms);
	view_put_id(json, "org_id", &owner);
	json_put_str(json, "org_slug", context->row.owner);
	return json;
}

static struct json *
view_variable(const struct model *model, const struct variable *variable)
{
	struct json *json = json_new_object();
	char masked[SECRETS_MASKED_BYTES];

	json_put_str(json, "variable", variable->row.name);
	view_put_id(json, "context_id", &variable->row.owner);
	json_put_time(json, "created_at", variable->row.created_ms);
	json_put_time(json, "updated_at", variable->row.updated_ms);
	json_put_str(json, "truncated_value", variable_masked(masked, model, variable));
	return json;
}

static int
by_owner_and_name(const void *a, const void *b)
{
	const struct context *const *x = a, *const *y = b;
	int order = strcmp((*x)->row.owner, (*y)->row.owner);

	return order != 0 ? order : strcmp((*x)->row.name, (*y)->row.name);
}

/* Of that owner (NULL: of all), sorted; the caller frees. */
static const struct context **
sorted_contexts(const struct model *model, const char *owner, size_t *count)
{
	const struct context **sorted =
		MEM_NEW_ARRAY(const struct context *, HASH_COUNT(model->contexts) + 1);
	struct context *context, *next;

	*count = 0;
	HASH_ITER (hh, model->contexts, context, next)
		if (owner == NULL || strcmp(context->row.owner, owner) == 0)
			sorted[(*count)++] = context;
	qsort(sorted, *count, sizeof(*sorted), by_owner_and_name);
	return sorted;
}

static void
list_contexts(struct call *call)
{
	const char *id = call_query(call, "owner-id"), *slug = call_query(call, "owner-slug");
	bool is_owned = id != NULL || slug != NULL;
	const struct context **sorted;
	char owner[HUB_NAME_BYTES];
	size_t count, from, to;
	struct json *items;
	int64_t next;

	if (is_owned && !find_owner(call, id, slug, owner))
		return;
	sorted = sorted_contexts(&call->hub->model, is_owned ? owner : NULL, &count);
	if (variables_page(call, count, &from, &to, &next)) {
		items = json_new_array();
		for (; from < to; from++)
			json_push(items, view_context(sorted[from]));
		call_reply_json(call, 200, people_page(items, next));
	}
	free(sorted);
}

static void
make_named(struct call *call, const struct json *body)
{
	struct context *context;
	struct err err = ERR_INIT;
	struct json *of = NULL;
	const char *name, *id, *slug;
	char owner[HUB_NAME_BYTES];

	if (json_need_str(body, "name", &name, &err) < 0 ||
	    json_need_object(body, "owner", &of, &err) < 0) {
		call_reply_err(call, &err);
		return;
	}
	id = json_get_str(of, "id");
	slug = json_get_str(of, "slug");
	if (id == NULL && slug == NULL) {
		call_reply_message(call, 400, "member 'owner' needs 'slug' or 'id'");
		return;
	}
	if (!find_owner(call, id, slug, owner))
		return;
	if (context_find_name(&call->hub->model, owner, name) != NULL)
		call_reply_message(call, 409, "context '%s' is there already", name);
	else if (context_make(&context, &call->hub->model, owner, name, &err) < 0)
		call_reply_err(call, &err);
	else
		call_reply_json_after_commit(call, 200, view_context(context));
}

static void
make_context(struct call *call)
{
	struct err err = ERR_INIT;
	struct json *body;

	if (call_body(call, &body, &err) < 0) {
		call_reply_err(call, &err);
		return;
	}
	make_named(call, body);
	json_free(body);
}

/* NULL, and the reply (404) is sent, when there is none. */
static struct context *
context_of_path(struct call *call)
{
	struct context *context;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return NULL;
	context = context_find(&call->hub->model, &id);
	if (context == NULL)
		people_not_found(call, "context");
	return context;
}

static void
get_context(struct call *call)
{
	const struct context *context = context_of_path(call);

	if (context != NULL)
		call_reply_json(call, 200, view_context(context));
}

static void
delete_context(struct call *call)
{
	struct context *context = context_of_path(call);

	if (context == NULL)
		return;
	context_delete(&call->hub->model, context);
	call_reply_json_after_commit(call, 200, people_message("context deleted"));
}

/* --- their variables --------------------------------------------------------------------- */

static void
list_variables(struct call *call)
{
	const struct context *context = context_of_path(call);

	if (context != NULL)
		variables_reply_page(call, &context->variables, view_variable);
}

static void
set_variable(struct call *call)
{
	struct context *context = context_of_path(call);
	struct err err = ERR_INIT;
	struct json *body;
	const char *value;

	if (context == NULL)
		return;
	if (call_body(call, &body, &err) < 0) {
		call_reply_err(call, &err);
		return;
	}
	if (json_need_str(body, "value", &value, &err) < 0)
		call_reply_err(call, &err);
	else
		variables_set(call, &context->variables, call->vars[1], value, 200, view_variable);
	json_free(body);
}

static void
delete_variable(struct call *call)
{
	struct context *context = context_of_path(call);

	if (context != NULL)
		variables_delete(call, &context->variables, call->vars[1]);
}

const struct route context_routes[] = {
	{"GET", "/api/v2/context", WHO_PERSON, list_contexts},
	{"POST", "/api/v2/context", WHO_PERSON, make_context},
	{"GET", "/api/v2/context/{id}", WHO_PERSON, get_context},
	{"DELETE", "/api/v2/context/{id}", WHO_PERSON, delete_context},
	{"GET", "/api/v2/context/{id}/environment-variable", WHO_PERSON, list_variables},
	{"PUT", "/api/v2/context/{id}/environment-variable/{name}", WHO_PERSON, set_variable},
	{"DELETE", "/api/v2/context/{id}/environment-variable/{name}", WHO_PERSON, delete_variable},
	{NULL, NULL, WHO_ANYONE, NULL},
};

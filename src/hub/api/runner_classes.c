/*
 * runner_classes.c - what CircleCI documents for runners: agents, queues, classes and their tokens.
 *
 * A list without any filter, which CircleCI refuses, is of everything. A token is in
 * the reply that makes it and nowhere else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "format/json.h"
#include "hub/api/people.h"
#include "hub/api/views.h"
#include "hub/hub.h"
#include "hub/tokens.h"

/* --- names -------------------------------------------------------------------------------------- */

/* "ns/name" of letters, digits, "-", "_" and ".". */
static bool
is_class_name(const char *text)
{
	const char *slash = strchr(text, '/');

	if (slash == NULL || slash == text || slash[1] == '\0' || strchr(slash + 1, '/') != NULL ||
	    strlen(text) >= HUB_NAME_BYTES)
		return false;
	return strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") ==
	       strlen(text);
}

static bool
is_in_namespace(const char *class, const char *namespace)
{
	size_t len = strlen(namespace);

	return strncmp(class, namespace, len) == 0 && class[len] == '/';
}

/* What a list is restricted to; either may be NULL. */
struct filter {
	const char *class, *namespace;
};

static struct filter
filter_of(struct call *call)
{
	struct filter filter = {call_query(call, "resource-class"), call_query(call, "namespace")};

	if (filter.class != NULL && filter.class[0] == '\0')
		filter.class = NULL;
	if (filter.namespace != NULL && filter.namespace[0] == '\0')
		filter.namespace = NULL;
	return filter;
}

static bool
filter_takes(const struct filter *filter, const char *class)
{
	if (filter->class != NULL && strcmp(filter->class, class) != 0)
		return false;
	return filter->namespace == NULL || is_in_namespace(class, filter->namespace);
}

static void
reply_items(struct call *call, struct json *items)
{
	struct json *list = json_new_object();

	json_put(list, "items", items);
	call_reply_json(call, 200, list);
}

/* The class that "resource-class" names; NULL, and the reply (400, 404) is sent, when there is none. */
static struct resource_class *
class_asked(struct call *call)
{
	const char *name = call_query(call, "resource-class");
	struct resource_class *class;

	if (name == NULL || name[0] == '\0') {
		call_reply_message(call, 400, "parameter 'resource-class' is missing");
		return NULL;
	}
	class = model_class_find(&call->hub->model, name);
	if (class == NULL)
		people_not_found(call, "resource class");
	return class;
}

/* A body and the class it names. False, and the reply is sent, when it is none. */
static bool
read_named(struct call *call, struct json **body, const char **name)
{
	struct err err = ERR_INIT;

	if (call_body(call, body, &err) < 0) {
		call_reply_err(call, &err);
		return false;
	}
	if (json_need_str(*body, "resource_class", name, &err) == 0)
		return true;
	json_free(*body);
	call_reply_err(call, &err);
	return false;
}

/* --- agents and queues --------------------------------------------------------------------------- */

/* One item for each class the agent serves that is asked for. */
static void
add_agent(struct json *items, const struct agent_row *row, const struct filter *filter)
{
	char name[HUB_NAME_BYTES];
	const char *at = row->classes;
	size_t len;

	while (*at != '\0') {
		len = strcspn(at, " ");
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, at);
		if (name[0] != '\0' && filter_takes(filter, name))
			json_push(items, view_agent(row, name));
		at += len;
		at += strspn(at, " ");
	}
}

static void
list_agents(struct call *call)
{
	struct filter filter = filter_of(call);
	struct json *items = json_new_array();
	struct agent *agent, *next;

	HASH_ITER(hh, call->hub->model.agents, agent, next)
		add_agent(items, &agent->row, &filter);
	reply_items(call, items);
}

static void
count_unclaimed(struct call *call)
{
	struct resource_class *class = class_asked(call);
	struct json *count;

	if (class == NULL)
		return;
	count = json_new_object();
	json_put_int(count, "unclaimed_task_count", class->queued);
	call_reply_json(call, 200, count);
}

static void
count_running(struct call *call)
{
	struct resource_class *class = class_asked(call);
	struct json *count;

	if (class == NULL)
		return;
	count = json_new_object();
	json_put_int(count, "running_runner_tasks", class->running);
	call_reply_json(call, 200, count);
}

/* --- classes --------------------------------------------------------------------------------------- */

static struct json *
view_class(const struct class_row *row)
{
	struct json *class = json_new_object();

	view_put_id(class, "id", &row->id);
	json_put_str(class, "resource_class", row->name);
	json_put_str(class, "description", row->description);
	return class;
}

static void
list_classes(struct call *call)
{
	struct filter filter = filter_of(call);
	struct json *items = json_new_array();
	struct resource_class *class, *next;

	HASH_ITER(hh, call->hub->model.classes, class, next)
		if (class->is_known && filter_takes(&filter, class->row.name))
			json_push(items, view_class(&class->row));
	reply_items(call, items);
}

static void
make_class(struct call *call)
{
	struct json *body;
	const char *name, *description;
	struct resource_class *class;

	if (!read_named(call, &body, &name))
		return;
	description = json_get_str(body, "description");
	if (!is_class_name(name)) {
		call_reply_message(call, 400,
				   "a resource class is written namespace/name, of letters, digits, "
				   "'-', '_' and '.'");
	} else {
		class = model_class(&call->hub->model, name);
		/* Asked again, it is there. */
		if (!class->is_known)
			resource_class_make(class, description != NULL ? description : "");
		call_reply_json_after_commit(call, 201, view_class(&class->row));
	}
	json_free(body);
}

/* NULL, and the reply is sent, when there is none. */
static struct resource_class *
class_of_path(struct call *call)
{
	struct resource_class *class, *next;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return NULL;
	HASH_ITER(hh, call->hub->model.classes, class, next)
		if (class->is_known && id_eq(&class->row.id, &id))
			return class;
	people_not_found(call, "resource class");
	return NULL;
}

static bool
has_tokens(struct model *model, const struct resource_class *class)
{
	struct token *token, *next;

	HASH_ITER(hh, model->tokens, token, next)
		if (token->row.kind == TOKEN_CLASS && strcmp(token->row.name, class->row.name) == 0)
			return true;
	return false;
}

static void
delete_class(struct call *call)
{
	struct resource_class *class = class_of_path(call);

	if (class == NULL)
		return;
	if (has_tokens(&call->hub->model, class)) {
		call_reply_message(call, 409,
				   "resource class '%s' still has tokens: delete them first, or force it",
				   class->row.name);
		return;
	}
	resource_class_delete(class);
	call_reply_json_after_commit(call, 200, people_message("resource class deleted"));
}

static void
force_delete_class(struct call *call)
{
	struct resource_class *class = class_of_path(call);

	if (class == NULL)
		return;
	resource_class_delete(class);
	call_reply_json_after_commit(call, 200, people_message("resource class and its tokens deleted"));
}

/* --- tokens ------------------------------------------------------------------------------------------ */

static struct json *
view_token(const struct token_row *row)
{
	struct json *token = json_new_object();

	view_put_id(token, "id", &row->id);
	json_put_str(token, "resource_class", row->name);
	json_put_str(token, "nickname", row->nickname);
	json_put_time(token, "created_at", row->created_ms);
	return token;
}

static void
list_tokens(struct call *call)
{
	struct filter filter = filter_of(call);
	struct json *items = json_new_array();
	struct token *token, *next;

	HASH_ITER(hh, call->hub->model.tokens, token, next)
		if (token->row.kind == TOKEN_CLASS && filter_takes(&filter, token->row.name))
			json_push(items, view_token(&token->row));
	reply_items(call, items);
}

static void
make_token(struct call *call)
{
	char text[TOKEN_TEXT_BYTES];
	struct json *body, *answer;
	const char *name, *nickname;
	const struct resource_class *class;
	const struct token *token;

	if (!read_named(call, &body, &name))
		return;
	nickname = json_get_str(body, "nickname");
	class = model_class_find(&call->hub->model, name);
	if (class == NULL || !class->is_known) {
		people_not_found(call, "resource class");
	} else {
		token = token_make(&call->hub->model, TOKEN_CLASS, name,
				   nickname != NULL ? nickname : "", text);
		answer = view_token(&token->row);
		json_put_str(answer, "token", text);
		call_reply_json_after_commit(call, 200, answer);
		explicit_bzero(text, sizeof(text));
	}
	json_free(body);
}

static void
delete_token(struct call *call)
{
	const struct token *token;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return;
	token = token_find_id(&call->hub->model, &id);
	/* A person's token is not a runner's. */
	if (token == NULL || token->row.kind != TOKEN_CLASS) {
		people_not_found(call, "token");
		return;
	}
	token_delete(&call->hub->model, &id);
	call_reply_json_after_commit(call, 200, people_message("token deleted"));
}

const struct route runner_class_routes[] = {
	{"GET", "/api/v3/runner", WHO_PERSON, list_agents},
	{"GET", "/api/v3/runner/tasks", WHO_PERSON, count_unclaimed},
	{"GET", "/api/v3/runner/tasks/running", WHO_PERSON, count_running},
	{"GET", "/api/v3/runner/resource", WHO_PERSON, list_classes},
	{"POST", "/api/v3/runner/resource", WHO_PERSON, make_class},
	{"DELETE", "/api/v3/runner/resource/{id}", WHO_PERSON, delete_class},
	{"DELETE", "/api/v3/runner/resource/{id}/force", WHO_PERSON, force_delete_class},
	{"GET", "/api/v3/runner/token", WHO_PERSON, list_tokens},
	{"POST", "/api/v3/runner/token", WHO_PERSON, make_token},
	{"DELETE", "/api/v3/runner/token/{id}", WHO_PERSON, delete_token},
	{NULL, NULL, WHO_ANYONE, NULL},
};

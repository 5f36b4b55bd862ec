/*
 * ssh_keys.c - the keys of projects: added, listed, deleted, never shown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/ssh_keys.h"

#include <string.h>

#include "base/err.h"
#include "format/json.h"
#include "hub/api/people.h"
#include "hub/api/variables.h"
#include "hub/hub.h"

static struct json *
view_key(const struct model *model, const struct variable *key)
{
	struct json *json = json_new_object();
	struct ssh_key_parts parts;
	struct err err = ERR_INIT;
	bool is_open = ssh_key_open(&parts, model, key, &err) == 0;

	json_put_str(json, "fingerprint", key->row.name);
	json_put_str(json, "md5", is_open ? parts.md5 : NULL);
	json_put_str(json, "hostname", is_open ? parts.hostname : NULL);
	json_put_time(json, "created_at", key->row.created_ms);
	secrets_forget(&parts.clear);
	return json;
}

static struct variables *
keys_of_path(struct call *call)
{
	struct project *project = people_project(call, call->vars[0]);

	return project != NULL ? &project->ssh_keys : NULL;
}

static void
list_keys(struct call *call)
{
	const struct variables *keys = keys_of_path(call);

	if (keys != NULL)
		variables_reply_page(call, keys, view_key);
}

/* A refusal makes no project. */
static void
add(struct call *call, const char *slug, const char *hostname, const char *text)
{
	static const struct variables none;
	struct model *model = &call->hub->model;
	struct project *project = model_project_find(model, slug);
	struct err err = ERR_INIT;
	struct variable *key;

	if (ssh_key_check(project != NULL ? &project->ssh_keys : &none, hostname, text, &err) < 0 ||
	    ssh_key_add(&key, model, model_project(model, slug), hostname, text, &err) < 0)
		call_reply_err(call, &err);
	else
		call_reply_json_after_commit(call, 201, view_key(model, key));
}

static void
add_key(struct call *call)
{
	char slug[PEOPLE_SLUG_BYTES];
	const char *hostname, *text;
	struct err err = ERR_INIT;
	struct json *body;

	if (!people_slug(call, call->vars[0], slug))
		return;
	if (call_body(call, &body, &err) < 0) {
		call_reply_err(call, &err);
		return;
	}
	hostname = json_get_str(body, "hostname");
	if (json_need_str(body, "private_key", &text, &err) < 0)
		call_reply_err(call, &err);
	else
		add(call, slug, hostname != NULL ? hostname : "", text);
	json_free(body);
}

static void
delete_key(struct call *call)
{
	struct variables *keys = keys_of_path(call);
	struct variable *key = keys != NULL ? variable_find(keys, call->vars[1]) : NULL;

	if (keys == NULL)
		return;
	if (key == NULL) {
		people_not_found(call, "key");
		return;
	}
	variable_delete(&call->hub->model, keys, key);
	call_reply_json_after_commit(call, 200, people_message("key deleted"));
}

const struct route ssh_key_routes[] = {
	{"GET", "/api/v2/project/{slug}/ssh-key", WHO_PERSON, list_keys},
	{"POST", "/api/v2/project/{slug}/ssh-key", WHO_PERSON, add_key},
	{"DELETE", "/api/v2/project/{slug}/ssh-key/{fingerprint}", WHO_PERSON, delete_key},
	{NULL, NULL, WHO_ANYONE, NULL},
};

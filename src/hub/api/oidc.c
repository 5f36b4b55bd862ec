/*
 * oidc.c - identity tokens: what others check them by, one for a job that asks, what people set of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/oidc.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "http/server.h"
#include "hub/api/agent.h"
#include "hub/api/people.h"
#include "hub/api/views.h"
#include "hub/hub.h"

/* --- for everybody ------------------------------------------------------------------------- */

static bool
has_issuer(struct call *call)
{
	if (call->hub->oidc != NULL)
		return true;
	call_reply_message(call, 404, "this hub makes no tokens for jobs: it has no public_url and no oidc_issuer");
	return false;
}

static void
reply_public(struct call *call, struct json *json)
{
	http_reply_add_header(call->request, "cache-control", "public, max-age=300");
	call_reply_json(call, 200, json);
}

static void
discovery_of_root(struct call *call)
{
	if (has_issuer(call))
		reply_public(call, oidc_discovery(call->hub, NULL));
}

/* Of any id: whether there is such an organization is nobody's business. */
static void
discovery_of_organization(struct call *call)
{
	struct id id;

	if (has_issuer(call) && call_var_id(call, 0, &id))
		reply_public(call, oidc_discovery(call->hub, &id));
}

static void
keys_of_root(struct call *call)
{
	if (has_issuer(call))
		reply_public(call, oidc_key_set(call->hub));
}

static void
keys_of_organization(struct call *call)
{
	struct id id;

	if (has_issuer(call) && call_var_id(call, 0, &id))
		reply_public(call, oidc_key_set(call->hub));
}

/* --- for a job ----------------------------------------------------------------------------- */

static void
on_signed(void *arg, struct oidc_batch *batch)
{
	struct json *json = json_new_object();

	json_put_str(json, "token", oidc_batch_token(batch, 0));
	call_reply_json_after_commit(arg, 200, json);
	oidc_batch_free(batch);
}

/* "aud" alone can be chosen: all else is the hub's word. */
static int
read_wish(struct oidc_wish *wish, const struct json *body, struct err *err)
{
	struct json *claims = json_get(body, "claims");
	void *it;

	*wish = (struct oidc_wish){.is_root_issuer = json_get_bool(body, "root_issuer", false),
				   .has_origin_in_subject = true};
	if (claims != NULL && !json_is_object(claims))
		return err_set(err, ERR_INPUT, "the claims must be a JSON object");
	for (it = json_first(claims); it != NULL; it = json_next(claims, it))
		if (!text_eq(json_key(it), "aud"))
			return err_set(err, ERR_INPUT, "claim '%.60s' cannot be chosen, 'aud' alone can",
				       json_key(it));
	wish->audience = json_get(claims, "aud");
	return wish->audience != NULL ? oidc_check_audience(wish->audience, err) : 0;
}

static int
start_token(struct call *call, const struct oidc_wish *wish, struct err *err)
{
	struct hub *hub = call->hub;
	struct oidc_batch *batch = oidc_batch_new(hub);
	int rc;

	oidc_batch_add(batch, oidc_claims(hub, model_task(&hub->model, &call->task), wish));
	rc = oidc_batch_start(batch, hub, on_signed, call, err);
	if (rc < 0)
		oidc_batch_free(batch);
	return rc;
}

static void
make_token(struct call *call)
{
	const struct task *task = model_task(&call->hub->model, &call->task);
	struct err err = ERR_INIT;
	struct oidc_wish wish;
	struct json *body;

	if (!has_issuer(call))
		return;
	if (task->row.state != HUB_LEASED) {
		call_reply_message(call, 410, "the task does not run");
		return;
	}
	if (call_body(call, &body, &err) < 0) {
		call_reply_err(call, &err);
		return;
	}
	if (read_wish(&wish, body, &err) < 0 || start_token(call, &wish, &err) < 0)
		call_reply_err(call, &err);
	json_free(body);
}

/* --- for people ---------------------------------------------------------------------------- */

/* CircleCI's form of errors, here alone. */
static void
reply_error(struct call *call, int status, const char *text)
{
	struct json *json = json_new_object();

	json_put_str(json, "error", text);
	call_reply_json(call, status, json);
}

struct scope {
	struct id organization, project, *id; /* id: which of them is meant */
};

static bool
is_of(const struct project *project, const struct id *organization)
{
	char owner[HUB_NAME_BYTES];
	struct id id;

	view_person_id(&id, secrets_owner_of(owner, project->row.slug));
	return id_eq(&id, organization);
}

/* False, and the reply is sent, when there is no project of that organization, or not that one. */
static bool
read_scope(struct call *call, struct scope *scope)
{
	bool has_project = call->vars[1] != NULL;
	struct project *project, *next;

	if (id_parse(&scope->organization, call->vars[0]) &&
	    (!has_project || id_parse(&scope->project, call->vars[1])))
		HASH_ITER (hh, call->hub->model.projects, project, next)
			if (is_of(project, &scope->organization) &&
			    (!has_project || id_eq(&project->row.id, &scope->project))) {
				scope->id = has_project ? &scope->project : &scope->organization;
				return true;
			}
	reply_error(call, 404, has_project ? "there is no such project in the organization"
					   : "there is no organization of that id with a project");
	return false;
}

static struct json *
view_scope(const struct call *call, const struct scope *scope)
{
	struct json *json = json_new_object();

	view_put_id(json, "org_id", &scope->organization);
	if (scope->id == &scope->project)
		view_put_id(json, "project_id", &scope->project);
	oidc_custom_put(call->hub, scope->id, json);
	return json;
}

static void
show_claims(struct call *call)
{
	struct scope scope;

	if (read_scope(call, &scope))
		call_reply_json(call, 200, view_scope(call, &scope));
}

static void
set_claims(struct call *call)
{
	struct err err = ERR_INIT;
	struct scope scope;
	struct json *body;

	if (!read_scope(call, &scope))
		return;
	if (call_body(call, &body, &err) < 0) {
		reply_error(call, 400, err.text);
		return;
	}
	if (oidc_custom_set(call->hub, scope.id, body, &err) < 0)
		reply_error(call, 400, err.text);
	else
		call_reply_json_after_commit(call, 200, view_scope(call, &scope));
	json_free(body);
}

/* ?claims=audience,ttl */
static void
delete_claims(struct call *call)
{
	const char *text = call_query(call, "claims");
	char *copy, *rest, *name;
	struct scope scope;
	bool is_good = true;

	if (!read_scope(call, &scope))
		return;
	copy = rest = mem_strdup(text != NULL ? text : "");
	while (is_good && (name = strsep(&rest, ",")) != NULL)
		is_good = oidc_custom_delete(call->hub, scope.id, name);
	free(copy);
	if (is_good)
		call_reply_json_after_commit(call, 200, view_scope(call, &scope));
	else
		reply_error(call, 400, "'claims' must name audience, ttl or both");
}

const struct route oidc_routes[] = {
	{"GET", "/.well-known/openid-configuration", WHO_ANYONE, discovery_of_root},
	{"GET", "/.well-known/jwks-pub.json", WHO_ANYONE, keys_of_root},
	{"GET", "/org/{id}/.well-known/openid-configuration", WHO_ANYONE, discovery_of_organization},
	{"GET", "/org/{id}/.well-known/jwks-pub.json", WHO_ANYONE, keys_of_organization},
	{"POST", "/api/v3/runner/oidc", WHO_TASK, make_token},
	{"GET", "/api/v2/org/{org}/oidc-custom-claims", WHO_PERSON, show_claims},
	{"PATCH", "/api/v2/org/{org}/oidc-custom-claims", WHO_PERSON, set_claims},
	{"DELETE", "/api/v2/org/{org}/oidc-custom-claims", WHO_PERSON, delete_claims},
	{"GET", "/api/v2/org/{org}/project/{project}/oidc-custom-claims", WHO_PERSON, show_claims},
	{"PATCH", "/api/v2/org/{org}/project/{project}/oidc-custom-claims", WHO_PERSON, set_claims},
	{"DELETE", "/api/v2/org/{org}/project/{project}/oidc-custom-claims", WHO_PERSON, delete_claims},
	{NULL, NULL, WHO_ANYONE, NULL},
};

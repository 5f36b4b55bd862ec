/*
 * oidc_claims.c - what a token says, and what people have set of it.
 *
 * The names of claims are CircleCI's, so that the rules of others that look at them hold here, too:
 * circleci.com/docs/openid-connect-tokens.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/oidc.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "hub/api/views.h"
#include "hub/document.h"
#include "hub/hub.h"
#include "hub/secrets.h"

enum { TTL_MOST_BYTES = 64 };

static const char audience_prefix[] = "audience/", ttl_prefix[] = "ttl/";

/* --- what people set ----------------------------------------------------------------------- */

static struct variable *
find_custom(const struct hub *hub, const char *prefix, const struct id *scope)
{
	char name[VARIABLE_NAME_BYTES], id[ID_TEXT_BYTES];

	(void)snprintf(name, sizeof(name), "%s%s", prefix, id_text(id, scope));
	return variable_find(&hub->model.oidc, name);
}

/* Append its value; false where it is not set. */
static bool
read_custom(const struct hub *hub, const char *prefix, const struct id *scope, struct buffer *out)
{
	const struct variable *variable = find_custom(hub, prefix, scope);
	struct err err = ERR_INIT;

	return variable != NULL && variable_open(out, &hub->model, variable, &err) == 0;
}

/* NULL: not set. The caller frees. */
static struct json *
custom_audience(const struct hub *hub, const struct id *scope)
{
	struct buffer text = BUFFER_INIT;
	struct json *audience = NULL;
	struct err err = ERR_INIT;

	if (read_custom(hub, audience_prefix, scope, &text) &&
	    json_parse(&audience, text.data, text.len - 1, &err) < 0)
		audience = NULL;
	buffer_release(&text);
	return audience;
}

/* 0: not set. */
static int64_t
custom_ttl_ms(const struct hub *hub, const struct id *scope)
{
	struct buffer text = BUFFER_INIT;
	struct err err = ERR_INIT;
	uint64_t ms = 0;

	if (read_custom(hub, ttl_prefix, scope, &text) &&
	    text_parse_duration_ms((const char *)text.data, &ms, &err) < 0)
		ms = 0;
	buffer_release(&text);
	return (int64_t)ms;
}

static void
put_updated(const struct hub *hub, const char *prefix, const struct id *scope, struct json *json,
	    const char *key)
{
	json_put_time(json, key, find_custom(hub, prefix, scope)->row.updated_ms);
}

void
oidc_custom_put(const struct hub *hub, const struct id *scope, struct json *json)
{
	struct json *audience = custom_audience(hub, scope);
	struct buffer ttl = BUFFER_INIT;

	if (audience != NULL) {
		json_put(json, "audience", audience);
		put_updated(hub, audience_prefix, scope, json, "audience_updated_at");
	}
	if (read_custom(hub, ttl_prefix, scope, &ttl)) {
		json_put_str(json, "ttl", (const char *)ttl.data);
		put_updated(hub, ttl_prefix, scope, json, "ttl_updated_at");
	}
	buffer_release(&ttl);
}

static int
check_one_audience(const struct json *value, struct err *err)
{
	const char *text = json_str(value);

	if (text == NULL || text[0] == '\0')
		return err_set(err, ERR_INPUT, "an audience is a string that is not empty");
	if (strlen(text) > OIDC_AUDIENCE_MOST_BYTES)
		return err_set(err, ERR_LIMIT, "an audience of %zu bytes is given, %d are allowed",
			       strlen(text), OIDC_AUDIENCE_MOST_BYTES);
	return 0;
}

int
oidc_check_audience(const struct json *audience, struct err *err)
{
	size_t i, n = json_count(audience);

	if (!json_is_array(audience))
		return check_one_audience(audience, err);
	if (n == 0 || n > OIDC_AUDIENCES_MOST)
		return err_set(err, ERR_LIMIT, "%zu audiences are given, 1 to %d are allowed", n,
			       OIDC_AUDIENCES_MOST);
	for (i = 0; i < n; i++)
		if (check_one_audience(json_at(audience, i), err) < 0)
			return err->code;
	return 0;
}

static int
check_ttl(const struct json *ttl, struct err *err)
{
	const char *text = json_str(ttl);
	uint64_t ms;

	if (text == NULL)
		return err_set(err, ERR_INPUT, "member 'ttl' must be a string, as \"30m\"");
	if (strlen(text) > TTL_MOST_BYTES)
		return err_set(err, ERR_LIMIT, "member 'ttl' has %zu bytes, %d are allowed", strlen(text),
			       TTL_MOST_BYTES);
	if (text_parse_duration_ms(text, &ms, err) < 0)
		return err_wrap(err, "member 'ttl'");
	if (ms < OIDC_TTL_LEAST_MS || ms > OIDC_TTL_MOST_MS)
		return err_set(err, ERR_INPUT, "member 'ttl' may be from 1m to 24h, not %.40s", text);
	return 0;
}

static int
check_audiences(const struct json *audience, struct err *err)
{
	if (!json_is_array(audience))
		return err_set(err, ERR_INPUT, "member 'audience' must be an array");
	return oidc_check_audience(audience, err);
}

static void
set_custom(struct hub *hub, const char *prefix, const struct id *scope, const char *value)
{
	char name[VARIABLE_NAME_BYTES], id[ID_TEXT_BYTES];

	(void)snprintf(name, sizeof(name), "%s%s", prefix, id_text(id, scope));
	(void)variable_put(&hub->model, &hub->model.oidc, name, value);
}

int
oidc_custom_set(struct hub *hub, const struct id *scope, const struct json *json, struct err *err)
{
	const struct json *audience = json_get(json, "audience"), *ttl = json_get(json, "ttl");
	struct buffer text = BUFFER_INIT;

	if (audience == NULL && ttl == NULL)
		return err_set(err, ERR_INPUT, "'audience' or 'ttl' is needed: no other claim can be set");
	if ((audience != NULL && check_audiences(audience, err) < 0) ||
	    (ttl != NULL && check_ttl(ttl, err) < 0))
		return err->code;
	if (HASH_COUNT(hub->model.oidc.table) + 2 > SECRETS_VARIABLES_MOST)
		return err_set(err, ERR_LIMIT, "%d claims of organizations and projects are set, more are not kept",
			       SECRETS_VARIABLES_MOST);
	if (audience != NULL) {
		json_write(&text, audience);
		set_custom(hub, audience_prefix, scope, buffer_text(&text));
	}
	if (ttl != NULL)
		set_custom(hub, ttl_prefix, scope, json_str(ttl));
	buffer_release(&text);
	return 0;
}

bool
oidc_custom_delete(struct hub *hub, const struct id *scope, const char *name)
{
	const char *prefix = text_eq(name, "audience") ? audience_prefix
			     : text_eq(name, "ttl")    ? ttl_prefix
						       : NULL;
	struct variable *variable = prefix != NULL ? find_custom(hub, prefix, scope) : NULL;

	if (variable != NULL)
		variable_delete(&hub->model, &hub->model.oidc, variable);
	return prefix != NULL;
}

/* --- what a token says --------------------------------------------------------------------- */

/* Whose token it is. */
struct subject {
	const struct project *project;
	const struct pipeline *pipeline;
	struct id organization;
	char *origin, *ref; /* NULL: none */
};

/*
 * "github.com/ada/engine" of "https://x@github.com/ada/engine.git", "git@github.com:ada/engine.git". NULL where there is
 * no host: a directory of this machine. What could pass for the beginning of a reference is none either: who sees
 * ".../vcs-ref/..." in a subject must be able to rely on it.
 */
static char *
origin_of(const char *url)
{
	const char *at = url != NULL ? strstr(url, "://") : NULL, *host, *slash;
	char *origin, *colon;

	if (url == NULL || (at != NULL && text_starts(url, "file:")) || (at == NULL && strchr(url, ':') == NULL))
		return NULL;
	host = at != NULL ? at + 3 : url;
	slash = host + strcspn(host, at != NULL ? "/" : ":");
	for (at = host; at < slash; at++)
		if (*at == '@')
			host = at + 1;
	origin = mem_strdup(host);
	colon = strchr(origin, ':');
	if (colon != NULL && slash[0] == ':')
		*colon = '/';
	if (text_ends(origin, ".git"))
		origin[strlen(origin) - 4] = '\0';
	if (origin[0] != '/' && strstr(origin, "/vcs-ref/") == NULL)
		return origin;
	free(origin);
	return NULL;
}

static char *
ref_of(const struct pipeline_row *row)
{
	if (row->tag != NULL && row->tag[0] != '\0')
		return mem_printf("refs/tags/%s", row->tag);
	if (row->branch != NULL && row->branch[0] != '\0')
		return mem_printf("refs/heads/%s", row->branch);
	return NULL;
}

static void
subject_init(struct subject *subject, const struct task *task)
{
	char owner[HUB_NAME_BYTES];

	subject->pipeline = task->job->workflow->pipeline;
	subject->project = subject->pipeline->project;
	view_person_id(&subject->organization, secrets_owner_of(owner, subject->project->row.slug));
	subject->origin = origin_of(subject->pipeline->row.repository);
	subject->ref = subject->origin != NULL ? ref_of(&subject->pipeline->row) : NULL;
}

static void
subject_release(struct subject *subject)
{
	free(subject->origin);
	free(subject->ref);
}

static void
put_subject(struct json *claims, const struct subject *subject, bool has_origin)
{
	char organization[ID_TEXT_BYTES], project[ID_TEXT_BYTES], user[ID_TEXT_BYTES];
	const char *actor = subject->pipeline->row.actor;
	struct buffer text = BUFFER_INIT;
	struct id id;

	view_person_id(&id, actor != NULL ? actor : "");
	buffer_printf(&text, "org/%s/project/%s/user/%s", id_text(organization, &subject->organization),
		      id_text(project, &subject->project->row.id), id_text(user, &id));
	if (has_origin && subject->origin != NULL && subject->ref != NULL)
		buffer_printf(&text, "/vcs-origin/%s/vcs-ref/%s", subject->origin, subject->ref);
	json_put_str(claims, "sub", buffer_text(&text));
	buffer_release(&text);
}

/* The wish's, else the project's, else the organization's, else its id. */
static struct json *
audience_of(const struct hub *hub, const struct subject *subject, const struct oidc_wish *wish)
{
	char id[ID_TEXT_BYTES];
	struct json *audience;

	if (wish->audience != NULL)
		return json_ref(wish->audience);
	audience = custom_audience(hub, &subject->project->row.id);
	if (audience == NULL)
		audience = custom_audience(hub, &subject->organization);
	return audience != NULL ? audience : json_new_string(id_text(id, &subject->organization));
}

static int64_t
ttl_of(const struct hub *hub, const struct subject *subject)
{
	int64_t ttl_ms = custom_ttl_ms(hub, &subject->project->row.id);

	if (ttl_ms == 0)
		ttl_ms = custom_ttl_ms(hub, &subject->organization);
	return ttl_ms != 0 ? ttl_ms : OIDC_TTL_MS;
}

/* Ids of the job's contexts that are there. */
static struct json *
contexts_of(const struct hub *hub, const struct subject *subject, struct task *task)
{
	struct json *names = job_contexts(task->job);
	struct json *ids = json_new_array();
	char owner[HUB_NAME_BYTES], id[ID_TEXT_BYTES];
	const struct context *context;
	size_t i;

	secrets_owner_of(owner, subject->project->row.slug);
	for (i = 0; i < json_count(names); i++) {
		context = context_find_name((struct model *)(uintptr_t)&hub->model, owner,
					    json_str(json_at(names, i)));
		if (context != NULL)
			json_push(ids, json_new_string(id_text(id, &context->row.id)));
	}
	json_free(names);
	return ids;
}

static void
put_about(struct json *claims, const struct hub *hub, const struct subject *subject, struct task *task)
{
	json_put(claims, "oidc.circleci.com/context-ids", contexts_of(hub, subject, task));
	view_put_id(claims, "oidc.circleci.com/job-id", &task->job->row.id);
	view_put_id(claims, "oidc.circleci.com/org-id", &subject->organization);
	view_put_id(claims, "oidc.circleci.com/pipeline-id", &subject->pipeline->row.id);
	view_put_id(claims, "oidc.circleci.com/project-id", &subject->project->row.id);
	view_put_id(claims, "oidc.circleci.com/workflow-id", &task->job->workflow->row.id);
	json_put_bool(claims, "oidc.circleci.com/ssh-rerun", false);
	if (subject->origin != NULL)
		json_put_str(claims, "oidc.circleci.com/vcs-origin", subject->origin);
	if (subject->ref != NULL)
		json_put_str(claims, "oidc.circleci.com/vcs-ref", subject->ref);
}

struct json *
oidc_claims(const struct hub *hub, struct task *task, const struct oidc_wish *wish)
{
	struct json *claims = json_new_object();
	int64_t now_s = hub->model.unix_ms() / 1000;
	LOCAL_FREE char *issuer = NULL;
	struct subject subject;

	subject_init(&subject, task);
	issuer = oidc_issuer(hub, wish->is_root_issuer ? NULL : &subject.organization);
	json_put_str(claims, "iss", issuer);
	put_subject(claims, &subject, wish->has_origin_in_subject);
	json_put(claims, "aud", audience_of(hub, &subject, wish));
	json_put_int(claims, "iat", now_s);
	json_put_int(claims, "exp", now_s + ttl_of(hub, &subject) / 1000);
	put_about(claims, hub, &subject, task);
	subject_release(&subject);
	return claims;
}

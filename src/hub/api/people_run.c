/*
 * people_run.c - "pipeline/run": compile a config and make the pipeline of it.
 *
 * What a person sends is checked and launched; the reply leaves after the commit. What
 * does not compile makes nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/compile.h"
#include "format/json.h"
#include "http/server.h"
#include "hub/actions.h"
#include "hub/api/people.h"
#include "hub/api/views.h"
#include "hub/hub.h"
#include "hub/launch.h"

enum {
	RUN_WORKFLOWS_MOST = 100,
	RUN_TEXT_MOST_BYTES = 4096, /* of a branch, an address, a path */
};

struct run {
	struct call *call;
	struct launch *launch;
	struct pipeline_spec *spec; /* the launch's */
	char slug[PEOPLE_SLUG_BYTES];
	const char *workflows[RUN_WORKFLOWS_MOST];
};

static void
run_free(struct run *run)
{
	launch_free(run->launch);
	free(run);
}

/* --- what was asked ------------------------------------------------------------------------------ */

/* A member that is a string, or absent, null or empty: NULL then. */
static int
read_text(const struct json *object, const char *key, const char **out, struct err *err)
{
	const struct json *member = json_get(object, key);

	*out = NULL;
	if (member == NULL || json_is_null(member))
		return 0;
	if (!json_is_string(member))
		return err_set(err, ERR_INPUT, "member '%s' must be a string", key);
	if (strlen(json_str(member)) > RUN_TEXT_MOST_BYTES)
		return err_set(err, ERR_INPUT, "member '%s' is longer than %d bytes", key,
			       RUN_TEXT_MOST_BYTES);
	if (json_str(member)[0] != '\0')
		*out = json_str(member);
	return 0;
}

static int
read_config(struct run *run, struct err *err)
{
	struct json *config;
	const char *content, *path;

	if (json_need_object(run->launch->body, "config", &config, err) < 0)
		return err->code;
	if (json_need_str(config, "content", &content, err) < 0 ||
	    read_text(config, "path", &path, err) < 0)
		return err_wrap(err, "config");
	run->spec->config = content;
	run->spec->config_path = path != NULL ? path : ".circleci/config.yml";
	return 0;
}

static int
check_revision(const char *revision, struct err *err)
{
	size_t len = revision != NULL ? strlen(revision) : 40;

	if ((len == 40 || len == 64) &&
	    (revision == NULL || strspn(revision, "0123456789abcdefABCDEF") == len))
		return 0;
	return err_set(err, ERR_INPUT, "member 'revision' must be a commit's 40 hexadecimal digits");
}

/* For the one who runs the hub alone. */
static int
check_private(const struct run *run, const char *member, struct err *err)
{
	const struct http_peer *peer = call_peer(run->call);

	if (run->call->hub->settings.is_private && peer != NULL && peer->is_unix)
		return 0;
	return err_set(err, ERR_INPUT,
		       "member '%s' is taken by a private hub on its Unix socket only", member);
}

/* A copy of a directory of this host. */
static int
check_directory(struct run *run, struct err *err)
{
	if (run->spec->directory == NULL)
		return 0;
	if (check_private(run, "directory", err) < 0)
		return err->code;
	run->spec->commit_only = json_get_bool(json_get(run->launch->body, "checkout"), "commit", false);
	if (run->spec->directory[0] != '/')
		return err_set(err, ERR_INPUT, "member 'directory' must be an absolute path");
	return 0;
}

static int
read_checkout(struct run *run, struct err *err)
{
	const struct json *checkout = json_get(run->launch->body, "checkout");
	struct pipeline_spec *spec = run->spec;

	if (checkout != NULL && !json_is_null(checkout) && !json_is_object(checkout))
		return err_set(err, ERR_INPUT, "member 'checkout' must be an object");
	if (read_text(checkout, "branch", &spec->branch, err) < 0 ||
	    read_text(checkout, "tag", &spec->tag, err) < 0 ||
	    read_text(checkout, "revision", &spec->revision, err) < 0 ||
	    read_text(checkout, "repository", &spec->repository, err) < 0 ||
	    read_text(checkout, "directory", &spec->directory, err) < 0 ||
	    check_revision(spec->revision, err) < 0 || check_directory(run, err) < 0)
		return err_wrap(err, "checkout");
	return 0;
}

static int
read_workflows(struct run *run, struct err *err)
{
	const struct json *list = json_get(run->launch->body, "workflows"), *name;
	size_t i;

	if (list == NULL || json_is_null(list))
		return 0;
	if (!json_is_array(list) || json_count(list) > RUN_WORKFLOWS_MOST)
		return err_set(err, ERR_INPUT, "member 'workflows' must be an array of at most %d names",
			       RUN_WORKFLOWS_MOST);
	for (i = 0; i < json_count(list); i++) {
		name = json_at(list, i);
		if (!json_is_string(name))
			return err_set(err, ERR_INPUT, "member 'workflows' must hold names");
		run->workflows[i] = json_str(name);
	}
	run->spec->workflows = run->workflows;
	run->spec->workflow_count = i;
	return 0;
}

/* --- the answer ---------------------------------------------------------------------------------------- */

static void
reply_diags(struct call *call, const struct diags *diags)
{
	struct json *answer = json_new_object();
	size_t errors = diags_error_count(diags);
	char text[64];

	(void)snprintf(text, sizeof(text), "config has %zu error%s", errors, errors == 1 ? "" : "s");
	json_put_str(answer, "message", text);
	json_put(answer, "diagnostics", diags_describe(diags));
	call_reply_json(call, 422, answer);
}

static bool
is_named(const struct json *list, const char *class)
{
	size_t i;

	for (i = 0; i < json_count(list); i++)
		if (text_eq(json_get_str(json_at(list, i), "resource_class"), class))
			return true;
	return false;
}

/* The classes of the workflow that no connected agent serves. */
static void
add_waiting(struct json *list, const struct workflow *workflow)
{
	const struct job *job;
	struct json *item;
	size_t i;

	for (i = 0; i < workflow->job_count; i++) {
		job = workflow->jobs[i];
		if (job->class == NULL || job->class->agents > 0 ||
		    is_named(list, job->row.resource_class))
			continue;
		item = json_new_object();
		json_put_str(item, "resource_class", job->row.resource_class);
		json_put_str(item, "message", job->class->sentence);
		json_push(list, item);
	}
}

static void
reply_pipeline(struct call *call, const struct pipeline *pipeline, const struct diags *diags)
{
	struct json *answer = json_new_object(), *waiting = json_new_array();
	size_t i;

	for (i = 0; i < pipeline->workflow_count; i++)
		add_waiting(waiting, pipeline->workflows[i]);
	view_put_id(answer, "id", &pipeline->row.id);
	json_put_str(answer, "state", "created");
	json_put_int(answer, "number", pipeline->row.number);
	json_put_time(answer, "created_at", pipeline->row.created_ms);
	if (diags_count(diags) > 0)
		json_put(answer, "diagnostics", diags_describe(diags));
	if (json_count(waiting) > 0)
		json_put(answer, "waiting", json_ref(waiting));
	json_free(waiting);
	call_reply_json_after_commit(call, 201, answer);
}

static void
reply_refused(struct call *call, const struct err *err)
{
	struct json *answer;

	if (err->code != ERR_INPUT) {
		call_reply_err(call, err);
		return;
	}
	/* The request was well formed: the config asks for what cannot be. */
	answer = people_message(err->text);
	if (err->hint != NULL)
		json_put_str(answer, "hint", err->hint);
	call_reply_json(call, 422, answer);
}

/* --- doing it ----------------------------------------------------------------------------------------------- */

static void
on_launched(void *arg, struct launch *launch)
{
	struct run *run = arg;

	switch (launch->end) {
	case LAUNCH_MADE:
		reply_pipeline(run->call, launch->pipeline, launch->diags);
		break;
	case LAUNCH_NOTHING:
		call_reply_json_after_commit(run->call, 200,
					     people_message("no pipeline was made: no workflow is selected by "
							    "this branch, tag and parameters"));
		break;
	case LAUNCH_WRONG:
		reply_diags(run->call, launch->diags);
		break;
	case LAUNCH_REFUSED:
		reply_refused(run->call, &launch->err);
		break;
	}
	run_free(run);
}

/* What is kept beside config and checkout. */
static int
read_request(struct run *run, struct err *err)
{
	static const char *const kept[] = {"parameters", "orbs", "local"};
	const struct json *is_default = json_get(json_get(run->launch->body, "checkout"), "is_default");
	struct json *request = json_new_object(), *member;
	size_t i;

	run->launch->request = request;
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		member = json_get(run->launch->body, kept[i]);
		if (member != NULL && !json_is_null(member))
			json_put(request, kept[i], json_ref(member));
	}
	if (json_is_bool(is_default))
		json_put_bool(request, "is_default", json_bool_value(is_default));
	if (run->spec->commit_only)
		json_put_bool(request, "commit", true);
	if (json_get(request, "local") != NULL && check_private(run, "local", err) < 0)
		return err->code;
	return launch_check_request(request, err);
}

static int
read_all(struct run *run, struct err *err)
{
	if (call_body(run->call, &run->launch->body, err) < 0) {
		run->launch->body = NULL;
		return err->code;
	}
	if (read_config(run, err) < 0 || read_checkout(run, err) < 0 || read_workflows(run, err) < 0)
		return err->code;
	return read_request(run, err);
}

static void
run_pipeline(struct call *call)
{
	struct run *run = MEM_NEW(struct run);
	struct err err = ERR_INIT;

	run->call = call;
	run->launch = launch_new(call->hub);
	run->spec = &run->launch->spec;
	run->spec->project_slug = run->slug;
	run->spec->actor = call->login;
	if (!people_slug(call, call->vars[0], run->slug)) {
		run_free(run);
	} else if (read_all(run, &err) < 0 || launch_start(run->launch, on_launched, run, &err) < 0) {
		call_reply_err(call, &err);
		run_free(run);
	}
}

const struct route people_run_routes[] = {
	{"POST", "/api/v2/project/{slug}/pipeline/run", WHO_PERSON, run_pipeline},
	{NULL, NULL, WHO_ANYONE, NULL},
};

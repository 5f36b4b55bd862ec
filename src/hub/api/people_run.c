/*
 * people_run.c - "pipeline/run": compile a config and make the pipeline of it.
 *
 * What a person sends is checked, handed to the compiler with the pipeline values it
 * stands for, and the plan to pipeline_create(); the reply leaves after the commit. What
 * does not compile makes nothing.
 *
 * All of it is done in the loop: the compiler's bounds are its bound. Measured (doc/performance.md):
 * 0.12 s for 900 jobs in 1.8 MiB, a third of it for their task documents and a quarter for compiling.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"
#include "compile/compile.h"
#include "format/json.h"
#include "http/server.h"
#include "hub/actions.h"
#include "hub/api/people.h"
#include "hub/api/views.h"
#include "hub/hub.h"
#include "hub/orbs.h"
#include "loop/clock.h"

enum {
	RUN_VALUES_MOST = 40,
	RUN_WORKFLOWS_MOST = 100,
	RUN_TEXT_MOST_BYTES = 4096, /* of a branch, an address, a path */
	RUN_MEMORY_BYTES = 1 << 20, /* for our own strings of one request */
};

struct run {
	struct call *call;
	struct arena arena;
	struct json *body;
	char slug[PEOPLE_SLUG_BYTES];
	struct pipeline_spec spec;
	const char *workflows[RUN_WORKFLOWS_MOST];
	struct compile_value values[RUN_VALUES_MOST];
	size_t value_count;
	struct compile_value *parameters;
	struct compile_input input;
	struct orb_finder orbs;
};

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

	if (json_need_object(run->body, "config", &config, err) < 0)
		return err->code;
	if (json_need_str(config, "content", &content, err) < 0 ||
	    read_text(config, "path", &path, err) < 0)
		return err_wrap(err, "config");
	run->spec.config = content;
	run->spec.config_path = path != NULL ? path : ".circleci/config.yml";
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

/* A copy of a directory of this host: for the one who runs the hub alone. */
static int
check_directory(struct run *run, struct err *err)
{
	const struct http_peer *peer = call_peer(run->call);

	if (run->spec.directory == NULL)
		return 0;
	if (!run->call->hub->settings.is_private || peer == NULL || !peer->is_unix)
		return err_set(err, ERR_INPUT,
			       "member 'directory' is taken by a private hub on its Unix socket only");
	run->spec.commit_only = json_get_bool(json_get(run->body, "checkout"), "commit", false);
	if (run->spec.directory[0] != '/')
		return err_set(err, ERR_INPUT, "member 'directory' must be an absolute path");
	return 0;
}

static int
read_checkout(struct run *run, struct err *err)
{
	const struct json *checkout = json_get(run->body, "checkout");
	struct pipeline_spec *spec = &run->spec;

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
	const struct json *list = json_get(run->body, "workflows"), *name;
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
	run->spec.workflows = run->workflows;
	run->spec.workflow_count = i;
	return 0;
}

static int
read_parameter(struct compile_value *out, const char *name, const struct json *value,
	       struct err *err)
{
	out->name = name;
	if (json_is_string(value)) {
		out->type = COMPILE_STRING;
		out->string = json_str(value);
	} else if (json_is_int(value)) {
		out->type = COMPILE_INTEGER;
		out->integer = json_int_value(value);
	} else if (json_is_bool(value)) {
		out->type = COMPILE_BOOLEAN;
		out->boolean = json_bool_value(value);
	} else {
		return err_set(err, ERR_INPUT,
			       "parameter '%.64s' must be a string, an integer or a boolean", name);
	}
	return 0;
}

static int
read_parameters(struct run *run, struct err *err)
{
	const struct json *object = json_get(run->body, "parameters");
	size_t n = 0;
	void *it;

	if (object == NULL || json_is_null(object))
		return 0;
	if (!json_is_object(object) || json_count(object) > COMPILE_PARAMETERS_MAX)
		return err_set(err, ERR_INPUT,
			       "member 'parameters' must be an object of at most %d members",
			       COMPILE_PARAMETERS_MAX);
	run->parameters = ARENA_NEW_ARRAY(&run->arena, struct compile_value, json_count(object) + 1);
	for (it = json_first(object); it != NULL; it = json_next(object, it))
		if (read_parameter(&run->parameters[n++], json_key(it), json_value(it), err) < 0)
			return err->code;
	run->input.parameters = run->parameters;
	run->input.parameter_count = n;
	return 0;
}

/* --- pipeline values ---------------------------------------------------------------------------------- */

static struct compile_value *
add_value(struct run *run, const char *name, enum compile_type type)
{
	struct compile_value *value = &run->values[run->value_count++];

	value->name = name;
	value->type = type;
	return value;
}

static void
add_text(struct run *run, const char *name, const char *text)
{
	if (text != NULL)
		add_value(run, name, COMPILE_STRING)->string = text;
}

static const char *
forge_of(const char *slug)
{
	if (text_starts(slug, "gh/"))
		return "github";
	if (text_starts(slug, "bb/"))
		return "bitbucket";
	return text_starts(slug, "gl/") ? "gitlab" : "circleci";
}

static void
add_repository(struct run *run)
{
	const char *owner = strchr(run->slug, '/') + 1, *name = strchr(owner, '/') + 1;

	add_text(run, "pipeline.project.slug", run->slug);
	add_text(run, "pipeline.project.type", forge_of(run->slug));
	add_text(run, "pipeline.project.git_url", run->spec.repository);
	add_text(run, "pipeline.git.repo_url", run->spec.repository);
	add_text(run, "pipeline.git.repo_owner",
		 arena_strndup(&run->arena, owner, (size_t)(name - 1 - owner)));
	add_text(run, "pipeline.git.repo_name", name);
}

static void
add_values(struct run *run)
{
	const struct json *is_default = json_get(json_get(run->body, "checkout"), "is_default");
	char room[ID_TEXT_BYTES], now[32];

	add_text(run, "pipeline.id", arena_strdup(&run->arena, id_text(room, &run->spec.id)));
	add_value(run, "pipeline.number", COMPILE_INTEGER)->integer =
		pipeline_next_number(run->call->hub, run->slug);
	add_repository(run);
	add_text(run, "pipeline.git.revision", run->spec.revision);
	add_text(run, "pipeline.git.base_revision", run->spec.revision);
	if (json_is_bool(is_default))
		add_value(run, "pipeline.git.branch.is_default", COMPILE_BOOLEAN)->boolean =
			json_bool_value(is_default);
	add_text(run, "pipeline.config.file_path", run->spec.config_path);
	add_text(run, "pipeline.trigger.type", "api");
	add_text(run, "pipeline.trigger_source", "api");
	add_text(run, "pipeline.trigger.received_at",
		 arena_strdup(&run->arena, text_time(now, clock_unix_ms())));
	add_text(run, "pipeline.event.name", "api");
	run->input.values = run->values;
	run->input.value_count = run->value_count;
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
run_plan(struct run *run, const struct plan *plan, const struct diags *diags)
{
	struct call *call = run->call;
	struct pipeline *pipeline;
	struct err err = ERR_INIT;

	if (plan->workflow_count == 0)
		call_reply_json(call, 200,
				people_message("no pipeline was made: no workflow is selected by "
					       "this branch, tag and parameters"));
	else if (pipeline_create(&pipeline, call->hub, &run->spec, plan, &err) < 0)
		reply_refused(call, &err);
	else
		reply_pipeline(call, pipeline, diags);
}

static int
read_request(struct run *run, struct err *err)
{
	if (call_body(run->call, &run->body, err) < 0) {
		run->body = NULL;
		return err->code;
	}
	if (read_config(run, err) < 0 ||
	    read_checkout(run, err) < 0 || read_workflows(run, err) < 0 ||
	    read_parameters(run, err) < 0)
		return err->code;
	run->orbs.model = &run->call->hub->model;
	run->orbs.sent = json_get(run->body, "orbs");
	if (run->orbs.sent != NULL && orbs_check_sent(run->orbs.sent, err) < 0)
		return err->code;
	if (strlen(run->spec.config) > COMPILE_CONFIG_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "config is larger than %d bytes",
			       COMPILE_CONFIG_MAX_BYTES);
	return 0;
}

static void
compile_and_run(struct run *run)
{
	struct compile_input *input = &run->input;
	struct diags *diags;
	struct plan *plan;

	id_random(&run->spec.id);
	run->spec.project_slug = run->slug;
	run->spec.actor = run->call->login;
	add_values(run);
	input->path = run->spec.config_path;
	input->bytes = run->spec.config;
	input->len = strlen(run->spec.config);
	input->branch = run->spec.branch;
	input->tag = run->spec.tag;
	input->orb = orbs_find;
	input->orb_arg = &run->orbs;
	input->policy.supported = FEATURE_CARRIED_OUT;
	input->policy.docker_on_host = settings_any_docker_on_host(&run->call->hub->settings);
	if (compile(input, &plan, &diags) < 0)
		reply_diags(run->call, diags);
	else
		run_plan(run, plan, diags);
	plan_free(plan);
	diags_free(diags);
}

static void
run_pipeline(struct call *call)
{
	struct run run = {.call = call};
	struct err err = ERR_INIT;

	arena_init(&run.arena, RUN_MEMORY_BYTES);
	if (people_slug(call, call->vars[0], run.slug)) {
		if (read_request(&run, &err) < 0)
			call_reply_err(call, &err);
		else
			compile_and_run(&run);
	}
	json_free(run.body);
	arena_release(&run.arena);
}

const struct route people_run_routes[] = {
	{"POST", "/api/v2/project/{slug}/pipeline/run", WHO_PERSON, run_pipeline},
	{NULL, NULL, WHO_ANYONE, NULL},
};

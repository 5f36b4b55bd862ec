/*
 * people_continue.c - "pipeline/continue": the config that a setup pipeline goes on with.
 *
 * The key in the setup jobs' environment proves who asks: no other token is needed. One config continues a
 * pipeline; what is wrong with it is said to who asks and kept at the pipeline, which has failed then.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "format/json.h"
#include "hub/api/people.h"
#include "hub/hub.h"
#include "hub/launch.h"
#include "hub/states.h"

enum { CONTINUE_WITHIN_MS = 6 * 60 * 60 * 1000 }; /* of the pipeline's beginning */

struct continuing {
	struct call *call;
	struct launch *launch;
	struct pipeline *pipeline; /* pinned, is_continuing; NULL: not yet */
};

static void
continuing_free(struct continuing *continuing)
{
	struct pipeline *pipeline = continuing->pipeline;

	launch_free(continuing->launch);
	free(continuing);
	if (pipeline == NULL)
		return;
	pipeline->is_continuing = false;
	pipeline_advance(pipeline);
	pipeline_unpin(pipeline);
}

/* --- what is wrong with it ---------------------------------------------------------------------- */

static void
add_error(struct json *errors, const char *text)
{
	struct json *error = json_new_object();

	json_put_str(error, "type", "config");
	json_put_str(error, "message", text);
	json_push(errors, error);
}

static struct json *
errors_of(const struct launch *launch)
{
	struct json *errors = json_new_array(), *diags;
	struct buffer text = BUFFER_INIT;
	struct diag diag;
	size_t i;

	if (launch->end == LAUNCH_REFUSED) {
		add_error(errors, launch->err.text);
		return errors;
	}
	diags = diags_describe(launch->diags);
	for (i = 0; i < json_count(diags); i++) {
		diag_read(&diag, json_at(diags, i));
		buffer_clear(&text);
		diag_print(&diag, &text, false);
		add_error(errors, buffer_text(&text));
	}
	json_free(diags);
	buffer_release(&text);
	return errors;
}

static void
keep_errors(struct pipeline *pipeline, const struct json *errors)
{
	struct buffer text = BUFFER_INIT;

	json_write(&text, errors);
	pipeline->row.errors = arena_strdup(&pipeline->arena, buffer_text(&text));
	pipeline->row.setup = SETUP_CONTINUED;
	pipeline_touch(pipeline);
	buffer_release(&text);
}

static void
refuse(struct continuing *continuing)
{
	const struct launch *launch = continuing->launch;
	struct json *errors = errors_of(launch);
	struct json *answer = people_message("the pipeline cannot go on with this config");

	keep_errors(continuing->pipeline, errors);
	json_put(answer, "errors", errors);
	if (launch->end == LAUNCH_WRONG)
		json_put(answer, "diagnostics", diags_describe(launch->diags));
	call_reply_json_after_commit(continuing->call, 422, answer);
}

static void
on_launched(void *arg, struct launch *launch)
{
	struct continuing *continuing = arg;

	if (launch->end == LAUNCH_MADE)
		call_reply_json_after_commit(continuing->call, 200, people_message("Continued."));
	else
		refuse(continuing);
	continuing_free(continuing);
}

/* --- the pipeline ------------------------------------------------------------------------------------ */

static bool
is_same(const struct json *a, const struct json *b)
{
	struct buffer left = BUFFER_INIT, right = BUFFER_INIT;
	bool same;

	json_write(&left, a);
	json_write(&right, b);
	same = strcmp(buffer_text(&left), buffer_text(&right)) == 0;
	buffer_release(&left);
	buffer_release(&right);
	return same;
}

/* The same name given when the pipeline began and now, with two values. */
static int
check_conflict(const struct launch *launch, struct err *err)
{
	const struct json *before = json_get(launch->request, "parameters"), *other;
	void *it;

	for (it = json_first(launch->passed); it != NULL; it = json_next(launch->passed, it)) {
		other = json_get(before, json_key(it));
		if (other != NULL && !is_same(other, json_value(it)))
			return err_set(err, ERR_INPUT,
				       "Conflicting pipeline parameters.: '%.64s' was given another value "
				       "when the pipeline began", json_key(it));
	}
	return 0;
}

/* As it began; its own config has had its part. */
static int
fill(struct launch *launch, struct pipeline *pipeline, const struct pipeline_row *row, struct err *err)
{
	const struct pipeline_row *own = &pipeline->row;
	struct pipeline_spec *spec = &launch->spec;

	launch->continued = pipeline;
	spec->project_slug = own->project_slug;
	spec->actor = own->actor;
	spec->trigger = own->trigger != NULL ? own->trigger : "api";
	spec->branch = own->branch;
	spec->tag = own->tag;
	spec->revision = own->revision;
	spec->repository = own->repository;
	spec->directory = own->directory;
	spec->config_path = own->config_path;
	if (row->request != NULL &&
	    json_parse(&launch->request, row->request, strlen(row->request), err) < 0)
		return err_wrap(err, "reading what the pipeline began with");
	spec->commit_only = json_get_bool(launch->request, "commit", false);
	return check_conflict(launch, err);
}

static void
on_pipeline(void *arg, struct store_op *op)
{
	struct continuing *continuing = arg;
	struct err err = ERR_INIT;
	int rc = op->found ? fill(continuing->launch, continuing->pipeline, &op->pipelines[0], &err)
			   : err_set(&err, ERR_GONE, "the pipeline is no more");

	if (rc == 0)
		rc = launch_start(continuing->launch, on_launched, continuing, &err);
	if (rc == 0)
		return;
	call_reply_err(continuing->call, &err);
	continuing_free(continuing);
}

static int
check_pipeline(const struct pipeline *pipeline, struct err *err)
{
	const struct pipeline_row *row = &pipeline->row;
	long long number = (long long)row->number;

	if (row->setup == SETUP_NONE)
		return err_set(err, ERR_INPUT, "pipeline %lld has no setup config", number);
	if (row->setup == SETUP_CONTINUED || pipeline->is_continuing)
		return err_set(err, ERR_GONE, "pipeline %lld has been continued already", number);
	if (row->state == PIPELINE_ENDED)
		return err_set(err, ERR_GONE, "pipeline %lld has ended", number);
	if (pipeline->model->unix_ms() - row->created_ms > CONTINUE_WITHIN_MS)
		return err_set(err, ERR_GONE, "pipeline %lld began more than six hours ago", number);
	return 0;
}

static int
read_body(struct continuing *continuing, struct id *id, struct err *err)
{
	struct launch *launch = continuing->launch;
	const char *key;
	struct json *passed;

	if (call_body(continuing->call, &launch->body, err) < 0) {
		launch->body = NULL;
		return err->code;
	}
	if (json_need_str(launch->body, "continuation-key", &key, err) < 0 ||
	    json_need_str(launch->body, "configuration", &launch->spec.config, err) < 0)
		return err->code;
	passed = json_get(launch->body, "parameters");
	if (launch_check_parameters(passed, err) < 0)
		return err->code;
	if (passed != NULL && !json_is_null(passed))
		launch->passed = json_ref(passed);
	if (!continuation_key_read(key, &continuing->call->hub->key, id))
		return err_set(err, ERR_INPUT, "the continuation key is none of this hub's");
	return 0;
}

static void
start(struct continuing *continuing, struct pipeline *pipeline)
{
	struct store_op *op = store_op_new(STORE_GET_PIPELINE);

	continuing->pipeline = pipeline;
	pipeline->is_continuing = true;
	pipeline_pin(pipeline);
	op->id = pipeline->row.id;
	store_submit(continuing->call->hub->store, op, on_pipeline, continuing);
}

static void
continue_pipeline(struct call *call)
{
	struct continuing *continuing = MEM_NEW(struct continuing);
	struct pipeline *pipeline = NULL;
	struct err err = ERR_INIT;
	struct id id;
	int rc;

	continuing->call = call;
	continuing->launch = launch_new(call->hub);
	rc = read_body(continuing, &id, &err);
	if (rc == 0)
		pipeline = model_pipeline(&call->hub->model, &id);
	if (rc == 0)
		rc = pipeline != NULL ? check_pipeline(pipeline, &err)
				      : err_set(&err, ERR_GONE, "the pipeline has ended");
	if (rc == 0) {
		start(continuing, pipeline);
		return;
	}
	if (err.code == ERR_GONE)
		call_reply_message(call, 409, "%s", err.text);
	else
		call_reply_err(call, &err);
	continuing_free(continuing);
}

const struct route people_continue_routes[] = {
	{"POST", "/api/v2/pipeline/continue", WHO_ANYONE, continue_pipeline},
	{NULL, NULL, WHO_ANYONE, NULL},
};

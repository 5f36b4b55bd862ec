/*
 * grant.c - the values of contexts and project variables that a lease was given.
 *
 * The clear text is an object of names and values; keys are among them, by their fingerprints. Later contexts stand above
 * earlier ones, and all above the project.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/grant.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "format/json.h"
#include "hub/document.h"
#include "hub/model.h"
#include "hub/secrets.h"
#include "hub/ssh_keys.h"
#include "hub/store/store.h"

enum { MASKED_FROM_BYTES = 4 };

/* It can always be named, also where nobody has made it. */
static const char global_context[] = "org-global";

static struct model *
model_of(const struct task *task)
{
	return task->job->workflow->pipeline->model;
}

/* Into out what it does not have yet. */
static int
add_variables(struct json *out, const struct model *model, const struct variables *from,
	      struct err *err)
{
	struct variable *variable, *next;
	struct buffer clear = BUFFER_INIT;
	int rc = 0;

	HASH_ITER (hh, from->table, variable, next) {
		if (json_get(out, variable->row.name) != NULL)
			continue;
		rc = variable_open(&clear, model, variable, err);
		if (rc < 0)
			break;
		json_put_str(out, variable->row.name, (const char *)clear.data);
		explicit_bzero(clear.data, clear.len);
		buffer_clear(&clear);
	}
	secrets_forget(&clear);
	return rc;
}

static int
add_context(struct json *out, struct model *model, const char *owner, const char *name,
	    struct err *err)
{
	const struct context *context = context_find_name(model, owner, name);

	if (context != NULL)
		return add_variables(out, model, &context->variables, err);
	if (strcmp(name, global_context) == 0)
		return 0;
	err->code = err_set(err, ERR_GONE, "context '%s' does not exist in '%s'", name, owner);
	return err_hint(err, "make it with 'runnerctl context create'");
}

static int
add_contexts(struct json *out, const struct task *task, struct err *err)
{
	const struct job *job = task->job;
	struct json *names = job_contexts(job);
	char owner[HUB_NAME_BYTES];
	size_t i;
	int rc = 0;

	secrets_owner_of(owner, job->row.project_slug);
	for (i = json_count(names); rc == 0 && i > 0; i--)
		rc = add_context(out, model_of(task), owner, json_str(json_at(names, i - 1)), err);
	json_free(names);
	return rc;
}

static int
collect(struct json *out, struct task *task, struct err *err)
{
	const struct project *project = task->job->workflow->pipeline->project;
	struct model *model = model_of(task);
	int rc = add_contexts(out, task, err);

	if (rc == 0)
		rc = add_variables(out, model, &project->variables, err);
	return rc == 0 && task->job->row.needs_keys ? add_variables(out, model, &project->ssh_keys, err)
					   : rc;
}

static void
submit(const struct task *task, enum store_op_kind kind)
{
	struct store_op *op = store_op_new(kind);

	op->variable.owner = task->row.id;
	op->variable.created_ms = op->variable.updated_ms = model_of(task)->unix_ms();
	op->variable.sealed = task->grant;
	op->variable.sealed_len = task->grant_len;
	store_submit(model_of(task)->store, op, NULL, NULL);
}

static int
keep(struct task *task, const struct json *values, struct err *err)
{
	struct buffer clear = BUFFER_INIT;
	int rc = 0;

	json_write(&clear, values);
	if (clear.len > GRANT_MOST_BYTES)
		rc = err_set(
			err, ERR_LIMIT,
			"its contexts and its project's variables take %zu bytes, %d are allowed",
			clear.len, GRANT_MOST_BYTES);
	else
		secrets_seal(&task->grant, &task->grant_len, model_of(task)->seal_key, &task->row.id, "",
			     clear.data, clear.len);
	secrets_forget(&clear);
	if (rc == 0)
		submit(task, STORE_PUT_VARIABLE);
	return rc;
}

int
grant_make(struct task *task, struct err *err)
{
	struct json *values = json_new_object();
	int rc = collect(values, task, err);

	if (rc == 0 && json_count(values) > 0)
		rc = keep(task, values, err);
	json_free(values);
	return rc;
}

static bool
is_masked(const char *value)
{
	return strlen(value) >= MASKED_FROM_BYTES && strcasecmp(value, "true") != 0 &&
	       strcasecmp(value, "false") != 0;
}

static void
apply(const struct json *values, struct json *document, struct json *environment)
{
	struct json *mask = json_new_array(), *keys = json_new_array();
	struct json *hidden = json_get(document, "key_environment"), *below;
	void *it;
	size_t i;

	for (it = json_first(values); it != NULL; it = json_next(values, it)) {
		if (ssh_key_is_name(json_key(it))) {
			ssh_key_put(keys, json_key(it), json_str(json_value(it)));
			continue;
		}
		if (json_get(environment, json_key(it)) == NULL)
			json_put(environment, json_key(it), json_ref(json_value(it)));
		below = json_get(hidden, json_key(it));
		if (below != NULL && json_is_null(below))
			json_put(hidden, json_key(it), json_ref(json_value(it)));
		if (is_masked(json_str(json_value(it))))
			json_push(mask, json_ref(json_value(it)));
	}
	for (i = 0; i < json_count(keys); i++)
		json_push(mask, json_ref(json_get(json_at(keys, i), "private_key")));
	json_put(document, "mask", mask);
	json_put(document, "ssh_keys", keys);
}

void
grant_apply(const struct task *task, struct json *document, struct json *environment)
{
	struct buffer clear = BUFFER_INIT;
	struct err err = ERR_INIT;
	struct json *values;

	if (task->grant == NULL)
		return;
	if (secrets_open(&clear, model_of(task)->seal_key, &task->row.id, "", task->grant, task->grant_len) &&
	    json_parse(&values, clear.data, clear.len - 1, &err) == 0) {
		apply(values, document, environment);
		json_free(values);
	} else {
		log_error("the values of a lease of job '%s' are damaged in the database",
			  task->job->row.name);
	}
	secrets_forget(&clear);
}

void
grant_drop(struct task *task)
{
	if (task->grant == NULL)
		return;
	submit(task, STORE_DELETE_VARIABLE);
	free(task->grant);
	task->grant = NULL;
	task->grant_len = 0;
}

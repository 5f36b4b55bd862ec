/*
 * document.c - the task document an agent gets with a lease.
 *
 * A lease's document shares the members of the job's and differs in a few.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/document.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "format/json.h"
#include "hub/grant.h"
#include "hub/key.h"
#include "hub/model.h"
#include "hub/previous.h"
#include "hub/states.h"
#include "hub/store/store.h"
#include "hub/upstream.h"

/* What a lease adds or changes; these members of the job's document are left out. Contexts are in those of older hubs. */
static const char *const own_members[] = {"id", "epoch", "token", "lease_ms", "node_index",
					  "environment", "workflow", "contexts", "workspace",
					  "key_environment", "archives_at_hub"};

/* --- the job's ----------------------------------------------------------------------------- */

/* We wrote it ourselves and the database checks its pages. */
static void
parse(struct job *job, const char *text, size_t len)
{
	struct err err = ERR_INIT;
	int rc = json_parse(&job->document, text, len, &err);

	assert(rc == 0);
}

/* NULL: it is being read, or nobody runs the job. */
static struct json *
job_document(struct job *job)
{
	if (job->document == NULL && job->row.document != NULL) {
		parse(job, job->row.document, strlen(job->row.document));
		document_check(job);
	}
	return job->document;
}

static void
end_lost(struct job *job)
{
	size_t i;

	log_error("the database has no document of job '%s'", job->row.name);
	for (i = 0; i < job->task_count; i++) {
		if (job->tasks[i]->row.state != HUB_LEASED)
			continue;
		job->tasks[i]->is_abandoned = true;
		task_enter(job->tasks[i], HUB_ENDED, OUTCOME_INFRA_FAIL,
			   "the hub's database does not say any more what it is to do");
	}
}

static void
on_read(void *arg, struct store_op *op)
{
	struct job *job = arg;
	struct pipeline *pipeline = job->workflow->pipeline;

	job->is_reading_document = false;
	if (op->found)
		parse(job, (const char *)op->bytes, op->byte_count);
	else
		end_lost(job);
	document_check(job);
	pipeline_unpin(pipeline);
}

void
document_want(struct job *job)
{
	struct store_op *op;

	if (job->is_reading_document || job_document(job) != NULL)
		return;
	job->is_reading_document = true;
	pipeline_pin(job->workflow->pipeline);
	op = store_op_new(STORE_GET_DOCUMENT);
	op->id = job->row.id;
	store_submit(job->workflow->pipeline->model->store, op, on_read, job);
}

static bool
needs_document(const struct task *task)
{
	if (task->row.state == HUB_ENDED)
		return task->row.output_open && !task->is_gathering;
	return task->row.state == HUB_LEASED;
}

static void
forget_text(struct job *job)
{
	free((char *)job->row.document);
	job->row.document = NULL;
}

void
document_check(struct job *job)
{
	size_t i;

	for (i = 0; i < job->task_count; i++)
		if (needs_document(job->tasks[i]))
			break;
	if (i == job->task_count) {
		json_free(job->document);
		job->document = NULL;
	}
	if (job->touched.is_stored && (job->document != NULL || i == job->task_count))
		forget_text(job);
}

void
document_forget(struct job *job)
{
	json_free(job->document);
	job->document = NULL;
	forget_text(job);
}

/* --- a lease's ----------------------------------------------------------------------------- */

static bool
is_own(const char *key)
{
	size_t i;

	for (i = 0; i < sizeof(own_members) / sizeof(own_members[0]); i++)
		if (strcmp(own_members[i], key) == 0)
			return true;
	return false;
}

static struct json *
copy_members(const struct json *from)
{
	struct json *to = json_new_object();
	void *it;

	for (it = json_first(from); it != NULL; it = json_next(from, it))
		json_put(to, json_key(it), json_ref(json_value(it)));
	return to;
}

static struct json *
environment_of(struct task *task, struct json *from)
{
	struct json *to = copy_members(from);
	char index[16], number[24];
	int64_t previous;

	/* The job's own variable of that name stands above ours. */
	if (json_get(to, "CIRCLE_NODE_INDEX") == NULL) {
		snprintf(index, sizeof(index), "%u", task->row.node_index);
		json_put_str(to, "CIRCLE_NODE_INDEX", index);
	}
	previous = previous_of(task->job->workflow->pipeline->model, task->job);
	if (previous > 0 && json_get(to, "CIRCLE_PREVIOUS_BUILD_NUM") == NULL) {
		snprintf(number, sizeof(number), "%lld", (long long)previous);
		json_put_str(to, "CIRCLE_PREVIOUS_BUILD_NUM", number);
	}
	return to;
}

static void
put_surroundings(struct json *json, struct task *task)
{
	const struct workflow *workflow = task->job->workflow;
	struct json *part = json_new_object();
	char id[ID_TEXT_BYTES];

	json_put_str(part, "id", id_text(id, &workflow->row.id));
	json_put_str(part, "name", workflow->row.name);
	json_put(json, "workflow", part);
	part = json_new_object();
	json_put_str(part, "id", id_text(id, &workflow->pipeline->row.id));
	json_put_int(part, "number", workflow->pipeline->row.number);
	json_put(json, "pipeline", part);
}

/* The jobs of a setup workflow may name the config that comes next; the key is nobody else's. */
static void
put_continuation(const struct task *task, const struct hub_key *key, struct json *json,
		 struct json *environment)
{
	const struct workflow *workflow = task->job->workflow;
	char room[CONTINUATION_KEY_BYTES];
	struct json *mask = json_get(json, "mask");

	if (workflow->pipeline->row.setup != SETUP_PENDING || workflow->row.position != 0)
		return;
	if (mask == NULL) {
		mask = json_new_array();
		json_put(json, "mask", mask);
	}
	continuation_key_write(room, key, &workflow->pipeline->row.id);
	json_put_str(environment, "CIRCLE_CONTINUATION_KEY", room);
	json_push(mask, json_new_string(room));
}

struct json *
task_document(struct task *task, const struct hub_key *key)
{
	struct json *from = job_document(task->job), *json = json_new_object(), *environment;
	char id[ID_TEXT_BYTES], token[TASK_TOKEN_BYTES];
	void *it;

	assert(task->row.state == HUB_LEASED && from != NULL);
	json_put_str(json, "id", id_text(id, &task->row.id));
	json_put_int(json, "epoch", task->row.epoch);
	json_put_str(json, "token", task_token_write(token, key, &task->row.id, task->row.epoch));
	json_put_int(json, "lease_ms", RUNNER_LEASE_MS);
	json_put_int(json, "node_index", task->row.node_index);
	put_surroundings(json, task);
	environment = environment_of(task, json_get(from, "environment"));
	if (json_get(from, "key_environment") != NULL)
		json_put(json, "key_environment", copy_members(json_get(from, "key_environment")));
	grant_apply(task, json, environment);
	put_continuation(task, key, json, environment);
	json_put(json, "environment", environment);
	/* A private hub lies on the host of its only agent, which has them already. */
	json_put_bool(json, "archives_at_hub", !task->job->workflow->pipeline->model->is_private);
	if (task_has_kind(task, "attach_workspace"))
		json_put(json, "workspace", upstream_layers(task->job));
	for (it = json_first(from); it != NULL; it = json_next(from, it))
		if (!is_own(json_key(it)))
			json_put(json, json_key(it), json_ref(json_value(it)));
	return json;
}

bool
task_sets_variable(struct task *task, const char *name)
{
	return json_get(json_get(job_document(task->job), "environment"), name) != NULL;
}

struct json *
job_contexts(const struct job *job)
{
	struct err err = ERR_INIT;
	struct json *names = NULL;
	int rc = 0;

	if (job->row.contexts != NULL)
		rc = json_parse(&names, job->row.contexts, strlen(job->row.contexts), &err);
	assert(rc == 0);
	return names;
}

int64_t
task_cache_keep_ms(struct task *task)
{
	return json_get_int(job_document(task->job), "cache_keep_ms", 0);
}

size_t
task_step_count(struct task *task)
{
	return json_count(json_get(job_document(task->job), "steps"));
}

void
task_step_words(struct task *task, size_t idx, const char **name, const char **kind)
{
	const struct json *step = json_at(json_get(job_document(task->job), "steps"), idx);

	*name = json_get_str(step, "name");
	*kind = json_get_str(step, "kind");
}

bool
task_has_kind(struct task *task, const char *wanted)
{
	const char *name, *kind;
	size_t i;

	for (i = 0; i < task_step_count(task); i++) {
		task_step_words(task, i, &name, &kind);
		if (strcmp(kind, wanted) == 0)
			return true;
	}
	return false;
}

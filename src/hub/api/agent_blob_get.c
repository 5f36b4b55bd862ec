/*
 * agent_blob_get.c - what a task may have of what others of its project have left (doc/blobs.md).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "format/json.h"
#include "http/url.h"
#include "hub/api/agent.h"
#include "hub/api/blob_send.h"
#include "hub/hub.h"
#include "hub/store/store.h"
#include "loop/clock.h"
#include "task/blob.h"

enum { FOUND_MOST = 1000 };

static struct json *
view_found(const struct blob_row *row)
{
	struct json *item = json_new_object();
	struct buffer name = BUFFER_INIT;
	char id[ID_TEXT_BYTES], digest[DIGEST_TEXT_BYTES];

	url_encode(&name, row->name);
	json_put_str(item, "id", id_text(id, &row->id));
	json_put_str(item, "name", buffer_text(&name));
	json_put_int(item, "size", (int64_t)row->size);
	json_put_str(item, "digest", digest_hex(digest, row->digest));
	json_put_str(item, "job", id_text(id, &row->job));
	json_put_str(item, "task", id_text(id, &row->task));
	json_put_int(item, "node_index", row->node_index);
	json_put_time(item, "created_at", row->created_ms);
	json_put_int(item, "created_ms", row->created_ms);
	if (row->keep_ms > 0)
		json_put_int(item, "keep_ms", row->keep_ms);
	buffer_release(&name);
	return item;
}

static void
on_found(void *arg, struct store_op *op)
{
	struct json *reply = json_new_object(), *items = json_new_array();
	size_t i;

	for (i = 0; i < op->count; i++)
		json_push(items, view_found(&op->blob_rows[i]));
	json_put(reply, "items", items);
	call_reply_json(arg, 200, reply);
}

static void
handle_find(struct call *call)
{
	const struct task *task = model_task(&call->hub->model, &call->task);
	const struct pipeline *pipeline = task->job->workflow->pipeline;
	struct store_blob_query query = {.by_project = true, .project = pipeline->project->row.id};
	const char *limit = call_query(call, "limit"), *job = call_query(call, "job");
	struct err err = ERR_INIT;
	uint64_t most = FOUND_MOST;
	enum blob_kind kind;
	struct store_op *op;

	if (!blob_kind_parse(&kind, call_query(call, "kind"))) {
		call_reply_message(call, 400, "parameter 'kind' must say what is looked for");
		return;
	}
	if (limit != NULL && text_parse_u64(limit, FOUND_MOST, &most, &err) < 0) {
		call_reply_message(call, 400, "parameter 'limit': %s", err.text);
		return;
	}
	if (job != NULL && !id_parse(&query.job, job)) {
		call_reply_message(call, 400, "parameter 'job' must be an id, a UUID");
		return;
	}
	query.kind = (int)kind;
	query.by_job = job != NULL;
	query.node = -1;
	query.name = call_query(call, "name");
	query.prefix = call_query(call, "prefix");
	query.now_ms = clock_unix_ms();
	query.limit = most > 0 ? (size_t)most : FOUND_MOST;
	op = store_op_new(STORE_LIST_BLOBS);
	op->blob_query = query;
	store_submit(call->hub->store, op, on_found, call);
}

static void
on_get(void *arg, struct store_op *op)
{
	struct call *call = arg;
	struct store_op *use;

	if (op->count == 0) {
		call_reply_message(call, 404, "there is no such blob in the task's project");
		return;
	}
	use = store_op_new(STORE_USE_BLOB);
	use->blob.id = op->blob_rows[0].id;
	use->blob.used_ms = clock_unix_ms();
	store_submit(call->hub->store, use, NULL, NULL);
	blob_send(call, &op->blob_rows[0], "application/octet-stream");
}

static void
handle_get(struct call *call)
{
	const struct task *task = model_task(&call->hub->model, &call->task);
	struct store_op *op;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return;
	op = store_op_new(STORE_LIST_BLOBS);
	op->blob_query =
		(struct store_blob_query){.kind = -1,
					  .by_id = true,
					  .id = id,
					  .by_project = true,
					  .project = task->job->workflow->pipeline->project->row.id,
					  .limit = 1};
	store_submit(call->hub->store, op, on_get, call);
}

const struct route blob_get_routes[] = {
	{"GET", "/api/v3/runner/blobs", WHO_TASK, handle_find},
	{"GET", "/api/v3/runner/blobs/{id}", WHO_TASK, handle_get},
	{NULL, NULL, WHO_ANYONE, NULL},
};

/*
 * agent_blobs.c - what a task leaves at the hub: uploads that go on where they were cut
 * (doc/blobs.md).
 *
 * Bytes come in the body of a request that is taken as it arrives. One request at a time brings
 * those of a blob: the newest, since one of a connection that died may not have been noticed yet.
 * What it brings below the blob's offset is there already and is passed over.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "http/server.h"
#include "http/url.h"
#include "hub/api/agent.h"
#include "hub/blobs.h"
#include "hub/document.h"
#include "hub/hub.h"
#include "hub/store/store.h"
#include "loop/clock.h"
#include "task/blob.h"

/* --- what they share ------------------------------------------------------------------------- */

/* Of the call's task; the caller says kind, name and size. */
static void
row_of_call(struct call *call, struct blob_row *row)
{
	const struct task *task = model_task(&call->hub->model, &call->task);
	const struct pipeline *pipeline = task->job->workflow->pipeline;

	memset(row, 0, sizeof(*row));
	row->project = pipeline->project->row.id;
	row->pipeline = pipeline->row.id;
	row->job = task->job->row.id;
	row->task = task->row.id;
	row->attempt = task->row.attempt;
	row->node_index = task->row.node_index;
	row->created_ms = row->used_ms = clock_unix_ms();
}

/* A cache is kept as long as the job that saves it says. */
static void
keep_for(struct call *call, struct blob_row *row)
{
	if (row->kind == BLOB_CACHE)
		row->keep_ms = task_cache_keep_ms(model_task(&call->hub->model, &call->task));
}

static void
reply_offset(struct call *call, int status, const struct blob *blob, const char *message)
{
	struct json *json = json_new_object();
	char id[ID_TEXT_BYTES];

	json_put_str(json, "id", id_text(id, &blob->row.id));
	json_put_int(json, "offset", (int64_t)blob->offset);
	if (message != NULL)
		json_put_str(json, "message", message);
	call_reply_json(call, status, json);
}

/* A full disk has a status of its own: nothing is wrong with what was sent. */
static void
reply_failed(struct call *call, const struct err *err)
{
	if (err->code == ERR_LIMIT)
		call_reply_message(call, 507, "%s", err->text);
	else
		call_reply_err(call, err);
}

/* The open blob that the path names, if it is the task's. NULL: the reply is sent. */
static struct blob *
blob_of_call(struct call *call)
{
	struct blob *blob;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return NULL;
	blob = blobs_find(call->hub->blobs, &id);
	if (blob != NULL && id_eq(&blob->row.task, &call->task))
		return blob;
	call_reply_message(call, 404, "this task has no such upload open: begin it anew");
	return NULL;
}

/* --- begin, or ask how far it has come ------------------------------------------------------- */

static int
read_open(const struct json *body, struct blob_row *row, char name[BLOB_NAME_MOST_BYTES + 1],
	  struct err *err)
{
	const char *kind, *text;
	int64_t size;
	int rc = json_need_str(body, "kind", &kind, err);

	if (rc == 0)
		rc = json_need_str(body, "name", &text, err);
	if (rc == 0)
		rc = json_need_int(body, "size", 0, (int64_t)BLOB_MOST_BYTES, &size, err);
	if (rc < 0)
		return rc;
	if (!blob_kind_parse(&row->kind, kind))
		return err_set(err, ERR_INPUT, "there is no kind '%.40s'", kind);
	if (strlen(text) > 3 * BLOB_NAME_MOST_BYTES)
		return err_set(err, ERR_INPUT, "a name has %d bytes at most", BLOB_NAME_MOST_BYTES);
	row->name = name;
	row->size = (uint64_t)size;
	return 0;
}

static void
open_now(struct call *call, const struct blob_row *row)
{
	struct err err = ERR_INIT;
	char id[ID_TEXT_BYTES];
	struct blob *blob;
	struct json *json;

	if (blobs_open(call->hub->blobs, row, &blob, &err) < 0) {
		call_reply_err(call, &err);
		return;
	}
	json = json_new_object();
	json_put_str(json, "id", id_text(id, &blob->row.id));
	json_put_int(json, "offset", (int64_t)blob->offset);
	call_reply_json_after_commit(call, 200, json);
}

/* A cache that may be there already: then none of its bytes need come. */
struct opening {
	struct call *call;
	struct blob_row row; /* its name is owned */
};

static void
on_cache_looked_for(void *arg, struct store_op *op)
{
	struct opening *opening = arg;

	if (op->count > 0)
		call_reply_message(opening->call, 409, "a cache of that name is there already");
	else
		open_now(opening->call, &opening->row);
	free((char *)opening->row.name);
	free(opening);
}

static void
look_for_cache(struct call *call, const struct blob_row *row)
{
	struct opening *opening = MEM_NEW(struct opening);
	struct store_op *op = store_op_new(STORE_LIST_BLOBS);

	opening->call = call;
	opening->row = *row;
	opening->row.name = mem_strdup(row->name);
	op->blob_query = (struct store_blob_query){.kind = BLOB_CACHE,
						   .by_project = true,
						   .project = row->project,
						   .node = -1,
						   .name = opening->row.name,
						   .limit = 1};
	store_submit(call->hub->store, op, on_cache_looked_for, opening);
}

static void
handle_open(struct call *call)
{
	LOCAL_FREE char *name = MEM_NEW_ARRAY(char, 3 * BLOB_NAME_MOST_BYTES + 1);
	struct json *body = NULL;
	struct err err = ERR_INIT;
	struct blob_row row;
	const char *text;
	int rc;

	row_of_call(call, &row);
	rc = call_body(call, &body, &err);
	if (rc == 0)
		rc = read_open(body, &row, name, &err);
	if (rc == 0) {
		text = json_get_str(body, "name");
		rc = url_decode(name, text, strlen(text), false, &err);
	}
	if (rc == 0)
		rc = blob_check_name(name, strlen(name), &err);
	json_free(body);
	keep_for(call, &row);
	if (rc < 0)
		call_reply_err(call, &err);
	else if (row.kind == BLOB_CACHE)
		look_for_cache(call, &row);
	else
		open_now(call, &row);
}

/* --- bytes ----------------------------------------------------------------------------------- */

/* A request that brings bytes. */
struct put {
	struct call *call;
	struct blob *blob;
	uint64_t at; /* of the next byte of its body */
	struct buffer piece;
};

static void
put_free(struct put *put)
{
	if (put->blob != NULL)
		put->blob->writer = NULL;
	put->call->hub->blob_writers--;
	buffer_release(&put->piece);
	free(put);
}

static void
put_fail(struct put *put, const struct err *err)
{
	struct call *call = put->call;

	put->blob = NULL;
	put_free(put);
	if (call->request == NULL)
		call_drop(call);
	else
		reply_failed(call, err);
}

/* A later request brings the bytes. */
static void
put_retire(struct put *put)
{
	struct call *call = put->call;
	struct blob *blob = put->blob;

	put_free(put);
	if (call->request == NULL)
		call_drop(call);
	else
		reply_offset(call, 409, blob, "another request brings the bytes now");
}

/* What is not there yet of the piece goes to the disk. */
static void
put_piece(struct put *put)
{
	struct blob *blob = put->blob;
	uint64_t end = put->at + put->piece.len;
	size_t skip;

	if (end <= blob->offset) {
		put->at = end;
		return;
	}
	skip = (size_t)(blob->offset - put->at);
	put->at = end;
	blob_write(blob, &put->piece, skip);
}

static void
put_end(struct put *put)
{
	struct call *call = put->call;
	struct blob *blob = put->blob;

	put_free(put);
	reply_offset(call, 200, blob, NULL);
}

/* Go on, if there is something to do and the blob is not busy. */
static void
put_want(struct put *put)
{
	struct http_request *request = put->call->request;
	struct blob *blob = put->blob;
	struct err err = ERR_INIT;

	while (!blob->is_busy) {
		if (http_request_take_piece(request, &put->piece) == 0) {
			if (http_request_body_ended(request))
				put_end(put);
			return;
		}
		if (put->piece.len > blob->row.size - put->at) {
			(void)!err_set(&err, ERR_INPUT,
				       "more bytes came than the %llu that were announced",
				       (unsigned long long)blob->row.size);
			blob_drop(blob);
			put_fail(put, &err);
			return;
		}
		put_piece(put);
	}
}

static void
on_put_body(void *arg)
{
	put_want(arg);
}

/* The blob is not busy any more; err: it is gone. */
static void
on_put_idle(void *arg, const struct err *err)
{
	struct put *put = arg;

	if (err != NULL)
		put_fail(put, err);
	else
		put_want(put);
}

/* What was taken of it is still written; what was not is asked for again. */
static void
on_put_close(struct call *call)
{
	struct put *put = call->user;

	put_free(put);
	call_drop(call);
}

static void
handle_bytes(struct call *call)
{
	struct blob *blob = blob_of_call(call);
	struct err err = ERR_INIT;
	uint64_t at = 0;
	struct put *put;
	const char *text;

	if (blob == NULL)
		return;
	text = call_query(call, "offset");
	if (text != NULL && text_parse_u64(text, INT64_MAX, &at, &err) < 0) {
		call_reply_message(call, 400, "parameter 'offset': %s", err.text);
	} else if (at > blob->offset) {
		reply_offset(call, 409, blob, "the bytes before these are missing");
	} else if (blob->on_complete != NULL) {
		reply_offset(call, 409, blob, "it is being completed");
	} else if (call->hub->blob_writers >= BLOBS_WRITERS_MOST ||
		   (blob->writer == NULL &&
		    blobs_writers_of(call->hub->blobs, &call->task) >= BLOBS_WRITERS_OF_TASK)) {
		call_reply_message(call, 503, "as many uploads bring bytes now as may: ask again");
	} else {
		if (blob->writer != NULL)
			put_retire(blob->writer);
		put = MEM_NEW(struct put);
		*put = (struct put){.call = call, .blob = blob, .at = at, .piece = BUFFER_INIT};
		call->hub->blob_writers++;
		blob->writer = put;
		blob->on_idle = on_put_idle;
		call->user = put;
		call_on_close(call, on_put_close);
		http_request_on_body(call->request, on_put_body, put);
		put_want(put);
	}
}

/* --- the end --------------------------------------------------------------------------------- */

static bool
parse_digest(unsigned char out[DIGEST_BYTES], const char *text)
{
	int i;

	if (text == NULL || strlen(text) != DIGEST_TEXT_BYTES - 1)
		return false;
	for (i = 0; i < DIGEST_BYTES; i++) {
		int high = text_hex_value(text[2 * i]), low = text_hex_value(text[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (unsigned char)(high << 4 | low);
	}
	return true;
}

static void
on_completed(void *arg, const struct err *err)
{
	struct call *call = arg;

	if (err == NULL)
		call_reply_json(call, 200, json_new_object());
	else if (err->code == ERR_GONE)
		call_reply_message(call, 409, "%s", err->text);
	else if (err->code == ERR_INPUT)
		call_reply_message(call, 422, "%s", err->text);
	else
		reply_failed(call, err);
}

/* An agent that got no answer asks again. */
struct again {
	struct call *call;
	unsigned char digest[DIGEST_BYTES];
};

static void
on_looked_up(void *arg, struct store_op *op)
{
	struct again *again = arg;

	if (op->count > 0 && memcmp(op->blob_rows[0].digest, again->digest, DIGEST_BYTES) == 0 &&
	    id_eq(&op->blob_rows[0].task, &again->call->task))
		call_reply_json(again->call, 200, json_new_object());
	else
		call_reply_message(again->call, 404, "this task has no such upload: begin it anew");
	free(again);
}

static void
look_up(struct call *call, const struct id *id, const unsigned char digest[DIGEST_BYTES])
{
	struct again *again = MEM_NEW(struct again);
	struct store_op *op = store_op_new(STORE_LIST_BLOBS);

	again->call = call;
	memcpy(again->digest, digest, DIGEST_BYTES);
	op->blob_query =
		(struct store_blob_query){.kind = -1, .by_id = true, .id = *id, .limit = 1};
	store_submit(call->hub->store, op, on_looked_up, again);
}

static void
handle_complete(struct call *call)
{
	unsigned char digest[DIGEST_BYTES];
	struct json *body = NULL;
	struct err err = ERR_INIT;
	struct blob *blob;
	struct id id;
	bool is_digest;

	if (!call_var_id(call, 0, &id))
		return;
	if (call_body(call, &body, &err) < 0) {
		call_reply_err(call, &err);
		return;
	}
	is_digest = parse_digest(digest, json_get_str(body, "digest"));
	json_free(body);
	blob = blobs_find(call->hub->blobs, &id);
	if (!is_digest)
		call_reply_message(call, 400,
				   "member 'digest' must be a SHA-256 in 64 hexadecimal digits");
	else if (blob == NULL)
		look_up(call, &id, digest);
	else if (!id_eq(&blob->row.task, &call->task))
		call_reply_message(call, 404, "this task has no such upload: begin it anew");
	else if (blob->is_busy)
		call_reply_message(call, 503, "bytes of it are being written: ask again");
	else if (blob->offset < blob->row.size)
		reply_offset(call, 409, blob, "bytes of it are missing");
	else
		blob_complete(blob, digest, on_completed, call);
}

static void
handle_drop(struct call *call)
{
	struct blob *blob = blob_of_call(call);

	if (blob == NULL)
		return;
	if (blob->on_complete != NULL) {
		reply_offset(call, 409, blob, "it is being completed");
		return;
	}
	if (blob->writer != NULL)
		put_retire(blob->writer);
	blob_drop(blob);
	call_reply_empty_after_commit(call, 204);
}

/* --- many small ones ------------------------------------------------------------------------- */

static void
on_added(void *arg, const struct err *err, const struct blob_refusal *refusals, size_t count)
{
	struct call *call = arg;
	struct json *json, *list, *item;
	size_t i;

	if (err != NULL) {
		reply_failed(call, err);
		return;
	}
	json = json_new_object();
	list = json_new_array();
	for (i = 0; i < count; i++) {
		item = json_new_object();
		json_put_int(item, "record", (int64_t)refusals[i].idx);
		json_put_str(item, "message", refusals[i].message);
		json_push(list, item);
	}
	json_put(json, "refused", list);
	call_reply_json(call, 200, json);
}

static void
handle_records(struct call *call)
{
	const char *type = http_request_header(call->request, "content-type");
	struct blob_row row;
	const char *bytes;
	size_t len;

	bytes = http_request_body(call->request, &len);
	row_of_call(call, &row);
	if (!blob_kind_parse(&row.kind, call_query(call, "kind"))) {
		call_reply_message(call, 400, "parameter 'kind' must say what they are");
		return;
	}
	keep_for(call, &row);
	if (type == NULL || strcmp(type, BLOB_RECORDS_TYPE) != 0)
		call_reply_message(call, 400, "the body must be of type %s", BLOB_RECORDS_TYPE);
	else if (len > BLOB_RECORDS_MOST_BYTES)
		call_reply_message(call, 413, "the body has %zu bytes, %d are allowed", len,
				   BLOB_RECORDS_MOST_BYTES);
	else
		blobs_add_records(call->hub->blobs, &row, bytes, len, on_added, call);
}

const struct route blob_routes[] = {
	{"POST", "/api/v3/runner/blobs", WHO_TASK, handle_open},
	{"POST", "/api/v3/runner/blobs/records", WHO_TASK, handle_records},
	{"POST", "/api/v3/runner/blobs/{id}", WHO_TASK, handle_complete},
	{"DELETE", "/api/v3/runner/blobs/{id}", WHO_TASK, handle_drop},
	{NULL, NULL, WHO_ANYONE, NULL},
};

const struct route blob_bytes_routes[] = {
	{"PUT", "/api/v3/runner/blobs/{id}", WHO_TASK, handle_bytes},
	{NULL, NULL, WHO_ANYONE, NULL},
};

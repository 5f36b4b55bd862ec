/*
 * call.c - one request as a handler sees it, until its reply.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/call.h"

#include <stdarg.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "format/json.h"
#include "http/server.h"
#include "hub/hub.h"

enum { CALL_MAGIC = 0x63616c6c };

static const char json_type[] = "application/json";

/* A reply that waits for the commit. */
struct late {
	struct call *call;
	int status;
	struct json *json; /* NULL: an empty reply */
};

static void
call_free(struct call *call)
{
	size_t i;

	for (i = 0; i < ROUTE_VARS_MOST; i++)
		free(call->vars[i]);
	OBJ_WIPE(call);
	free(call);
}

static void
on_request_close(void *arg)
{
	struct call *call = arg;

	OBJ_CHECK(call, CALL_MAGIC);
	call->request = NULL;
	if (call->on_close != NULL)
		call->on_close(call);
}

struct call *
call_new(struct hub *hub, struct http_request *request, const struct route *route)
{
	struct call *call = MEM_NEW(struct call);

	call->magic = CALL_MAGIC;
	call->hub = hub;
	call->request = request;
	call->route = route;
	http_request_on_close(request, on_request_close, call);
	return call;
}

void
call_on_close(struct call *call, void (*fn)(struct call *call))
{
	call->on_close = fn;
}

void
call_drop(struct call *call)
{
	OBJ_CHECK(call, CALL_MAGIC);
	assert(call->request == NULL);
	call_free(call);
}

/* --- what a handler asks ---------------------------------------------------------------- */

int
call_body(struct call *call, struct json **out, struct err *err)
{
	size_t len;
	const char *body = http_request_body(call->request, &len);
	int rc;

	if (len > RUNNER_JSON_MOST_BYTES)
		return err_set(err, ERR_LIMIT, "the body has %zu bytes, %d are allowed", len,
			       RUNNER_JSON_MOST_BYTES);
	if (len == 0) {
		*out = json_new_object();
		return 0;
	}
	rc = json_parse(out, body, len, err);
	if (rc < 0)
		return err_wrap(err, "the body is no JSON");
	if (!json_is_object(*out)) {
		json_free(*out);
		return err_set(err, ERR_INPUT, "the body must be a JSON object");
	}
	return 0;
}

const char *
call_query(struct call *call, const char *name)
{
	return http_request_query(call->request, name);
}

bool
call_var_id(struct call *call, size_t idx, struct id *out)
{
	assert(idx < ROUTE_VARS_MOST && call->vars[idx] != NULL);
	if (id_parse(out, call->vars[idx]))
		return true;
	call_reply_message(call, 404, "'%.60s' is no id", call->vars[idx]);
	return false;
}

const struct http_peer *
call_peer(struct call *call)
{
	return http_request_peer(call->request);
}

/* --- the reply ----------------------------------------------------------------------------- */

/* The request, which ends now; NULL when the client has gone. The call is freed. */
static struct http_request *
call_end(struct call *call)
{
	struct http_request *request = call->request;

	OBJ_CHECK(call, CALL_MAGIC);
	call_free(call);
	return request;
}

void
call_reply_bytes(struct call *call, int status, const char *type, const void *bytes, size_t len)
{
	struct http_request *request = call_end(call);

	if (request != NULL)
		http_reply(request, status, type, bytes, len);
}

void
call_reply_json(struct call *call, int status, struct json *json)
{
	struct buffer text = BUFFER_INIT;

	json_write(&text, json);
	json_free(json);
	call_reply_bytes(call, status, json_type, text.data, text.len);
	buffer_release(&text);
}

void
call_reply_empty(struct call *call, int status)
{
	call_reply_bytes(call, status, NULL, "", 0);
}

void
call_reply_message(struct call *call, int status, const char *fmt, ...)
{
	struct json *json = json_new_object();
	struct buffer text = BUFFER_INIT;
	va_list ap;

	va_start(ap, fmt);
	buffer_vprintf(&text, fmt, ap);
	va_end(ap);
	json_put_str(json, "message", buffer_text(&text));
	buffer_release(&text);
	call_reply_json(call, status, json);
}

static int
status_of(int code)
{
	switch (code) {
	case ERR_INPUT:
		return 400;
	case ERR_GONE:
		return 410;
	case ERR_LIMIT:
		return 413;
	case ERR_AGAIN:
		return 503;
	default:
		return 500;
	}
}

void
call_reply_err(struct call *call, const struct err *err)
{
	struct json *json = json_new_object();

	json_put_str(json, "message", err->text);
	if (err->hint != NULL)
		json_put_str(json, "hint", err->hint);
	call_reply_json(call, status_of(err->code), json);
}

static void
on_late(void *arg)
{
	struct late *late = arg;

	if (late->json != NULL)
		call_reply_json(late->call, late->status, late->json);
	else
		call_reply_empty(late->call, late->status);
	free(late);
}

void
call_reply_json_after_commit(struct call *call, int status, struct json *json)
{
	struct late *late = MEM_NEW(struct late);

	*late = (struct late){call, status, json};
	call->on_close = NULL;
	model_after_commit(&call->hub->model, on_late, late);
}

void
call_reply_empty_after_commit(struct call *call, int status)
{
	call_reply_json_after_commit(call, status, NULL);
}

/* --- streamed --------------------------------------------------------------------------------- */

void
call_stream_start(struct call *call, int status, const char *type)
{
	if (call->request != NULL)
		http_reply_start(call->request, status, type);
}

bool
call_stream_write(struct call *call, const void *bytes, size_t len)
{
	/* Writing may find the client gone, which clears call->request. */
	if (call->request != NULL)
		(void)http_reply_write(call->request, bytes, len);
	return call->request != NULL;
}

size_t
call_stream_queued(const struct call *call)
{
	return call->request == NULL ? 0 : http_reply_queued(call->request);
}

static void
on_drain(void *arg)
{
	struct call *call = arg;

	OBJ_CHECK(call, CALL_MAGIC);
	if (call->on_drain != NULL)
		call->on_drain(call);
}

void
call_stream_on_drain(struct call *call, void (*fn)(struct call *call))
{
	call->on_drain = fn;
	if (call->request != NULL)
		http_reply_on_drain(call->request, on_drain, call);
}

void
call_stream_end(struct call *call)
{
	struct http_request *request = call_end(call);

	if (request != NULL)
		http_reply_end(request);
}

void
call_stream_abort(struct call *call)
{
	struct http_request *request = call_end(call);

	if (request != NULL)
		http_reply_abort(request);
}

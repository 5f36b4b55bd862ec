/*
 * call.c - one request and its reply on a client's connection.
 *
 * A call moves waiting -> open -> finished and is freed after its done. Whatever ends
 * it goes through call_finish(); whoever cancels it goes through call_free().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/assert.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/client_private.h"

enum { OWN_FIELDS = 6 }; /* :method, :scheme, :authority, :path, user-agent, content-length */

static struct http_call *
call_of(struct h2_stream *stream)
{
	struct http_call *call =
		(struct http_call *)(void *)((char *)stream - offsetof(struct http_call, stream));

	OBJ_CHECK(call, CALL_MAGIC);
	return call;
}

/* --- ending --- */

static void
call_unlist(struct http_call *call)
{
	struct http_client *client = call->client;

	if (call->is_resumed)
		DL_DELETE2(client->resumed, call, prev_resumed, next_resumed);
	call->is_resumed = false;
	switch (call->state) {
	case CALL_WAITING:
		DL_DELETE(client->waiting, call);
		break;
	case CALL_OPEN:
		DL_DELETE(call->link->calls, call);
		call->link->count--;
		break;
	case CALL_FINISHED:
		DL_DELETE(client->finished, call);
		break;
	}
}

/* Off the wire, with whatever is still under way there. */
static void
call_detach(struct http_call *call)
{
	struct http_link *link = call->link;

	h2_stream_reset(&call->stream, NGHTTP2_CANCEL);
	timer_release(&call->timeout);
	call->link = NULL;
	if (link != NULL)
		link_left(link);
}

static void
call_release(struct http_call *call)
{
	arena_release(&call->memory);
	buffer_release(&call->body);
	timer_release(&call->timeout);
	free(call->failure);
	OBJ_WIPE(call);
	free(call);
}

static void
call_free(struct http_call *call)
{
	struct http_client *client = call->client;

	call_unlist(call);
	call_detach(call);
	client->calls--;
	later_want(&client->turn); /* others may wait for the room; a drain for the end */
	call->freed = true;
	if (call->busy == 0)
		call_release(call);
}

/* err NULL: the reply is the result. done follows from the loop. */
static void
call_finish(struct http_call *call, const struct err *err)
{
	struct http_client *client = call->client;

	if (call->state == CALL_FINISHED)
		return;
	call_unlist(call);
	call_detach(call);
	call->state = CALL_FINISHED;
	if (err != NULL) {
		call->failure = MEM_NEW(struct err);
		*call->failure = *err;
	}
	DL_APPEND(client->finished, call);
	later_want(&client->turn);
}

/* The reply is all there; with data kept back for a paused receiver it is not over yet. */
static void
call_settle(struct http_call *call)
{
	if (call->ended && (call->on_data == NULL || call->body.len == 0))
		call_finish(call, NULL);
}

static void
on_call_timeout(void *arg)
{
	struct http_call *call = arg;
	struct http_client *client = call->client;
	struct err err = ERR_INIT;
	char room[24];

	OBJ_CHECK(call, CALL_MAGIC);
	if (call->state == CALL_WAITING && !http_client_is_up(client))
		(void)!err_set(&err, ERR_AGAIN, "no connection within %s: %s",
			       text_duration(room, call->timeout_ms), client->last.text);
	else
		(void)!err_set(&err, ERR_AGAIN, "no reply to %s %.100s from '%s' within %s",
			       call->method, call->path, client->name,
			       text_duration(room, call->timeout_ms));
	call_finish(call, &err);
}

/* --- the request --- */

static ssize_t
on_call_pull(struct h2_stream *stream, void *room, size_t len, bool *end)
{
	struct http_call *call = call_of(stream);
	struct err err = ERR_INIT;
	ssize_t got;

	call->busy++;
	got = call->body_read(call->stream_arg, room, len, end, &err);
	call->busy--;
	if (call->freed) {
		call_release(call);
		return -1;
	}
	if (got < 0)
		call_finish(call, &err);
	return got;
}

static size_t
on_call_splice(struct h2_stream *stream, int into, size_t len, bool *end)
{
	struct http_call *call = call_of(stream);

	return call->body_splice(call->stream_arg, into, len, end);
}

void
calls_submit(struct http_client *client)
{
	struct http_link *link = client->current;
	struct err err = ERR_INIT;

	if (link == NULL || !link->up)
		return;
	while (client->waiting != NULL && link->count < h2_streams_allowed(link->h2)) {
		struct http_call *call = client->waiting;

		if (h2_request(link->h2, &call->stream, call->fields, call->field_count, &err) <
		    0) {
			/* Stream numbers are used up, or a GOAWAY is being read: the next
			 * connection takes it. */
			h2_shutdown(link->h2);
			return;
		}
		DL_DELETE(client->waiting, call);
		call->state = CALL_OPEN;
		call->link = link;
		DL_APPEND(link->calls, call);
		link->count++;
	}
}

static int
check_path(const char *path, struct err *err)
{
	const char *p;

	if (path == NULL || path[0] != '/')
		return err_set(err, ERR_INPUT, "the path '%.100s' of a request must begin with '/'",
			       path != NULL ? path : "");
	for (p = path; *p != '\0'; p++) {
		if (*p <= ' ' || *p >= 0x7f)
			return err_set(
				err, ERR_INPUT,
				"the path '%.100s' has a character that must be percent-encoded",
				path);
	}
	if (p - path > HTTP_HEADERS_MAX_BYTES / 2)
		return err_set(err, ERR_LIMIT, "the path '%.100s...' is longer than %d bytes", path,
			       HTTP_HEADERS_MAX_BYTES / 2);
	return 0;
}

static int
check_spec(const struct http_client *client, const struct http_call_spec *spec, struct err *err)
{
	size_t total = 0;
	size_t i;

	if (client->gave_up || client->draining || (!spec->wait && !http_client_is_up(client))) {
		*err = client->last;
		if (!client->gave_up)
			err->code = ERR_AGAIN;
		if (client->draining)
			return err_set(err, ERR_AGAIN, "the connection to '%s' is being closed",
				       client->name);
		return err->code;
	}
	if (client->calls >= HTTP_CALLS_MAX)
		return err_set(err, ERR_LIMIT, "%d requests to '%s' are under way already",
			       HTTP_CALLS_MAX, client->name);
	if (spec->header_count > HTTP_HEADERS_MAX)
		return err_set(err, ERR_LIMIT, "a request has at most %d header fields",
			       HTTP_HEADERS_MAX);
	for (i = 0; i < spec->header_count; i++) {
		if (http_header_check(spec->headers[i].name, spec->headers[i].value, err) < 0)
			return err->code;
		total += strlen(spec->headers[i].name) + strlen(spec->headers[i].value);
	}
	if (total > HTTP_HEADERS_MAX_BYTES)
		return err_set(err, ERR_LIMIT,
			       "the header fields of a request have at most %d bytes",
			       HTTP_HEADERS_MAX_BYTES);
	return check_path(spec->path, err);
}

static void
add_field(struct http_call *call, const char *name, const char *value)
{
	call->fields[call->field_count++] =
		h2_field(arena_strdup(&call->memory, name), arena_strdup(&call->memory, value));
}

static void
make_fields(struct http_call *call, const struct http_call_spec *spec)
{
	const struct http_client *client = call->client;
	const char *method = spec->method != NULL ? spec->method : "GET";
	char length[24];
	size_t i;

	call->fields = ARENA_NEW_ARRAY(&call->memory, nghttp2_nv, spec->header_count + OWN_FIELDS);
	call->method = arena_strdup(&call->memory, method);
	call->path = arena_printf(&call->memory, "%s%s", client->url.path, spec->path);
	add_field(call, ":method", method);
	add_field(call, ":scheme", client->url.scheme == URL_HTTPS ? "https" : "http");
	add_field(call, ":authority", client->authority);
	add_field(call, ":path", call->path);
	add_field(call, "user-agent", client->user_agent);
	if (spec->body_len > 0) {
		(void)snprintf(length, sizeof(length), "%zu", spec->body_len);
		add_field(call, "content-length", length);
	}
	for (i = 0; i < spec->header_count; i++)
		add_field(call, spec->headers[i].name, spec->headers[i].value);
}

static void
take_spec(struct http_call *call, const struct http_call_spec *spec)
{
	call->body_read = spec->body_read;
	call->body_splice = spec->body_splice;
	call->stream.is_bulk = spec->is_bulk;
	call->on_head = spec->on_head;
	call->on_data = spec->on_data;
	call->stream_arg = spec->stream_arg;
	call->reply_limit = spec->reply_limit != 0 ? spec->reply_limit : HTTP_REPLY_MAX_BYTES;
	call->timeout_ms = spec->timeout_ms;
	call->wait = spec->wait;
	if (spec->body_read != NULL) {
		call->stream.pull = on_call_pull;
		call->stream.splice = spec->body_splice != NULL ? on_call_splice : NULL;
	} else {
		call->whole = (struct iovec){(void *)(uintptr_t)spec->body, spec->body_len};
		h2_stream_set_body(&call->stream,
				   spec->pieces != NULL ? spec->pieces : &call->whole,
				   spec->body_len);
	}
}

int
http_call_start(struct http_call **out, struct http_client *client,
		const struct http_call_spec *spec, http_call_done_fn *done, void *arg,
		struct err *err)
{
	struct http_call *call;

	OBJ_CHECK(client, CLIENT_MAGIC);
	assert(spec->body_read == NULL || spec->body_len == 0);
	if (check_spec(client, spec, err) < 0)
		return err->code;
	call = MEM_NEW(struct http_call);
	call->magic = CALL_MAGIC;
	call->client = client;
	call->done = done;
	call->arg = arg;
	arena_init(&call->memory, 0);
	take_spec(call, spec);
	make_fields(call, spec);
	if (spec->timeout_ms > 0) {
		timer_init(&call->timeout, client->loop, on_call_timeout, call);
		timer_start_ms(&call->timeout, spec->timeout_ms);
	}
	client->calls++;
	call->state = CALL_WAITING;
	DL_APPEND(client->waiting, call);
	later_want(&client->turn);
	*out = call;
	return 0;
}

void
http_call_cancel(struct http_call *call)
{
	if (call == NULL)
		return;
	OBJ_CHECK(call, CALL_MAGIC);
	call_free(call);
}

void
http_call_body_want(struct http_call *call)
{
	OBJ_CHECK(call, CALL_MAGIC);
	h2_stream_more(&call->stream);
}

/* --- the reply --- */

static void
fail(struct http_call *call, int code, const char *what)
{
	struct err err = ERR_INIT;

	(void)!err_set(&err, code, "the reply to %s %.100s %s", call->method, call->path, what);
	call_finish(call, &err);
}

void
call_on_header(struct h2_stream *stream, const char *name, const char *value)
{
	struct http_call *call = call_of(stream);

	if (strcmp(name, ":status") == 0) {
		call->status = atoi(value); /* three digits: nghttp2 has checked */
		return;
	}
	call->header_bytes += strlen(name) + strlen(value);
	if (call->header_count == HTTP_HEADERS_MAX || call->header_bytes > HTTP_HEADERS_MAX_BYTES) {
		fail(call, ERR_LIMIT, "has too many header fields");
		return;
	}
	if (call->headers == NULL)
		call->headers =
			ARENA_NEW_ARRAY(&call->memory, struct http_header, HTTP_HEADERS_MAX);
	call->headers[call->header_count++] =
		(struct http_header){arena_strdup(&call->memory, name),
				     arena_strdup(&call->memory, value)};
}

static struct http_reply
reply_of(struct http_call *call)
{
	bool collected = call->on_data == NULL && call->body.len > 0;

	return (struct http_reply){
		.status = call->status,
		.headers = call->headers,
		.header_count = call->header_count,
		.body = collected ? buffer_text(&call->body) : "",
		.len = collected ? call->body.len : 0,
	};
}

void
call_on_headers(struct h2_stream *stream)
{
	struct http_call *call = call_of(stream);
	struct http_reply reply;

	if (call->status < 200) { /* an interim reply: the real one follows */
		call->header_count = 0;
		return;
	}
	stream->head_done = true;
	if (call->on_head == NULL)
		return;
	reply = reply_of(call);
	call->on_head(call->stream_arg, &reply);
}

void
call_on_data(struct h2_stream *stream, const unsigned char *bytes, size_t len)
{
	struct http_call *call = call_of(stream);
	struct err err = ERR_INIT;

	if (call->on_data != NULL && !call->paused && call->body.len == 0) {
		h2_stream_consume(stream, len);
		call->on_data(call->stream_arg, bytes, len);
		return;
	}
	if (call->on_data != NULL) {
		/* No credit is given back, so that at most the stream's window comes together here.
		 */
		buffer_putn(&call->body, bytes, len);
		return;
	}
	h2_stream_consume(stream, len);
	if (call->body.len + len > call->reply_limit)
		fail(call, ERR_LIMIT, "is larger than it may be");
	else if (buffer_append(&call->body, bytes, len, &err) < 0)
		call_finish(call, &err);
}

void
call_on_message(struct h2_stream *stream)
{
	struct http_call *call = call_of(stream);

	call->ended = true;
	call_settle(call);
}

void
call_on_close(struct h2_stream *stream, uint32_t code)
{
	struct http_call *call = call_of(stream);
	struct err err = ERR_INIT;

	if (call->ended) {
		call_settle(call);
		return;
	}
	if (code == NGHTTP2_REFUSED_STREAM)
		(void)!err_set(&err, ERR_AGAIN,
			       "'%s' did not take %s %.100s: it is busy or shutting down",
			       call->client->name, call->method, call->path);
	else
		(void)!err_set(&err, ERR_AGAIN, "'%s' broke off the reply to %s %.100s: %s",
			       call->client->name, call->method, call->path,
			       nghttp2_http2_strerror(code));
	call_finish(call, &err);
}

/* --- back-pressure --- */

void
http_call_pause(struct http_call *call)
{
	OBJ_CHECK(call, CALL_MAGIC);
	call->paused = true;
}

void
http_call_resume(struct http_call *call)
{
	OBJ_CHECK(call, CALL_MAGIC);
	call->paused = false;
	if (call->is_resumed || call->body.len == 0 || call->on_data == NULL ||
	    call->state == CALL_FINISHED)
		return;
	call->is_resumed = true;
	DL_APPEND2(call->client->resumed, call, prev_resumed, next_resumed);
	later_want(&call->client->turn);
}

static void
deliver(struct http_call *call)
{
	struct buffer kept = call->body;

	call->body = (struct buffer)BUFFER_INIT;
	call->busy++;
	h2_stream_consume(&call->stream, kept.len);
	call->on_data(call->stream_arg, kept.data, kept.len);
	buffer_release(&kept);
	call->busy--;
	if (call->freed)
		call_release(call); /* canceled meanwhile */
	else
		call_settle(call);
}

void
calls_deliver(struct http_client *client)
{
	while (!client->freed && client->resumed != NULL) {
		struct http_call *call = client->resumed;

		DL_DELETE2(client->resumed, call, prev_resumed, next_resumed);
		call->is_resumed = false;
		if (!call->paused && call->body.len > 0)
			deliver(call);
	}
}

/* --- the end --- */

void
calls_tell(struct http_client *client)
{
	while (!client->freed && client->finished != NULL) {
		struct http_call *call = client->finished;
		struct http_reply reply;

		DL_DELETE(client->finished, call);
		client->calls--;
		reply = reply_of(call);
		call->done(call->arg, call->failure, call->failure == NULL ? &reply : NULL);
		call_release(call);
	}
}

void
calls_fail_waiting(struct http_client *client, bool all, const struct err *err)
{
	struct http_call *call, *next;

	DL_FOREACH_SAFE (client->waiting, call, next) {
		if (all || !call->wait)
			call_finish(call, err);
	}
}

void
calls_fail_link(struct http_link *link, const struct err *err)
{
	struct err again = *err;

	/* What the transport suffered from may be gone next time, whatever it was. */
	if (!link->client->options.give_up)
		again.code = ERR_AGAIN;
	while (link->calls != NULL)
		call_finish(link->calls, &again);
}

void
calls_forget(struct http_call *list)
{
	while (list != NULL) {
		struct http_call *call = list;

		list = list->next;
		call_free(call);
	}
}

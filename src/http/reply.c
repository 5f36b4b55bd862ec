/*
 * reply.c - one reply, whole or streamed.
 *
 * A whole reply's body goes to the wire from where it lies. A streamed reply has a
 * queue in between, out of which the connection takes what flow control allows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/server_private.h"

enum { OWN_FIELDS = 3 }; /* :status, content-type, content-length */

void
http_reply_add_header(struct http_request *req, const char *name, const char *value)
{
	struct err err = ERR_INIT;

	OBJ_CHECK(req, REQUEST_MAGIC);
	assert(req->extra_count < REPLY_HEADERS_MAX);
	if (http_header_check(name, value, &err) < 0) {
		log_warn("http: a header field of the reply to %s %.100s is left out: %s",
			 req->method, req->path, err.text);
		return;
	}
	req->extra[req->extra_count++] = (struct http_header){arena_strdup(&req->memory, name),
							      arena_strdup(&req->memory, value)};
}

static bool
has_no_body(const struct http_request *req, int status)
{
	return status == 204 || status == 304 || strcmp(req->method, "HEAD") == 0;
}

/* len SIZE_MAX: not known. */
static void
send_head(struct http_request *req, int status, const char *content_type, size_t len, bool has_body)
{
	nghttp2_nv fields[REPLY_HEADERS_MAX + OWN_FIELDS];
	char status_text[16], len_text[24];
	struct err err = ERR_INIT;
	size_t count = 0;
	size_t i;

	(void)snprintf(status_text, sizeof(status_text), "%d", status);
	fields[count++] = h2_field(":status", status_text);
	/* A type may come from who uploaded what is sent. */
	if (content_type != NULL && http_header_check("content-type", content_type, &err) < 0)
		content_type = "application/octet-stream";
	if (content_type != NULL)
		fields[count++] = h2_field("content-type", content_type);
	if (len != SIZE_MAX && status != 204) {
		(void)snprintf(len_text, sizeof(len_text), "%zu", len);
		fields[count++] = h2_field("content-length", len_text);
	}
	for (i = 0; i < req->extra_count; i++)
		fields[count++] = h2_field(req->extra[i].name, req->extra[i].value);
	h2_respond(&req->stream, fields, count, has_body);
}

void
http_reply_take(struct http_request *req, int status, const char *content_type, void *body,
		size_t len)
{
	bool has_body;

	OBJ_CHECK(req, REQUEST_MAGIC);
	assert(!req->answered && !req->streaming && status >= 200 && status <= 599);
	free(req->reply_body);
	req->reply_body = body;
	has_body = len > 0 && !has_no_body(req, status);
	req->whole = (struct iovec){body, len};
	h2_stream_set_body(&req->stream, &req->whole, has_body ? len : 0);
	send_head(req, status, content_type, len, has_body);
	request_answered(req);
}

void
http_reply(struct http_request *req, int status, const char *content_type, const void *body,
	   size_t len)
{
	void *copy = NULL;

	if (len > 0) {
		copy = mem_resize(NULL, len, 1);
		memcpy(copy, body, len);
	}
	http_reply_take(req, status, content_type, copy, len);
}

static void
put_json_text(struct buffer *out, const char *text)
{
	const unsigned char *p;

	buffer_puts(out, "\"");
	for (p = (const unsigned char *)text; *p != '\0'; p++) {
		if (*p == '"' || *p == '\\')
			buffer_printf(out, "\\%c", *p);
		else if (*p < 0x20 || *p == 0x7f)
			buffer_printf(out, "\\u%04x", *p);
		else
			buffer_putn(out, p, 1);
	}
	buffer_puts(out, "\"");
}

void
http_reply_message(struct http_request *req, int status, const char *fmt, ...)
{
	struct buffer text = BUFFER_INIT;
	struct buffer body = BUFFER_INIT;
	va_list ap;
	size_t len;

	va_start(ap, fmt);
	buffer_vprintf(&text, fmt, ap);
	va_end(ap);
	buffer_puts(&body, "{\"message\": ");
	put_json_text(&body, buffer_text(&text));
	buffer_puts(&body, "}\n");
	buffer_release(&text);
	len = body.len;
	http_reply_take(req, status, "application/json", buffer_take_text(&body), len);
}

/* --- streamed --- */

static ssize_t
on_reply_pull(struct h2_stream *stream, void *room, size_t len, bool *end)
{
	struct http_request *req =
		(struct http_request *)(void *)((char *)stream -
						offsetof(struct http_request, stream));
	size_t part = req->queue.len < len ? req->queue.len : len;

	OBJ_CHECK(req, REQUEST_MAGIC);
	if (part > 0) {
		memcpy(room, req->queue.data, part);
		buffer_consume(&req->queue, part);
	}
	*end = req->answered && req->queue.len == 0;
	if (part > 0 && !req->answered && req->queue.len <= HTTP_QUEUE_LOW_BYTES &&
	    !req->is_drained && req->on_drain != NULL) {
		req->is_drained = true;
		DL_APPEND2(req->server->drained, req, prev_drained, next_drained);
		later_want(&req->server->turn);
	}
	return (ssize_t)part;
}

void
http_reply_start(struct http_request *req, int status, const char *content_type)
{
	OBJ_CHECK(req, REQUEST_MAGIC);
	assert(!req->answered && !req->streaming && status >= 200 && status <= 599);
	req->streaming = true;
	req->stream.pull = on_reply_pull;
	send_head(req, status, content_type, SIZE_MAX, !has_no_body(req, status));
}

/* Whoever reads slower than that holds our memory: the stream is broken off. */
static void
overflow(struct http_request *req)
{
	log_warn("http: %s reads too slowly: more than %d bytes of a reply wait, broken off",
		 req->peer->text, HTTP_QUEUE_MAX_BYTES);
	h2_stream_reset(&req->stream, NGHTTP2_ENHANCE_YOUR_CALM);
	request_gone(req);
}

size_t
http_reply_write(struct http_request *req, const void *bytes, size_t len)
{
	OBJ_CHECK(req, REQUEST_MAGIC);
	assert(req->streaming && !req->answered);
	if (req->connection == NULL || len == 0 || strcmp(req->method, "HEAD") == 0)
		return req->queue.len;
	if (req->queue.len + len > HTTP_QUEUE_MAX_BYTES) {
		overflow(req);
		return 0;
	}
	buffer_putn(&req->queue, bytes, len);
	h2_stream_more(&req->stream);
	return req->queue.len;
}

size_t
http_reply_queued(const struct http_request *req)
{
	OBJ_CHECK(req, REQUEST_MAGIC);
	return req->queue.len;
}

void
http_reply_on_drain(struct http_request *req, void (*fn)(void *arg), void *arg)
{
	OBJ_CHECK(req, REQUEST_MAGIC);
	req->on_drain = fn;
	req->drain_arg = arg;
}

void
http_reply_end(struct http_request *req)
{
	OBJ_CHECK(req, REQUEST_MAGIC);
	assert(req->streaming && !req->answered);
	h2_stream_more(&req->stream);
	request_answered(req);
}

void
http_reply_abort(struct http_request *req)
{
	bool is_orphan = req->connection == NULL;

	OBJ_CHECK(req, REQUEST_MAGIC);
	assert(!req->answered);
	h2_stream_reset(&req->stream, NGHTTP2_INTERNAL_ERROR);
	request_answered(req); /* frees an orphan */
	if (!is_orphan)
		request_free(req);
}

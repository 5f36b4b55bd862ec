/*
 * request.c - one request: how it comes together, and what can be asked of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/server_private.h"
#include "http/url.h"

static struct http_request *
request_of(struct h2_stream *stream)
{
	struct http_request *req =
		(struct http_request *)(void *)((char *)stream -
						offsetof(struct http_request, stream));

	OBJ_CHECK(req, REQUEST_MAGIC);
	return req;
}

/* --- life --- */

struct h2_stream *
request_on_begin(void *arg, int32_t id)
{
	struct http_connection *connection = arg;
	struct http_server *server = connection->server;
	struct http_request *req = MEM_NEW(struct http_request);

	(void)id;
	OBJ_CHECK(connection, CONNECTION_MAGIC);
	req->magic = REQUEST_MAGIC;
	req->server = server;
	req->connection = connection;
	req->peer = &connection->peer;
	req->method = req->path = req->query = "";
	req->heard_us = loop_now_us(server->loop);
	arena_init(&req->memory, 0);
	buffer_init(&req->body, 0);
	DL_APPEND(connection->requests, req);
	if (!timer_is_on(&server->sweep))
		timer_start_ms(&server->sweep, server->options.slow_ms / 3);
	return &req->stream;
}

static void
request_unlist(struct http_request *req)
{
	if (req->is_drained)
		DL_DELETE2(req->server->drained, req, prev_drained, next_drained);
	req->is_drained = false;
	if (req->connection != NULL) {
		req->connection->body_bytes -= req->body.len;
		DL_DELETE(req->connection->requests, req);
	} else if (req->is_orphan) {
		DL_DELETE(req->server->orphans, req);
	}
	req->connection = NULL;
	req->is_orphan = false;
}

void
request_free(struct http_request *req)
{
	request_unlist(req);
	buffer_release(&req->body);
	buffer_release(&req->queue);
	arena_release(&req->memory);
	free(req->reply_body);
	OBJ_WIPE(req);
	free(req);
}

void
request_gone(struct http_request *req)
{
	struct http_peer *peer;

	req->stream.h2 = NULL;
	if (!req->handled || req->answered) {
		request_free(req);
		return;
	}
	peer = ARENA_NEW(&req->memory, struct http_peer);
	*peer = *req->peer;
	req->peer = peer;
	request_unlist(req);
	req->is_orphan = true;
	req->server->request_count--;
	DL_APPEND(req->server->orphans, req);
	later_want(&req->server->turn);
}

void
request_answered(struct http_request *req)
{
	req->answered = true;
	if (req->connection == NULL)
		request_free(req);
	else if (req->handled)
		req->server->request_count--;
}

/* --- how it comes together --- */

static void
take_path(struct http_request *req, const char *value)
{
	const char *mark = strchr(value, '?');

	req->path = mark != NULL ? arena_strndup(&req->memory, value, (size_t)(mark - value))
				 : arena_strdup(&req->memory, value);
	req->query = mark != NULL ? arena_strdup(&req->memory, mark + 1) : "";
}

static void
check_length(struct http_request *req)
{
	const char *value = http_request_header(req, "content-length");
	uint64_t most = req->is_streamed ? UINT64_MAX : req->server->options.body_max_bytes, len;
	struct err err = ERR_INIT;

	if (value != NULL && req->refuse == 0 && text_parse_u64(value, most, &len, &err) < 0)
		req->refuse = err.code == ERR_LIMIT ? 413 : 400;
}

void
request_on_header(struct h2_stream *stream, const char *name, const char *value)
{
	struct http_request *req = request_of(stream);

	req->header_bytes += strlen(name) + strlen(value);
	if (req->header_bytes > HTTP_HEADERS_MAX_BYTES || req->header_count == HTTP_HEADERS_MAX) {
		req->refuse = 431;
		return;
	}
	if (strcmp(name, ":method") == 0) {
		req->method = arena_strdup(&req->memory, value);
		return;
	}
	if (strcmp(name, ":path") == 0) {
		take_path(req, value);
		return;
	}
	if (strcmp(name, ":authority") == 0)
		name = "host";
	else if (name[0] == ':')
		return;
	if (req->headers == NULL)
		req->headers = ARENA_NEW_ARRAY(&req->memory, struct http_header, HTTP_HEADERS_MAX);
	req->headers[req->header_count++] = (struct http_header){arena_strdup(&req->memory, name),
								 arena_strdup(&req->memory, value)};
}

static void
refuse(struct http_request *req, int status)
{
	switch (status) {
	case 413:
		http_reply_message(req, 413, "the body of a request may have %zu bytes at most",
				   req->server->options.body_max_bytes);
		break;
	case 431:
		http_reply_message(req, 431,
				   "a request may have %d header fields of %d bytes together",
				   HTTP_HEADERS_MAX, HTTP_HEADERS_MAX_BYTES);
		break;
	case 503:
		http_reply_message(req, 503, "too many large requests at once on this connection");
		break;
	default:
		http_reply_message(req, status, "the content-length is not a number");
		break;
	}
}

/* Its bytes' credit is given back when they are taken, so that at most the stream's window comes
 * together. */
static void
stream_body(struct http_request *req, const unsigned char *bytes, size_t len)
{
	req->connection->body_bytes += len;
	buffer_putn(&req->body, bytes, len);
	if (req->on_body != NULL)
		req->on_body(req->body_arg);
}

void
request_on_data(struct h2_stream *stream, const unsigned char *bytes, size_t len)
{
	struct http_request *req = request_of(stream);

	if (!req->answered)
		req->heard_us = loop_now_us(req->server->loop);
	if (!req->answered && req->is_streamed) {
		stream_body(req, bytes, len);
		return;
	}
	h2_stream_consume(stream, len);
	if (req->answered)
		return;
	if (req->body.len + len > req->server->options.body_max_bytes) {
		refuse(req, 413);
		return;
	}
	if (req->connection->body_bytes + len > BODIES_MAX_BYTES) {
		refuse(req, 503);
		return;
	}
	req->connection->body_bytes += len;
	buffer_putn(&req->body, bytes, len);
}

static int
split_path(struct http_request *req, struct err *err)
{
	const char *at = req->path;

	req->segments = ARENA_NEW_ARRAY(&req->memory, const char *, HTTP_SEGMENTS_MAX);
	while (*at == '/') {
		size_t len = strcspn(at + 1, "/");
		char *segment;

		if (len == 0 && at[1] == '\0')
			return 0;
		if (req->segment_count == HTTP_SEGMENTS_MAX)
			return err_set(err, ERR_LIMIT, "a path may have %d parts at most",
				       HTTP_SEGMENTS_MAX);
		segment = arena_zalloc(&req->memory, len + 1);
		if (url_decode(segment, at + 1, len, false, err) < 0)
			return err_wrap(err, "the path is not percent-encoded text");
		req->segments[req->segment_count++] = segment;
		at += 1 + len;
	}
	return 0;
}

static int
add_parameter(struct http_request *req, const char *text, size_t len, struct err *err)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals != NULL ? (size_t)(equals - text) : len;
	size_t value_len = equals != NULL ? len - name_len - 1 : 0;
	char *name = arena_zalloc(&req->memory, name_len + 1);
	char *value = arena_zalloc(&req->memory, value_len + 1);

	if (url_decode(name, text, name_len, true, err) < 0 ||
	    (equals != NULL && url_decode(value, equals + 1, value_len, true, err) < 0))
		return err_wrap(err, "the query is not percent-encoded text");
	req->parameters[req->parameter_count++] = (struct http_parameter){name, value};
	return 0;
}

static int
split_query(struct http_request *req, struct err *err)
{
	const char *at = req->query;

	if (*at == '\0')
		return 0;
	req->parameters = ARENA_NEW_ARRAY(&req->memory, struct http_parameter, HTTP_QUERY_MAX);
	for (;;) {
		size_t len = strcspn(at, "&");

		if (req->parameter_count == HTTP_QUERY_MAX)
			return err_set(err, ERR_LIMIT, "a query may have %d parameters at most",
				       HTTP_QUERY_MAX);
		if (len > 0 && add_parameter(req, at, len, err) < 0)
			return err->code;
		if (at[len] == '\0')
			return 0;
		at += len + 1;
	}
}

static int
split_target(struct http_request *req, struct err *err)
{
	if (req->path[0] != '/')
		return err_set(err, ERR_INPUT, "the path of a request begins with '/'");
	if (split_path(req, err) < 0 || split_query(req, err) < 0)
		return err->code;
	return 0;
}

static void
handle(struct http_request *req)
{
	struct http_server *server = req->server;

	req->handled = true;
	server->request_count++;
	server->options.handler(server->options.arg, req);
}

void
request_on_headers(struct h2_stream *stream)
{
	struct http_request *req = request_of(stream);
	const struct http_server_options *options = &req->server->options;
	struct err err = ERR_INIT;

	stream->head_done = true;
	if (req->refuse == 0 && split_target(req, &err) < 0)
		req->wrong = arena_strdup(&req->memory, err.text);
	req->is_streamed = req->refuse == 0 && req->wrong == NULL && options->streams != NULL &&
			   options->streams(options->arg, req);
	check_length(req);
	if (req->refuse != 0)
		refuse(req, req->refuse);
	else if (req->is_streamed)
		handle(req);
}

void
request_on_message(struct h2_stream *stream)
{
	struct http_request *req = request_of(stream);

	if (req->answered)
		return;
	if (req->wrong != NULL)
		http_reply_message(req, 400, "%s", req->wrong);
	else if (!req->is_streamed)
		handle(req);
	else if (req->on_body != NULL)
		req->on_body(req->body_arg);
}

void
request_on_close(struct h2_stream *stream, uint32_t code)
{
	(void)code;
	request_gone(request_of(stream));
}

/* --- what can be asked of it --- */

const char *
http_request_method(const struct http_request *req)
{
	OBJ_CHECK(req, REQUEST_MAGIC);
	return req->method;
}

const char *
http_request_path(const struct http_request *req)
{
	return req->path;
}

const char *
http_request_query_text(const struct http_request *req)
{
	return req->query;
}

size_t
http_request_segments(const struct http_request *req)
{
	return req->segment_count;
}

const char *
http_request_segment(const struct http_request *req, size_t idx)
{
	return idx < req->segment_count ? req->segments[idx] : NULL;
}

const char *
http_request_query(const struct http_request *req, const char *name)
{
	size_t i;

	for (i = 0; i < req->parameter_count; i++) {
		if (strcmp(req->parameters[i].name, name) == 0)
			return req->parameters[i].value;
	}
	return NULL;
}

const char *
http_request_header(const struct http_request *req, const char *name)
{
	return http_header_get(req->headers, req->header_count, name);
}

const char *
http_request_body(const struct http_request *req, size_t *len)
{
	*len = req->body.len;
	/* Only room for the NUL is made; the bytes stay what they are. */
	return req->body.len > 0 ? buffer_text((struct buffer *)(uintptr_t)&req->body) : "";
}

char *
http_request_take_body(struct http_request *req, size_t *len)
{
	*len = req->body.len;
	if (req->connection != NULL)
		req->connection->body_bytes -= *len;
	return buffer_take_text(&req->body);
}

void
http_request_on_body(struct http_request *req, void (*fn)(void *arg), void *arg)
{
	OBJ_CHECK(req, REQUEST_MAGIC);
	assert(req->is_streamed);
	req->on_body = fn;
	req->body_arg = arg;
}

size_t
http_request_take_piece(struct http_request *req, struct buffer *into)
{
	struct buffer taken = req->body;

	OBJ_CHECK(req, REQUEST_MAGIC);
	buffer_clear(into);
	req->body = *into;
	*into = taken;
	if (req->connection != NULL) {
		req->connection->body_bytes -= taken.len;
		req->heard_us = loop_now_us(req->server->loop);
	}
	h2_stream_consume(&req->stream, taken.len);
	return taken.len;
}

bool
http_request_body_ended(const struct http_request *req)
{
	return req->stream.got_end && req->body.len == 0;
}

const struct http_peer *
http_request_peer(const struct http_request *req)
{
	return req->peer;
}

void
http_request_set_user(struct http_request *req, void *user)
{
	OBJ_CHECK(req, REQUEST_MAGIC);
	req->user = user;
}

void *
http_request_user(const struct http_request *req)
{
	OBJ_CHECK(req, REQUEST_MAGIC);
	return req->user;
}

void
http_request_on_close(struct http_request *req, void (*fn)(void *arg), void *arg)
{
	OBJ_CHECK(req, REQUEST_MAGIC);
	req->on_close = fn;
	req->close_arg = arg;
	if (req->is_orphan && fn != NULL)
		later_want(&req->server->turn);
}

/*
 * pair.c - a client and a server on one loop, for the tests of src/http.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "pair.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/mem.h"
#include "http/listener.h"

/* --- the server's answers --- */

struct stream {
	struct http_request *req;
	struct pair *pair;
	size_t at;
	size_t len;
};

unsigned char
pair_byte(size_t offset)
{
	return (unsigned char)(offset * 7 + offset / 251);
}

unsigned char *
pair_bytes(size_t n)
{
	unsigned char *bytes = malloc(n + 1);
	size_t i;

	for (i = 0; i < n; i++)
		bytes[i] = pair_byte(i);
	return bytes;
}

static void
on_stream_drain(void *arg)
{
	struct stream *stream = arg;
	unsigned char piece[1000];

	stream->pair->drained++;
	while (stream->at < stream->len && http_reply_queued(stream->req) < 200000) {
		size_t n;

		for (n = 0; n < sizeof(piece) && stream->at + n < stream->len; n++)
			piece[n] = pair_byte(stream->at + n);
		(void)http_reply_write(stream->req, piece, n);
		stream->at += n;
	}
	if (stream->at < stream->len)
		return;
	http_reply_end(stream->req);
	free(stream);
}

static void
on_stream_close(void *arg)
{
	struct stream *stream = arg;

	stream->pair->closed++;
	free(stream);
}

static size_t
number(struct http_request *req)
{
	const char *n = http_request_query(req, "n");

	return n != NULL ? strtoul(n, NULL, 10) : 0;
}

static void
answer_stream(struct pair *pair, struct http_request *req)
{
	struct stream *stream = MEM_NEW(struct stream);

	stream->req = req;
	stream->pair = pair;
	stream->len = number(req);
	http_reply_start(req, 200, "application/octet-stream");
	http_reply_on_drain(req, on_stream_drain, stream);
	http_request_on_close(req, on_stream_close, stream);
	on_stream_drain(stream);
}

static void
on_hanging_close(void *arg)
{
	struct pair *pair = arg;

	pair->closed++;
}

/* --- a body that is taken as it comes --- */

static void
on_take_body(void *arg)
{
	struct pair *pair = arg;
	size_t i;

	while (!pair->is_held && http_request_take_piece(pair->taking, &pair->piece) > 0)
		for (i = 0; i < pair->piece.len; i++)
			pair->taken += pair->piece.data[i] == pair_byte(pair->taken);
	if (pair->is_held || !http_request_body_ended(pair->taking))
		return;
	http_reply_message(pair->taking, 200, "%zu", pair->taken);
	pair->taking = NULL;
}

static void
on_take_close(void *arg)
{
	struct pair *pair = arg;

	pair->closed++;
	pair->taking = NULL;
}

static void
answer_take(struct pair *pair, struct http_request *req)
{
	if (http_request_query(req, "refuse") != NULL) {
		http_reply_message(req, 507, "no room");
		return;
	}
	pair->taking = req;
	pair->taken = 0;
	pair->is_held = http_request_query(req, "hold") != NULL;
	http_request_on_body(req, on_take_body, pair);
	http_request_on_close(req, on_take_close, pair);
}

void
pair_take(struct pair *pair)
{
	pair->is_held = false;
	on_take_body(pair);
}

static bool
on_streams(void *arg, struct http_request *req)
{
	(void)arg;
	return strncmp(http_request_path(req), "/take", 5) == 0;
}

static void
answer_show(struct http_request *req)
{
	struct buffer text = BUFFER_INIT;
	const char *header = http_request_header(req, "X-Show");
	const char *query = http_request_query(req, "q");
	size_t i;

	buffer_puts(&text, http_request_method(req));
	for (i = 0; i < http_request_segments(req); i++)
		buffer_printf(&text, "|%s", http_request_segment(req, i));
	buffer_printf(&text, "?%s", query != NULL ? query : "-");
	buffer_printf(&text, "#%s", header != NULL ? header : "-");
	http_reply_add_header(req, "X-Answer", "yes");
	http_reply_add_header(req, "X-Bad", "two\nlines");
	http_reply(req, 201, "text/plain", text.data, text.len);
	buffer_release(&text);
}

static void
on_request(void *arg, struct http_request *req)
{
	struct pair *pair = arg;
	const char *what = http_request_segment(req, 0);
	const char *body;
	size_t len;

	pair->handled++;
	body = http_request_body(req, &len);
	if (what == NULL) {
		http_reply_message(req, 404, "nothing is at '%s'", http_request_path(req));
	} else if (strcmp(what, "hello") == 0) {
		http_reply(req, 200, "text/plain", "hello", 5);
	} else if (strcmp(what, "echo") == 0) {
		http_reply(req, 200, http_request_header(req, "content-type"), body, len);
	} else if (strcmp(what, "bytes") == 0) {
		http_reply_take(req, 200, NULL, pair_bytes(number(req)), number(req));
	} else if (strcmp(what, "stream") == 0) {
		answer_stream(pair, req);
	} else if (strcmp(what, "hang") == 0) {
		assert_true(pair->hanging_count < PAIR_HANGING_MAX);
		pair->hanging[pair->hanging_count++] = req;
		http_request_on_close(req, on_hanging_close, pair);
	} else if (strcmp(what, "abort") == 0) {
		http_reply_start(req, 200, NULL);
		(void)http_reply_write(req, "half", 4);
		http_reply_abort(req);
	} else if (strcmp(what, "take") == 0) {
		answer_take(pair, req);
	} else if (strcmp(what, "show") == 0) {
		answer_show(req);
	} else if (strcmp(what, "peer") == 0) {
		const struct http_peer *peer = http_request_peer(req);

		http_reply_message(req, 200, "%d %d %d %s", peer->is_unix, peer->is_tls,
				   peer->uid == getuid(), peer->text);
	} else {
		http_reply(req, 404, NULL, NULL, 0);
	}
}

/* --- the pair --- */

static void
on_deadline(void *arg)
{
	(void)arg;
	fail_msg("not within %d ms", PAIR_DEADLINE_MS);
}

int
pair_setup(void **state)
{
	struct pair *pair = MEM_NEW(struct pair);
	const char *tmp = getenv("TMPDIR");

	/* A socket's path has 107 bytes at most. */
	if (tmp == NULL || strlen(tmp) > 40)
		tmp = "/tmp";
	(void)snprintf(pair->dir, sizeof(pair->dir), "%.40s/http-XXXXXX", tmp);
	if (mkdtemp(pair->dir) == NULL || loop_new(&pair->loop, &pair->err) < 0)
		return -1;
	timer_init(&pair->deadline, pair->loop, on_deadline, NULL);
	*state = pair;
	return 0;
}

int
pair_teardown(void **state)
{
	struct pair *pair = *state;

	http_client_free(pair->client);
	http_server_free(pair->server);
	timer_release(&pair->deadline);
	loop_free(pair->loop);
	buffer_release(&pair->piece);
	(void)rmdir(pair->dir);
	free(pair);
	return 0;
}

void
pair_listen(struct pair *pair, const struct tls_context *tls)
{
	struct http_server_options options = {.handler = on_request,
					      .streams = on_streams,
					      .arg = pair,
					      .body_max_bytes = pair->body_max,
					      .handshake_ms = pair->handshake_ms,
					      .slow_ms = pair->slow_ms,
					      .connections_max = pair->connections_max};
	struct listener *listener;

	if (pair->address[0] == '\0' && tls == NULL)
		(void)snprintf(pair->address, sizeof(pair->address), "unix:%s/socket", pair->dir);
	else if (pair->address[0] == '\0')
		(void)snprintf(pair->address, sizeof(pair->address), "127.0.0.1:0");
	if (listener_open(&listener, pair->address, &pair->err) < 0)
		fail_msg("%s", pair->err.text);
	if (listener_is_unix(listener)) {
		(void)snprintf(pair->url, sizeof(pair->url), "%s", pair->address);
	} else {
		(void)snprintf(pair->address, sizeof(pair->address), "127.0.0.1:%u",
			       (unsigned)listener_port(listener));
		(void)snprintf(pair->url, sizeof(pair->url), "%s://localhost:%u",
			       tls != NULL ? "https" : "http", (unsigned)listener_port(listener));
	}
	assert_int_equal(http_server_new(&pair->server, pair->loop, &options, &pair->err), 0);
	assert_int_equal(http_server_listen(pair->server, listener, tls, &pair->err), 0);
}

void
pair_stop(struct pair *pair)
{
	http_server_free(pair->server);
	pair->server = NULL;
}

static void
on_up(void *arg)
{
	struct pair *pair = arg;

	pair->ups++;
}

static void
on_down(void *arg, const struct err *err, uint64_t retry_ms)
{
	struct pair *pair = arg;

	pair->retry_ms = retry_ms;
	pair->downs++;
	pair->down = *err;
}

void
pair_connect(struct pair *pair, const struct tls_context *tls)
{
	struct http_client_options options = {
		.url = pair->url,
		.tls = tls,
		.give_up = pair->give_up,
		.proxy = pair->proxy,
		.connect_ms = pair->connect_ms,
		.on_up = on_up,
		.on_down = on_down,
		.arg = pair,
		.ping_ms = pair->ping_ms,
		.pong_ms = pair->pong_ms,
		.backoff_most_ms = pair->backoff_most_ms != 0 ? pair->backoff_most_ms : 200,
	};

	if (http_client_new(&pair->client, pair->loop, &options, &pair->err) < 0)
		fail_msg("%s", pair->err.text);
}

/* --- running --- */

struct condition {
	struct loop *loop;
	struct timer again;
	const bool *flag;
	const unsigned *count;
	unsigned want;
};

static void
on_condition(void *arg)
{
	struct condition *condition = arg;

	if ((condition->flag != NULL && *condition->flag) ||
	    (condition->count != NULL && *condition->count >= condition->want))
		loop_stop(condition->loop);
	else
		timer_start_us(&condition->again, 200);
}

static void
run_condition(struct pair *pair, struct condition *condition)
{
	condition->loop = pair->loop;
	timer_init(&condition->again, pair->loop, on_condition, condition);
	timer_start_us(&condition->again, 0);
	timer_start_ms(&pair->deadline, PAIR_DEADLINE_MS);
	loop_run(pair->loop);
	timer_stop(&pair->deadline);
	timer_release(&condition->again);
}

void
pair_run(struct pair *pair, const bool *flag)
{
	struct condition condition = {.flag = flag};

	run_condition(pair, &condition);
}

void
pair_run_count(struct pair *pair, const unsigned *count, unsigned want)
{
	struct condition condition = {.count = count, .want = want};

	run_condition(pair, &condition);
}

static void
on_time(void *arg)
{
	loop_stop(arg);
}

void
pair_run_ms(struct pair *pair, uint64_t ms)
{
	struct timer timer = {0};

	timer_init(&timer, pair->loop, on_time, pair->loop);
	timer_start_ms(&timer, ms);
	loop_run(pair->loop);
	timer_release(&timer);
}

/* --- calls --- */

static void
on_done(void *arg, const struct err *err, const struct http_reply *reply)
{
	struct outcome *out = arg;
	const char *type;
	size_t i;

	assert_false(out->done);
	out->done = true;
	out->call = NULL;
	if (err != NULL) {
		assert_null(reply);
		out->code = err->code;
		(void)snprintf(out->text, sizeof(out->text), "%s", err->text);
		return;
	}
	out->status = reply->status;
	out->len = reply->len;
	out->body_ok = true;
	for (i = 0; i < reply->len && out->body_ok; i++)
		out->body_ok = (unsigned char)reply->body[i] == pair_byte(i);
	(void)snprintf(out->body, sizeof(out->body), "%s", reply->body);
	type = http_header_get(reply->headers, reply->header_count, "Content-Type");
	(void)snprintf(out->type, sizeof(out->type), "%s", type != NULL ? type : "");
}

void
pair_call_spec(struct pair *pair, struct outcome *out, const struct http_call_spec *spec)
{
	memset(out, 0, sizeof(*out));
	if (http_call_start(&out->call, pair->client, spec, on_done, out, &pair->err) < 0)
		fail_msg("%s", pair->err.text);
	assert_false(out->done);
}

void
pair_call(struct pair *pair, struct outcome *out, const char *method, const char *path)
{
	struct http_call_spec spec = {.method = method, .path = path, .wait = true};

	pair_call_spec(pair, out, &spec);
}

void
pair_get(struct pair *pair, struct outcome *out, const char *path)
{
	pair_call(pair, out, NULL, path);
	pair_run(pair, &out->done);
}

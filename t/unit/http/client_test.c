/*
 * client_test.c - calls: replies, crowds, large bodies, streams, cancel, lost connections.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/h2.h"
#include "pair.h"

enum { LARGE = 10 * 1000 * 1000 + 7 };

static void
test_call_gives_status_headers_and_body(void **state)
{
	struct pair *pair = *state;
	struct http_header header = {"X-Show", "a value"};
	struct http_call_spec spec = {.method = "PUT",
				      .path = "/show/b%2Fc/d?x=1&q=two+%26+three",
				      .headers = &header,
				      .header_count = 1,
				      .wait = true};
	struct outcome out;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call_spec(pair, &out, &spec);
	pair_run(pair, &out.done);
	assert_int_equal(out.code, 0);
	assert_int_equal(out.status, 201);
	assert_string_equal(out.body, "PUT|show|b/c|d?two & three#a value");
	assert_string_equal(out.type, "text/plain");
	pair_get(pair, &out, "/");
	assert_int_equal(out.status, 404);
	assert_string_equal(out.body, "{\"message\": \"nothing is at '/'\"}\n");
	assert_int_equal(http_client_calls(pair->client), 0);
	assert_int_equal(http_server_requests(pair->server), 0);
}

static void
test_call_fails_at_once_when_down_unless_it_waits(void **state)
{
	struct pair *pair = *state;
	struct http_call_spec spec = {.path = "/hello"};
	struct http_call *call;
	struct outcome out;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	assert_int_equal(http_call_start(&call, pair->client, &spec, NULL, NULL, &pair->err),
			 ERR_AGAIN);
	pair_get(pair, &out, "/hello");
	assert_string_equal(out.body, "hello");
	assert_int_equal(pair->ups, 1);
}

static void
test_call_refuses_what_http_does_not_allow(void **state)
{
	struct pair *pair = *state;
	struct http_header header = {"X-Show", "two\r\nlines"};
	struct http_call_spec spec = {.path = "/a b", .wait = true};
	struct http_call *call;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	assert_int_equal(http_call_start(&call, pair->client, &spec, NULL, NULL, &pair->err),
			 ERR_INPUT);
	spec.path = "a";
	assert_int_equal(http_call_start(&call, pair->client, &spec, NULL, NULL, &pair->err),
			 ERR_INPUT);
	spec.path = "/a";
	spec.headers = &header;
	spec.header_count = 1;
	assert_int_equal(http_call_start(&call, pair->client, &spec, NULL, NULL, &pair->err),
			 ERR_INPUT);
	assert_int_equal(http_client_calls(pair->client), 0);
}

static void
test_thousands_of_calls_at_once_all_get_their_own_reply(void **state)
{
	enum { MANY = 3000 };
	struct pair *pair = *state;
	struct outcome *outs = calloc(MANY, sizeof(*outs));
	unsigned i;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	for (i = 0; i < MANY; i++) {
		char path[64];

		(void)snprintf(path, sizeof(path), "/bytes?n=%u", i);
		pair_call(pair, &outs[i], NULL, path);
	}
	for (i = 0; i < MANY; i++) {
		pair_run(pair, &outs[i].done);
		assert_int_equal(outs[i].status, 200);
		assert_int_equal(outs[i].len, i);
		assert_true(outs[i].body_ok);
	}
	assert_int_equal(pair->handled, MANY);
	free(outs);
}

static void
test_large_bodies_pass_both_ways(void **state)
{
	struct pair *pair = *state;
	unsigned char *body = pair_bytes(LARGE);
	struct http_call_spec spec = {
		.method = "POST", .path = "/echo", .body = body, .body_len = LARGE, .wait = true};
	struct outcome out[3];
	unsigned i;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	for (i = 0; i < 3; i++)
		pair_call_spec(pair, &out[i], &spec);
	for (i = 0; i < 3; i++) {
		pair_run(pair, &out[i].done);
		assert_int_equal(out[i].status, 200);
		assert_int_equal(out[i].len, LARGE);
		assert_true(out[i].body_ok);
	}
	free(body);
}

/* Pieces of any size, an empty one too, are sent from where they are. */
static void
test_body_in_pieces_arrives_as_one(void **state)
{
	struct pair *pair = *state;
	unsigned char *body = pair_bytes(LARGE);
	struct iovec pieces[] = {{body, 1},
				 {body + 1, 0},
				 {body + 1, 100000},
				 {body + 100001, 3000000},
				 {body + 3100001, LARGE - 3100001}};
	struct http_call_spec spec = {.method = "POST",
				      .path = "/echo",
				      .pieces = pieces,
				      .body_len = LARGE,
				      .wait = true};
	struct outcome out;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call_spec(pair, &out, &spec);
	pair_run(pair, &out.done);
	assert_int_equal(out.status, 200);
	assert_int_equal(out.len, LARGE);
	assert_true(out.body_ok);
	free(body);
}

/* --- streams --- */

struct stream {
	struct pair *pair;
	struct outcome out;
	size_t at;
	size_t len;
	bool ok;
	bool pausing;
	bool paused;
	bool starve; /* body_read says "nothing now" every second time */
	bool starved;
	unsigned heads;
	unsigned reads;
	struct timer timer;
};

static void
on_stream_timer(void *arg)
{
	struct stream *stream = arg;

	stream->paused = false;
	if (stream->out.call == NULL)
		return;
	if (stream->pausing)
		http_call_resume(stream->out.call);
	else
		http_call_body_want(stream->out.call);
}

static void
on_head(void *arg, const struct http_reply *reply)
{
	struct stream *stream = arg;

	assert_int_equal(reply->status, 200);
	stream->heads++;
}

static void
on_data(void *arg, const void *bytes, size_t len)
{
	struct stream *stream = arg;
	const unsigned char *p = bytes;
	size_t i;

	assert_false(stream->paused);
	assert_int_equal(stream->heads, 1);
	for (i = 0; i < len && stream->ok; i++)
		stream->ok = p[i] == pair_byte(stream->at + i);
	stream->at += len;
	if (!stream->pausing)
		return;
	stream->paused = true;
	http_call_pause(stream->out.call);
	timer_start_ms(&stream->timer, 1);
}

static ssize_t
on_body_read(void *arg, void *room, size_t len, bool *end, struct err *err)
{
	struct stream *stream = arg;
	unsigned char *p = room;
	size_t i;

	(void)err;
	stream->reads++;
	if (stream->starve && !stream->starved) {
		stream->starved = true;
		timer_start_us(&stream->timer, 100);
		return 0;
	}
	stream->starved = false;
	for (i = 0; i < len && stream->at < stream->len; i++)
		p[i] = pair_byte(stream->at++);
	*end = stream->at == stream->len;
	return (ssize_t)i;
}

static void
test_streamed_reply_arrives_whole_and_its_sender_waits(void **state)
{
	struct pair *pair = *state;
	struct stream stream = {.pair = pair, .ok = true, .pausing = true};
	struct http_call_spec spec = {.path = "/stream?n=9000000",
				      .on_head = on_head,
				      .on_data = on_data,
				      .stream_arg = &stream,
				      .wait = true};

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	timer_init(&stream.timer, pair->loop, on_stream_timer, &stream);
	pair_call_spec(pair, &stream.out, &spec);
	pair_run(pair, &stream.out.done);
	assert_int_equal(stream.out.status, 200);
	assert_int_equal(stream.at, 9000000);
	assert_true(stream.ok);
	assert_true(pair->drained > 10);
	timer_release(&stream.timer);
}

static void
test_a_paused_reader_stops_its_stream_and_no_other(void **state)
{
	struct pair *pair = *state;
	struct stream stream = {.pair = pair, .ok = true};
	struct http_call_spec spec = {.path = "/stream?n=7000000",
				      .on_head = on_head,
				      .on_data = on_data,
				      .stream_arg = &stream,
				      .wait = true};
	struct outcome other[8];
	unsigned i;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call_spec(pair, &stream.out, &spec);
	http_call_pause(stream.out.call);
	for (i = 0; i < 8; i++)
		pair_get(pair, &other[i], "/bytes?n=3000000");
	assert_int_equal(other[7].len, 3000000);
	assert_int_equal(stream.at, 0);
	assert_false(stream.out.done);
	http_call_resume(stream.out.call);
	pair_run(pair, &stream.out.done);
	assert_int_equal(stream.at, 7000000);
	assert_true(stream.ok);
}

static void
test_streamed_request_body_arrives_whole(void **state)
{
	struct pair *pair = *state;
	struct stream stream = {.pair = pair, .len = 2000000, .starve = true};
	struct http_call_spec spec = {.method = "POST",
				      .path = "/echo",
				      .body_read = on_body_read,
				      .stream_arg = &stream,
				      .wait = true};

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	timer_init(&stream.timer, pair->loop, on_stream_timer, &stream);
	pair_call_spec(pair, &stream.out, &spec);
	pair_run(pair, &stream.out.done);
	assert_int_equal(stream.out.status, 200);
	assert_int_equal(stream.out.len, 2000000);
	assert_true(stream.out.body_ok);
	assert_true(stream.reads > 2000000 / H2_FRAME_BYTES); /* each a frame at most */
	timer_release(&stream.timer);
}

static ssize_t
on_body_broken(void *arg, void *room, size_t len, bool *end, struct err *err)
{
	(void)arg;
	(void)room;
	(void)len;
	(void)end;
	return err_set(err, ERR_HOST, "the disk is on fire");
}

/* --- a request's body that is taken as it comes --- */

enum { TAKEN = 20 * 1000 * 1000 };

static void
test_body_is_taken_as_it_comes_however_long_it_is(void **state)
{
	struct pair *pair = *state;
	struct stream stream = {.pair = pair, .len = TAKEN};
	struct http_call_spec spec = {.method = "PUT",
				      .path = "/take",
				      .body_read = on_body_read,
				      .stream_arg = &stream,
				      .is_bulk = true,
				      .wait = true};

	pair->body_max = 1000;
	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call_spec(pair, &stream.out, &spec);
	pair_run(pair, &stream.out.done);
	assert_int_equal(stream.out.status, 200);
	assert_string_equal(stream.out.body, "{\"message\": \"20000000\"}\n");
	/* One that is collected is as short as ever. */
	stream = (struct stream){.pair = pair, .len = 1001};
	spec.path = "/echo";
	pair_call_spec(pair, &stream.out, &spec);
	pair_run(pair, &stream.out.done);
	assert_int_equal(stream.out.status, 413);
}

static void
test_body_that_nobody_takes_stops_its_sender_and_no_other(void **state)
{
	struct pair *pair = *state;
	struct stream stream = {.pair = pair, .len = TAKEN};
	struct http_call_spec spec = {.method = "PUT",
				      .path = "/take?hold=1",
				      .body_read = on_body_read,
				      .stream_arg = &stream,
				      .wait = true};
	struct outcome other[20];
	unsigned i;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call_spec(pair, &stream.out, &spec);
	for (i = 0; i < 20; i++)
		pair_get(pair, &other[i], "/bytes?n=300000");
	assert_int_equal(other[19].len, 300000);
	assert_false(stream.out.done);
	/* The stream's window, and what the connection keeps framed. */
	assert_in_range(stream.at, 1, 1024 * 1024 + 300 * 1024);
	pair_take(pair);
	pair_run(pair, &stream.out.done);
	assert_string_equal(stream.out.body, "{\"message\": \"20000000\"}\n");
}

static void
test_answer_before_the_end_of_a_body_that_is_taken_arrives(void **state)
{
	struct pair *pair = *state;
	struct stream stream = {.pair = pair, .len = TAKEN};
	struct http_call_spec spec = {.method = "PUT",
				      .path = "/take?refuse=1",
				      .body_read = on_body_read,
				      .stream_arg = &stream,
				      .wait = true};
	struct outcome out;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call_spec(pair, &stream.out, &spec);
	pair_run(pair, &stream.out.done);
	assert_int_equal(stream.out.status, 507);
	assert_true(stream.at < TAKEN);
	pair_get(pair, &out, "/hello");
	assert_string_equal(out.body, "hello");
}

static void
test_sender_of_a_body_that_is_taken_may_go_or_fall_silent(void **state)
{
	struct pair *pair = *state;
	struct stream stream = {.pair = pair, .len = TAKEN, .starve = true, .starved = true};
	struct http_call_spec spec = {.method = "PUT",
				      .path = "/take",
				      .body_read = on_body_read,
				      .stream_arg = &stream,
				      .wait = true};

	pair->slow_ms = 100;
	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	/* A timer that is not started: after the first piece nothing more comes. */
	timer_init(&stream.timer, pair->loop, on_stream_timer, &stream);
	pair_call_spec(pair, &stream.out, &spec);
	while (stream.reads < 2)
		pair_run_ms(pair, 1);
	timer_stop(&stream.timer);
	pair_run_count(pair, &pair->closed, 1);
	pair_run(pair, &stream.out.done);
	assert_int_equal(stream.out.code, ERR_AGAIN);
	assert_null(pair->taking);
	/* And one that cancels. */
	stream.out.done = false;
	stream.at = 0;
	stream.starved = false;
	stream.starve = false;
	pair_call_spec(pair, &stream.out, &spec);
	while (pair->taking == NULL)
		pair_run_ms(pair, 1);
	http_call_cancel(stream.out.call);
	pair_run_count(pair, &pair->closed, 2);
	assert_null(pair->taking);
	timer_release(&stream.timer);
}

static void
test_call_ends_with_what_its_body_failed_with(void **state)
{
	struct pair *pair = *state;
	struct http_call_spec spec = {
		.method = "POST", .path = "/echo", .body_read = on_body_broken, .wait = true};
	struct outcome out;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call_spec(pair, &out, &spec);
	pair_run(pair, &out.done);
	assert_int_equal(out.code, ERR_HOST);
	assert_string_equal(out.text, "the disk is on fire");
	pair_get(pair, &out, "/hello");
	assert_int_equal(out.status, 200);
}

static void
test_reply_larger_than_its_limit_is_an_error(void **state)
{
	struct pair *pair = *state;
	struct http_call_spec spec = {
		.path = "/bytes?n=100001", .reply_limit = 100000, .wait = true};
	struct outcome out;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call_spec(pair, &out, &spec);
	pair_run(pair, &out.done);
	assert_int_equal(out.code, ERR_LIMIT);
	spec.reply_limit = 100001;
	pair_call_spec(pair, &out, &spec);
	pair_run(pair, &out.done);
	assert_int_equal(out.len, 100001);
}

static void
test_reply_that_breaks_off_is_an_error(void **state)
{
	struct pair *pair = *state;
	struct outcome out;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_get(pair, &out, "/abort");
	assert_int_equal(out.code, ERR_AGAIN);
	assert_non_null(strstr(out.text, "broke off the reply to GET /abort: INTERNAL_ERROR"));
}

/* --- cancel, time, loss --- */

static void
test_canceled_call_is_never_done_and_its_body_is_free_at_once(void **state)
{
	struct pair *pair = *state;
	unsigned char *body = pair_bytes(LARGE);
	struct http_call_spec spec = {
		.method = "POST", .path = "/echo", .body = body, .body_len = LARGE, .wait = true};
	struct outcome early, late, hang, after;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call(pair, &early, NULL, "/hello");
	http_call_cancel(early.call);
	pair_call(pair, &hang, NULL, "/hang");
	pair_run_count(pair, &pair->hanging_count, 1);
	pair_call_spec(pair, &late, &spec);
	pair_run_ms(pair, 1);
	if (!late.done)
		http_call_cancel(late.call);
	memset(body, 0xff, LARGE);
	free(body);
	http_call_cancel(hang.call);
	pair_run_count(pair, &pair->closed, 1);
	pair_get(pair, &after, "/hello");
	assert_int_equal(after.status, 200);
	assert_false(early.done || hang.done);
	assert_int_equal(http_client_calls(pair->client), 0);
	assert_int_equal(http_server_requests(pair->server), 0);
}

static void
test_call_without_a_reply_in_time_ends(void **state)
{
	struct pair *pair = *state;
	struct http_call_spec spec = {.path = "/hang", .timeout_ms = 30, .wait = true};
	struct outcome out;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call_spec(pair, &out, &spec);
	pair_run(pair, &out.done);
	assert_int_equal(out.code, ERR_AGAIN);
	assert_non_null(strstr(out.text, "no reply to GET /hang from 'unix:"));
	pair_run_count(pair, &pair->closed, 1);
	assert_int_equal(http_server_requests(pair->server), 0);
}

static void
test_lost_server_ends_calls_and_the_client_comes_back(void **state)
{
	struct pair *pair = *state;
	struct outcome hang, wait;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call(pair, &hang, NULL, "/hang");
	pair_run_count(pair, &pair->hanging_count, 1);
	pair_stop(pair);
	assert_int_equal(pair->closed, 1);
	pair_run(pair, &hang.done);
	assert_int_equal(hang.code, ERR_AGAIN);
	assert_non_null(strstr(hang.text, "was lost: the peer closed the connection"));
	assert_false(http_client_is_up(pair->client));
	pair_call(pair, &wait, NULL, "/hello");
	pair_run_count(pair, &pair->downs, 3);
	assert_non_null(strstr(pair->down.text, "cannot reach 'unix:"));
	pair_listen(pair, NULL);
	pair_run(pair, &wait.done);
	assert_int_equal(wait.status, 200);
	assert_int_equal(pair->ups, 2);
}

static void
test_client_that_gives_up_ends_with_the_first_error(void **state)
{
	struct pair *pair = *state;
	struct http_call_spec spec = {.path = "/hello", .wait = true};
	struct http_call *call;
	struct outcome out;

	pair->give_up = true;
	(void)snprintf(pair->url, sizeof(pair->url), "unix:%s/nobody", pair->dir);
	pair_connect(pair, NULL);
	pair_get(pair, &out, "/hello");
	assert_int_equal(out.code, ERR_HOST);
	assert_non_null(strstr(out.text, "cannot connect: No such file or directory"));
	assert_int_equal(http_call_start(&call, pair->client, &spec, NULL, NULL, &pair->err),
			 ERR_HOST);
	assert_int_equal(pair->downs, 1);
}

static void
on_flag(void *arg)
{
	*(bool *)arg = true;
}

static void
test_draining_server_finishes_what_it_has_and_takes_no_more(void **state)
{
	struct pair *pair = *state;
	struct outcome hang, next;
	bool drained = false;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call(pair, &hang, NULL, "/hang");
	pair_run_count(pair, &pair->hanging_count, 1);
	http_server_drain(pair->server, on_flag, &drained);
	pair_run_count(pair, &pair->downs, 1);
	assert_non_null(strstr(pair->down.text, "is shutting down"));
	assert_false(hang.done || drained);
	pair_call(pair, &next, NULL, "/hello");
	pair_run_ms(pair, 20);
	assert_false(next.done);
	http_reply(pair->hanging[0], 200, "text/plain", "late", 4);
	pair_run(pair, &hang.done);
	assert_string_equal(hang.body, "late");
	pair_run(pair, &drained);
	pair_stop(pair);
	pair_listen(pair, NULL);
	pair_run(pair, &next.done);
	assert_string_equal(next.body, "hello");
}

static void
test_draining_client_finishes_its_calls(void **state)
{
	struct pair *pair = *state;
	struct http_call_spec spec = {.path = "/hello", .wait = true};
	struct http_call *call;
	struct outcome hang;
	bool drained = false;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_call(pair, &hang, NULL, "/hang");
	pair_run_count(pair, &pair->hanging_count, 1);
	http_client_drain(pair->client, on_flag, &drained);
	assert_int_equal(http_call_start(&call, pair->client, &spec, NULL, NULL, &pair->err),
			 ERR_AGAIN);
	pair_run_ms(pair, 5);
	assert_false(drained);
	http_reply(pair->hanging[0], 200, "text/plain", "late", 4);
	pair_run(pair, &hang.done);
	assert_string_equal(hang.body, "late");
	pair_run(pair, &drained);
	assert_int_equal(http_server_requests(pair->server), 0);
}

/* --- freed in a callback --- */

static void
on_done_free_client(void *arg, const struct err *err, const struct http_reply *reply)
{
	struct pair *pair = arg;

	assert_null(err);
	assert_int_equal(reply->status, 200);
	http_client_free(pair->client);
	pair->client = NULL;
	pair->drained = 1;
}

static void
on_data_free_client(void *arg, const void *bytes, size_t len)
{
	struct pair *pair = arg;

	(void)bytes;
	assert_true(len > 0);
	http_client_free(pair->client);
	pair->client = NULL;
	pair->closed = 100;
}

static void
test_client_may_be_freed_in_its_callbacks(void **state)
{
	struct pair *pair = *state;
	struct http_call_spec spec = {.path = "/hello", .wait = true};
	struct http_call *call;
	struct outcome others[3];

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	assert_int_equal(http_call_start(&call, pair->client, &spec, on_done_free_client, pair,
					 &pair->err),
			 0);
	pair_call(pair, &others[0], NULL, "/hello");
	pair_call(pair, &others[1], NULL, "/hang");
	pair_run_count(pair, &pair->drained, 1);
	pair_connect(pair, NULL);
	spec.on_data = on_data_free_client;
	spec.stream_arg = pair;
	spec.path = "/bytes?n=1000000";
	assert_int_equal(http_call_start(&call, pair->client, &spec, NULL, NULL, &pair->err), 0);
	pair_call(pair, &others[2], NULL, "/hello");
	pair_run_count(pair, &pair->closed, 100);
	assert_false(others[0].done || others[1].done);
}

/* --- keepalive --- */

static void
test_idle_connection_is_asked_and_lives(void **state)
{
	struct pair *pair = *state;
	struct outcome out;

	pair->ping_ms = 10;
	pair->pong_ms = PAIR_DEADLINE_MS;
	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_get(pair, &out, "/hello");
	pair_run_ms(pair, 100);
	assert_int_equal(pair->downs, 0);
	assert_true(http_client_is_up(pair->client));
}

static void
test_idle_connection_wakes_nobody(void **state)
{
	struct pair *pair = *state;
	struct outcome out;
	unsigned looks = 0;
	uint64_t turns;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	pair_get(pair, &out, "/hello");
	/* What the connection began with may still be under way, on a host that stands still. */
	do {
		turns = loop_turns(pair->loop);
		pair_run_ms(pair, 300);
		turns = loop_turns(pair->loop) - turns;
	} while (turns > 2 && ++looks < 10);
	assert_in_range(turns, 1, 2);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, pair_setup, pair_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_call_gives_status_headers_and_body),
		TEST(test_call_fails_at_once_when_down_unless_it_waits),
		TEST(test_call_refuses_what_http_does_not_allow),
		TEST(test_thousands_of_calls_at_once_all_get_their_own_reply),
		TEST(test_large_bodies_pass_both_ways),
		TEST(test_body_in_pieces_arrives_as_one),
		TEST(test_streamed_reply_arrives_whole_and_its_sender_waits),
		TEST(test_a_paused_reader_stops_its_stream_and_no_other),
		TEST(test_streamed_request_body_arrives_whole),
		TEST(test_body_is_taken_as_it_comes_however_long_it_is),
		TEST(test_body_that_nobody_takes_stops_its_sender_and_no_other),
		TEST(test_answer_before_the_end_of_a_body_that_is_taken_arrives),
		TEST(test_sender_of_a_body_that_is_taken_may_go_or_fall_silent),
		TEST(test_call_ends_with_what_its_body_failed_with),
		TEST(test_reply_larger_than_its_limit_is_an_error),
		TEST(test_reply_that_breaks_off_is_an_error),
		TEST(test_canceled_call_is_never_done_and_its_body_is_free_at_once),
		TEST(test_call_without_a_reply_in_time_ends),
		TEST(test_lost_server_ends_calls_and_the_client_comes_back),
		TEST(test_client_that_gives_up_ends_with_the_first_error),
		TEST(test_draining_server_finishes_what_it_has_and_takes_no_more),
		TEST(test_draining_client_finishes_its_calls),
		TEST(test_client_may_be_freed_in_its_callbacks),
		TEST(test_idle_connection_is_asked_and_lives),
		TEST(test_idle_connection_wakes_nobody),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

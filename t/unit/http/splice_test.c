/*
 * splice_test.c - request bodies that go from a pipe into the socket, and over TLS.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "http/h2.h"
#include "http/tls.h"
#include "pair.h"

enum { LENGTH = 9 * 1000 * 1000 };

/* What writes into the pipe and what is sent out of it; the pipe is filled when it is found empty.
 */
struct spring {
	struct outcome out;
	struct timer timer;
	int pipe[2];
	size_t written, sent;
	unsigned asked, spliced, read;
	unsigned refuses; /* every so many times to splice; 0: never */
	bool is_full;	  /* the pipe is always */
};

/* Some more; false: it is full. */
static bool
fill(struct spring *spring)
{
	unsigned char room[70000];
	size_t len = 1 + (size_t)rand() % sizeof(room), i;
	ssize_t n;

	if (len > LENGTH - spring->written)
		len = LENGTH - spring->written;
	for (i = 0; i < len; i++)
		room[i] = pair_byte(spring->written + i);
	n = write(spring->pipe[1], room, len);
	spring->written += n > 0 ? (size_t)n : 0;
	return n > 0;
}

static void
on_spring_timer(void *arg)
{
	struct spring *spring = arg;

	(void)fill(spring);
	if (spring->out.call != NULL)
		http_call_body_want(spring->out.call);
}

static size_t
on_splice(void *arg, int into, size_t len, bool *end)
{
	struct spring *spring = arg;
	ssize_t n;

	if (spring->refuses > 0 && ++spring->asked % spring->refuses == 0)
		return 0;
	while (spring->is_full && fill(spring))
		;
	n = splice(spring->pipe[0], NULL, into, NULL, len, SPLICE_F_NONBLOCK);
	if (n <= 0)
		return 0;
	spring->spliced++;
	spring->sent += (size_t)n;
	*end = spring->sent == LENGTH;
	return (size_t)n;
}

static ssize_t
on_read(void *arg, void *room, size_t len, bool *end, struct err *err)
{
	struct spring *spring = arg;
	ssize_t n = read(spring->pipe[0], room, len);

	(void)err;
	if (n < 0) {
		assert_int_equal(errno, EAGAIN);
		timer_start_us(&spring->timer, 1);
		return 0;
	}
	spring->read++;
	spring->sent += (size_t)n;
	*end = spring->sent == LENGTH;
	return n;
}

static void
spring_start(struct pair *pair, struct spring *spring, const char *path)
{
	struct http_call_spec spec = {.method = "PUT",
				      .path = path,
				      .body_read = on_read,
				      .body_splice = on_splice,
				      .stream_arg = spring,
				      .is_bulk = true,
				      .wait = true};

	timer_init(&spring->timer, pair->loop, on_spring_timer, spring);
	assert_int_equal(pipe2(spring->pipe, O_CLOEXEC | O_NONBLOCK), 0);
	(void)fcntl(spring->pipe[1], F_SETPIPE_SZ, 1 << 20);
	pair_call_spec(pair, &spring->out, &spec);
}

static void
spring_end(struct spring *spring)
{
	timer_release(&spring->timer);
	(void)close(spring->pipe[0]);
	(void)close(spring->pipe[1]);
}

static void
test_body_in_a_pipe_arrives_whole(void **state)
{
	struct pair *pair = *state;
	struct spring spring = {.refuses = 0}, mixed = {.refuses = 3};

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	spring_start(pair, &spring, "/take");
	pair_run(pair, &spring.out.done);
	assert_string_equal(spring.out.body, "{\"message\": \"9000000\"}\n");
	assert_int_equal(spring.read, 0);
	assert_true(spring.spliced >= LENGTH / H2_FRAME_MOST_BYTES);
	/* What is copied in between keeps its place. */
	spring_start(pair, &mixed, "/take");
	pair_run(pair, &mixed.out.done);
	assert_string_equal(mixed.out.body, "{\"message\": \"9000000\"}\n");
	assert_true(mixed.read > 0 && mixed.spliced > 0);
	spring_end(&spring);
	spring_end(&mixed);
}

/* A job may fill its pipe with a byte a page: then ours is full before it holds much. */
static void
test_body_of_tiny_pieces_arrives_whole(void **state)
{
	struct pair *pair = *state;
	struct spring spring = {.refuses = 0};
	static unsigned char bytes[200];
	struct iovec piece;

	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	spring_start(pair, &spring, "/take");
	for (; spring.written < sizeof(bytes); spring.written++) {
		bytes[spring.written] = pair_byte(spring.written);
		piece = (struct iovec){&bytes[spring.written], 1};
		if (vmsplice(spring.pipe[1], &piece, 1, SPLICE_F_NONBLOCK) != 1)
			break;
	}
	pair_run(pair, &spring.out.done);
	assert_string_equal(spring.out.body, "{\"message\": \"9000000\"}\n");
	spring_end(&spring);
}

/* What was moved for a frame that never began goes nowhere. */
static void
test_body_that_is_given_up_leaves_nothing_in_the_next(void **state)
{
	struct pair *pair = *state;
	struct spring springs[3], last = {.refuses = 0};
	unsigned round, i;

	pair->body_max = LENGTH;
	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	for (round = 0; round < 60; round++) {
		for (i = 0; i < 3; i++) {
			springs[i] = (struct spring){.refuses = 0};
			spring_start(pair, &springs[i], "/echo");
			while (fill(&springs[i]))
				;
		}
		pair_run_ms(pair, round % 4);
		for (i = 0; i < 3; i++) {
			if (!springs[i].out.done)
				http_call_cancel(springs[i].out.call);
			spring_end(&springs[i]);
		}
	}
	spring_start(pair, &last, "/take");
	pair_run(pair, &last.out.done);
	assert_string_equal(last.out.body, "{\"message\": \"9000000\"}\n");
	assert_int_equal(pair->ups, 1);
	spring_end(&last);
}

/* Output is such a call. It is shorter than a window, so that nothing but the other can hold it up.
 */
static void
test_bulk_lets_others_go_first(void **state)
{
	static char body[900000];
	struct pair *pair = *state;
	struct http_call_spec spec = {.method = "POST",
				      .path = "/echo",
				      .body = body,
				      .body_len = sizeof(body),
				      .wait = true};
	struct spring bulk = {.is_full = true};
	struct outcome other;
	unsigned handled;
	size_t before;

	pair->body_max = LENGTH;
	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	spring_start(pair, &bulk, "/take");
	while (bulk.sent < LENGTH / 4)
		pair_run_ms(pair, 1);
	before = bulk.sent;
	handled = pair->handled;
	pair_call_spec(pair, &other, &spec);
	pair_run_count(pair, &pair->handled, handled + 1);
	/* What was queued already; of two alike it would be as much as the other, and a window's.
	 */
	assert_in_range(bulk.sent - before, 0, sizeof(body) + 100000);
	pair_run(pair, &other.done);
	assert_int_equal(other.status, 200);
	pair_run(pair, &bulk.out.done);
	spring_end(&bulk);
}

/* Out of the pipe they are read for it, a part at a time. */
static void
test_body_in_a_pipe_passes_over_tls(void **state)
{
	static const char *const names[] = {"ca", "ca_key", "cert", "key"}, *const host =
										    "localhost";
	struct pair *pair = *state;
	struct spring spring = {.refuses = 0}, mixed = {.refuses = 5};
	struct tls_context *server, *client;
	char paths[4][128];
	struct tls_cert_spec spec = {paths[0], paths[1], &host, 1, TLS_CERT_DAYS};
	struct tls_client_options options = {.cacert = paths[0]};
	size_t i;

	for (i = 0; i < 4; i++)
		(void)snprintf(paths[i], sizeof(paths[i]), "%s/%s", pair->dir, names[i]);
	assert_int_equal(tls_make_ca(paths[0], paths[1], "Test CA", TLS_CA_DAYS, &pair->err), 0);
	assert_int_equal(tls_make_cert(paths[2], paths[3], &spec, &pair->err), 0);
	assert_int_equal(tls_server_new(&server, paths[2], paths[3], &pair->err), 0);
	assert_int_equal(tls_client_new(&client, &options, &pair->err), 0);
	pair_listen(pair, server);
	pair_connect(pair, client);
	spring_start(pair, &spring, "/take");
	pair_run(pair, &spring.out.done);
	assert_string_equal(spring.out.body, "{\"message\": \"9000000\"}\n");
	assert_int_equal(spring.read, 0);
	spring_start(pair, &mixed, "/take");
	while (fill(&mixed))
		;
	pair_run(pair, &mixed.out.done);
	assert_string_equal(mixed.out.body, "{\"message\": \"9000000\"}\n");
	spring_end(&spring);
	spring_end(&mixed);
	http_client_free(pair->client);
	http_server_free(pair->server);
	pair->client = NULL;
	pair->server = NULL;
	tls_free(client);
	tls_free(server);
	for (i = 0; i < 4; i++)
		(void)unlink(paths[i]);
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, pair_setup, pair_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_body_in_a_pipe_arrives_whole),
		TEST(test_body_of_tiny_pieces_arrives_whole),
		TEST(test_body_that_is_given_up_leaves_nothing_in_the_next),
		TEST(test_bulk_lets_others_go_first),
		TEST(test_body_in_a_pipe_passes_over_tls),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

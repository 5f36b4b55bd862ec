/*
 * backoff_test.c - how long a client waits before it connects anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "http/h2.h"
#include "pair.h"

enum { BACKOFF_MOST_MS = 10 * 1000, CUT_BYTES = 2 * H2_WINDOW_STREAM_BYTES };

/* Cut the line at once and let the server be back before the client looks for it. */
static void
cut(struct pair *pair)
{
	unsigned downs = pair->downs;

	pair_stop(pair);
	pair_listen(pair, NULL);
	pair_run_count(pair, &pair->downs, downs + 1);
}

struct sender {
	size_t at;
	bool is_far;
};

/* What was sent beyond a stream's window was taken: the client has been told so. */
static ssize_t
on_body_until_cut(void *arg, void *room, size_t len, bool *end, struct err *err)
{
	struct sender *sender = arg;
	size_t i;

	(void)err;
	*end = false;
	for (i = 0; i < len; i++)
		((unsigned char *)room)[i] = pair_byte(sender->at++);
	sender->is_far = sender->at >= CUT_BYTES;
	return (ssize_t)len;
}

static void
test_line_that_is_cut_again_and_again_is_taken_up_at_once_while_it_carries(void **state)
{
	struct pair *pair = *state;
	struct sender sender = {0};
	struct http_call_spec spec = {.method = "PUT",
				      .path = "/take",
				      .body_read = on_body_until_cut,
				      .stream_arg = &sender,
				      .wait = true};
	struct outcome out;
	unsigned i;

	pair->backoff_most_ms = BACKOFF_MOST_MS;
	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	for (i = 0; i < 6; i++) { /* a body on its way */
		sender = (struct sender){0};
		pair_call_spec(pair, &out, &spec);
		pair_run(pair, &sender.is_far);
		cut(pair);
		assert_true(out.done);
		assert_in_range(pair->retry_ms, HTTP_BACKOFF_FIRST_MS / 2, HTTP_BACKOFF_FIRST_MS);
	}
	for (i = 0; i < 3; i++) { /* replies */
		pair_get(pair, &out, "/bytes?n=300000");
		cut(pair);
		assert_in_range(pair->retry_ms, HTTP_BACKOFF_FIRST_MS / 2, HTTP_BACKOFF_FIRST_MS);
	}
	spec = (struct http_call_spec){.method = "POST", .path = "/hello", .wait = true};
	spec.body = pair_bytes(300000);
	spec.body_len = 300000;
	for (i = 0; i < 3; i++) { /* a body that was answered before any credit came */
		pair_call_spec(pair, &out, &spec);
		pair_run(pair, &out.done);
		cut(pair);
		assert_in_range(pair->retry_ms, HTTP_BACKOFF_FIRST_MS / 2, HTTP_BACKOFF_FIRST_MS);
	}
	free((void *)(uintptr_t)spec.body);
}

static void
test_server_that_drops_connections_is_left_alone_longer_and_longer(void **state)
{
	struct pair *pair = *state;
	struct outcome out;
	unsigned i;

	pair->backoff_most_ms = BACKOFF_MOST_MS;
	pair_listen(pair, NULL);
	pair_connect(pair, NULL);
	for (i = 0; i < 4; i++) {
		pair_get(pair, &out, "/bytes?n=10000");
		cut(pair);
		assert_in_range(pair->retry_ms, (HTTP_BACKOFF_FIRST_MS << i) / 2,
				HTTP_BACKOFF_FIRST_MS << i);
	}
}

#define TEST(fn) cmocka_unit_test_setup_teardown(fn, pair_setup, pair_teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_line_that_is_cut_again_and_again_is_taken_up_at_once_while_it_carries),
		TEST(test_server_that_drops_connections_is_left_alone_longer_and_longer),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * pair.h - a client and a server on one loop, for the tests of src/http.
 *
 * pair_setup() makes a loop and a directory of its own; pair_listen() and pair_connect()
 * do the rest. pair_run() turns the loop until a condition holds and fails the test when
 * it does not within PAIR_DEADLINE_MS.
 *
 * What the server answers: /hello "hello"; /echo the body; /bytes?n=N a body of N bytes
 * (pair_byte()); /stream?n=N the same, streamed; /hang nothing, kept in pair->hanging;
 * /take takes the body as it comes, from pair_take() on where ?hold=1 says so, and answers how many bytes
 * of pair_byte() it was; /abort a reply that breaks off; /show method, path parts, query and a header;
 * /peer what the server knows of the client.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_PAIR_H
#define HTTP_PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/buffer.h"
#include "base/err.h"
#include "http/client.h"
#include "http/server.h"
#include "loop/loop.h"

struct tls_context;

enum { PAIR_DEADLINE_MS = 60 * 1000, PAIR_HANGING_MAX = 2000 };

struct pair {
	struct loop *loop;
	struct http_server *server;
	struct http_client *client;
	struct timer deadline;
	char dir[64];
	char address[128]; /* to listen on */
	char url[160];	   /* to connect to */
	struct err err;
	struct err down;   /* of the last on_down, */
	uint64_t retry_ms; /* and the delay it told */
	unsigned ups;
	unsigned downs;
	unsigned handled;
	struct http_request *hanging[PAIR_HANGING_MAX];
	unsigned hanging_count;
	unsigned closed;
	unsigned drained; /* calls of on_drain */
	struct http_request *taking; /* its body is streamed */
	struct buffer piece;
	size_t taken; /* of it, as far as it was right */
	bool is_held;
	size_t body_max;  /* for the server, before pair_listen() */
	uint32_t ping_ms;
	uint32_t pong_ms;
	uint32_t backoff_most_ms; /* 0: 200 */
	uint32_t handshake_ms;
	uint32_t slow_ms;
	unsigned connections_max;
	bool give_up;
	const char *proxy;
	uint32_t connect_ms;
};

/* One call and what came of it. */
struct outcome {
	struct http_call *call;
	bool done;
	int code; /* of the error; 0: a reply */
	char text[512];
	int status;
	size_t len;
	bool body_ok; /* every byte is pair_byte() of its offset */
	char body[256];
	char type[64];
};

int pair_setup(void **state);
int pair_teardown(void **state);

/* tls NULL: a Unix socket; else TCP on the loopback, "localhost". */
void pair_listen(struct pair *pair, const struct tls_context *tls);
void pair_stop(struct pair *pair);
void pair_connect(struct pair *pair, const struct tls_context *tls);

/* Turn the loop until *flag, or until *count is at least want. */
void pair_run(struct pair *pair, const bool *flag);
void pair_run_count(struct pair *pair, const unsigned *count, unsigned want);
/* Turn the loop for ms. What must have come by then may not have, on a host that stands still. */
void pair_run_ms(struct pair *pair, uint64_t ms);
/* Turn it until what has no flag holds: an expression that is evaluated again and again. */
#define PAIR_RUN_UNTIL(pair, holds)                                                                \
	do {                                                                                       \
		unsigned run_ms;                                                                   \
                                                                                                   \
		for (run_ms = 0; !(holds) && run_ms < PAIR_DEADLINE_MS; run_ms++)                  \
			pair_run_ms(pair, 1);                                                      \
		assert_true(holds);                                                                \
	} while (0)

/* Take what has come of a body that is held, and all that follows. */
void pair_take(struct pair *pair);

unsigned char pair_byte(size_t offset);
/* n bytes of it; the caller frees. */
unsigned char *pair_bytes(size_t n);

/* Start a call that waits for the connection; out is zeroed first. */
void pair_call(struct pair *pair, struct outcome *out, const char *method, const char *path);
void pair_call_spec(struct pair *pair, struct outcome *out, const struct http_call_spec *spec);
void pair_get(struct pair *pair, struct outcome *out, const char *path); /* and run until done */

#endif

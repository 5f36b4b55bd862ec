/*
 * client.h - one HTTP/2 connection to one server, and the calls on it.
 *
 * http_client_new() -> http_call_start() any number of times -> http_client_free().
 * The connection comes up by itself and, when it is lost, comes back by itself with
 * a jittered exponential backoff, which begins anew behind a connection that lived for
 * some seconds or brought some hundred KiB across. All calls share it. A reply with any status is a
 * reply; only a failed transport, a passed limit or a passed time is an error.
 *
 * Callbacks come from the loop, never from inside the function that started things.
 * Inside a callback everything may be called, http_client_free() too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_CLIENT_H
#define HTTP_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "http/header.h"

struct err;
struct http_call;
struct http_client;
struct loop;
struct tls_context;

enum {
	HTTP_BACKOFF_FIRST_MS = 100,
	HTTP_BACKOFF_MOST_MS = 30 * 1000,
	HTTP_CONNECT_MS = 20 * 1000,		 /* name, TCP and TLS together */
	HTTP_PING_MS = 20 * 1000,		 /* silence after which we ask */
	HTTP_PONG_MS = 10 * 1000,		 /* time to answer, or the connection is dead */
	HTTP_REPLY_MAX_BYTES = 64 * 1024 * 1024, /* collected body, when the call says nothing */
	HTTP_CALLS_MAX = 16384,			 /* of one client */
};

/* The connection can carry calls. */
typedef void http_client_up_fn(void *arg);

/*
 * The connection was lost or an attempt failed; err says why. The next attempt comes in retry_ms;
 * with give_up there is none and every later call fails at once with this error.
 */
typedef void http_client_down_fn(void *arg, const struct err *err, uint64_t retry_ms);

struct http_client_options {
	const char *url;	       /* see url.h; copied */
	const struct tls_context *tls; /* for https://; NULL: the system's store. Borrowed */
	const char *proxy; /* "http://HOST:PORT" of an HTTP proxy that allows CONNECT; NULL: none */
	const char *bind_address;     /* numeric local address to connect from; NULL: any; copied */
	const char *user_agent;	      /* NULL: "runner/VERSION"; copied */
	bool give_up;		      /* the first failure is the end (command lines) */
	http_client_up_fn *on_up;     /* may be NULL */
	http_client_down_fn *on_down; /* may be NULL */
	void *arg;
	uint32_t ping_ms;	  /* 0: HTTP_PING_MS; others for tests */
	uint32_t pong_ms;	  /* 0: HTTP_PONG_MS */
	uint32_t connect_ms;	  /* 0: HTTP_CONNECT_MS */
	uint32_t backoff_most_ms; /* 0: HTTP_BACKOFF_MOST_MS */
};

/* Begins to connect on the next turn. Fails: ERR_INPUT (url, address), ERR_HOST. */
int http_client_new(struct http_client **out, struct loop *loop,
		    const struct http_client_options *options, struct err *err);

/* Cancels every call (no done) and closes. NULL is fine. */
void http_client_free(struct http_client *client);

/* Ends when every call under way is done: no new calls, GOAWAY, then on_closed once. */
void http_client_drain(struct http_client *client, void (*on_closed)(void *arg), void *arg);

bool http_client_is_up(const struct http_client *client);
/* Calls not done yet. */
size_t http_client_calls(const struct http_client *client);
/* Attempt anew at once instead of at the end of the backoff (a command from a person). */
void http_client_hurry(struct http_client *client);

/* --- calls --------------------------------------------------------------------------- */

struct http_reply {
	int status;
	const struct http_header *headers;
	size_t header_count;
	const char *body; /* NUL behind it, not counted; "" when streamed or empty */
	size_t len;
};

/*
 * The end of a call, once. err NULL: reply is the server's answer. Else reply is NULL and err is
 * ERR_AGAIN (connection, time, refused stream), ERR_LIMIT (reply too large), or what body_read()
 * failed with; a client that gave up passes on why it did, whatever the code. The handle is dead
 * when this is called; what reply points to lives until it returns.
 */
typedef void http_call_done_fn(void *arg, const struct err *err, const struct http_reply *reply);

/*
 * The next piece of a streamed request body: put up to room_len bytes into room, return how many; 0
 * and *end for the end; 0 without *end when there is nothing now (call http_call_body_want() when
 * there is). *end may come with the last bytes. Negative: an enum err_code; the call ends with err.
 */
typedef ssize_t
http_call_body_fn(void *arg, void *room, size_t room_len, bool *end, struct err *err);

/*
 * What comes next lies in a pipe: move up to len bytes of it into the pipe `into` (splice(2)) and
 * return how many. *end as before. 0: body_read() is asked for them, which says what there is to
 * say.
 */
typedef size_t http_call_splice_fn(void *arg, int into, size_t len, bool *end);

/* The reply's status and headers are there, body to come; for streamed replies. */
typedef void http_call_head_fn(void *arg, const struct http_reply *reply);

/* Bytes of a streamed reply's body, in order. */
typedef void http_call_data_fn(void *arg, const void *bytes, size_t len);

struct http_call_spec {
	const char *method; /* NULL: "GET" */
	const char *path; /* begins with '/', percent-encoded, with its query; follows the URL's */
	const struct http_header *headers; /* copied */
	size_t header_count;
	const void *body; /* NULL: none, pieces or body_read; borrowed until done or cancel */
	const struct iovec
		*pieces; /* the same in several pieces; borrowed as body, the array too */
	size_t body_len; /* all together */
	http_call_body_fn *body_read; /* streamed body instead; called from the loop, before done */
	http_call_splice_fn *body_splice; /* with body_read; may be NULL */
	http_call_head_fn *on_head;	  /* may be NULL */
	http_call_data_fn *on_data;	  /* streamed reply; NULL: collected */
	void *stream_arg;		  /* of the four above */
	bool is_bulk;			  /* bodies of others go first on the wire */
	size_t reply_limit;		  /* most bytes collected; 0: HTTP_REPLY_MAX_BYTES */
	uint64_t timeout_ms;		  /* from start to done, waiting included; 0: none */
	bool wait; /* while the connection is down: wait for it, else fail at once */
};

/*
 * Start a call. *out is set before anything else can happen.
 * Calls: done once, from the loop, never after http_call_cancel().
 * Fails: ERR_AGAIN when the connection is down and spec->wait is false (or the client gave up),
 * ERR_LIMIT above HTTP_CALLS_MAX, ERR_INPUT for a path or header that HTTP does not allow.
 */
int http_call_start(struct http_call **out, struct http_client *client,
		    const struct http_call_spec *spec, http_call_done_fn *done, void *arg,
		    struct err *err);

/* Reset the stream and forget the call; done does not run any more. NULL is fine. */
void http_call_cancel(struct http_call *call);

/* Back-pressure: no on_data until resume; the server is stopped by flow control after 1 MiB. */
void http_call_pause(struct http_call *call);
void http_call_resume(struct http_call *call);

/* There is more for body_read() to give. */
void http_call_body_want(struct http_call *call);

#endif

/*
 * server.h - HTTP/2 for those who answer: requests in, replies now or later.
 *
 * http_server_new() -> http_server_listen() for each listener -> http_server_drain()
 * or http_server_free(). The handler is called once for a request, from the loop, when
 * its headers and its whole body are there; or, where the options say that the body is
 * streamed, when its headers are.
 *
 * A request lives until it is answered: after http_reply(), http_reply_take() or
 * http_reply_end() it must not be touched. When the client goes away first, on_close
 * is called (if set) and the request must not be touched after that call; without
 * on_close it stays until it is answered, and the answer goes nowhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "http/header.h"

struct buffer;
struct err;
struct http_request;
struct http_server;
struct listener;
struct loop;
struct tls_context;

enum {
	HTTP_BODY_MAX_BYTES = 16 * 1024 * 1024, /* when the options say nothing */
	HTTP_STREAMS_MAX = 1000,		/* of one connection */
	HTTP_CONNECTIONS_MAX = 4096,		/* of one server, when the options say nothing */
	HTTP_SEGMENTS_MAX = 300,		/* of a path */
	HTTP_QUERY_MAX = 64,			/* parameters of a request */
	HTTP_QUEUE_MAX_BYTES =
		8 * 1024 * 1024,	  /* of a streamed reply: beyond, the stream is reset */
	HTTP_QUEUE_LOW_BYTES = 64 * 1024, /* on_drain is called at or below */
	HTTP_SLOW_MS = 60 * 1000,      /* a request without a byte more, a client that takes none */
	HTTP_HANDSHAKE_MS = 20 * 1000, /* from accept to the client's first frame */
};

/* Answers req now, or keeps it and answers later. */
typedef void http_handler_fn(void *arg, struct http_request *req);

/* The head of req is there: is its body streamed? Method and path may be asked for. */
typedef bool http_streams_fn(void *arg, struct http_request *req);

struct http_server_options {
	http_handler_fn *handler;
	http_streams_fn *streams; /* NULL: every body is collected */
	void *arg;
	size_t body_max_bytes; /* of one that is collected: above it 413; 0: HTTP_BODY_MAX_BYTES */
	unsigned connections_max; /* 0: HTTP_CONNECTIONS_MAX */
	uint32_t handshake_ms;	  /* 0: HTTP_HANDSHAKE_MS */
	uint32_t slow_ms;	  /* 0: HTTP_SLOW_MS; noticed up to a third later */
};

int http_server_new(struct http_server **out, struct loop *loop,
		    const struct http_server_options *options, struct err *err);

/* Closes every connection at once; requests not answered get on_close. NULL is fine. */
void http_server_free(struct http_server *server);

/* Serve what connects there. Owns: listener, also on failure. tls NULL: plain; else borrowed. */
int http_server_listen(struct http_server *server, struct listener *listener,
		       const struct tls_context *tls, struct err *err);

/*
 * Graceful end: stop listening, GOAWAY to everyone, finish what is being answered, close.
 * on_drained is called once, from the loop, when the last connection is gone; http_server_free()
 * then or before.
 */
void http_server_drain(struct http_server *server, void (*on_drained)(void *arg), void *arg);

size_t http_server_connections(const struct http_server *server);
size_t http_server_requests(const struct http_server *server); /* not answered yet */

/* --- the request; everything is borrowed until it is answered ------------------------ */

struct http_peer {
	bool is_unix;
	bool is_tls;
	uid_t uid;     /* of a Unix socket's client (SO_PEERCRED), else (uid_t)-1 */
	pid_t pid;     /* likewise, else -1 */
	char text[64]; /* "127.0.0.1:4711", "unix pid 17 uid 1000": for logs */
};

const char *http_request_method(const struct http_request *req);
/* As sent, without the query: begins with '/'. */
const char *http_request_path(const struct http_request *req);
/* The query as sent, "" for none. */
const char *http_request_query_text(const struct http_request *req);
/* Percent-decoded parts of the path; "/a/b%2Fc/" has two: "a", "b/c". NULL at or beyond the count.
 */
size_t http_request_segments(const struct http_request *req);
const char *http_request_segment(const struct http_request *req, size_t idx);
/* Decoded value of a query parameter, "" when it has none; NULL when it is absent. */
const char *http_request_query(const struct http_request *req, const char *name);
const char *http_request_header(const struct http_request *req, const char *name);
/* NUL behind it, not counted; never NULL. */
const char *http_request_body(const struct http_request *req, size_t *len);
/* The same, from malloc: the caller frees it, whatever becomes of the request, which has none then. */
char *http_request_take_body(struct http_request *req, size_t *len);
const struct http_peer *http_request_peer(const struct http_request *req);

/*
 * A streamed body: on_body is called from the loop when there is more of it, or its end has come.
 * What came waits for http_request_take_piece(); the client is stopped by flow control after 1 MiB
 * (H2_WINDOW_STREAM_BYTES). A client that sends nothing for options.slow_ms though all was taken is
 * gone: on_close.
 */
void http_request_on_body(struct http_request *req, void (*fn)(void *arg), void *arg);
/* All that has come, in place of what into held; the client may send as much again. Returns how
 * much. */
size_t http_request_take_piece(struct http_request *req, struct buffer *into);
/* What was taken is all. */
bool http_request_body_ended(const struct http_request *req);

/* The handler's own pointer, for a request kept for later. */
void http_request_set_user(struct http_request *req, void *user);
void *http_request_user(const struct http_request *req);

/* The client reset the stream or its connection is gone. req ends with this call. */
void http_request_on_close(struct http_request *req, void (*fn)(void *arg), void *arg);

/* --- the reply ------------------------------------------------------------------------ */

/*
 * One more header field for the reply to come, 16 at most; both are copied. One that HTTP does not
 * allow (see header.h) is left out, which the log has.
 */
void http_reply_add_header(struct http_request *req, const char *name, const char *value);

/* The whole reply; body is copied. content_type NULL: no such field. Ends req. */
void http_reply(struct http_request *req, int status, const char *content_type, const void *body,
		size_t len);

/* The same; body came from malloc and is owned from here on. Ends req. */
void http_reply_take(struct http_request *req, int status, const char *content_type, void *body,
		     size_t len);

/* {"message": "..."} with the text made from fmt, escaped. Ends req. */
void http_reply_message(struct http_request *req, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Begin a streamed reply. Then writes, then http_reply_end(). */
void http_reply_start(struct http_request *req, int status, const char *content_type);

/* Copy bytes into the queue; returns what is queued now: stop above a bound of your own, go on in
 * on_drain. */
size_t http_reply_write(struct http_request *req, const void *bytes, size_t len);
size_t http_reply_queued(const struct http_request *req);

/* Called from the loop whenever the queue has come down to HTTP_QUEUE_LOW_BYTES or less. */
void http_reply_on_drain(struct http_request *req, void (*fn)(void *arg), void *arg);

/* What is queued is still sent. Ends req. */
void http_reply_end(struct http_request *req);

/* Break a streamed reply off (the client sees a reset, not an end). Ends req. */
void http_reply_abort(struct http_request *req);

#endif

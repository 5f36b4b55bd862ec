/*
 * h2.h - one HTTP/2 connection, the part that client and server share.
 *
 * h2_new() -> on_open -> streams -> on_end -> h2_free(). Private to src/http.
 *
 * nghttp2 makes and reads the frames; we drive the socket. Everything that wants to
 * send only asks for it (h2_want()); one function a turn of the loop puts bytes on the
 * wire. Connection-level credit is given back as bytes arrive, stream-level credit when
 * the owner has used them (h2_stream_consume()), so that one slow reader stops its own
 * stream alone.
 *
 * Events may do anything, h2_free() too. A stream's owner embeds "struct h2_stream"; its
 * memory must stay until on_close or h2_stream_reset().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_H2_H
#define HTTP_H2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include <nghttp2/nghttp2.h>

struct err;
struct h2;
struct h2_stream;
struct loop;
struct tls_context;

enum {
	H2_WINDOW_STREAM_BYTES = 1024 * 1024,
	H2_WINDOW_CONNECTION_BYTES = 4 * 1024 * 1024,
	H2_FRAME_MOST_BYTES = 256 * 1024, /* of a DATA frame that is taken, or not copied */
	H2_FRAME_BYTES = 64 * 1024,	 /* of one that is copied: what a processor's cache holds */
	H2_OUT_MAX_BYTES = 256 * 1024,	 /* framed bytes that wait for the socket */
	H2_TURN_MAX_BYTES = 1024 * 1024, /* read or written in one turn: others want a turn too */
	H2_RESETS_BURST = 1000,		 /* resets a client may cause at once, */
	H2_RESETS_PER_S = 33,		 /* and steadily: more is the rapid reset attack */
};

/*
 * More of a streamed body: up to len bytes into room. 0 without *end: nothing now, see
 * h2_stream_more(). Negative: the owner has reset the stream, or is gone.
 */
typedef ssize_t h2_pull_fn(struct h2_stream *stream, void *room, size_t len, bool *end);

/* The same from a pipe: move up to len bytes into the pipe `into`. 0: pull is asked instead. */
typedef size_t h2_splice_fn(struct h2_stream *stream, int into, size_t len, bool *end);

struct h2_stream {
	struct h2 *h2; /* NULL: not on a connection */
	int32_t id;
	bool sent_end;		  /* our side is complete */
	bool got_end;		  /* the peer's side is complete */
	bool head_done;		  /* set by the owner in on_headers: what follows are trailers */
	bool is_bulk;		  /* client: others go first; set before h2_request() */
	bool closing;		  /* closed, but bytes of its body wait for the socket */
	uint32_t code;		  /* why it was closed */
	const struct iovec *body; /* what is left of it, in pieces; borrowed; or */
	size_t body_at;		  /* bytes of the first piece that were sent */
	size_t body_left;	  /* bytes of all that were not */
	h2_pull_fn *pull;	  /* streamed */
	h2_splice_fn *splice;	  /* asked before it; NULL: never */
	struct h2_stream *next_closing;
};

struct h2_events {
	void (*on_open)(void *arg); /* the peer's SETTINGS are there */
	void (*on_goaway)(void *arg, uint32_t code);
	void (*on_pong)(void *arg);
	/* Once, the last event. err NULL: closed in order. Streams get no on_close. */
	void (*on_end)(void *arg, const struct err *err);
	/* Server: the stream of a new request, or NULL to refuse it. */
	struct h2_stream *(*on_begin)(void *arg, int32_t id);
	void (*on_header)(struct h2_stream *stream, const char *name, const char *value);
	/* All of one head are there; an interim reply (1xx) has one of its own, before head_done.
	 */
	void (*on_headers)(struct h2_stream *stream);
	void (*on_data)(struct h2_stream *stream, const unsigned char *bytes, size_t len);
	void (*on_message)(struct h2_stream *stream); /* the peer's side is complete */
	void (*on_close)(struct h2_stream *stream, uint32_t code);
};

struct h2_config {
	int fd;
	const struct tls_context *tls; /* NULL: plain */
	const char *host;	       /* client with TLS: the server's name */
	bool server;
	uint32_t streams_max; /* server */
	const struct h2_events *events;
	void *arg;
};

/* Owns: config->fd, also on failure. Fails: ERR_INPUT, ERR_LIMIT, ERR_HOST. */
int h2_new(struct h2 **out, struct loop *loop, const struct h2_config *config, struct err *err);
/* Closes at once, without events; the owner forgets its streams first or after. NULL is fine. */
void h2_free(struct h2 *h2);

/* No new streams; ends when the open ones have. */
void h2_shutdown(struct h2 *h2);
/* Tell the peer why and end as soon as that is sent. code: an HTTP/2 error code. */
void h2_terminate(struct h2 *h2, uint32_t code);
void h2_ping(struct h2 *h2);
/* Something is to be sent. */
void h2_want(struct h2 *h2);

/*
 * A body of len bytes in pieces that are sent from where they are: they and the array stay until
 * on_close or h2_stream_reset().
 */
void h2_stream_set_body(struct h2_stream *stream, const struct iovec *pieces, size_t len);
/* Client: begin a stream with its body or pull set (or neither). Fails: ERR_AGAIN. */
int h2_request(struct h2 *h2, struct h2_stream *stream, const nghttp2_nv *fields, size_t count,
	       struct err *err);
/* Server: the reply's head, and its body as in h2_request(). */
void h2_respond(struct h2_stream *stream, const nghttp2_nv *fields, size_t count, bool has_body);
/* pull has more to give. */
void h2_stream_more(struct h2_stream *stream);
/* len received bytes were used: the peer may send as many more. */
void h2_stream_consume(struct h2_stream *stream, size_t len);
/*
 * Let go: no event for it any more, nothing of it is borrowed any more; unless both sides are
 * complete the peer is told with code. A stream that is on no connection is left as it is.
 */
void h2_stream_reset(struct h2_stream *stream, uint32_t code);

/*
 * Client: bytes of bodies that have come, and of those that were sent and that the peer is known to
 * have taken: credit it gave for more of a stream, and what was sent on one that ended in order.
 */
uint64_t h2_moved_bytes(const struct h2 *h2);
/* When the peer was last heard, in loop time. */
uint64_t h2_heard_us(const struct h2 *h2);
/* Since when the socket takes no byte of those that wait; 0: it does. */
uint64_t h2_blocked_us(const struct h2 *h2);
bool h2_is_open(const struct h2 *h2);
/* Streams the peer allows at the same time. */
uint32_t h2_streams_allowed(const struct h2 *h2);
int h2_fd(const struct h2 *h2);

/* A field for h2_request() and h2_respond(). */
nghttp2_nv h2_field(const char *name, const char *value);

#endif

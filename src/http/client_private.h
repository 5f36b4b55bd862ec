/*
 * client_private.h - what client.c (the connection) and call.c (the calls) share.
 *
 * A call is on one list at any time: client->waiting (not on the wire), link->calls
 * (its stream is open), client->finished (done is due on this turn).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_CLIENT_PRIVATE_H
#define HTTP_CLIENT_PRIVATE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "base/err.h"
#include "http/client.h"
#include "http/h2.h"
#include "http/url.h"
#include "loop/loop.h"

struct dial;
struct tunnel;

enum { CLIENT_MAGIC = 0x434c4e54, CALL_MAGIC = 0x43414c4c, LINK_MAGIC = 0x4c494e4b };

/* One connection; after a GOAWAY it lives on beside its successor until its calls are done. */
struct http_link {
	uint32_t magic;
	struct http_client *client;
	struct h2 *h2;
	struct http_call *calls;
	size_t count;
	struct timer timer; /* the handshake's deadline, then PING and its answer's deadline */
	uint64_t ping_us;   /* when one was sent; 0: none is under way */
	bool up;
	uint64_t up_since_us;
	struct http_link *prev;
	struct http_link *next;
};

struct http_client {
	uint32_t magic;
	struct loop *loop;
	struct url url;
	char name[URL_MAX_BYTES]; /* url_text() */
	char authority[URL_HOST_MAX_BYTES + 16];
	bool has_proxy;
	struct url proxy;
	char *bind_address;
	char *user_agent;
	const struct tls_context *tls;
	struct tls_context *own_tls; /* made here for the system's store */
	struct http_client_options options;
	struct dial *dial;
	struct tunnel *tunnel;	   /* through the proxy, after the dial */
	struct http_link *current; /* coming up, or up */
	struct http_link *leaving; /* saw GOAWAY */
	struct http_call *waiting;
	struct http_call *finished;
	struct http_call *resumed; /* have data to deliver; by prev_resumed, next_resumed */
	size_t calls;
	struct later turn;
	struct timer retry;
	uint64_t backoff_ms;
	bool gave_up;
	bool draining;
	void (*on_drained)(void *arg);
	void *drain_arg;
	struct err last; /* why it is down */
	unsigned busy;	 /* a turn is under way: memory goes at its end */
	bool freed;
};

enum call_state { CALL_WAITING, CALL_OPEN, CALL_FINISHED };

struct http_call {
	uint32_t magic;
	enum call_state state;
	struct http_client *client;
	struct http_link *link; /* while open */
	struct h2_stream stream;
	struct iovec whole; /* a body in one piece */
	http_call_done_fn *done;
	void *arg;
	http_call_body_fn *body_read;
	http_call_splice_fn *body_splice;
	http_call_head_fn *on_head;
	http_call_data_fn *on_data;
	void *stream_arg;
	size_t reply_limit;
	uint64_t timeout_ms;
	struct timer timeout;
	bool wait;
	bool paused;
	bool is_resumed; /* on client->resumed */
	bool ended;	 /* the reply is complete, its data perhaps not delivered yet */
	struct arena memory;
	nghttp2_nv *fields; /* of the request */
	size_t field_count;
	const char *method; /* for sentences */
	const char *path;
	int status;
	struct http_header *headers; /* of the reply; HTTP_HEADERS_MAX of room */
	size_t header_count;
	size_t header_bytes;
	struct buffer body;  /* collected, or kept while paused */
	struct err *failure; /* NULL: a reply */
	unsigned busy;	     /* one of its callbacks runs: memory goes when it returns */
	bool freed;
	struct http_call *prev;
	struct http_call *next;
	struct http_call *prev_resumed;
	struct http_call *next_resumed;
};

/* Put waiting calls on the wire as far as the peer allows. */
void calls_submit(struct http_client *client);
/* Call done of everything finished. The client may be freed in it: its turn looks. */
void calls_tell(struct http_client *client);
/* Hand over data that waited for a resume. */
void calls_deliver(struct http_client *client);
/* Waiting calls that do not want to wait for a connection (all: everyone) end with err. */
void calls_fail_waiting(struct http_client *client, bool all, const struct err *err);
void calls_fail_link(struct http_link *link, const struct err *err);
/* Forget every call on a list without a done. */
void calls_forget(struct http_call *list);

/* h2 events of calls; link events are client.c's. */
void call_on_header(struct h2_stream *stream, const char *name, const char *value);
void call_on_headers(struct h2_stream *stream);
void call_on_data(struct h2_stream *stream, const unsigned char *bytes, size_t len);
void call_on_message(struct h2_stream *stream);
void call_on_close(struct h2_stream *stream, uint32_t code);

/* A call left the link: it may have nothing more to do. */
void link_left(struct http_link *link);

#endif

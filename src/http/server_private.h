/*
 * server_private.h - what server.c, request.c and reply.c share.
 *
 * Who owns a request: the server until the handler has it and again once it is
 * answered; the handler in between. A request whose stream is gone while the handler
 * owns it is an orphan: on server->orphans until on_close was called or it is answered.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_SERVER_PRIVATE_H
#define HTTP_SERVER_PRIVATE_H

#include "base/arena.h"
#include "base/buffer.h"
#include "http/h2.h"
#include "http/server.h"
#include "loop/loop.h"

enum {
	SERVER_MAGIC = 0x53525652,
	CONNECTION_MAGIC = 0x434f4e4e,
	REQUEST_MAGIC = 0x52455155,
	DOOR_MAGIC = 0x444f4f52,
	BODIES_MAX_BYTES = 128 * 1024 * 1024, /* of one connection's requests not answered yet */
	REPLY_HEADERS_MAX = 16,
};

/* A listener and how to talk to those who come in by it. */
struct http_door {
	uint32_t magic;
	struct http_server *server;
	struct listener *listener;
	const struct tls_context *tls;
	struct http_door *prev;
	struct http_door *next;
};

struct http_connection {
	uint32_t magic;
	struct http_server *server;
	struct h2 *h2;
	struct http_peer peer;
	struct timer handshake;
	struct http_request *requests;
	size_t body_bytes;
	bool open;
	struct http_connection *prev;
	struct http_connection *next;
};

struct http_server {
	uint32_t magic;
	struct loop *loop;
	struct http_server_options options;
	struct http_door *doors;
	struct http_connection *connections;
	size_t connection_count;
	bool full_told; /* the log has it that there are too many */
	size_t request_count;
	struct http_request *orphans;
	struct http_request *drained; /* on_drain is due; by prev_drained, next_drained */
	struct later turn;
	struct timer sweep;
	bool draining;
	void (*on_drained)(void *arg);
	void *drain_arg;
	unsigned busy; /* a turn is under way: memory goes at its end */
	bool freed;
};

struct http_parameter {
	const char *name;
	const char *value;
};

struct http_request {
	uint32_t magic;
	struct http_server *server;	    /* NULL: an orphan that outlived it */
	struct http_connection *connection; /* NULL: an orphan */
	struct h2_stream stream;
	struct arena memory;
	const struct http_peer *peer;
	const char *method;
	const char *path;
	const char *query;
	struct http_header *headers;
	size_t header_count;
	size_t header_bytes;
	const char **segments;
	size_t segment_count;
	struct http_parameter *parameters;
	size_t parameter_count;
	struct buffer body;
	uint64_t heard_us; /* when a byte of it came last */
	int refuse;	   /* status to refuse it with, when its head is complete */
	const char *wrong; /* what is wrong with its target: told when it is complete, as some
			    * clients take a reply before that for a broken line */
	bool handled;	   /* the handler has had it */
	bool is_streamed;  /* its body is taken as it comes */
	bool answered;	   /* the reply is complete as far as the handler is concerned */
	bool streaming;
	bool is_orphan;
	bool is_drained;
	void *user;
	void (*on_close)(void *arg);
	void *close_arg;
	void (*on_body)(void *arg);
	void *body_arg;
	struct http_header extra[REPLY_HEADERS_MAX];
	size_t extra_count;
	void *reply_body;   /* owned */
	struct iovec whole; /* the same, for the stream */
	struct buffer queue;
	void (*on_drain)(void *arg);
	void *drain_arg;
	struct http_request *prev;
	struct http_request *next;
	struct http_request *prev_drained;
	struct http_request *next_drained;
};

/* h2 events of requests. */
struct h2_stream *request_on_begin(void *connection, int32_t id);
void request_on_header(struct h2_stream *stream, const char *name, const char *value);
void request_on_headers(struct h2_stream *stream);
void request_on_data(struct h2_stream *stream, const unsigned char *bytes, size_t len);
void request_on_message(struct h2_stream *stream);
void request_on_close(struct h2_stream *stream, uint32_t code);

/* The stream is gone: free what the server owns, make an orphan of what the handler owns. */
void request_gone(struct http_request *req);
/* Off every list, and free. */
void request_free(struct http_request *req);
/* The handler is done with it. */
void request_answered(struct http_request *req);

#endif

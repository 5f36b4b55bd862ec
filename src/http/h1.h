/*
 * h1.h - HTTP/1.1 for small answers: what scrapers and health checks speak.
 *
 * h1_server_new() -> loop -> h1_server_free(). A connection carries one request, GET or
 * HEAD, and ends with its reply; from its accept to its end it has H1_LIFE_MS. While
 * H1_CONNECTIONS_MOST are open no other is accepted: it waits in the kernel. The reading
 * of requests is libevent's evhttp; everything else of ours speaks HTTP/2 (http/server.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_H1_H
#define HTTP_H1_H

#include "base/buffer.h"

struct err;
struct h1_server;
struct listener;
struct loop;

enum {
	H1_CONNECTIONS_MOST = 32,
	H1_HEADERS_MOST_BYTES = 8192, /* request line and fields */
	H1_BODY_MOST_BYTES = 1024,    /* of a request: it is not looked at */
	H1_LIFE_MS = 10000,
};

struct h1_reply {
	int status;		  /* 200 when the handler is called */
	const char *content_type; /* text/plain then; static text */
	struct buffer body;
};

/* Answers a GET for this path, which is without its query, not decoded and begins with '/'. */
typedef void h1_handler_fn(void *arg, const char *path, struct h1_reply *reply);

/* Owns: listener, also on failure. Fails: ERR_HOST. */
int h1_server_new(struct h1_server **out, struct loop *loop, struct listener *listener,
		  h1_handler_fn *handler, void *arg, struct err *err);

/*
 * The same at an address as --metrics has it: a port alone is one of this host's own, who wants others to see us names
 * ADDRESS:PORT or unix:PATH. The log says where it is. Fails: ERR_HOST, ERR_INPUT.
 */
int h1_server_open(struct h1_server **out, struct loop *loop, const char *address,
		   h1_handler_fn *handler, void *arg, struct err *err);

/* Closes every connection at once. NULL is fine. */
void h1_server_free(struct h1_server *server);

#endif

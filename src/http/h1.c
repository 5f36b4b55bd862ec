/*
 * h1.c - HTTP/1.1 for small answers: what scrapers and health checks speak.
 *
 * evhttp neither counts its connections nor says when one ends, and its timeouts begin anew
 * with each byte. So each connection's bufferevent is made by us and we keep a reference: while
 * there are any, a timer looks which ones evhttp has let go of (they have no callbacks any more),
 * and ends those that are too old.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/h1.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "http/listener.h"
#include "loop/loop.h"

enum { H1_MAGIC = 0x68747031, PAUSE_MS = 1000, SWEEP_MS = 250, ADDRESS_BYTES = 96 };

struct h1_conn {
	struct bufferevent *bev; /* a reference */
	uint64_t due_us;	 /* when it has to be over */
};

struct h1_server {
	uint32_t magic;
	struct loop *loop;
	struct listener *listener;
	struct evhttp *http;
	struct evconnlistener *accepts; /* http's */
	struct h1_conn conns[H1_CONNECTIONS_MOST];
	unsigned count;
	struct timer sweep;
	struct timer pause; /* no descriptors left: accept again a little later */
	h1_handler_fn *handler;
	void *arg;
};

/* --- connections -------------------------------------------------------------------------- */

static bool
is_let_go(struct bufferevent *bev)
{
	bufferevent_data_cb on_read, on_write;
	bufferevent_event_cb on_event;
	void *arg;

	bufferevent_getcb(bev, &on_read, &on_write, &on_event, &arg);
	return on_read == NULL && on_write == NULL && on_event == NULL;
}

static void
accept_if_room(struct h1_server *server)
{
	if (server->count < H1_CONNECTIONS_MOST && !timer_is_on(&server->pause))
		(void)evconnlistener_enable(server->accepts);
	else
		(void)evconnlistener_disable(server->accepts);
}

/* Shut down, a connection's end is seen by evhttp, which lets go. */
static void
on_sweep(void *arg)
{
	struct h1_server *server = arg;
	uint64_t now_us = loop_now_us(server->loop);
	unsigned i, kept = 0;

	OBJ_CHECK(server, H1_MAGIC);
	for (i = 0; i < server->count; i++) {
		if (is_let_go(server->conns[i].bev)) {
			bufferevent_decref(server->conns[i].bev);
			continue;
		}
		if (now_us >= server->conns[i].due_us)
			(void)shutdown(bufferevent_getfd(server->conns[i].bev), SHUT_RDWR);
		server->conns[kept++] = server->conns[i];
	}
	server->count = kept;
	if (kept > 0)
		timer_start_ms(&server->sweep, SWEEP_MS);
	accept_if_room(server);
}

/* evhttp has accepted and gives the descriptor to what we return. */
static struct bufferevent *
on_conn(struct event_base *base, void *arg)
{
	struct h1_server *server = arg;
	struct bufferevent *bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);

	OBJ_CHECK(server, H1_MAGIC);
	if (bev == NULL)
		abort(); /* small fixed memory */
	bufferevent_incref(bev);
	assert(server->count < H1_CONNECTIONS_MOST);
	server->conns[server->count++] =
		(struct h1_conn){bev, loop_now_us(server->loop) + (uint64_t)H1_LIFE_MS * 1000};
	if (!timer_is_on(&server->sweep))
		timer_start_ms(&server->sweep, SWEEP_MS);
	accept_if_room(server);
	return bev;
}

static void
on_pause_over(void *arg)
{
	struct h1_server *server = arg;

	OBJ_CHECK(server, H1_MAGIC);
	accept_if_room(server);
}

static void
on_accept_failed(struct evconnlistener *accepts, void *arg)
{
	struct h1_server *server = arg;

	(void)accepts;
	OBJ_CHECK(server, H1_MAGIC);
	log_warn("cannot accept on %s: %s; trying again in %d ms", listener_text(server->listener),
		 strerror(errno), PAUSE_MS);
	timer_start_ms(&server->pause, PAUSE_MS);
	accept_if_room(server);
}

/* --- requests ------------------------------------------------------------------------------- */

static void
send_reply(struct evhttp_request *req, struct h1_reply *reply)
{
	struct evkeyvalq *fields = evhttp_request_get_output_headers(req);
	struct evbuffer *body = evbuffer_new();

	if (body == NULL || evbuffer_add(body, reply->body.data, reply->body.len) != 0)
		abort(); /* small fixed memory */
	(void)evhttp_add_header(fields, "Content-Type", reply->content_type);
	(void)evhttp_add_header(fields, "Cache-Control", "no-store");
	(void)evhttp_add_header(fields, "Connection", "close");
	evhttp_send_reply(req, reply->status, NULL, body);
	evbuffer_free(body);
}

static void
on_request(struct evhttp_request *req, void *arg)
{
	struct h1_server *server = arg;
	struct h1_reply reply = {200, "text/plain; charset=utf-8", BUFFER_INIT};
	const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(req));

	OBJ_CHECK(server, H1_MAGIC);
	server->handler(server->arg, path != NULL && *path != '\0' ? path : "/", &reply);
	send_reply(req, &reply);
	buffer_release(&reply.body);
}

/* --- life ------------------------------------------------------------------------------------ */

static int
serve(struct h1_server *server, struct err *err)
{
	struct event_base *base = loop_base(server->loop);

	server->http = evhttp_new(base);
	server->accepts = evconnlistener_new(base, NULL, NULL, LEV_OPT_CLOSE_ON_EXEC, 0,
					     listener_fd(server->listener));
	if (server->http == NULL || server->accepts == NULL)
		return err_set(err, ERR_HOST, "cannot serve on '%s': no memory",
			       listener_text(server->listener));
	evconnlistener_set_error_cb(server->accepts, on_accept_failed);
	evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_max_headers_size(server->http, H1_HEADERS_MOST_BYTES);
	evhttp_set_max_body_size(server->http, H1_BODY_MOST_BYTES);
	evhttp_set_timeout(server->http, H1_LIFE_MS / 1000);
	evhttp_set_bevcb(server->http, on_conn, server);
	evhttp_set_gencb(server->http, on_request, server);
	if (evhttp_bind_listener(server->http, server->accepts) == NULL)
		return err_set(err, ERR_HOST, "cannot serve on '%s'",
			       listener_text(server->listener));
	return 0;
}

int
h1_server_new(struct h1_server **out, struct loop *loop, struct listener *listener,
	      h1_handler_fn *handler, void *arg, struct err *err)
{
	struct h1_server *server = MEM_NEW(struct h1_server);

	server->magic = H1_MAGIC;
	server->loop = loop;
	server->listener = listener;
	server->handler = handler;
	server->arg = arg;
	timer_init(&server->sweep, loop, on_sweep, server);
	timer_init(&server->pause, loop, on_pause_over, server);
	if (serve(server, err) < 0) {
		h1_server_free(server);
		return err->code;
	}
	*out = server;
	return 0;
}

int
h1_server_open(struct h1_server **out, struct loop *loop, const char *address,
	       h1_handler_fn *handler, void *arg, struct err *err)
{
	struct listener *listener;
	char room[ADDRESS_BYTES];

	if (address[strspn(address, ":0123456789")] == '\0') {
		(void)snprintf(room, sizeof(room), "127.0.0.1:%.64s",
			       address + (address[0] == ':'));
		address = room;
	}
	if (listener_open(&listener, address, err) < 0)
		return err_wrap(err, "metrics");
	log_info("metrics at %s", listener_text(listener));
	if (listener_is_public(listener))
		log_warn("metrics at %s are for whoever can connect there",
			 listener_text(listener));
	return h1_server_new(out, loop, listener, handler, arg, err);
}

void
h1_server_free(struct h1_server *server)
{
	if (server == NULL)
		return;
	OBJ_CHECK(server, H1_MAGIC);
	if (server->http != NULL)
		evhttp_free(server->http); /* with its connections and what accepts them */
	while (server->count > 0)
		bufferevent_decref(server->conns[--server->count].bev);
	timer_release(&server->sweep);
	timer_release(&server->pause);
	listener_free(server->listener);
	OBJ_WIPE(server);
	free(server);
}

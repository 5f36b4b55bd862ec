/*
 * server.c - HTTP/2 for those who answer: listeners, connections, the end of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/server.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <utlist.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/listener.h"
#include "http/server_private.h"
#include "http/transport.h"

/* --- who is it --- */

static void
know_unix_peer(struct http_peer *peer, int fd)
{
	struct ucred who;
	socklen_t len = sizeof(who);

	peer->is_unix = true;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len) < 0)
		return;
	peer->uid = who.uid;
	peer->pid = who.pid;
	(void)snprintf(peer->text, sizeof(peer->text), "unix pid %d uid %u", (int)who.pid,
		       (unsigned)who.uid);
}

static void
know_peer(struct http_peer *peer, int fd, bool is_unix)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address = {0};
	socklen_t len = sizeof(address);
	char host[INET6_ADDRSTRLEN] = "unknown";

	peer->uid = (uid_t)-1;
	peer->pid = -1;
	if (is_unix) {
		know_unix_peer(peer, fd);
		return;
	}
	(void)getpeername(fd, &address.any, &len);
	if (address.any.sa_family == AF_INET6) {
		(void)inet_ntop(AF_INET6, &address.v6.sin6_addr, host, sizeof(host));
		(void)snprintf(peer->text, sizeof(peer->text), "[%s]:%u", host,
			       (unsigned)ntohs(address.v6.sin6_port));
	} else {
		(void)inet_ntop(AF_INET, &address.v4.sin_addr, host, sizeof(host));
		(void)snprintf(peer->text, sizeof(peer->text), "%s:%u", host,
			       (unsigned)ntohs(address.v4.sin_port));
	}
}

/* --- connections --- */

static void
connection_free(struct http_connection *connection)
{
	struct http_server *server = connection->server;

	h2_free(connection->h2);
	while (connection->requests != NULL)
		request_gone(connection->requests);
	timer_release(&connection->handshake);
	DL_DELETE(server->connections, connection);
	server->connection_count--;
	server->full_told = false;
	later_want(&server->turn);
	OBJ_WIPE(connection);
	free(connection);
}

static void
on_connection_open(void *arg)
{
	struct http_connection *connection = arg;

	OBJ_CHECK(connection, CONNECTION_MAGIC);
	connection->open = true;
	timer_stop(&connection->handshake);
	log_debug("http: %s connected", connection->peer.text);
}

static void
on_connection_goaway(void *arg, uint32_t code)
{
	(void)arg;
	(void)code; /* nghttp2 lets what is open end, then the connection */
}

static void
on_connection_pong(void *arg)
{
	(void)arg;
}

static void
on_connection_end(void *arg, const struct err *err)
{
	struct http_connection *connection = arg;

	OBJ_CHECK(connection, CONNECTION_MAGIC);
	log_debug("http: %s is gone%s%s", connection->peer.text, err != NULL ? ": " : "",
		  err != NULL ? err->text : "");
	connection_free(connection);
}

static void
on_connection_late(void *arg)
{
	struct http_connection *connection = arg;

	OBJ_CHECK(connection, CONNECTION_MAGIC);
	log_debug("http: %s did not begin to speak HTTP/2 in time: closed", connection->peer.text);
	connection_free(connection);
}

static const struct h2_events connection_events = {
	.on_open = on_connection_open,
	.on_goaway = on_connection_goaway,
	.on_pong = on_connection_pong,
	.on_end = on_connection_end,
	.on_begin = request_on_begin,
	.on_header = request_on_header,
	.on_headers = request_on_headers,
	.on_data = request_on_data,
	.on_message = request_on_message,
	.on_close = request_on_close,
};

static bool
is_full(struct http_server *server)
{
	if (server->connection_count < server->options.connections_max)
		return false;
	if (!server->full_told)
		log_warn("http: %u connections are open, the most allowed: new ones are closed",
			 server->options.connections_max);
	server->full_told = true;
	return true;
}

static void
on_accept(void *arg, int fd)
{
	struct http_door *door = arg;
	struct http_server *server = door->server;
	struct http_connection *connection;
	struct err err = ERR_INIT;
	struct h2_config config = {.fd = fd,
				   .tls = door->tls,
				   .server = true,
				   .streams_max = HTTP_STREAMS_MAX,
				   .events = &connection_events};

	OBJ_CHECK(door, DOOR_MAGIC);
	if (is_full(server)) {
		(void)close(fd);
		return;
	}
	connection = MEM_NEW(struct http_connection);
	connection->magic = CONNECTION_MAGIC;
	connection->server = server;
	config.arg = connection;
	know_peer(&connection->peer, fd, listener_is_unix(door->listener));
	connection->peer.is_tls = door->tls != NULL;
	if (!connection->peer.is_unix)
		transport_tune_tcp(fd);
	if (h2_new(&connection->h2, server->loop, &config, &err) < 0) {
		log_warn("http: cannot serve %s: %s", connection->peer.text, err.text);
		free(connection);
		return;
	}
	timer_init(&connection->handshake, server->loop, on_connection_late, connection);
	timer_start_ms(&connection->handshake, server->options.handshake_ms);
	DL_APPEND(server->connections, connection);
	server->connection_count++;
}

/* --- the slow --- */

/* Requests that stopped arriving go; a connection that takes no byte goes as a whole. */
static void
sweep_connection(struct http_connection *connection, uint64_t now_us)
{
	uint64_t blocked_us = h2_blocked_us(connection->h2);
	uint64_t slow_us = (uint64_t)connection->server->options.slow_ms * 1000;
	struct http_request *req, *next;

	if (blocked_us != 0 && now_us - blocked_us >= slow_us) {
		log_info("http: %s takes no byte for %u ms: closed", connection->peer.text,
			 (unsigned)connection->server->options.slow_ms);
		connection_free(connection);
		return;
	}
	DL_FOREACH_SAFE (connection->requests, req, next) {
		bool waits = !req->handled ||
			     (req->is_streamed && !req->stream.got_end && req->body.len == 0);

		if (waits && !req->answered && now_us - req->heard_us >= slow_us) {
			h2_stream_reset(&req->stream, NGHTTP2_CANCEL);
			request_gone(req);
		}
	}
}

static void
on_server_sweep(void *arg)
{
	struct http_server *server = arg;
	struct http_connection *connection, *next;
	bool busy = false;

	OBJ_CHECK(server, SERVER_MAGIC);
	DL_FOREACH_SAFE (server->connections, connection, next) {
		busy = busy || connection->requests != NULL || h2_blocked_us(connection->h2) != 0;
		sweep_connection(connection, loop_now_us(server->loop));
	}
	if (busy)
		timer_start_ms(&server->sweep, server->options.slow_ms / 3);
}

/* --- turns --- */

static void
tell_orphans(struct http_server *server)
{
	struct http_request *req = server->orphans;

	while (req != NULL) {
		void (*on_close)(void *arg) = req->on_close;

		if (on_close == NULL) {
			req = req->next;
			continue;
		}
		req->on_close = NULL; /* once, even when the server is freed in it */
		on_close(req->close_arg);
		request_free(req);
		req = server->orphans; /* anything may have changed */
	}
}

static void
tell_drained(struct http_server *server)
{
	while (server->drained != NULL) {
		struct http_request *req = server->drained;

		DL_DELETE2(server->drained, req, prev_drained, next_drained);
		req->is_drained = false;
		/* It may have been ended since: its owner is gone then. */
		if (req->on_drain != NULL && !req->answered)
			req->on_drain(req->drain_arg);
	}
}

static void
server_wipe(struct http_server *server)
{
	OBJ_WIPE(server);
	free(server);
}

static void
finish_drain(struct http_server *server)
{
	void (*on_drained)(void *arg) = server->on_drained;

	if (server->freed || !server->draining || server->connection_count > 0 ||
	    on_drained == NULL)
		return;
	server->on_drained = NULL;
	on_drained(server->drain_arg);
}

static void
on_server_turn(void *arg)
{
	struct http_server *server = arg;

	OBJ_CHECK(server, SERVER_MAGIC);
	server->busy++;
	tell_orphans(server);
	tell_drained(server);
	finish_drain(server);
	server->busy--;
	if (server->freed)
		server_wipe(server);
}

/* --- life --- */

int
http_server_new(struct http_server **out, struct loop *loop,
		const struct http_server_options *options, struct err *err)
{
	struct http_server *server;

	if (options->handler == NULL)
		return err_set(err, ERR_INPUT, "an HTTP server needs a handler");
	server = MEM_NEW(struct http_server);
	server->magic = SERVER_MAGIC;
	server->loop = loop;
	server->options = *options;
	if (server->options.body_max_bytes == 0)
		server->options.body_max_bytes = HTTP_BODY_MAX_BYTES;
	if (server->options.connections_max == 0)
		server->options.connections_max = HTTP_CONNECTIONS_MAX;
	if (server->options.handshake_ms == 0)
		server->options.handshake_ms = HTTP_HANDSHAKE_MS;
	if (server->options.slow_ms == 0)
		server->options.slow_ms = HTTP_SLOW_MS;
	later_init(&server->turn, loop, on_server_turn, server);
	timer_init(&server->sweep, loop, on_server_sweep, server);
	*out = server;
	return 0;
}

static void
door_free(struct http_door *door)
{
	DL_DELETE(door->server->doors, door);
	listener_free(door->listener);
	OBJ_WIPE(door);
	free(door);
}

int
http_server_listen(struct http_server *server, struct listener *listener,
		   const struct tls_context *tls, struct err *err)
{
	struct http_door *door = MEM_NEW(struct http_door);

	OBJ_CHECK(server, SERVER_MAGIC);
	door->magic = DOOR_MAGIC;
	door->server = server;
	door->listener = listener;
	door->tls = tls;
	DL_APPEND(server->doors, door);
	if (listener_start(listener, server->loop, on_accept, door, err) < 0) {
		door_free(door);
		return err->code;
	}
	return 0;
}

/* What handlers still hold is told, or left to them. */
static void
release_orphans(struct http_server *server)
{
	while (server->orphans != NULL) {
		struct http_request *req = server->orphans;

		DL_DELETE(server->orphans, req);
		req->is_orphan = false;
		req->server = NULL;
		if (req->on_close == NULL)
			continue;
		req->on_close(req->close_arg);
		request_free(req);
	}
}

void
http_server_free(struct http_server *server)
{
	if (server == NULL)
		return;
	OBJ_CHECK(server, SERVER_MAGIC);
	while (server->doors != NULL)
		door_free(server->doors);
	while (server->connections != NULL)
		connection_free(server->connections);
	release_orphans(server);
	later_release(&server->turn);
	timer_release(&server->sweep);
	server->freed = true;
	if (server->busy == 0)
		server_wipe(server);
}

void
http_server_drain(struct http_server *server, void (*on_drained)(void *arg), void *arg)
{
	struct http_connection *connection, *next;

	OBJ_CHECK(server, SERVER_MAGIC);
	server->draining = true;
	server->on_drained = on_drained;
	server->drain_arg = arg;
	while (server->doors != NULL)
		door_free(server->doors);
	DL_FOREACH_SAFE (server->connections, connection, next) {
		if (connection->open)
			h2_shutdown(connection->h2);
		else
			connection_free(connection);
	}
	later_want(&server->turn);
}

size_t
http_server_connections(const struct http_server *server)
{
	return server->connection_count;
}

size_t
http_server_requests(const struct http_server *server)
{
	return server->request_count;
}

/*
 * tunnel.c - through an HTTP proxy to a server.
 *
 * The proxy's answer is looked at before it is read, so that not a byte of what the
 * server says behind it is taken.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/tunnel.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "http/url.h"
#include "loop/loop.h"

enum { TUNNEL_MAGIC = 0x54554e4e };

struct tunnel {
	uint32_t magic;
	int fd;
	struct watch watch;
	struct timer deadline;
	struct buffer request; /* what of it is not sent yet */
	tunnel_done_fn *done;
	void *arg;
};

static void
tunnel_free(struct tunnel *tunnel)
{
	watch_stop(&tunnel->watch);
	timer_release(&tunnel->deadline);
	buffer_release(&tunnel->request);
	if (tunnel->fd >= 0)
		(void)close(tunnel->fd);
	OBJ_WIPE(tunnel);
	free(tunnel);
}

static void
finish(struct tunnel *tunnel, const struct err *err)
{
	tunnel_done_fn *done = tunnel->done;
	void *arg = tunnel->arg;
	int fd = -1;

	if (err == NULL) {
		fd = tunnel->fd;
		tunnel->fd = -1;
	}
	tunnel_free(tunnel);
	done(arg, err, fd);
}

static void
on_tunnel_deadline(void *arg)
{
	struct tunnel *tunnel = arg;
	struct err err = ERR_INIT;

	OBJ_CHECK(tunnel, TUNNEL_MAGIC);
	(void)!err_set(&err, ERR_AGAIN, "no answer from the proxy in time");
	finish(tunnel, &err);
}

static void
broke(struct tunnel *tunnel, const char *what)
{
	struct err err = ERR_INIT;

	(void)!err_sys(&err, "%s", what);
	finish(tunnel, &err);
}

/* "HTTP/1.1 200 Connection established": any 2xx opens the tunnel. */
static void
judge(struct tunnel *tunnel, const char *head)
{
	const char *status = strchr(head, ' ');
	struct err err = ERR_INIT;

	if (strncmp(head, "HTTP/1.", strlen("HTTP/1.")) != 0 || status == NULL) {
		(void)!err_set(&err, ERR_INPUT,
			       "what is at the proxy's address does not answer in HTTP/1");
		finish(tunnel, &err);
	} else if (status[1] != '2') {
		(void)!err_set(&err, ERR_AGAIN, "the proxy refuses to connect: %.*s",
			       (int)strcspn(status + 1, "\r\n"), status + 1);
		finish(tunnel, &err);
	} else {
		finish(tunnel, NULL);
	}
}

static void
read_answer(struct tunnel *tunnel)
{
	char room[TUNNEL_REPLY_MAX_BYTES + 1];
	ssize_t got = recv(tunnel->fd, room, TUNNEL_REPLY_MAX_BYTES, MSG_PEEK);
	struct err err = ERR_INIT;
	const char *end;

	if (got < 0) {
		if (errno != EAGAIN && errno != EINTR)
			broke(tunnel, "cannot receive from the proxy");
		return;
	}
	room[got] = '\0';
	end = strstr(room, "\r\n\r\n");
	if (end != NULL) {
		int low = 1;

		(void)setsockopt(tunnel->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
		got = recv(tunnel->fd, room, (size_t)(end + 4 - room), 0);
		room[got > 0 ? got : 0] = '\0';
		judge(tunnel, room);
	} else if (got == 0) {
		(void)!err_set(&err, ERR_AGAIN, "the proxy closed the connection");
		finish(tunnel, &err);
	} else if (got == TUNNEL_REPLY_MAX_BYTES) {
		(void)!err_set(&err, ERR_LIMIT, "the proxy's answer is longer than %d bytes",
			       TUNNEL_REPLY_MAX_BYTES);
		finish(tunnel, &err);
	} else if (memchr(room, '\0', (size_t)got) != NULL) {
		judge(tunnel, ""); /* not HTTP at all */
	} else {
		/* Part of a head: wait for more than is there now, or we would be called all the
		 * time. */
		int low = (int)got + 1;

		(void)setsockopt(tunnel->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
	}
}

static void
on_tunnel_ready(void *arg, unsigned events)
{
	struct tunnel *tunnel = arg;
	ssize_t sent;

	OBJ_CHECK(tunnel, TUNNEL_MAGIC);
	(void)events;
	if (tunnel->request.len == 0) {
		read_answer(tunnel);
		return;
	}
	sent = send(tunnel->fd, tunnel->request.data, tunnel->request.len, MSG_NOSIGNAL);
	if (sent < 0 && errno != EAGAIN && errno != EINTR) {
		broke(tunnel, "cannot send to the proxy");
		return;
	}
	if (sent > 0)
		buffer_consume(&tunnel->request, (size_t)sent);
	if (tunnel->request.len == 0)
		watch_want(&tunnel->watch, WATCH_READ);
}

int
tunnel_start(struct tunnel **out, struct loop *loop, int fd, const struct url *server,
	     uint64_t timeout_ms, tunnel_done_fn *done, void *arg, struct err *err)
{
	struct tunnel *tunnel = MEM_NEW(struct tunnel);
	bool v6 = strchr(server->host, ':') != NULL;
	const char *open = v6 ? "[" : "", *shut = v6 ? "]" : "";

	tunnel->magic = TUNNEL_MAGIC;
	tunnel->fd = fd;
	tunnel->done = done;
	tunnel->arg = arg;
	buffer_printf(&tunnel->request, "CONNECT %s%s%s:%u HTTP/1.1\r\nHost: %s%s%s:%u\r\n\r\n",
		      open, server->host, shut, (unsigned)server->port, open, server->host, shut,
		      (unsigned)server->port);
	if (watch_start(&tunnel->watch, loop, fd, WATCH_WRITE, on_tunnel_ready, tunnel, err) < 0) {
		tunnel_free(tunnel);
		return err->code;
	}
	timer_init(&tunnel->deadline, loop, on_tunnel_deadline, tunnel);
	timer_start_ms(&tunnel->deadline, timeout_ms);
	*out = tunnel;
	return 0;
}

void
tunnel_cancel(struct tunnel *tunnel)
{
	if (tunnel == NULL)
		return;
	OBJ_CHECK(tunnel, TUNNEL_MAGIC);
	tunnel_free(tunnel);
}

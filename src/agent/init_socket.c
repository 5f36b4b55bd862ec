/*
 * init_socket.c - packets and descriptors between runnerd and one runner-init.
 *
 * Paths go through /proc/self/fd, since a socket's address has room for 107 bytes only
 * (unix(7)) and a run directory may be longer.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/init_socket.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "wire/packet.h"

enum {
	BACKLOG = 8,
	PACKETS_A_TURN = 32,
};

struct init_packet {
	struct init_packet *next;
	size_t len, fd_count;
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	int fds[SUPERVISOR_FDS_MOST];
};

static void
set_address(struct sockaddr_un *address, int dir_fd)
{
	memset(address, 0, sizeof(*address));
	address->sun_family = AF_UNIX;
	(void)snprintf(address->sun_path, sizeof(address->sun_path), "/proc/self/fd/%d/%s", dir_fd,
		       SUPERVISOR_SOCKET_NAME);
}

static int
make_socket(struct err *err)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	return fd >= 0 ? fd : err_sys(err, "cannot make a socket for runner-init");
}

int
init_socket_listen(int *fd, int dir_fd, struct err *err)
{
	struct sockaddr_un address;
	int sock = make_socket(err);

	if (sock < 0)
		return err->code;
	set_address(&address, dir_fd);
	if ((bind(sock, (struct sockaddr *)&address, sizeof(address)) != 0 &&
	     (errno != EADDRINUSE || unlinkat(dir_fd, SUPERVISOR_SOCKET_NAME, 0) != 0 ||
	      bind(sock, (struct sockaddr *)&address, sizeof(address)) != 0)) ||
	    listen(sock, BACKLOG) != 0) {
		int rc = err_sys(err, "cannot make the socket '%s'", SUPERVISOR_SOCKET_NAME);

		(void)close(sock);
		return rc;
	}
	*fd = sock;
	return 0;
}

/* --- sending --- */

static void
drop_packet(struct init_packet *packet)
{
	size_t i;

	for (i = 0; i < packet->fd_count; i++)
		(void)close(packet->fds[i]);
	free(packet);
}

/* True when the kernel took it, or never will. */
static bool
send_packet(struct init_socket *sock, const uint8_t *bytes, size_t len, const int *fds,
	    size_t fd_count)
{
	const struct iovec piece = {(void *)(uintptr_t)bytes, len};

	return packet_send(sock->fd, &piece, fds, fd_count, MSG_DONTWAIT) >= 0 ||
	       (errno != EAGAIN && errno != ENOBUFS && errno != ETOOMANYREFS);
}

static void
send_waiting(struct init_socket *sock)
{
	struct init_packet *packet;

	while ((packet = sock->waiting) != NULL) {
		if (!send_packet(sock, packet->bytes, packet->len, packet->fds, packet->fd_count))
			return;
		sock->waiting = packet->next;
		if (sock->waiting == NULL)
			sock->waiting_end = &sock->waiting;
		drop_packet(packet);
	}
	watch_want(&sock->watch, WATCH_READ);
}

void
init_socket_send(struct init_socket *sock, const struct message *message, const int *fds,
		 size_t fd_count)
{
	struct init_packet *packet;
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	size_t len = message_pack(bytes, message), i;

	if (sock->fd < 0 || (sock->waiting == NULL && send_packet(sock, bytes, len, fds, fd_count)))
		return;
	packet = MEM_NEW(struct init_packet);
	packet->len = len;
	memcpy(packet->bytes, bytes, len);
	for (i = 0; i < fd_count; i++)
		packet->fds[packet->fd_count++] = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
	*sock->waiting_end = packet;
	sock->waiting_end = &packet->next;
	watch_want(&sock->watch, WATCH_READ | WATCH_WRITE);
}

/* --- receiving --- */

static void
close_with(struct init_socket *sock, const struct err *err)
{
	init_socket_close(sock);
	sock->hooks.on_closed(sock->hooks.arg, err);
}

static void
handle_packet(struct init_socket *sock, const uint8_t *bytes, size_t len, struct packet *packet)
{
	struct err err = ERR_INIT;
	struct message message;
	const char *wrong = packet->is_cut ? "its message is longer than any"
					   : message_unpack(&message, MESSAGE_FROM_INIT, bytes, len,
							    packet->fd_count);

	if (wrong == NULL) {
		sock->hooks.on_message(sock->hooks.arg, &message, packet->fds, packet->fd_count);
		return;
	}
	packet_drop(packet);
	if (err_set(&err, ERR_INPUT, "cannot understand runner-init: %s", wrong) < 0)
		close_with(sock, &err);
}

/* False when nothing more is there now. */
static bool
receive_one(struct init_socket *sock)
{
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	struct packet packet;
	ssize_t n = packet_receive(&packet, sock->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		close_with(sock, NULL);
		return false;
	}
	if (packet.sender != 0)
		sock->peer = packet.sender;
	handle_packet(sock, bytes, (size_t)n, &packet);
	return sock->fd >= 0;
}

void
init_socket_read(struct init_socket *sock)
{
	int i;

	for (i = 0; i < PACKETS_A_TURN && sock->fd >= 0; i++)
		if (!receive_one(sock))
			return;
}

static void
on_socket_ready(void *arg, unsigned events)
{
	struct init_socket *sock = arg;

	if (events & WATCH_WRITE)
		send_waiting(sock);
	if (events & WATCH_READ)
		init_socket_read(sock);
}

/* --- life --- */

int
init_socket_connect(struct init_socket *sock, int dir_fd, struct loop *loop,
		    const struct init_socket_hooks *hooks, struct err *err)
{
	struct sockaddr_un address;
	int on = 1, fd = make_socket(err), rc;

	if (fd < 0)
		return err->code;
	set_address(&address, dir_fd);
	/* The kernel tells who has sent a packet: SO_PEERCRED would name the one that made the
	 * socket. */
	(void)setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on));
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) != 0) {
		if (errno == ECONNREFUSED || errno == ENOENT)
			rc = err_set(err, ERR_GONE, "no runner-init listens");
		else if (errno == EAGAIN)
			rc = err_set(err, ERR_AGAIN, "runner-init does not accept connections");
		else
			rc = err_sys(err, "cannot connect to runner-init");
		(void)close(fd);
		return rc;
	}
	*sock = (struct init_socket){.fd = fd, .hooks = *hooks};
	sock->waiting_end = &sock->waiting;
	rc = watch_start(&sock->watch, loop, fd, WATCH_READ, on_socket_ready, sock, err);
	if (rc < 0)
		init_socket_close(sock);
	return rc;
}

bool
init_socket_is_open(const struct init_socket *sock)
{
	return sock->fd >= 0;
}

void
init_socket_close(struct init_socket *sock)
{
	struct init_packet *packet;

	watch_stop(&sock->watch);
	if (sock->fd >= 0)
		(void)close(sock->fd);
	sock->fd = -1;
	while ((packet = sock->waiting) != NULL) {
		sock->waiting = packet->next;
		drop_packet(packet);
	}
}

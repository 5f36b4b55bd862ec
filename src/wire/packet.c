/*
 * packet.c - one message on a Unix socket, and the descriptors that travel beside it.
 *
 * CMSG_SPACE() is rounded up: room for three descriptors is room for four, and what the sender's
 * credentials do not take is room for more of them. So what came is counted, never supposed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "wire/packet.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runner/launcher.h"
#include "runner/supervisor.h"

_Static_assert((int)PACKET_FDS_MOST >= (int)SUPERVISOR_FDS_MOST, "");
_Static_assert((int)PACKET_FDS_MOST >= (int)LAUNCHER_FDS_MOST, "");

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(PACKET_FDS_MOST * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred))];
};

ssize_t
packet_send(int socket, const struct iovec *piece, const int *fds, size_t fd_count, int flags)
{
	struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)piece, .msg_iovlen = 1};
	union control control = {.bytes = {0}};
	ssize_t n;

	if (fd_count > PACKET_FDS_MOST) {
		errno = EINVAL;
		return -1;
	}
	if (fd_count > 0) {
		struct cmsghdr *item;

		message.msg_control = control.bytes;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		item = CMSG_FIRSTHDR(&message);
		item->cmsg_level = SOL_SOCKET;
		item->cmsg_type = SCM_RIGHTS;
		item->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		(void)memcpy(CMSG_DATA(item), fds, fd_count * sizeof(int));
	}
	do
		n = sendmsg(socket, &message, flags | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n;
}

static void
take_fds(struct packet *packet, const unsigned char *data, size_t bytes)
{
	int fd;

	for (; bytes >= sizeof(fd); data += sizeof(fd), bytes -= sizeof(fd)) {
		(void)memcpy(&fd, data, sizeof(fd));
		if (packet->fd_count < PACKET_FDS_MOST) {
			packet->fds[packet->fd_count++] = fd;
		} else {
			(void)close(fd);
			packet->is_cut = true;
		}
	}
}

static void
take_control(struct packet *packet, struct msghdr *message)
{
	struct cmsghdr *item;
	struct ucred sender;

	for (item = CMSG_FIRSTHDR(message); item != NULL; item = CMSG_NXTHDR(message, item)) {
		size_t bytes = item->cmsg_len - CMSG_LEN(0);

		if (item->cmsg_level != SOL_SOCKET)
			continue;
		if (item->cmsg_type == SCM_RIGHTS) {
			take_fds(packet, CMSG_DATA(item), bytes);
		} else if (item->cmsg_type == SCM_CREDENTIALS && bytes >= sizeof(sender)) {
			(void)memcpy(&sender, CMSG_DATA(item), sizeof(sender));
			packet->sender = sender.pid;
		}
	}
}

ssize_t
packet_receive(struct packet *packet, int socket, void *room, size_t room_bytes, int flags)
{
	struct iovec piece = {room, room_bytes};
	union control control;
	struct msghdr message;
	ssize_t n;

	*packet = (struct packet){.fd_count = 0};
	do {
		message = (struct msghdr){.msg_iov = &piece,
					  .msg_iovlen = 1,
					  .msg_control = control.bytes,
					  .msg_controllen = sizeof(control.bytes)};
		n = recvmsg(socket, &message, flags | MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return n;
	packet->is_cut = (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
	take_control(packet, &message);
	return n;
}

int
packet_take_only(struct packet *packet)
{
	int fd = -1;

	if (packet->fd_count > 0) {
		fd = packet->fds[0];
		packet->fds[0] = packet->fds[--packet->fd_count];
	}
	packet_drop(packet);
	return fd;
}

void
packet_drop(struct packet *packet)
{
	while (packet->fd_count > 0)
		(void)close(packet->fds[--packet->fd_count]);
}

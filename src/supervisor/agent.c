/*
 * agent.c - the connection to runnerd.
 *
 * The socket lies in a directory that only its owner can enter; asking the kernel who
 * the peer is comes on top, and keeps the task's own processes out, which may have the
 * same user id. In a user namespace ids that are not mapped show as the overflow id.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/agent.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "supervisor/descent.h"
#include "wire/packet.h"

static void
disconnect(struct agent *agent)
{
	if (agent->fd >= 0)
		(void)close(agent->fd);
	agent->fd = -1;
	agent->deaf = false;
}

void
agent_hung_up(struct agent *agent)
{
	agent->deaf = agent->fd >= 0;
}

bool
agent_pid_is_of_task(const struct agent *agent, pid_t pid)
{
	if (pid == 0)
		return false; /* it lives outside our PID namespace */
	if (agent->in_namespace)
		return true;
	return descent_of(pid) != DESCENT_NO;
}

static bool
peer_is_welcome(const struct agent *agent, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0)
		return false;
	if (peer.uid != agent->peer_uid && peer.uid != 0)
		return false;
	return !agent_pid_is_of_task(agent, peer.pid);
}

bool
agent_accept(struct agent *agent)
{
	int fd;

	if (agent->deaf)
		return false;
	fd = accept4(agent->listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (fd < 0)
		return false; /* it has gone again, or there is no room: it goes on waiting */
	if (!peer_is_welcome(agent, fd)) {
		(void)close(fd);
		return false;
	}
	disconnect(agent);
	agent->fd = fd;
	return true;
}

enum agent_input
agent_receive(struct agent *agent, struct message *message, int fds[SUPERVISOR_FDS_MOST],
	      size_t *fd_count)
{
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	struct packet packet;
	ssize_t n = packet_receive(&packet, agent->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	/* It has died and had not read all of ours: told once, before what it had said. */
	if (n < 0 && errno == ECONNRESET)
		n = packet_receive(&packet, agent->fd, bytes, sizeof(bytes), MSG_DONTWAIT);
	if (n < 0 && errno == EAGAIN && !agent->deaf)
		return AGENT_NOTHING;
	if (n <= 0) {
		disconnect(agent);
		return AGENT_GONE;
	}
	*fd_count = packet.fd_count;
	memcpy(fds, packet.fds, packet.fd_count * sizeof(*fds));
	if (!packet.is_cut &&
	    message_unpack(message, MESSAGE_FROM_AGENT, bytes, (size_t)n, *fd_count) == NULL)
		return AGENT_MESSAGE;
	packet_drop(&packet);
	return AGENT_GARBAGE;
}

enum agent_output
agent_send(struct agent *agent, const struct message *message, const int *fds, size_t fd_count)
{
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	const struct iovec piece = {bytes, message_pack(bytes, message)};

	if (packet_send(agent->fd, &piece, fds, fd_count, MSG_DONTWAIT) >= 0)
		return AGENT_SENT;
	switch (errno) {
	case EAGAIN:
	case EINTR:
		return AGENT_FULL;
	case ETOOMANYREFS:
	case ENOBUFS:
	case ENOMEM:
		return AGENT_BUSY;
	default:
		agent_hung_up(agent);
		return AGENT_LOST;
	}
}

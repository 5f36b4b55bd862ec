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

union control {
	char room[CMSG_SPACE(sizeof(int) * SUPERVISOR_FDS_MOST)];
	struct cmsghdr align;
};

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

static size_t
take_fds(struct msghdr *head, int fds[SUPERVISOR_FDS_MOST])
{
	struct cmsghdr *item;
	size_t count = 0, here;

	for (item = CMSG_FIRSTHDR(head); item != NULL; item = CMSG_NXTHDR(head, item)) {
		if (item->cmsg_level != SOL_SOCKET || item->cmsg_type != SCM_RIGHTS)
			continue;
		here = (item->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		if (here > SUPERVISOR_FDS_MOST - count)
			here = SUPERVISOR_FDS_MOST - count;
		memcpy(fds + count, CMSG_DATA(item), here * sizeof(int));
		count += here;
	}
	return count;
}

enum agent_input
agent_receive(struct agent *agent, struct message *message, int fds[SUPERVISOR_FDS_MOST],
	      size_t *fd_count)
{
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	union control control;
	struct iovec part = {bytes, sizeof(bytes)};
	struct msghdr head = {.msg_iov = &part,
			      .msg_iovlen = 1,
			      .msg_control = control.room,
			      .msg_controllen = sizeof(control.room)};
	ssize_t n = recvmsg(agent->fd, &head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	/* It has died and had not read all of ours: told once, before what it had said. */
	if (n < 0 && errno == ECONNRESET)
		n = recvmsg(agent->fd, &head, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	if (n < 0 && (errno == EAGAIN || errno == EINTR) && !agent->deaf)
		return AGENT_NOTHING;
	if (n <= 0) {
		disconnect(agent);
		return AGENT_GONE;
	}
	*fd_count = take_fds(&head, fds);
	if ((head.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) == 0 &&
	    message_unpack(message, MESSAGE_FROM_AGENT, bytes, (size_t)n, *fd_count) == NULL)
		return AGENT_MESSAGE;
	while (*fd_count > 0)
		(void)close(fds[--*fd_count]);
	return AGENT_GARBAGE;
}

static void
put_fds(struct msghdr *head, union control *control, const int *fds, size_t fd_count)
{
	struct cmsghdr *item;

	memset(control, 0, sizeof(*control));
	head->msg_control = control->room;
	head->msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
	item = CMSG_FIRSTHDR(head);
	item->cmsg_level = SOL_SOCKET;
	item->cmsg_type = SCM_RIGHTS;
	item->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
	memcpy(CMSG_DATA(item), fds, sizeof(int) * fd_count);
}

enum agent_output
agent_send(struct agent *agent, const struct message *message, const int *fds, size_t fd_count)
{
	uint8_t bytes[SUPERVISOR_MESSAGE_MOST_BYTES];
	union control control;
	struct iovec part = {bytes, message_pack(bytes, message)};
	struct msghdr head = {.msg_iov = &part, .msg_iovlen = 1};

	if (fd_count > 0)
		put_fds(&head, &control, fds, fd_count);
	if (sendmsg(agent->fd, &head, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0)
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

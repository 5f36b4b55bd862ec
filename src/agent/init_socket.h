/*
 * init_socket.h - packets and descriptors between runnerd and one runner-init.
 *
 * init_socket_listen() makes the socket in the task's state directory that runner-init is
 * started with; init_socket_connect() is how every runnerd, the first too, reaches it.
 * Sending never blocks: what the kernel does not take is kept and goes when it does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_INIT_SOCKET_H
#define AGENT_INIT_SOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "loop/loop.h"
#include "wire/message.h"

struct err;
struct init_packet;

struct init_socket_hooks {
	void *arg;
	/* fds[0..fd_count) belong to the callee. */
	void (*on_message)(void *arg, const struct message *message, const int *fds,
			   size_t fd_count);
	/* The other end has closed, or says what we do not understand (err): the socket is closed.
	 */
	void (*on_closed)(void *arg, const struct err *err);
};

struct init_socket {
	int fd; /* -1: closed */
	struct watch watch;
	struct init_socket_hooks hooks;
	struct init_packet *waiting, **waiting_end;
	pid_t peer; /* of the last packet's sender; 0: not known yet */
};

#define INIT_SOCKET_INIT                                                                           \
	{                                                                                          \
		.fd = -1                                                                           \
	}

/* Bound in dir_fd and listening; *fd is the caller's. A socket that lies there already is replaced.
 */
int init_socket_listen(int *fd, int dir_fd, struct err *err);

/* Fails: ERR_GONE when nobody listens there; ERR_AGAIN when it is busy; ERR_HOST. */
int init_socket_connect(struct init_socket *socket, int dir_fd, struct loop *loop,
			const struct init_socket_hooks *hooks, struct err *err);

/* fds are duplicated if they must wait. On a closed socket it is lost: the next connection sorts
 * that out. */
void init_socket_send(struct init_socket *socket, const struct message *message, const int *fds,
		      size_t fd_count);

/* Read what has come, without waiting for the loop: before its sender's end is acted on. */
void init_socket_read(struct init_socket *socket);

bool init_socket_is_open(const struct init_socket *socket);
void init_socket_close(struct init_socket *socket);

#endif

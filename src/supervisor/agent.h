/*
 * agent.h - the connection to runnerd: who may connect, packets in, packets out.
 *
 * One connection counts, the newest that was let in. Nothing here blocks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_AGENT_H
#define SUPERVISOR_AGENT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "wire/message.h"

struct agent {
	int listen_fd;
	int fd;		   /* -1: nobody is connected */
	bool deaf;	   /* it has closed its end: what it had said is still to be read */
	uid_t peer_uid;	   /* who may connect, besides root */
	bool in_namespace; /* we are PID 1: a peer that has a pid here is one of the task's own */
};

enum agent_input {
	AGENT_NOTHING,
	AGENT_MESSAGE,
	AGENT_GARBAGE, /* not a message; its descriptors are closed */
	AGENT_GONE,    /* disconnected */
};

enum agent_output {
	AGENT_SENT,
	AGENT_FULL, /* no room: when the socket can be written again */
	AGENT_LOST, /* nobody hears it; AGENT_GONE comes behind what was said */
	AGENT_BUSY, /* the kernel holds too many descriptors on their way: a little later */
};

/* A process of the task, as far as can be known; one that cannot be looked up counts as such. */
bool agent_pid_is_of_task(const struct agent *agent, pid_t pid);

/*
 * Take the next waiting connection. True when there is a new agent now. One that is deaf is read to
 * its end first: it may have asked for the task's end, and died before we came to accept it.
 */
bool agent_accept(struct agent *agent);

/* The agent has closed its end: there is nothing to be told any more. */
void agent_hung_up(struct agent *agent);

/* Owns: the caller gets fds[0..*fd_count), close-on-exec, with AGENT_MESSAGE only. */
enum agent_input agent_receive(struct agent *agent, struct message *message,
			       int fds[SUPERVISOR_FDS_MOST], size_t *fd_count);

enum agent_output
agent_send(struct agent *agent, const struct message *message, const int *fds, size_t fd_count);

#endif

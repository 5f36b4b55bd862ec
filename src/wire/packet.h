/*
 * packet.h - one message on a Unix socket, and the descriptors that travel beside it.
 *
 * Every socket of ours that hands over descriptors is SOCK_SEQPACKET and has its messages sent and
 * received here. The other end may be a job's: whatever it sends along, none of it stays open that
 * the receiver does not see, and none is written where there is no room.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WIRE_PACKET_H
#define WIRE_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

enum { PACKET_FDS_MOST = 3 }; /* of every protocol of ours */

struct packet {
	int fds[PACKET_FDS_MOST]; /* the receiver's to close; close-on-exec */
	size_t fd_count;
	bool is_cut;  /* more came, bytes or descriptors, than there was room for */
	pid_t sender; /* 0: the socket does not tell (SO_PASSCRED) */
};

/*
 * Send piece and copies of fds[0..fd_count). flags: MSG_DONTWAIT or 0; SIGPIPE never comes.
 * Returns what sendmsg(2) does, but never for a signal's sake.
 */
ssize_t
packet_send(int socket, const struct iovec *piece, const int *fds, size_t fd_count, int flags);

/*
 * Receive into room, as packet_send(). *packet is always set: empty where nothing was received.
 */
ssize_t packet_receive(struct packet *packet, int socket, void *room, size_t room_bytes, int flags);

/* Take the first descriptor out and close all others. Returns -1 where none came. */
int packet_take_only(struct packet *packet);

/* Close what is in it. */
void packet_drop(struct packet *packet);

#endif

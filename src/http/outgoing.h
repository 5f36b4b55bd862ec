/*
 * outgoing.h - bytes that wait for the socket: copied, borrowed, or in a pipe.
 *
 * Frames' heads and small frames are copied into blocks; bodies that their owner keeps
 * are borrowed, so that they go from there to the kernel (or into TLS) without a copy.
 * An owner that wants its memory back calls outgoing_detach(), which copies what is left.
 * What comes out of a pipe can go into a plain socket without being in our memory at all: it is
 * moved into a pipe of ours first, so that it is there when its turn comes, whatever becomes of the
 * other. A zeroed struct is empty.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_OUTGOING_H
#define HTTP_OUTGOING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct outgoing_block;
struct outgoing_room;

struct outgoing {
	struct outgoing_block *first;
	struct outgoing_block *last;
	size_t len;		      /* bytes that wait */
	struct outgoing_room *room;   /* private: where the next copy goes; one ref is ours */
	struct outgoing_block *spare; /* private: blocks to use again */
	unsigned spares;
	unsigned char *load; /* private: what was read out of the pipe */
	bool is_loaded;	     /* private: some of it waits */
	bool has_pipe;	     /* private */
	int pipe[2];	     /* private */
	size_t unclaimed;    /* private: at the pipe's end, without a turn */
};

enum outgoing_kind {
	OUTGOING_BYTES, /* outgoing_pieces() has it */
	OUTGOING_PIPED, /* the next bytes of the pipe */
	OUTGOING_WASTE, /* likewise, and they are not sent */
};

void outgoing_release(struct outgoing *out);

void outgoing_copy(struct outgoing *out, const void *bytes, size_t len);

/* Borrowed, in order behind the rest. bytes must stay until they are sent or detached; owner is any
 * number but 0. */
void outgoing_borrow(struct outgoing *out, const void *bytes, size_t len, int32_t owner);

/*
 * The pipe to splice(2) into; -1: there can be none. outgoing_moved() says that so many bytes were,
 * outgoing_piped() that it is their turn, behind the rest. What was moved before and got no turn
 * has come to nothing, and is not sent.
 */
int outgoing_pipe(struct outgoing *out);
void outgoing_moved(struct outgoing *out, size_t len);
void outgoing_piped(struct outgoing *out);

/* Nothing of owner's is borrowed any more. */
void outgoing_detach(struct outgoing *out, int32_t owner);
bool outgoing_has(const struct outgoing *out, int32_t owner);

/* Some of what lies in the pipe, where it is its turn, becomes bytes: for a socket that takes no
 * pipe's. Something waits. */
void outgoing_load(struct outgoing *out);

/* What the front is, of something that waits; and how many bytes of a pipe. */
enum outgoing_kind outgoing_front(const struct outgoing *out, size_t *len);
/* Where they come out. */
int outgoing_pipe_end(const struct outgoing *out);

/* The front as pieces for writev(2), up to what lies in the pipe; returns how many. */
int outgoing_pieces(const struct outgoing *out, struct iovec *pieces, int most);

/* len bytes of the front are gone. */
void outgoing_consume(struct outgoing *out, size_t len);

#endif

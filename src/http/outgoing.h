/*
 * outgoing.h - bytes that wait for the socket, copied or borrowed.
 *
 * Frames' heads and small frames are copied into blocks; bodies that their owner keeps
 * are borrowed, so that they go from there to the kernel (or into TLS) without a copy.
 * An owner that wants its memory back calls outgoing_detach(), which copies what is left.
 * A zeroed struct is empty.
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
};

void outgoing_release(struct outgoing *out);

void outgoing_copy(struct outgoing *out, const void *bytes, size_t len);

/* Borrowed, in order behind the rest. bytes must stay until they are sent or detached; owner is any
 * number but 0. */
void outgoing_borrow(struct outgoing *out, const void *bytes, size_t len, int32_t owner);

/* Nothing of owner's is borrowed any more. */
void outgoing_detach(struct outgoing *out, int32_t owner);
bool outgoing_has(const struct outgoing *out, int32_t owner);

/* The front as pieces for writev(2); returns how many. */
int outgoing_pieces(const struct outgoing *out, struct iovec *pieces, int most);

/* len bytes of the front are gone. */
void outgoing_consume(struct outgoing *out, size_t len);

#endif

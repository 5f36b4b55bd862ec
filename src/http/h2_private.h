/*
 * h2_private.h - what h2.c (the socket's side) and h2_frames.c (nghttp2's side) share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_H2_PRIVATE_H
#define HTTP_H2_PRIVATE_H

#include "base/buffer.h"
#include "base/err.h"
#include "http/h2.h"
#include "http/outgoing.h"
#include "http/transport.h"
#include "loop/loop.h"

enum { H2_MAGIC = 0x48325f5f };

enum h2_state {
	H2_HANDSHAKE, /* TLS */
	H2_OPEN,
	H2_LINGER, /* an HTTP/1 client was answered; waiting for it to go */
	H2_DEAD,   /* on_end is due or was */
};

struct h2 {
	uint32_t magic;
	struct loop *loop;
	const struct h2_events *events;
	void *arg;
	bool server;
	enum h2_state state;
	bool failed; /* err says why it is dead */
	bool told;   /* on_end was called */
	bool freed;  /* memory goes when busy comes to 0 */
	unsigned busy;
	struct err err;
	struct transport transport;
	struct watch watch;
	struct later turn;
	bool read_again;       /* OpenSSL holds bytes that epoll does not know of */
	bool read_wants_write; /* OpenSSL has to write before it can read */
	bool write_blocked;    /* the socket is full: watching for room */
	uint64_t blocked_us;
	uint64_t heard_us;
	uint64_t got_bytes;   /* of bodies, as those below */
	uint64_t sent_bytes;  /* framed */
	uint64_t taken_bytes; /* of which the peer said so */
	nghttp2_session *session;
	struct outgoing out;
	struct h2_stream *closing;
	size_t preface_seen;
	bool settled; /* the peer's first SETTINGS are there */
	double reset_tokens;
	uint64_t reset_refill_us;
	unsigned continuations; /* CONTINUATION frames in a row */
};

int h2_session_new(struct h2 *h2, const struct h2_config *config, struct err *err);

/* The connection is over; err NULL: in order. on_end follows when the stack has unwound. */
void h2_fail(struct h2 *h2, const struct err *err);

static inline bool
h2_is_alive(const struct h2 *h2)
{
	return h2->state != H2_DEAD && !h2->freed;
}

#endif

/*
 * transport.h - bytes over a non-blocking descriptor, plain or TLS.
 *
 * transport_init() -> transport_handshake() until 1 -> transport_read(), transport_write()
 * -> transport_release(). Nothing waits here: what must become ready before the next
 * attempt stands in "want".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_TRANSPORT_H
#define HTTP_TRANSPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

struct err;
struct tls_context;
struct tls_session;

enum {
	TRANSPORT_RECORD_BYTES = 16 * 1024, /* most that one TLS record carries */
	TRANSPORT_PIECES = 64,		    /* most pieces of one write */
};

struct transport {
	int fd;
	struct tls_session *tls; /* NULL: plain */
	bool ready;		 /* the handshake is done */
	unsigned want; /* enum watch_event bits that the last call needs, 0: it got through */
};

/*
 * Owns: fd from here on, also on failure. tls NULL: plain; host: the server's name (client), NULL
 * (server). Fails: ERR_INPUT (host), ERR_LIMIT.
 */
int transport_init(struct transport *transport, int fd, const struct tls_context *tls,
		   const char *host, struct err *err);

/* Says goodbye (TLS close_notify) as far as that does not wait, and closes. */
void transport_release(struct transport *transport);

/* 1: done; 0: wait for want; negative: failed. */
int transport_handshake(struct transport *transport, struct err *err);

/* Bytes read; 0 with *ended at the end of the stream, 0 without: wait for want. Negative: failed.
 */
ssize_t
transport_read(struct transport *transport, void *room, size_t len, bool *ended, struct err *err);

/*
 * Bytes written, at least 1; 0: wait for want. After 0 the same bytes must come again first.
 * is_more: others follow at once, and may go with them.
 */
ssize_t transport_write(struct transport *transport, const struct iovec *pieces, int count,
			bool is_more, struct err *err);

/*
 * The next len bytes of a pipe, which has them, from there into the socket: the same. Plain only.
 */
ssize_t transport_splice(struct transport *transport, int pipe, size_t len, struct err *err);

/* TLS holds decrypted bytes that no readiness of the descriptor will tell of. */
bool transport_has_pending(const struct transport *transport);

/*
 * No delay of small writes; dead peers are found by the kernel, which costs us no wake-up; and of a
 * large body little waits in the kernel, so that what is more urgent goes soon.
 */
void transport_tune_tcp(int fd);

#endif

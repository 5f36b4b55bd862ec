/*
 * h2.c - one HTTP/2 connection: the socket's side, turn by turn.
 *
 * Every entry from the loop is bracketed by enter() and leave(): an event may free the
 * connection, whose memory then goes when the outermost bracket closes. What nghttp2
 * tells us is in h2_frames.c.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/h2.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "http/h2_private.h"

static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum { PREFACE_BYTES = 24, READ_BYTES = 64 * 1024 };

static const char http1_body[] =
	"{\"message\": \"this server speaks HTTP/2 only: use a client that begins with HTTP/2 "
	"(curl --http2-prior-knowledge, or https:// with ALPN h2)\"}\n";

void
h2_fail(struct h2 *h2, const struct err *err)
{
	if (h2->state == H2_DEAD)
		return;
	h2->state = H2_DEAD;
	h2->failed = err != NULL;
	if (err != NULL)
		h2->err = *err;
	watch_stop(&h2->watch);
	later_stop(&h2->turn);
}

static void
destroy(struct h2 *h2)
{
	watch_stop(&h2->watch);
	later_release(&h2->turn);
	nghttp2_session_del(h2->session);
	outgoing_release(&h2->out);
	transport_release(&h2->transport);
	OBJ_WIPE(h2);
	free(h2);
}

static void
enter(struct h2 *h2)
{
	OBJ_CHECK(h2, H2_MAGIC);
	h2->busy++;
}

static void
leave(struct h2 *h2)
{
	h2->busy--;
	if (h2->busy > 0)
		return;
	if (h2->freed) {
		destroy(h2);
	} else if (h2->state == H2_DEAD && !h2->told) {
		struct err err = h2->err;

		h2->told = true;
		h2->events->on_end(h2->arg, h2->failed ? &err : NULL);
	}
}

/* --- HTTP/1 at our door --- */

/* In HTTP/1's words, as far as the socket takes it; then the peer's goodbye is awaited. */
static void
answer_http1(struct h2 *h2)
{
	struct err err = ERR_INIT;
	struct buffer text = BUFFER_INIT;
	struct iovec piece;

	buffer_printf(
		&text,
		"HTTP/1.1 505 HTTP Version Not Supported\r\nContent-Type: application/json\r\n"
		"Content-Length: %zu\r\nConnection: close\r\n\r\n%s",
		strlen(http1_body), http1_body);
	piece = (struct iovec){text.data, text.len};
	log_debug("http: a client spoke HTTP/1 or TLS and was told that we do not");
	if (transport_write(&h2->transport, &piece, 1, false, &err) < 0)
		h2_fail(h2, &err);
	else
		(void)shutdown(h2->transport.fd, SHUT_WR);
	buffer_release(&text);
	if (h2->state == H2_OPEN)
		h2->state = H2_LINGER;
}

/* A request line; or TLS's hello, whose sender takes words for "no TLS here" better than silence.
 */
static bool
looks_like_http1(const unsigned char *bytes, size_t len)
{
	size_t i;

	if (len >= 2 && bytes[0] == 0x16 && bytes[1] == 0x03)
		return true;
	for (i = 0; i < len && i < 16; i++) {
		if (bytes[i] == ' ')
			return i >= 3;
		if (bytes[i] < 'A' || bytes[i] > 'Z')
			return false;
	}
	return false;
}

/* True when the bytes can go to nghttp2. */
static bool
check_server_preface(struct h2 *h2, const unsigned char *bytes, size_t len)
{
	struct err err = ERR_INIT;
	size_t part = PREFACE_BYTES - h2->preface_seen;

	if (part > len)
		part = len;
	if (memcmp(bytes, preface + h2->preface_seen, part) == 0) {
		h2->preface_seen += part;
		return true;
	}
	/* Whoever began with a 'P' of its own goes on with "OST" or "UT". */
	if (h2->preface_seen > 0 || looks_like_http1(bytes, len)) {
		answer_http1(h2);
		return false;
	}
	(void)!err_set(&err, ERR_INPUT, "the client speaks neither HTTP/2 nor HTTP/1");
	h2_fail(h2, &err);
	return false;
}

static bool
check_client_preface(struct h2 *h2, const unsigned char *bytes, size_t len)
{
	struct err err = ERR_INIT;

	h2->preface_seen = PREFACE_BYTES;
	if (len < 5 || memcmp(bytes, "HTTP/", 5) != 0)
		return true;
	(void)!err_set(&err, ERR_INPUT, "what is there answers in HTTP/1, not HTTP/2");
	(void)err_hint(&err, "is the address right, or is there a proxy in between?");
	h2_fail(h2, &err);
	return false;
}

/* --- reading --- */

static void
feed(struct h2 *h2, const unsigned char *bytes, size_t len)
{
	struct err err = ERR_INIT;
	ssize_t used;

	h2->heard_us = loop_now_us(h2->loop);
	if (h2->state == H2_LINGER)
		return;
	if (h2->preface_seen < PREFACE_BYTES &&
	    !(h2->server ? check_server_preface(h2, bytes, len)
			 : check_client_preface(h2, bytes, len)))
		return;
	used = nghttp2_session_mem_recv(h2->session, bytes, len);
	if (used >= 0 || h2->state == H2_DEAD || h2->freed)
		return;
	if (used == NGHTTP2_ERR_FLOODED)
		log_warn("http: a peer floods the connection with frames that need an answer: "
			 "closed");
	(void)!err_set(&err, ERR_AGAIN, "the peer does not keep to HTTP/2: %s",
		       nghttp2_strerror((int)used));
	h2_fail(h2, &err);
}

static void
read_some(struct h2 *h2)
{
	unsigned char room[READ_BYTES];
	struct err err = ERR_INIT;
	size_t total = 0;
	bool ended;

	h2->read_again = false;
	h2->read_wants_write = false;
	while (h2_is_alive(h2) && total < H2_TURN_MAX_BYTES) {
		ssize_t got = transport_read(&h2->transport, room, sizeof(room), &ended, &err);

		if (got > 0) {
			total += (size_t)got;
			feed(h2, room, (size_t)got);
			if (h2->transport.tls == NULL && (size_t)got < sizeof(room))
				return; /* that was all; epoll tells of more */
			continue;
		}
		if (got == 0 && !ended) {
			h2->read_wants_write = (h2->transport.want & WATCH_WRITE) != 0;
			return;
		}
		if (got == 0)
			(void)!err_set(&err, ERR_AGAIN, "the peer closed the connection");
		h2_fail(h2, &err);
		return;
	}
	h2->read_again = h2_is_alive(h2) && transport_has_pending(&h2->transport);
}

/* --- writing --- */

/* Streams that ended while bytes of their bodies waited: those are sent by now, or copied. */
static void
close_streams(struct h2 *h2)
{
	while (h2->closing != NULL && !h2->freed) {
		struct h2_stream *stream = h2->closing;

		h2->closing = stream->next_closing;
		outgoing_detach(&h2->out, stream->id);
		stream->closing = false;
		stream->h2 = NULL;
		h2->events->on_close(stream, stream->code);
	}
}

/* What was moved into the pipe for a frame that was never begun. */
static ssize_t
throw_away(struct h2 *h2, size_t len)
{
	char room[4096];
	ssize_t got =
		read(outgoing_pipe_end(&h2->out), room, len < sizeof(room) ? len : sizeof(room));

	assert(got > 0);
	return got;
}

static ssize_t
send_front(struct h2 *h2, struct err *err)
{
	struct iovec pieces[TRANSPORT_PIECES];
	size_t len, taken = 0;
	enum outgoing_kind kind;
	int count, i;

	if (h2->transport.tls != NULL)
		outgoing_load(&h2->out);
	kind = outgoing_front(&h2->out, &len);
	if (kind == OUTGOING_WASTE)
		return throw_away(h2, len);
	if (kind == OUTGOING_PIPED)
		return transport_splice(&h2->transport, outgoing_pipe_end(&h2->out), len, err);
	count = outgoing_pieces(&h2->out, pieces, TRANSPORT_PIECES);
	for (i = 0; i < count; i++)
		taken += pieces[i].iov_len;
	return transport_write(&h2->transport, pieces, count, taken < h2->out.len, err);
}

/* Bytes written; 0: the socket takes no more now, or the connection broke. */
static size_t
write_front(struct h2 *h2)
{
	struct err err = ERR_INIT;
	ssize_t written = send_front(h2, &err);

	if (written < 0) {
		h2_fail(h2, &err);
		return 0;
	}
	if (written == 0) {
		h2->write_blocked = true;
		if (h2->blocked_us == 0)
			h2->blocked_us = loop_now_us(h2->loop);
		return 0;
	}
	h2->blocked_us = 0;
	outgoing_consume(&h2->out, (size_t)written);
	return (size_t)written;
}

static bool
fill_out(struct h2 *h2)
{
	struct err err = ERR_INIT;
	int rv;

	if (h2->out.len >= H2_OUT_MAX_BYTES)
		return true;
	rv = nghttp2_session_send(h2->session);
	if (rv == 0 || h2->freed)
		return !h2->freed;
	(void)!err_set(&err, ERR_AGAIN, "cannot go on with the connection: %s",
		       nghttp2_strerror(rv));
	h2_fail(h2, &err);
	return false;
}

/* A server keeps silent until it knows that HTTP/2 is spoken: HTTP/1 gets an answer of its own. */
static bool
may_write(const struct h2 *h2)
{
	return h2->state == H2_OPEN && !h2->freed &&
	       (!h2->server || h2->preface_seen == PREFACE_BYTES);
}

static void
write_some(struct h2 *h2)
{
	size_t total = 0;

	h2->write_blocked = false;
	while (may_write(h2) && fill_out(h2) && h2->out.len > 0) {
		size_t written;

		if (total >= H2_TURN_MAX_BYTES) {
			later_want(&h2->turn);
			break;
		}
		written = write_front(h2);
		if (written == 0)
			break;
		total += written;
	}
	close_streams(h2);
}

/* --- turns --- */

static void
go_on(struct h2 *h2)
{
	if (h2->state == H2_OPEN && h2->out.len == 0 && !nghttp2_session_want_read(h2->session) &&
	    !nghttp2_session_want_write(h2->session))
		h2_fail(h2, NULL);
	if (h2->state == H2_DEAD || h2->freed)
		return;
	if (h2->state == H2_HANDSHAKE)
		watch_want(&h2->watch, h2->transport.want);
	else
		watch_want(&h2->watch,
			   WATCH_READ |
				   (h2->write_blocked || h2->read_wants_write ? WATCH_WRITE : 0u));
	if (h2->read_again)
		later_want(&h2->turn);
}

static void
handshake(struct h2 *h2)
{
	struct err err = ERR_INIT;
	int rc = transport_handshake(&h2->transport, &err);

	if (rc < 0)
		h2_fail(h2, &err);
	else if (rc > 0)
		h2->state = H2_OPEN;
}

static void
on_h2_ready(void *arg, unsigned events)
{
	struct h2 *h2 = arg;

	enter(h2);
	if (h2->state == H2_HANDSHAKE) {
		handshake(h2);
		h2->read_again = h2->state == H2_OPEN && transport_has_pending(&h2->transport);
	} else if (events & WATCH_READ || h2->read_wants_write) {
		read_some(h2);
	}
	write_some(h2);
	go_on(h2);
	leave(h2);
}

static void
on_h2_turn(void *arg)
{
	struct h2 *h2 = arg;

	enter(h2);
	if (h2->state == H2_HANDSHAKE)
		handshake(h2);
	if (h2->read_again)
		read_some(h2);
	write_some(h2);
	go_on(h2);
	leave(h2);
}

void
h2_want(struct h2 *h2)
{
	if (h2->state != H2_DEAD && !h2->freed && !h2->write_blocked)
		later_want(&h2->turn);
}

/* --- life --- */

int
h2_new(struct h2 **out, struct loop *loop, const struct h2_config *config, struct err *err)
{
	struct h2 *h2 = MEM_NEW(struct h2);

	h2->magic = H2_MAGIC;
	h2->loop = loop;
	h2->events = config->events;
	h2->arg = config->arg;
	h2->server = config->server;
	h2->heard_us = loop_now_us(loop);
	h2->reset_tokens = H2_RESETS_BURST;
	h2->reset_refill_us = h2->heard_us;
	if (transport_init(&h2->transport, config->fd, config->tls, config->host, err) < 0)
		goto no_transport;
	if (h2_session_new(h2, config, err) < 0)
		goto no_session;
	h2->state = h2->transport.ready ? H2_OPEN : H2_HANDSHAKE;
	if (watch_start(&h2->watch, loop, config->fd, WATCH_READ, on_h2_ready, h2, err) < 0)
		goto no_watch;
	later_init(&h2->turn, loop, on_h2_turn, h2);
	later_want(&h2->turn);
	*out = h2;
	return 0;

no_watch:
	nghttp2_session_del(h2->session);
no_session:
	transport_release(&h2->transport);
no_transport:
	free(h2);
	return err->code;
}

void
h2_free(struct h2 *h2)
{
	if (h2 == NULL)
		return;
	OBJ_CHECK(h2, H2_MAGIC);
	watch_stop(&h2->watch);
	later_stop(&h2->turn);
	if (h2->busy > 0)
		h2->freed = true;
	else
		destroy(h2);
}

/* --- questions --- */

/* A peer may give more credit than it has taken bytes: all of a body's at its beginning. */
uint64_t
h2_moved_bytes(const struct h2 *h2)
{
	return h2->got_bytes +
	       (h2->taken_bytes < h2->sent_bytes ? h2->taken_bytes : h2->sent_bytes);
}

uint64_t
h2_heard_us(const struct h2 *h2)
{
	return h2->heard_us;
}

uint64_t
h2_blocked_us(const struct h2 *h2)
{
	return h2->blocked_us;
}

bool
h2_is_open(const struct h2 *h2)
{
	return h2->settled && h2_is_alive(h2);
}

int
h2_fd(const struct h2 *h2)
{
	return h2->transport.fd;
}

/*
 * transport.c - bytes over a non-blocking descriptor, plain or TLS.
 *
 * Small pieces are joined into one TLS record: each costs 22 bytes and an AEAD run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/transport.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/assert.h"
#include "base/err.h"
#include "http/tls_session.h"
#include "loop/loop.h"

/* In the kernel's hands, beyond what is on its way: what comes later waits behind no more. */
enum { UNSENT_MOST_BYTES = 256 * 1024 };

int
transport_init(struct transport *transport, int fd, const struct tls_context *tls, const char *host,
	       struct err *err)
{
	*transport = (struct transport){.fd = fd, .ready = tls == NULL};
	if (tls != NULL && tls_session_new(&transport->tls, tls, fd, host, err) < 0) {
		(void)close(fd);
		transport->fd = -1;
		return err->code;
	}
	return 0;
}

void
transport_release(struct transport *transport)
{
	if (transport->tls != NULL && transport->ready) {
		ERR_clear_error();
		(void)SSL_shutdown(transport->tls->ssl);
		ERR_clear_error();
	}
	tls_session_free(transport->tls);
	transport->tls = NULL;
	if (transport->fd >= 0)
		(void)close(transport->fd);
	transport->fd = -1;
}

/* What OpenSSL waits for, or 0 when it does not wait. */
static unsigned
want_of(int ssl_error)
{
	if (ssl_error == SSL_ERROR_WANT_READ)
		return WATCH_READ;
	if (ssl_error == SSL_ERROR_WANT_WRITE)
		return WATCH_WRITE;
	return 0;
}

int
transport_handshake(struct transport *transport, struct err *err)
{
	int rc, ssl_error;

	if (transport->ready)
		return 1;
	ERR_clear_error();
	errno = 0;
	rc = SSL_do_handshake(transport->tls->ssl);
	if (rc == 1) {
		transport->want = 0;
		if (!transport->tls->tls->server && tls_session_check_h2(transport->tls, err) < 0)
			return err->code;
		transport->ready = true;
		return 1;
	}
	ssl_error = SSL_get_error(transport->tls->ssl, rc);
	transport->want = want_of(ssl_error);
	if (transport->want != 0)
		return 0;
	return tls_session_explain(transport->tls, ssl_error, err);
}

static int
tls_broke(int ssl_error, const char *what, struct err *err)
{
	if (ssl_error == SSL_ERROR_SYSCALL && errno != 0)
		return err_sys(err, "cannot %s", what);
	return err_set(err, ERR_AGAIN, "cannot %s: TLS: %s", what, tls_reason());
}

static ssize_t
read_tls(struct transport *transport, void *room, size_t len, bool *ended, struct err *err)
{
	size_t got = 0;
	int ssl_error;

	ERR_clear_error();
	errno = 0;
	if (SSL_read_ex(transport->tls->ssl, room, len, &got) == 1)
		return (ssize_t)got;
	ssl_error = SSL_get_error(transport->tls->ssl, 0);
	transport->want = want_of(ssl_error);
	if (transport->want != 0)
		return 0;
	if (ssl_error == SSL_ERROR_ZERO_RETURN) {
		*ended = true;
		return 0;
	}
	return tls_broke(ssl_error, "receive", err);
}

ssize_t
transport_read(struct transport *transport, void *room, size_t len, bool *ended, struct err *err)
{
	ssize_t got;

	assert(transport->ready);
	transport->want = 0;
	*ended = false;
	if (transport->tls != NULL)
		return read_tls(transport, room, len, ended, err);
	got = recv(transport->fd, room, len, 0);
	if (got > 0)
		return got;
	if (got == 0) {
		*ended = true;
		return 0;
	}
	if (errno == EAGAIN || errno == EINTR) {
		transport->want = WATCH_READ;
		return 0;
	}
	return err_sys(err, "cannot receive");
}

/* Up to one record's worth: the first piece as it is, or the small ones joined in room. */
static size_t
join(const struct iovec *pieces, int count, char room[TRANSPORT_RECORD_BYTES], const void **bytes)
{
	size_t len = 0;
	int i;

	if (count == 1 || pieces[0].iov_len >= TRANSPORT_RECORD_BYTES) {
		*bytes = pieces[0].iov_base;
		return pieces[0].iov_len < TRANSPORT_RECORD_BYTES ? pieces[0].iov_len
								  : TRANSPORT_RECORD_BYTES;
	}
	for (i = 0; i < count && len < TRANSPORT_RECORD_BYTES; i++) {
		size_t part = pieces[i].iov_len;

		if (part > TRANSPORT_RECORD_BYTES - len)
			part = TRANSPORT_RECORD_BYTES - len;
		memcpy(room + len, pieces[i].iov_base, part);
		len += part;
	}
	*bytes = room;
	return len;
}

static ssize_t
write_tls(struct transport *transport, const struct iovec *pieces, int count, struct err *err)
{
	char room[TRANSPORT_RECORD_BYTES];
	const void *bytes;
	size_t len = join(pieces, count, room, &bytes);
	size_t written = 0;
	int ssl_error;

	ERR_clear_error();
	errno = 0;
	if (SSL_write_ex(transport->tls->ssl, bytes, len, &written) == 1)
		return (ssize_t)written;
	ssl_error = SSL_get_error(transport->tls->ssl, 0);
	transport->want = want_of(ssl_error);
	if (transport->want != 0)
		return 0;
	return tls_broke(ssl_error, "send", err);
}

static ssize_t
sent(struct transport *transport, ssize_t written, struct err *err)
{
	if (written > 0)
		return written;
	if (written == 0 || errno == EAGAIN || errno == EINTR) {
		transport->want = WATCH_WRITE;
		return 0;
	}
	return err_sys(err, "cannot send");
}

ssize_t
transport_write(struct transport *transport, const struct iovec *pieces, int count, bool is_more,
		struct err *err)
{
	struct msghdr message = {.msg_iov = (struct iovec *)(uintptr_t)pieces,
				 .msg_iovlen = (size_t)count};
	ssize_t written;

	assert(transport->ready && count > 0);
	transport->want = 0;
	if (transport->tls != NULL)
		return write_tls(transport, pieces, count, err);
	written = sendmsg(transport->fd, &message, MSG_NOSIGNAL | (is_more ? MSG_MORE : 0));
	return sent(transport, written, err);
}

/* Whoever uses it ignores SIGPIPE: there is no flag against it here. */
ssize_t
transport_splice(struct transport *transport, int pipe, size_t len, struct err *err)
{
	assert(transport->ready && transport->tls == NULL && len > 0);
	transport->want = 0;
	return sent(transport, splice(pipe, NULL, transport->fd, NULL, len, SPLICE_F_NONBLOCK),
		    err);
}

bool
transport_has_pending(const struct transport *transport)
{
	return transport->tls != NULL && SSL_has_pending(transport->tls->ssl) == 1;
}

void
transport_tune_tcp(int fd)
{
	int on = 1, idle_s = 60, every_s = 20, times = 3, unsent_bytes = UNSENT_MOST_BYTES;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &every_s, sizeof(every_s));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &times, sizeof(times));
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &unsent_bytes, sizeof(unsent_bytes));
}

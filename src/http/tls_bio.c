/*
 * tls_bio.c - OpenSSL's view of a socket, without SIGPIPE.
 *
 * OpenSSL's own socket BIO sends with write(2), which raises SIGPIPE when the peer is
 * gone; ours says MSG_NOSIGNAL, so that no program has to change its signals (which
 * the children it starts would inherit).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>

#include <openssl/bio.h>

#include "http/tls_session.h"

static int
fd_of(BIO *bio)
{
	return (int)(intptr_t)BIO_get_data(bio);
}

static int
bio_write(BIO *bio, const char *bytes, size_t len, size_t *written)
{
	ssize_t n = send(fd_of(bio), bytes, len, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (n > 0) {
		*written = (size_t)n;
		return 1;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	*written = 0;
	return 0;
}

static int
bio_read(BIO *bio, char *room, size_t len, size_t *got)
{
	ssize_t n = recv(fd_of(bio), room, len, 0);

	BIO_clear_retry_flags(bio);
	if (n > 0) {
		*got = (size_t)n;
		return 1;
	}
	if (n == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	else if (errno == EAGAIN || errno == EINTR)
		BIO_set_retry_read(bio);
	*got = 0;
	return 0;
}

static long
bio_control(BIO *bio, int command, long number, void *ptr)
{
	(void)number;
	(void)ptr;
	if (command == BIO_CTRL_EOF)
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	return command == BIO_CTRL_FLUSH;
}

static int
bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

BIO *
tls_bio_new(int fd)
{
	static BIO_METHOD *method;
	BIO *bio;

	if (method == NULL) {
		method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
		if (method == NULL)
			return NULL;
		(void)BIO_meth_set_write_ex(method, bio_write);
		(void)BIO_meth_set_read_ex(method, bio_read);
		(void)BIO_meth_set_ctrl(method, bio_control);
		(void)BIO_meth_set_create(method, bio_create);
	}
	bio = BIO_new(method);
	if (bio != NULL)
		BIO_set_data(bio, (void *)(intptr_t)fd);
	return bio;
}

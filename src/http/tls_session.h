/*
 * tls_session.h - one TLS connection: OpenSSL's object and what we know of its peer.
 *
 * Private to src/http: transport.c drives it, tls.c makes it, tls_verify.c judges the
 * peer's certificate and finds the words when it is refused.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_TLS_SESSION_H
#define HTTP_TLS_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "http/tls.h"

struct err;

struct tls_context {
	SSL_CTX *ctx;
	bool server;
	bool pinned;
	uint8_t pin[TLS_DIGEST_BYTES];
};

struct tls_session {
	SSL *ssl;
	const struct tls_context *tls;
	char *host;	     /* of the peer, "" on the server's side */
	struct err *refused; /* why the peer's certificate was refused; NULL: it was not */
};

/* host: name or numeric address the certificate must carry; NULL on the server's side. */
int tls_session_new(struct tls_session **out, const struct tls_context *tls, int fd,
		    const char *host, struct err *err);
void tls_session_free(struct tls_session *session);

/* After a handshake that failed with SSL_get_error() ssl_error: fill err with the reason; returns
 * its code. */
int tls_session_explain(struct tls_session *session, int ssl_error, struct err *err);

/* After the handshake, client: was "h2" agreed on? Fails: ERR_INPUT. */
int tls_session_check_h2(struct tls_session *session, struct err *err);

/* OpenSSL's certificate verification callback of client contexts; arg is the context. */
int tls_verify_peer(X509_STORE_CTX *store, void *arg);

/* A socket as OpenSSL sees it; does not own fd. NULL: no memory. */
BIO *tls_bio_new(int fd);

/* The first queued OpenSSL error's words; empties the queue. */
const char *tls_reason(void);

/* "SHA256:HEX" of a certificate; returns room. */
const char *
tls_fingerprint_text(char room[TLS_FINGERPRINT_BYTES], const uint8_t digest[TLS_DIGEST_BYTES]);

#endif

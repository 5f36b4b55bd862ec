/*
 * tls.h - who may be trusted, and the certificates of a hub of one's own.
 *
 * A context is made once, is shared by any number of connections and outlives them:
 * tls_client_new() or tls_server_new() -> tls_free(). TLS 1.2 at least, ALPN "h2".
 *
 * A client trusts, by what is given: the certificates of a CA file alone; or whoever
 * presents a certificate with a pinned SHA-256 digest (a pinned CA must have issued
 * the server's certificate, which must carry the host's name and be valid; a pinned
 * server certificate proves its identity by the pin); or else the system's store.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_TLS_H
#define HTTP_TLS_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct tls_context;

enum {
	TLS_DIGEST_BYTES = 32,
	TLS_FINGERPRINT_BYTES = 72, /* "SHA256:", 64 digits, NUL */
	TLS_NAMES_MAX = 64,	    /* names in a certificate that we make */
	TLS_CA_DAYS = 3650,
	TLS_CERT_DAYS = 825,
};

struct tls_client_options {
	const char *cacert; /* PEM file with the only trusted issuers; NULL: see above */
	const char *
		fingerprint; /* "SHA256:" and 64 hexadecimal digits; colons between them are fine */
	const char *cert;    /* PEM chain and key that we present when asked; both or none */
	const char *key;
};

/* Fails: ERR_INPUT (a fingerprint that is none, both cacert and fingerprint), ERR_HOST (a file). */
int
tls_client_new(struct tls_context **out, const struct tls_client_options *options, struct err *err);

/* cert_file: PEM, the server's certificate first, its issuers after it. Fails: ERR_HOST, ERR_INPUT.
 */
int tls_server_new(struct tls_context **out, const char *cert_file, const char *key_file,
		   struct err *err);

/*
 * Connections that begin from now on have what from was made of, a context of the same kind, which is freed; those that
 * are open go on.
 */
void tls_renew(struct tls_context *tls, struct tls_context *from);

/* Every connection must have been closed. NULL is fine. */
void tls_free(struct tls_context *tls);

/*
 * Make a P-256 key and a self-signed CA certificate, valid from an hour ago for days.
 * Both files are made new (never overwritten), the key with mode 0600. Fails: ERR_HOST.
 */
int tls_make_ca(const char *cert_file, const char *key_file, const char *common_name, int days,
		struct err *err);

struct tls_cert_spec {
	const char *ca_cert_file;
	const char *ca_key_file;
	const char *const *names; /* host names and numeric addresses, at least one */
	size_t name_count;
	int days; /* may be negative: already expired, for tests */
};

/*
 * Make a P-256 key and a server certificate with names as subjectAltName, signed by the CA; the
 * CA's certificate follows it in cert_file, so that a client can pin either. Files as in
 * tls_make_ca().
 */
int tls_make_cert(const char *cert_file, const char *key_file, const struct tls_cert_spec *spec,
		  struct err *err);

/* "SHA256:HEX" of the first certificate in a PEM file. */
int tls_fingerprint_file(char room[TLS_FINGERPRINT_BYTES], const char *cert_file, struct err *err);

/* Fails: ERR_INPUT and says what form is meant. */
int tls_fingerprint_parse(uint8_t digest[TLS_DIGEST_BYTES], const char *text, struct err *err);

#endif

/*
 * tls.c - contexts of clients and servers, and the sessions made from them.
 *
 * Contexts drop OpenSSL's read and write buffers while a connection is idle
 * (SSL_MODE_RELEASE_BUFFERS): thousands of idle connections cost little. Sessions are
 * not resumed: connections live for days, so tickets would buy nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/tls.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "http/tls_session.h"

const char *
tls_reason(void)
{
	unsigned long first = ERR_get_error();
	const char *words = first != 0 ? ERR_reason_error_string(first) : NULL;

	ERR_clear_error();
	return words != NULL ? words : "no reason given";
}

int
tls_fingerprint_parse(uint8_t digest[TLS_DIGEST_BYTES], const char *text, struct err *err)
{
	const char *p = text;
	unsigned digits = 0;

	if (strncasecmp(p, "SHA256:", strlen("SHA256:")) != 0)
		goto refuse;
	for (p += strlen("SHA256:"); *p != '\0'; p++) {
		int c = tolower((unsigned char)*p);

		if (c == ':' && digits > 0 && digits % 2 == 0)
			continue;
		if (!isxdigit((unsigned char)*p) || digits == 2 * TLS_DIGEST_BYTES)
			goto refuse;
		c = isdigit(c) ? c - '0' : c - 'a' + 10;
		if (digits % 2 == 0)
			digest[digits / 2] = (uint8_t)(c << 4);
		else
			digest[digits / 2] = (uint8_t)(digest[digits / 2] | c);
		digits++;
	}
	if (digits == 2 * TLS_DIGEST_BYTES)
		return 0;
refuse:
	(void)!err_set(err, ERR_INPUT,
		       "'%.100s' is not a fingerprint: it is SHA256: and 64 hexadecimal digits",
		       text);
	return err_hint(err, "copy it from what 'runner-hub init' or 'runner-hub check' prints");
}

const char *
tls_fingerprint_text(char room[TLS_FINGERPRINT_BYTES], const uint8_t digest[TLS_DIGEST_BYTES])
{
	unsigned i;

	memcpy(room, "SHA256:", strlen("SHA256:"));
	for (i = 0; i < TLS_DIGEST_BYTES; i++)
		(void)snprintf(room + strlen("SHA256:") + (size_t)i * 2, 3, "%02X", digest[i]);
	return room;
}

static int
context_new(struct tls_context **out, const SSL_METHOD *method, struct err *err)
{
	struct tls_context *tls = MEM_NEW(struct tls_context);

	ERR_clear_error();
	tls->ctx = SSL_CTX_new(method);
	if (tls->ctx == NULL) {
		free(tls);
		return err_set(err, ERR_HOST, "cannot set up TLS: %s", tls_reason());
	}
	(void)SSL_CTX_set_min_proto_version(tls->ctx, TLS1_2_VERSION);
	(void)SSL_CTX_set_mode(tls->ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
						 SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	(void)SSL_CTX_set_options(tls->ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
						    SSL_OP_NO_TICKET |
						    SSL_OP_IGNORE_UNEXPECTED_EOF);
	(void)SSL_CTX_set_session_cache_mode(tls->ctx, SSL_SESS_CACHE_OFF);
	(void)SSL_CTX_set_num_tickets(tls->ctx, 0);
	*out = tls;
	return 0;
}

static int
use_certificate(struct tls_context *tls, const char *cert_file, const char *key_file,
		struct err *err)
{
	if (SSL_CTX_use_certificate_chain_file(tls->ctx, cert_file) != 1)
		return err_set(err, ERR_HOST, "cannot use certificate file '%s': %s", cert_file,
			       tls_reason());
	if (SSL_CTX_use_PrivateKey_file(tls->ctx, key_file, SSL_FILETYPE_PEM) != 1)
		return err_set(err, ERR_HOST, "cannot use key file '%s': %s", key_file,
			       tls_reason());
	if (SSL_CTX_check_private_key(tls->ctx) != 1)
		return err_set(err, ERR_INPUT,
			       "key file '%s' does not belong to certificate file '%s'", key_file,
			       cert_file);
	return 0;
}

static int
trust(struct tls_context *tls, const struct tls_client_options *options, struct err *err)
{
	if (options->cacert != NULL && options->fingerprint != NULL)
		return err_set(err, ERR_INPUT,
			       "a CA file and a fingerprint were given: one of the two says whom "
			       "to trust");
	if (options->fingerprint != NULL) {
		tls->pinned = true;
		return tls_fingerprint_parse(tls->pin, options->fingerprint, err);
	}
	if (options->cacert == NULL) {
		if (SSL_CTX_set_default_verify_paths(tls->ctx) != 1)
			return err_set(err, ERR_HOST,
				       "cannot use the system's trusted certificates: %s",
				       tls_reason());
		return 0;
	}
	if (SSL_CTX_load_verify_locations(tls->ctx, options->cacert, NULL) != 1)
		return err_set(err, ERR_HOST, "cannot use CA file '%s': %s", options->cacert,
			       tls_reason());
	/* What the file has is trusted, be it a root, an intermediate or the server's own
	 * certificate. */
	(void)X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(tls->ctx), X509_V_FLAG_PARTIAL_CHAIN);
	return 0;
}

int
tls_client_new(struct tls_context **out, const struct tls_client_options *options, struct err *err)
{
	static const unsigned char protocols[] = "\x02h2";
	struct tls_context *tls;

	if ((options->cert == NULL) != (options->key == NULL))
		return err_set(err, ERR_INPUT,
			       "a client certificate needs both its certificate and its key");
	if (context_new(&tls, TLS_client_method(), err) < 0)
		return err->code;
	SSL_CTX_set_verify(tls->ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(tls->ctx, tls_verify_peer, tls);
	(void)SSL_CTX_set_alpn_protos(tls->ctx, protocols, sizeof(protocols) - 1);
	if (trust(tls, options, err) < 0)
		goto fail;
	if (options->cert != NULL && use_certificate(tls, options->cert, options->key, err) < 0)
		goto fail;
	*out = tls;
	return 0;

fail:
	tls_free(tls);
	return err->code;
}

/*
 * h2 if the client offers it; else http/1.1, so that it can be told in words what is
 * wrong (see server.c). Without a common protocol the handshake ends.
 */
static int
on_alpn_select(SSL *ssl, const unsigned char **out, unsigned char *out_len, const unsigned char *in,
	       unsigned in_len, void *arg)
{
	static const unsigned char ours[] = "\x02h2\x08http/1.1";
	unsigned char *chosen;

	(void)ssl;
	(void)arg;
	if (SSL_select_next_proto(&chosen, out_len, ours, sizeof(ours) - 1, in, in_len) !=
	    OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = chosen;
	return SSL_TLSEXT_ERR_OK;
}

int
tls_server_new(struct tls_context **out, const char *cert_file, const char *key_file,
	       struct err *err)
{
	struct tls_context *tls;

	if (context_new(&tls, TLS_server_method(), err) < 0)
		return err->code;
	tls->server = true;
	SSL_CTX_set_alpn_select_cb(tls->ctx, on_alpn_select, NULL);
	if (use_certificate(tls, cert_file, key_file, err) < 0) {
		tls_free(tls);
		return err->code;
	}
	*out = tls;
	return 0;
}

/* A connection holds what it has begun with (SSL_new(3)); the context stays where it is for those to come. */
void
tls_renew(struct tls_context *tls, struct tls_context *from)
{
	assert(tls->server == from->server);
	SSL_CTX_free(tls->ctx);
	*tls = *from;
	if (!tls->server)
		SSL_CTX_set_cert_verify_callback(tls->ctx, tls_verify_peer, tls);
	free(from);
}

void
tls_free(struct tls_context *tls)
{
	if (tls == NULL)
		return;
	SSL_CTX_free(tls->ctx);
	free(tls);
}

/* The name asked for goes into the hello (names only, RFC 6066, 3) and is what the certificate must
 * carry. */
static int
expect_host(struct tls_session *session, struct err *err)
{
	X509_VERIFY_PARAM *param = SSL_get0_param(session->ssl);
	unsigned char address[sizeof(struct in6_addr)];
	const char *host = session->host;
	int ok;

	if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1) {
		ok = X509_VERIFY_PARAM_set1_ip_asc(param, host);
	} else {
		X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
		ok = SSL_set_tlsext_host_name(session->ssl, host) == 1 &&
		     X509_VERIFY_PARAM_set1_host(param, host, 0) == 1;
	}
	if (ok != 1)
		return err_set(err, ERR_INPUT, "'%s' cannot be the name of a TLS server: %s", host,
			       tls_reason());
	return 0;
}

int
tls_session_new(struct tls_session **out, const struct tls_context *tls, int fd, const char *host,
		struct err *err)
{
	struct tls_session *session = MEM_NEW(struct tls_session);
	BIO *bio;

	ERR_clear_error();
	bio = tls_bio_new(fd);
	session->tls = tls;
	session->host = mem_strdup(host != NULL ? host : "");
	session->ssl = SSL_new(tls->ctx);
	if (session->ssl == NULL || bio == NULL) {
		BIO_free(bio);
		tls_session_free(session);
		return err_set(err, ERR_LIMIT, "cannot begin TLS: %s", tls_reason());
	}
	SSL_set_bio(session->ssl, bio, bio);
	(void)SSL_set_app_data(session->ssl, session);
	if (tls->server) {
		SSL_set_accept_state(session->ssl);
	} else {
		SSL_set_connect_state(session->ssl);
		if (expect_host(session, err) < 0) {
			tls_session_free(session);
			return err->code;
		}
	}
	*out = session;
	return 0;
}

void
tls_session_free(struct tls_session *session)
{
	if (session == NULL)
		return;
	SSL_free(session->ssl);
	free(session->host);
	free(session->refused);
	free(session);
}

int
tls_session_check_h2(struct tls_session *session, struct err *err)
{
	const unsigned char *chosen = NULL;
	unsigned len = 0;

	SSL_get0_alpn_selected(session->ssl, &chosen, &len);
	if (len == 2 && memcmp(chosen, "h2", 2) == 0)
		return 0;
	(void)!err_set(
		err, ERR_INPUT,
		"'%s' does not speak HTTP/2: it did not choose 'h2' (ALPN) in the TLS handshake",
		session->host);
	return err_hint(err, "is there a proxy in between, or is it another service?");
}

int
tls_session_explain(struct tls_session *session, int ssl_error, struct err *err)
{
	int sys = errno;
	unsigned long first = ERR_peek_error();

	if (session->refused != NULL) {
		ERR_clear_error();
		*err = *session->refused;
		return err->code;
	}
	if (ssl_error == SSL_ERROR_ZERO_RETURN || (ssl_error == SSL_ERROR_SYSCALL && sys == 0))
		return err_set(err, ERR_AGAIN, "the connection was closed in the TLS handshake");
	if (ssl_error == SSL_ERROR_SYSCALL && first == 0) {
		errno = sys;
		return err_sys(err, "the TLS handshake broke off");
	}
	switch (ERR_GET_REASON(first)) {
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_HTTPS_PROXY_REQUEST:
		ERR_clear_error();
		(void)!err_set(err, ERR_INPUT, "what is there does not speak TLS");
		return err_hint(
			err, "is the port right, or is the address meant to begin with http://?");
	case SSL_R_TLSV1_ALERT_NO_APPLICATION_PROTOCOL:
		ERR_clear_error();
		return err_set(err, ERR_INPUT,
			       "'%s' does not speak HTTP/2: it did not choose 'h2' (ALPN) in the "
			       "TLS handshake",
			       session->host);
	default:
		return err_set(err, ERR_AGAIN, "the TLS handshake failed: %s", tls_reason());
	}
}

/*
 * tls_verify.c - is this the server we meant? And if not, why, in words.
 *
 * OpenSSL hands the presented chain over; we either let it verify as usual (CA file,
 * system store) or look for the pinned digest. The reason of a refusal is kept with
 * the session, since OpenSSL forgets the certificate when the handshake fails.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/x509v3.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "http/tls_session.h"

enum { NAMES_SHOWN_BYTES = 160 };

static bool
digest_of(uint8_t digest[TLS_DIGEST_BYTES], const X509 *cert)
{
	unsigned len = TLS_DIGEST_BYTES;

	return X509_digest(cert, EVP_sha256(), digest, &len) == 1 && len == TLS_DIGEST_BYTES;
}

static void
append_name(struct buffer *out, const GENERAL_NAME *name)
{
	char address[INET6_ADDRSTRLEN];

	if (name->type == GEN_DNS) {
		buffer_printf(out, "%s%.*s", out->len > 0 ? ", " : "",
			      ASN1_STRING_length(name->d.dNSName),
			      (const char *)ASN1_STRING_get0_data(name->d.dNSName));
	} else if (name->type == GEN_IPADD) {
		int family = ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6;

		if (inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), address,
			      sizeof(address)) != NULL)
			buffer_printf(out, "%s%s", out->len > 0 ? ", " : "", address);
	}
}

/* The names a certificate is for, as people read them. Printable: a certificate is input. */
static void
names_text(char room[NAMES_SHOWN_BYTES], X509 *cert)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	struct buffer text = BUFFER_INIT;
	char *p;
	int i;

	for (i = 0; i < sk_GENERAL_NAME_num(names) && text.len < NAMES_SHOWN_BYTES; i++)
		append_name(&text, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	(void)snprintf(room, NAMES_SHOWN_BYTES, "%s",
		       text.len > 0 ? buffer_text(&text) : "no host at all");
	buffer_release(&text);
	for (p = room; *p != '\0'; p++) {
		if (*p < ' ' || *p >= 0x7f)
			*p = '?';
	}
}

static void
issuer_text(char room[NAMES_SHOWN_BYTES], const X509 *cert)
{
	char *p;

	if (X509_NAME_get_text_by_NID(X509_get_issuer_name(cert), NID_commonName, room,
				      NAMES_SHOWN_BYTES) < 0)
		(void)snprintf(room, NAMES_SHOWN_BYTES, "an issuer without a name");
	for (p = room; *p != '\0'; p++) {
		if (*p < ' ' || *p >= 0x7f)
			*p = '?';
	}
}

static const char *
day_text(char room[16], const ASN1_TIME *time)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(time, &tm) != 1 || strftime(room, 16, "%Y-%m-%d", &tm) == 0)
		(void)snprintf(room, 16, "an unknown day");
	return room;
}

static int
explain_fingerprint(const char *host, X509 *cert, const struct tls_context *tls, struct err *err)
{
	char expected[TLS_FINGERPRINT_BYTES], found[TLS_FINGERPRINT_BYTES] = "unknown";
	uint8_t digest[TLS_DIGEST_BYTES];

	if (digest_of(digest, cert))
		(void)tls_fingerprint_text(found, digest);
	(void)!err_set(err, ERR_INPUT,
		       "'%s' presents no certificate with the fingerprint %s; its own has %s", host,
		       tls_fingerprint_text(expected, tls->pin), found);
	return err_hint(err, "compare with what 'runner-hub init' printed: it is mistyped, or "
			     "another server answers");
}

/* One sentence a cause. */
static int
explain(const char *host, X509 *cert, int reason, const struct tls_context *tls, struct err *err)
{
	char names[NAMES_SHOWN_BYTES];
	char day[16];

	switch (reason) {
	case X509_V_ERR_APPLICATION_VERIFICATION:
		return explain_fingerprint(host, cert, tls, err);
	case X509_V_ERR_CERT_HAS_EXPIRED:
		(void)!err_set(err, ERR_INPUT, "the certificate of '%s' expired on %s", host,
			       day_text(day, X509_get0_notAfter(cert)));
		return err_hint(err, "renew it there; or is the clock of this machine wrong?");
	case X509_V_ERR_CERT_NOT_YET_VALID:
		(void)!err_set(err, ERR_INPUT, "the certificate of '%s' is not valid before %s",
			       host, day_text(day, X509_get0_notBefore(cert)));
		return err_hint(err, "is the clock of this machine wrong?");
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		names_text(names, cert);
		(void)!err_set(err, ERR_INPUT,
			       "the certificate presented is not for '%s' but for %s", host, names);
		return err_hint(err, "use one of these names in the address, or make a certificate "
				     "with the name used");
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_CERT_UNTRUSTED:
		issuer_text(names, cert);
		(void)!err_set(
			err, ERR_INPUT,
			"the certificate of '%s' was issued by '%s', which is not trusted here",
			host, names);
		return err_hint(err, "give the issuer's file with --cacert or its fingerprint with "
				     "--hub-fingerprint");
	default:
		return err_set(err, ERR_INPUT, "the certificate of '%s' is refused: %s", host,
			       X509_verify_cert_error_string(reason));
	}
}

/* The pinned certificate is the only anchor; names, dates and purpose count as ever. */
static int
verify_under(X509_STORE_CTX *outer, X509 *anchor)
{
	X509_STORE *anchors = X509_STORE_new();
	X509_STORE_CTX *inner = X509_STORE_CTX_new();
	int reason = X509_V_ERR_OUT_OF_MEM;

	if (anchors != NULL && inner != NULL && X509_STORE_add_cert(anchors, anchor) == 1 &&
	    X509_STORE_CTX_init(inner, anchors, X509_STORE_CTX_get0_cert(outer),
				X509_STORE_CTX_get0_untrusted(outer)) == 1) {
		X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(inner);

		(void)X509_VERIFY_PARAM_set1(param, X509_STORE_CTX_get0_param(outer));
		(void)X509_VERIFY_PARAM_set_flags(param, X509_V_FLAG_PARTIAL_CHAIN);
		(void)X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SSL_SERVER);
		reason = X509_verify_cert(inner) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(inner);
		if (reason == X509_V_OK && X509_STORE_CTX_get_error(inner) != X509_V_OK)
			reason = X509_STORE_CTX_get_error(inner);
	}
	X509_STORE_CTX_free(inner);
	X509_STORE_free(anchors);
	return reason;
}

static int
verify_pinned(X509_STORE_CTX *store, const struct tls_context *tls)
{
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(store);
	X509 *leaf = X509_STORE_CTX_get0_cert(store);
	uint8_t digest[TLS_DIGEST_BYTES];
	int i;

	if (digest_of(digest, leaf) && memcmp(digest, tls->pin, sizeof(digest)) == 0)
		return X509_V_OK;
	for (i = 0; i < sk_X509_num(chain); i++) {
		X509 *cert = sk_X509_value(chain, i);

		if (!digest_of(digest, cert) || memcmp(digest, tls->pin, sizeof(digest)) != 0)
			continue;
		if (X509_check_ca(cert) == 0)
			return X509_V_ERR_INVALID_CA;
		return verify_under(store, cert);
	}
	return X509_V_ERR_APPLICATION_VERIFICATION;
}

int
tls_verify_peer(X509_STORE_CTX *store, void *arg)
{
	const struct tls_context *tls = arg;
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls_session *session = SSL_get_app_data(ssl);
	X509 *blamed = X509_STORE_CTX_get0_cert(store);
	int reason;

	if (tls->pinned) {
		reason = verify_pinned(store, tls);
	} else {
		reason = X509_verify_cert(store) == 1 ? X509_V_OK : X509_STORE_CTX_get_error(store);
		if (reason == X509_V_ERR_CERT_HAS_EXPIRED ||
		    reason == X509_V_ERR_CERT_NOT_YET_VALID)
			blamed = X509_STORE_CTX_get_current_cert(store);
	}
	X509_STORE_CTX_set_error(store, reason);
	if (reason == X509_V_OK)
		return 1;
	if (session->refused == NULL)
		session->refused = MEM_NEW(struct err);
	(void)explain(session->host, blamed != NULL ? blamed : X509_STORE_CTX_get0_cert(store),
		      reason, tls, session->refused);
	return 0;
}

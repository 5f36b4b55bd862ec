/*
 * tls_make.c - a CA and server certificates of a hub of one's own.
 *
 * P-256 keys, SHA-256 signatures, 128-bit random serial numbers. Files are made with
 * O_EXCL: a key that is in use is never overwritten.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/tls.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "http/tls_session.h"

enum { HOUR_S = 3600, DAY_S = 24 * HOUR_S, SERIAL_BITS = 127 };

static int
openssl_failed(struct err *err, const char *what)
{
	return err_set(err, ERR_HOST, "cannot %s: %s", what, tls_reason());
}

/* --- files --- */

static int
write_file(const char *path, mode_t mode, BIO *pem, struct err *err)
{
	char *bytes;
	long len = BIO_get_mem_data(pem, &bytes);
	LOCAL_FD fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
	long at = 0;

	if (fd < 0)
		return err_sys(err, "cannot make '%s'", path);
	while (at < len) {
		ssize_t n = write(fd, bytes + at, (size_t)(len - at));

		if (n < 0) {
			(void)!err_sys(err, "cannot write '%s'", path);
			(void)unlink(path);
			return err->code;
		}
		at += n;
	}
	if (fsync(fd) < 0)
		return err_sys(err, "cannot write '%s'", path);
	return 0;
}

static int
write_key(const char *path, EVP_PKEY *key, struct err *err)
{
	BIO *pem = BIO_new(BIO_s_mem());
	int rc;

	if (pem == NULL || PEM_write_bio_PrivateKey(pem, key, NULL, NULL, 0, NULL, NULL) != 1)
		rc = openssl_failed(err, "write a key");
	else
		rc = write_file(path, 0600, pem, err);
	BIO_free(pem);
	return rc;
}

/* issuer may be NULL. */
static int
write_certs(const char *path, X509 *cert, X509 *issuer, struct err *err)
{
	BIO *pem = BIO_new(BIO_s_mem());
	int rc;

	if (pem == NULL || PEM_write_bio_X509(pem, cert) != 1 ||
	    (issuer != NULL && PEM_write_bio_X509(pem, issuer) != 1))
		rc = openssl_failed(err, "write a certificate");
	else
		rc = write_file(path, 0644, pem, err);
	BIO_free(pem);
	return rc;
}

static int
read_cert(const char *path, X509 **out, struct err *err)
{
	BIO *file = BIO_new_file(path, "r");

	*out = file != NULL ? PEM_read_bio_X509(file, NULL, NULL, NULL) : NULL;
	BIO_free(file);
	if (*out == NULL)
		return err_set(err, ERR_HOST, "cannot read a certificate from '%s': %s", path,
			       tls_reason());
	return 0;
}

static int
read_key(const char *path, EVP_PKEY **out, struct err *err)
{
	BIO *file = BIO_new_file(path, "r");

	*out = file != NULL ? PEM_read_bio_PrivateKey(file, NULL, NULL, NULL) : NULL;
	BIO_free(file);
	if (*out == NULL)
		return err_set(err, ERR_HOST, "cannot read a key from '%s': %s", path,
			       tls_reason());
	return 0;
}

/* --- certificates --- */

static bool
add_extension(X509 *cert, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX ctx;
	bool ok;

	X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = extension != NULL && X509_add_ext(cert, extension, -1) == 1;
	X509_EXTENSION_free(extension);
	return ok;
}

static bool
set_serial(X509 *cert)
{
	BIGNUM *serial = BN_new();
	bool ok = serial != NULL &&
		  BN_rand(serial, SERIAL_BITS, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
		  BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) != NULL;

	BN_free(serial);
	return ok;
}

/* Everything but names, extensions and the signature. The hour absorbs clocks that disagree. */
static bool
begin_cert(X509 *cert, EVP_PKEY *key, int days)
{
	long end_s = (long)days * DAY_S;
	long begin_s = days < 0 ? end_s - DAY_S : -(long)HOUR_S;

	return X509_set_version(cert, X509_VERSION_3) == 1 && set_serial(cert) &&
	       X509_gmtime_adj(X509_getm_notBefore(cert), begin_s) != NULL &&
	       X509_gmtime_adj(X509_getm_notAfter(cert), end_s) != NULL &&
	       X509_set_pubkey(cert, key) == 1;
}

static bool
set_common_name(X509 *cert, const char *name)
{
	return X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_UTF8,
					  (const unsigned char *)name, -1, -1, 0) == 1;
}

static bool
fill_ca(X509 *cert, EVP_PKEY *key, const char *common_name, int days)
{
	return begin_cert(cert, key, days) && set_common_name(cert, common_name) &&
	       X509_set_issuer_name(cert, X509_get_subject_name(cert)) == 1 &&
	       add_extension(cert, cert, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	       add_extension(cert, cert, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add_extension(cert, cert, NID_subject_key_identifier, "hash") &&
	       X509_sign(cert, key, EVP_sha256()) > 0;
}

int
tls_make_ca(const char *cert_file, const char *key_file, const char *common_name, int days,
	    struct err *err)
{
	EVP_PKEY *key;
	X509 *cert;
	int rc;

	ERR_clear_error();
	key = EVP_EC_gen("P-256");
	cert = X509_new();
	if (key == NULL || cert == NULL || !fill_ca(cert, key, common_name, days))
		rc = openssl_failed(err, "make a CA certificate");
	else if ((rc = write_key(key_file, key, err)) == 0)
		rc = write_certs(cert_file, cert, NULL, err);
	X509_free(cert);
	EVP_PKEY_free(key);
	return rc;
}

/* --- the names of a server --- */

static bool
is_dns_name(const char *name)
{
	const char *p = name;

	if (p[0] == '*' && p[1] == '.')
		p += 2;
	if (*p == '\0' || *p == '.' || *p == '-' || strlen(name) > 253)
		return false;
	for (; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && *p != '-' && *p != '.' && *p != '_')
			return false;
	}
	return true;
}

static GENERAL_NAME *
general_name(const char *name)
{
	unsigned char address[sizeof(struct in6_addr)];
	bool v4 = inet_pton(AF_INET, name, address) == 1;
	bool v6 = !v4 && inet_pton(AF_INET6, name, address) == 1;
	ASN1_STRING *value = v4 || v6 ? ASN1_OCTET_STRING_new() : ASN1_IA5STRING_new();
	GENERAL_NAME *out = GENERAL_NAME_new();
	int ok;

	if (out == NULL || value == NULL)
		goto fail;
	if (v4 || v6)
		ok = ASN1_STRING_set(value, address, v4 ? 4 : 16);
	else
		ok = ASN1_STRING_set(value, name, -1);
	if (ok != 1)
		goto fail;
	GENERAL_NAME_set0_value(out, v4 || v6 ? GEN_IPADD : GEN_DNS, value);
	return out;

fail:
	GENERAL_NAME_free(out);
	ASN1_STRING_free(value);
	return NULL;
}

static bool
add_names(X509 *cert, const struct tls_cert_spec *spec)
{
	GENERAL_NAMES *names = GENERAL_NAMES_new();
	bool ok = names != NULL;
	size_t i;

	for (i = 0; ok && i < spec->name_count; i++) {
		GENERAL_NAME *name = general_name(spec->names[i]);

		ok = name != NULL && sk_GENERAL_NAME_push(names, name) > 0;
		if (!ok)
			GENERAL_NAME_free(name);
	}
	ok = ok && X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, 0) == 1;
	GENERAL_NAMES_free(names);
	return ok;
}

static int
check_names(const struct tls_cert_spec *spec, struct err *err)
{
	unsigned char address[sizeof(struct in6_addr)];
	size_t i;

	if (spec->name_count == 0 || spec->name_count > TLS_NAMES_MAX)
		return err_set(err, ERR_INPUT, "a server certificate has 1 to %d names, not %zu",
			       TLS_NAMES_MAX, spec->name_count);
	for (i = 0; i < spec->name_count; i++) {
		if (!is_dns_name(spec->names[i]) &&
		    inet_pton(AF_INET6, spec->names[i], address) != 1)
			return err_set(err, ERR_INPUT,
				       "'%.100s' cannot be in a certificate: it is no host name "
				       "and no address",
				       spec->names[i]);
	}
	return 0;
}

static bool
fill_cert(X509 *cert, EVP_PKEY *key, const struct tls_cert_spec *spec, X509 *ca, EVP_PKEY *ca_key)
{
	/* A common name has at most 64 characters (RFC 5280, ub-common-name); SAN is what counts.
	 */
	const char *common_name = strlen(spec->names[0]) <= 64 ? spec->names[0] : "runner-hub";

	return begin_cert(cert, key, spec->days) && set_common_name(cert, common_name) &&
	       X509_set_issuer_name(cert, X509_get_subject_name(ca)) == 1 &&
	       add_extension(cert, ca, NID_basic_constraints, "critical,CA:FALSE") &&
	       add_extension(cert, ca, NID_key_usage, "critical,digitalSignature") &&
	       add_extension(cert, ca, NID_ext_key_usage, "serverAuth") &&
	       add_extension(cert, ca, NID_subject_key_identifier, "hash") &&
	       add_extension(cert, ca, NID_authority_key_identifier, "keyid") &&
	       add_names(cert, spec) && X509_sign(cert, ca_key, EVP_sha256()) > 0;
}

int
tls_make_cert(const char *cert_file, const char *key_file, const struct tls_cert_spec *spec,
	      struct err *err)
{
	EVP_PKEY *ca_key = NULL, *key = NULL;
	X509 *ca = NULL, *cert = NULL;
	int rc;

	ERR_clear_error();
	if ((rc = check_names(spec, err)) < 0 ||
	    (rc = read_cert(spec->ca_cert_file, &ca, err)) < 0 ||
	    (rc = read_key(spec->ca_key_file, &ca_key, err)) < 0)
		goto out;
	key = EVP_EC_gen("P-256");
	cert = X509_new();
	if (key == NULL || cert == NULL || !fill_cert(cert, key, spec, ca, ca_key))
		rc = openssl_failed(err, "make a server certificate");
	else if ((rc = write_key(key_file, key, err)) == 0)
		rc = write_certs(cert_file, cert, ca, err);
out:
	X509_free(cert);
	X509_free(ca);
	EVP_PKEY_free(key);
	EVP_PKEY_free(ca_key);
	return rc;
}

int
tls_fingerprint_file(char room[TLS_FINGERPRINT_BYTES], const char *cert_file, struct err *err)
{
	uint8_t digest[TLS_DIGEST_BYTES];
	unsigned len = sizeof(digest);
	X509 *cert;
	int ok;

	ERR_clear_error();
	if (read_cert(cert_file, &cert, err) < 0)
		return err->code;
	ok = X509_digest(cert, EVP_sha256(), digest, &len);
	X509_free(cert);
	if (ok != 1)
		return openssl_failed(err, "compute a fingerprint");
	(void)tls_fingerprint_text(room, digest);
	return 0;
}

/*
 * rsa_key.c - an RSA key that signs tokens: RS256.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/rsa_key.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/digest.h"

struct rsa_key {
	EVP_PKEY *pkey;
	char *modulus, *exponent;
	char id[RSA_KEY_ID_BYTES];
};

static char *
number_text(const EVP_PKEY *pkey, const char *which)
{
	unsigned char bytes[RSA_KEY_BITS / 8];
	BIGNUM *number = NULL;
	int ok = EVP_PKEY_get_bn_param(pkey, which, &number);
	size_t len;

	assert(ok == 1 && (size_t)BN_num_bytes(number) <= sizeof(bytes));
	len = (size_t)BN_bn2bin(number, bytes);
	BN_free(number);
	return text_base64url(bytes, len);
}

/* Takes pkey. */
static struct rsa_key *
key_of(EVP_PKEY *pkey)
{
	struct rsa_key *key = MEM_NEW(struct rsa_key);
	unsigned char digest[DIGEST_BYTES];
	LOCAL_FREE char *jwk = NULL, *id = NULL;

	key->pkey = pkey;
	key->modulus = number_text(pkey, OSSL_PKEY_PARAM_RSA_N);
	key->exponent = number_text(pkey, OSSL_PKEY_PARAM_RSA_E);
	jwk = mem_printf("{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}", key->exponent, key->modulus);
	digest_sha256(digest, jwk, strlen(jwk));
	id = text_base64url(digest, sizeof(digest));
	assert(strlen(id) < sizeof(key->id));
	memcpy(key->id, id, strlen(id) + 1);
	return key;
}

int
rsa_key_make(struct rsa_key **out, struct err *err)
{
	EVP_PKEY *pkey = EVP_RSA_gen(RSA_KEY_BITS);

	if (pkey == NULL)
		return err_set(err, ERR_HOST, "cannot make an RSA key of %d bits", RSA_KEY_BITS);
	*out = key_of(pkey);
	return 0;
}

int
rsa_key_read(struct rsa_key **out, const char *pem, size_t len, struct err *err)
{
	BIO *from = BIO_new_mem_buf(pem, (int)len);
	EVP_PKEY *pkey = from != NULL ? PEM_read_bio_PrivateKey(from, NULL, NULL, NULL) : NULL;

	BIO_free(from);
	if (pkey != NULL && EVP_PKEY_is_a(pkey, "RSA") && EVP_PKEY_bits(pkey) == RSA_KEY_BITS) {
		*out = key_of(pkey);
		return 0;
	}
	EVP_PKEY_free(pkey);
	return err_set(err, ERR_INPUT, "this is no RSA key of %d bits", RSA_KEY_BITS);
}

void
rsa_key_free(struct rsa_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	free(key->modulus);
	free(key->exponent);
	free(key);
}

void
rsa_key_write(const struct rsa_key *key, struct buffer *out)
{
	BIO *pem = BIO_new(BIO_s_secmem());
	char *bytes;
	long len;

	assert(pem != NULL);
	assert(PEM_write_bio_PKCS8PrivateKey(pem, key->pkey, NULL, NULL, 0, NULL, NULL) == 1);
	len = BIO_get_mem_data(pem, &bytes);
	buffer_putn(out, bytes, (size_t)len);
	BIO_free(pem);
}

const char *
rsa_key_id(const struct rsa_key *key)
{
	return key->id;
}

const char *
rsa_key_modulus(const struct rsa_key *key)
{
	return key->modulus;
}

const char *
rsa_key_exponent(const struct rsa_key *key)
{
	return key->exponent;
}

void
rsa_key_sign(const struct rsa_key *key, struct buffer *out, const void *bytes, size_t len)
{
	unsigned char signature[RSA_KEY_BITS / 8];
	size_t signature_len = sizeof(signature);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	LOCAL_FREE char *text = NULL;
	int ok;

	assert(ctx != NULL);
	/* PKCS #1 v1.5 is what OpenSSL takes for an RSA key when nothing else is said. */
	ok = EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key->pkey) == 1 &&
	     EVP_DigestSign(ctx, signature, &signature_len, bytes, len) == 1;
	EVP_MD_CTX_free(ctx);
	assert(ok);
	text = text_base64url(signature, signature_len);
	buffer_puts(out, text);
}

/*
 * seal.c - bytes that only the holder of a key can read or change: AES-256-GCM.
 *
 * A nonce is random: NIST SP 800-38D, 8.3 allows 2^32 values under one key so, and a hub
 * that is given one a second reaches that in 136 years.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/seal.h"

#include <openssl/evp.h>
#include <openssl/rand.h>
#include <string.h>

#include "base/assert.h"

enum { VERSION = 1, NONCE_BYTES = 12, TAG_BYTES = 16 };

void
seal_close(unsigned char *out, const unsigned char key[SEAL_KEY_BYTES], const void *name,
	   size_t name_len, const void *bytes, size_t len)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char *nonce = out + 1, *text = nonce + NONCE_BYTES;
	int n, ok;

	assert(ctx != NULL && len <= SEAL_MOST_BYTES);
	out[0] = VERSION;
	ok = RAND_bytes(nonce, NONCE_BYTES) == 1;
	ok = ok && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, nonce) == 1;
	ok = ok && EVP_EncryptUpdate(ctx, NULL, &n, out, 1) == 1;
	ok = ok && EVP_EncryptUpdate(ctx, NULL, &n, name, (int)name_len) == 1;
	ok = ok && EVP_EncryptUpdate(ctx, text, &n, bytes, (int)len) == 1;
	ok = ok && EVP_EncryptFinal_ex(ctx, text + len, &n) == 1;
	ok = ok && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_BYTES, text + len) == 1;
	EVP_CIPHER_CTX_free(ctx);
	assert(ok);
}

bool
seal_open(unsigned char *out, const unsigned char key[SEAL_KEY_BYTES], const void *name,
	  size_t name_len, const unsigned char *sealed, size_t len)
{
	unsigned char tag[TAG_BYTES];
	EVP_CIPHER_CTX *ctx;
	int n, ok;

	if (len < SEAL_EXTRA_BYTES || len > SEAL_MOST_BYTES + SEAL_EXTRA_BYTES ||
	    sealed[0] != VERSION)
		return false;
	ctx = EVP_CIPHER_CTX_new();
	assert(ctx != NULL);
	len -= SEAL_EXTRA_BYTES;
	memcpy(tag, sealed + 1 + NONCE_BYTES + len, TAG_BYTES);
	ok = EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL, key, sealed + 1) == 1;
	ok = ok && EVP_DecryptUpdate(ctx, NULL, &n, sealed, 1) == 1;
	ok = ok && EVP_DecryptUpdate(ctx, NULL, &n, name, (int)name_len) == 1;
	ok = ok && EVP_DecryptUpdate(ctx, out, &n, sealed + 1 + NONCE_BYTES, (int)len) == 1;
	ok = ok && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, TAG_BYTES, tag) == 1;
	ok = ok && EVP_DecryptFinal_ex(ctx, out + len, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	if (!ok)
		explicit_bzero(out, len);
	return ok;
}

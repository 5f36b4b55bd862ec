/*
 * digest.c - SHA-256 of bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/digest.h"

#include <openssl/evp.h>

#include <string.h>

#include "base/assert.h"

void
digest_sha256(unsigned char out[DIGEST_BYTES], const void *bytes, size_t len)
{
	unsigned n = 0;
	int ok = EVP_Digest(bytes, len, out, &n, EVP_sha256(), NULL);

	assert(ok == 1 && n == DIGEST_BYTES);
}

struct digest *
digest_new(void)
{
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	int ok = context != NULL && EVP_DigestInit_ex(context, EVP_sha256(), NULL) == 1;

	assert(ok);
	return (struct digest *)context;
}

void
digest_add(struct digest *digest, const void *bytes, size_t len)
{
	int ok = EVP_DigestUpdate((EVP_MD_CTX *)digest, bytes, len);

	assert(ok == 1);
}

void
digest_end(struct digest *digest, unsigned char out[DIGEST_BYTES])
{
	unsigned n = 0;
	int ok = EVP_DigestFinal_ex((EVP_MD_CTX *)digest, out, &n);

	assert(ok == 1 && n == DIGEST_BYTES);
	EVP_MD_CTX_free((EVP_MD_CTX *)digest);
}

const char *
digest_hex(char room[DIGEST_TEXT_BYTES], const unsigned char digest[DIGEST_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	int i;

	for (i = 0; i < DIGEST_BYTES; i++) {
		room[2 * i] = digits[digest[i] >> 4];
		room[2 * i + 1] = digits[digest[i] & 0x0f];
	}
	room[2 * DIGEST_BYTES] = '\0';
	return room;
}

const char *
digest_sha256_hex(char room[DIGEST_TEXT_BYTES], const void *bytes, size_t len)
{
	unsigned char digest[DIGEST_BYTES];

	digest_sha256(digest, bytes, len);
	return digest_hex(room, digest);
}

void
digest_md5(unsigned char out[DIGEST_MD5_BYTES], const void *bytes, size_t len)
{
	if (EVP_Digest(bytes, len, out, NULL, EVP_md5(), NULL) != 1)
		memset(out, 0, DIGEST_MD5_BYTES);
}

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

const char *
digest_sha256_hex(char room[DIGEST_TEXT_BYTES], const void *bytes, size_t len)
{
	static const char digits[] = "0123456789abcdef";
	unsigned char digest[DIGEST_BYTES];
	int i;

	digest_sha256(digest, bytes, len);
	for (i = 0; i < DIGEST_BYTES; i++) {
		room[2 * i] = digits[digest[i] >> 4];
		room[2 * i + 1] = digits[digest[i] & 0x0f];
	}
	room[2 * DIGEST_BYTES] = '\0';
	return room;
}

void
digest_md5(unsigned char out[DIGEST_MD5_BYTES], const void *bytes, size_t len)
{
	if (EVP_Digest(bytes, len, out, NULL, EVP_md5(), NULL) != 1)
		memset(out, 0, DIGEST_MD5_BYTES);
}

/*
 * digest.h - SHA-256 of bytes: tokens, archives, orbs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORMAT_DIGEST_H
#define FORMAT_DIGEST_H

#include <stddef.h>

enum { DIGEST_BYTES = 32, DIGEST_TEXT_BYTES = 65, DIGEST_MD5_BYTES = 16 };

/* Of all bytes at once. */
void digest_sha256(unsigned char out[DIGEST_BYTES], const void *bytes, size_t len);

/* The same as 64 lower-case hexadecimal digits and a NUL. Returns room. */
const char *digest_sha256_hex(char room[DIGEST_TEXT_BYTES], const void *bytes, size_t len);

/* As a name that others use, for nothing that must be secure; zero where the host forbids MD5. */
void digest_md5(unsigned char out[DIGEST_MD5_BYTES], const void *bytes, size_t len);

/* The same of bytes that come piece by piece: digest_new() -> digest_add() -> digest_end(), which frees it. */
struct digest;
struct digest *digest_new(void);
void digest_add(struct digest *digest, const void *bytes, size_t len);
void digest_end(struct digest *digest, unsigned char out[DIGEST_BYTES]);

/* 64 lower-case hexadecimal digits and a NUL. Returns room. */
const char *digest_hex(char room[DIGEST_TEXT_BYTES], const unsigned char digest[DIGEST_BYTES]);

#endif

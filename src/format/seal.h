/*
 * seal.h - bytes that only the holder of a key can read or change: AES-256-GCM.
 *
 * A sealed value is a version byte, a random nonce of 12 bytes, the ciphertext and a tag of
 * 16. The name it is kept under is authenticated with it, so that a value moved to
 * another row does not open there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef FORMAT_SEAL_H
#define FORMAT_SEAL_H

#include <stdbool.h>
#include <stddef.h>

enum { SEAL_KEY_BYTES = 32, SEAL_EXTRA_BYTES = 1 + 12 + 16, SEAL_MOST_BYTES = 1 << 20 };

/* Seal len (at most SEAL_MOST_BYTES) bytes; out has room for len + SEAL_EXTRA_BYTES. */
void seal_close(unsigned char *out, const unsigned char key[SEAL_KEY_BYTES], const void *name,
		size_t name_len, const void *bytes, size_t len);

/*
 * Open one; out has room for len - SEAL_EXTRA_BYTES and is zeroed when this fails. False: another
 * key or name, or it was changed.
 */
bool seal_open(unsigned char *out, const unsigned char key[SEAL_KEY_BYTES], const void *name,
	       size_t name_len, const unsigned char *sealed, size_t len);

#endif

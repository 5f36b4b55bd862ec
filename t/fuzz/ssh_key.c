/*
 * ssh_key.c - fuzz target: a private SSH key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "format/ssh_key.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct err err = ERR_INIT;
	char *text = malloc(len + 1);
	struct ssh_key key;

	memcpy(text, bytes, len);
	text[len] = '\0';
	if (ssh_key_read(&key, text, &err) == 0) {
		assert(strlen(key.sha256) == SSH_KEY_SHA256_BYTES - 1);
		assert(strlen(key.md5) == SSH_KEY_MD5_BYTES - 1);
	}
	free(text);
	return 0;
}

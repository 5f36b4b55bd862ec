/*
 * cache_key.c - fuzz target: the template of a cache's key.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "archive/cache_key.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static const char *
variable(void *arg, const char *name)
{
	(void)arg;
	return strlen(name) % 2 == 0 ? "value" : NULL;
}

static int
checksum(void *arg, const char *path, unsigned char digest[32], struct err *err)
{
	(void)arg;
	memset(digest, (int)strlen(path), 32);
	return strlen(path) > 100 ? err_set(err, ERR_HOST, "no such file") : 0;
}

/* What is made is a key: one line of UTF-8 of a bounded length. */
int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	const struct cache_key_facts facts = {
		.variable = variable, .checksum = checksum, .epoch = 1, .arch = "a"};
	struct buffer out = BUFFER_INIT;
	struct err err = ERR_INIT;
	char *text = malloc(len + 1);

	assert(text != NULL);
	memcpy(text, bytes, len);
	text[len] = '\0';
	if (cache_key_render(&out, text, &facts, &err) == 0) {
		assert(out.len > 0 && out.len <= CACHE_KEY_MOST_BYTES);
		assert(text_is_utf8(buffer_text(&out), out.len));
		assert(memchr(out.data, '\n', out.len) == NULL);
	} else {
		assert(err.code != 0 && err.text[0] != '\0' && out.len == 0);
	}
	buffer_release(&out);
	free(text);
	return 0;
}

/*
 * url.c - fuzz target: a server's address from a command line or a file, and percent-encoded text.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "http/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

/* What was understood must be understood again, the same, from how we write it. */
static void
check_again(const struct url *url)
{
	char text[URL_MAX_BYTES];
	struct err err = ERR_INIT;
	struct url again;

	assert(url_parse(&again, url_text(text, url), &err) == 0);
	assert(again.scheme == url->scheme && again.port == url->port);
	assert(strcmp(again.host, url->host) == 0 && strcmp(again.socket, url->socket) == 0);
	(void)url_is_local(url);
}

static void
check_decode(const char *text, size_t len)
{
	struct buffer encoded = BUFFER_INIT;
	struct err err = ERR_INIT;
	char *decoded = malloc(len + 1);
	char *again = malloc(len + 1);

	if (url_decode(decoded, text, len, true, &err) == 0) {
		url_encode(&encoded, decoded);
		assert(encoded.len <= 3 * len);
		again = realloc(again, encoded.len + 1);
		assert(url_decode(again, (const char *)encoded.data, encoded.len, true, &err) == 0);
		assert(strcmp(again, decoded) == 0);
	}
	free(decoded);
	free(again);
	buffer_release(&encoded);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	struct err err = ERR_INIT;
	char *text = malloc(len + 1);
	struct url url;

	memcpy(text, bytes, len);
	text[len] = '\0';
	if (url_parse(&url, text, &err) == 0)
		check_again(&url);
	if (len <= 4096 && memchr(text, '\0', len) == NULL)
		check_decode(text, len);
	free(text);
	return 0;
}

/*
 * accept.c - fuzz target: what a client writes into Accept-Encoding, Range, If-Range,
 * If-None-Match.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "http/accept.h"
#include "http/range.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len);

static void
check_range(const char *text, uint64_t size)
{
	uint64_t from = 0, until = 0;
	enum http_range range = http_range_read(text, size, &from, &until);

	if (range == HTTP_RANGE_PART)
		assert(from < until && until <= size);
	else
		assert(from == 0 && until == 0);
}

static void
check_accept(const char *text)
{
	enum http_coding coding = http_accept_coding(text);
	int any = http_accept_weight(text, "*");
	int zstd = http_accept_weight(text, "zstd"), gzip = http_accept_weight(text, "gzip");

	assert(any >= -1 && any <= 1000 && zstd >= -1 && zstd <= 1000 && gzip <= 1000);
	assert(coding != HTTP_ZSTD || zstd > 0 || (zstd < 0 && any > 0));
	assert(coding != HTTP_GZIP || gzip != 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t len)
{
	char *text = malloc(len + 1);

	memcpy(text, bytes, len);
	text[len] = '\0';
	check_accept(text);
	check_range(text, 0);
	check_range(text, 100);
	check_range(text, UINT64_MAX);
	(void)http_etag_is_named(text, "\"a\"");
	(void)http_if_range_holds(text, "\"a\"");
	free(text);
	return 0;
}

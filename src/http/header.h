/*
 * header.h - HTTP header fields of a request or a reply, as both faces give and take them.
 *
 * Names are lower case on the wire (RFC 9113, 8.2.1); look-ups ignore case. Values
 * are NUL-terminated text without control characters.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_HEADER_H
#define HTTP_HEADER_H

#include <stddef.h>

struct err;

enum {
	HTTP_HEADERS_MAX = 64,		    /* fields of one message, pseudo-headers not counted */
	HTTP_HEADERS_MAX_BYTES = 32 * 1024, /* names and values of one message together */
};

struct http_header {
	const char *name;
	const char *value;
};

/* The first value of name, or NULL. */
const char *http_header_get(const struct http_header *headers, size_t count, const char *name);

/* A name is a token, a value has no CR, LF, NUL. Fails: ERR_INPUT, ERR_LIMIT. */
int http_header_check(const char *name, const char *value, struct err *err);

#endif

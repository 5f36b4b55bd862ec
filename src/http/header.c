/*
 * header.c - HTTP header fields of a request or a reply.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/header.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"

const char *
http_header_get(const struct http_header *headers, size_t count, const char *name)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (strcasecmp(headers[i].name, name) == 0)
			return headers[i].value;
	}
	return NULL;
}

/* "token" of RFC 9110, 5.6.2, in bytes. */
static bool
is_token(const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	if (*p == '\0')
		return false;
	for (; *p != '\0'; p++) {
		if (*p >= 0x80 || (!isalnum(*p) && strchr("!#$%&'*+-.^_`|~", *p) == NULL))
			return false;
	}
	return true;
}

int
http_header_check(const char *name, const char *value, struct err *err)
{
	const unsigned char *p = (const unsigned char *)value;

	if (!is_token(name))
		return err_set(err, ERR_INPUT,
			       "header name '%.64s' is not allowed: letters, digits and -_. only",
			       name);
	if (strlen(name) + strlen(value) > HTTP_HEADERS_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "header '%.64s' is longer than %d bytes", name,
			       HTTP_HEADERS_MAX_BYTES);
	for (; *p != '\0'; p++) {
		if ((*p < 0x20 && *p != '\t') || *p == 0x7f)
			return err_set(err, ERR_INPUT,
				       "the value of header '%.64s' has a control character in it",
				       name);
	}
	return 0;
}

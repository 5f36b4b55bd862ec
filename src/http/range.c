/*
 * range.c - a part of a body, and its name: Range, If-Range, ETag.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/range.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

/* Digits at *text as a number, UINT64_MAX where it is larger. False: there are none. */
static bool
read_number(const char **text, uint64_t *out)
{
	const char *at = *text;
	uint64_t number = 0;

	for (; *at >= '0' && *at <= '9'; at++) {
		unsigned digit = (unsigned)(*at - '0');

		number = number > (UINT64_MAX - digit) / 10 ? UINT64_MAX : number * 10 + digit;
	}
	*out = number;
	if (at == *text)
		return false;
	*text = at;
	return true;
}

static bool
is_at_end(const char *text)
{
	return text[strspn(text, " \t")] == '\0';
}

/* "-N": the last N bytes. */
static enum http_range
read_suffix(const char *text, uint64_t size, uint64_t *from, uint64_t *until)
{
	uint64_t count;

	text++;
	if (!read_number(&text, &count) || !is_at_end(text))
		return HTTP_RANGE_ALL;
	if (count == 0 || size == 0)
		return HTTP_RANGE_NONE;
	*from = count < size ? size - count : 0;
	*until = size;
	return HTTP_RANGE_PART;
}

enum http_range
http_range_read(const char *text, uint64_t size, uint64_t *from, uint64_t *until)
{
	uint64_t first, last = UINT64_MAX;

	if (text == NULL || strncasecmp(text, "bytes=", 6) != 0)
		return HTTP_RANGE_ALL;
	text += 6;
	text += strspn(text, " \t");
	if (*text == '-')
		return read_suffix(text, size, from, until);
	if (!read_number(&text, &first) || *text++ != '-')
		return HTTP_RANGE_ALL;
	if (*text >= '0' && *text <= '9' && !read_number(&text, &last))
		return HTTP_RANGE_ALL;
	if (!is_at_end(text) || last < first)
		return HTTP_RANGE_ALL;
	if (first >= size)
		return HTTP_RANGE_NONE;
	*from = first;
	*until = last < size ? last + 1 : size;
	return HTTP_RANGE_PART;
}

bool
http_etag_is_named(const char *list, const char *etag)
{
	size_t len = strlen(etag);

	while (list != NULL && *list != '\0') {
		list += strspn(list, " \t,");
		if (*list == '*')
			return true;
		if (strncmp(list, "W/", 2) == 0)
			list += 2;
		if (strncmp(list, etag, len) == 0 && strchr(" \t,", list[len]) != NULL)
			return true;
		/* An entity tag holds no quote; a comma it may. */
		if (*list == '"') {
			list += 1 + strcspn(list + 1, "\"");
			list += *list == '"';
		} else {
			list += strcspn(list, ",");
		}
	}
	return false;
}

bool
http_if_range_holds(const char *if_range, const char *etag)
{
	size_t len = strlen(etag);

	if (if_range == NULL)
		return true;
	if_range += strspn(if_range, " \t");
	return strncmp(if_range, etag, len) == 0 && is_at_end(if_range + len);
}

/*
 * range.h - a part of a body, and its name: Range, If-Range, ETag (RFC 9110, 13 and 14).
 *
 * All of it reads untrusted text of any form. What is no range is ignored, as the RFC has it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HTTP_RANGE_H
#define HTTP_RANGE_H

#include <stdbool.h>
#include <stdint.h>

enum http_range {
	HTTP_RANGE_ALL,	 /* none asked for, one that is none, or several: answer 200 with all */
	HTTP_RANGE_PART, /* 206 */
	HTTP_RANGE_NONE, /* nothing lies there: 416 */
};

/* Read "bytes=…" for a body of size bytes; for a part, *from is its first byte, *until the one
 * behind its last. text may be NULL. */
enum http_range http_range_read(const char *text, uint64_t size, uint64_t *from, uint64_t *until);

/* Whether a list of If-None-Match, or "*", names etag (quotes included), weakly compared. */
bool http_etag_is_named(const char *list, const char *etag);

/* Whether a Range counts: If-Range is absent (NULL) or is that very strong etag. A date never is.
 */
bool http_if_range_holds(const char *if_range, const char *etag);

#endif

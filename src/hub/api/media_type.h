/*
 * media_type.h - what a browser is told of a file by its name, and whether it may show it.
 *
 * Whoever may run a job chooses names and bytes. What a browser would run (HTML, SVG, XML with a
 * style sheet, PDF) it is to save; what it may show is of a kind that has no script, and is said
 * not to be looked into for another kind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_MEDIA_TYPE_H
#define HUB_API_MEDIA_TYPE_H

#include <stdbool.h>

struct buffer;

struct media_type {
	const char *name;
	bool is_shown; /* in the browser; else it is saved */
};

/* By what is behind the last dot; bytes of no kind where that says nothing. */
struct media_type media_type_of(const char *name);

/* "attachment; filename=..." for the last part of name, which may be any bytes (RFC 6266). */
void media_disposition(struct buffer *out, const char *name, bool is_shown);

#endif

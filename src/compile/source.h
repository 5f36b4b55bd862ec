/*
 * source.h - one file of a compilation: its text, and where its lines begin.
 *
 * For diagnostics only. Lines end as YAML 1.1 has it: LF, CR LF, CR, NEL, LS, PS, so
 * that line numbers agree with libyaml's marks. The text is borrowed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_SOURCE_H
#define COMPILE_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

enum { SOURCE_AROUND = 500 };

struct source {
	const char *path;
	const char *bytes; /* without a byte order mark */
	size_t len;
	uint32_t *lines; /* byte offset of each line's start */
	uint32_t line_count;
	/* Where byte_at() was last: lines may be as long as the file. */
	uint32_t last_line, last_column;
	size_t last_byte;
};

/* false when the arena is full. */
bool source_init(struct source *source, struct arena *arena, const char *path, const void *bytes,
		 size_t len);

/*
 * The line's text around a column (both from 1), without the line's end: all of it, or in
 * a very long line from SOURCE_AROUND bytes before the column to as many after it; *first is
 * the column it begins with. NULL where there is no such line.
 */
const char *
source_excerpt(struct source *source, uint32_t line, uint32_t column, size_t *len, uint32_t *first);

/*
 * Where the n-th "<<" (from 0) of a scalar's value stands in the file, given where the
 * scalar begins, or one of its "<<", which is then the first. False, and unchanged, when the file
 * does not have it spelled like that.
 */
bool source_find_tag(struct source *source, size_t n, uint32_t *line, uint32_t *column);

/*
 * Go on by len bytes of a scalar's text from there: from behind a quote that stands there, or into
 * the lines below a '|'. Unchanged when the file has others.
 */
void
source_go_on(struct source *source, const char *text, size_t len, uint32_t *line, uint32_t *column);

#endif

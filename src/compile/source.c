/*
 * source.c - one file of a compilation: its text, and where its lines begin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/source.h"

#include <string.h>

#include "base/arena.h"

/* Bytes of the line end at p, 0 where there is none. */
static size_t
break_at(const char *p, const char *end)
{
	size_t left = (size_t)(end - p);

	if (*p == '\n')
		return 1;
	if (*p == '\r')
		return left > 1 && p[1] == '\n' ? 2 : 1;
	if (left > 1 && memcmp(p, "\xc2\x85", 2) == 0)
		return 2;
	if (left > 2 && (memcmp(p, "\xe2\x80\xa8", 3) == 0 || memcmp(p, "\xe2\x80\xa9", 3) == 0))
		return 3;
	return 0;
}

static uint32_t
find_lines(const struct source *source, uint32_t *starts)
{
	const char *p = source->bytes, *end = source->bytes + source->len;
	uint32_t n = 1;

	while (p < end) {
		size_t skip = break_at(p, end);

		p += skip > 0 ? skip : 1;
		if (skip == 0)
			continue;
		if (starts != NULL)
			starts[n] = (uint32_t)(p - source->bytes);
		n++;
	}
	return n;
}

bool
source_init(struct source *source, struct arena *arena, const char *path, const void *bytes,
	    size_t len)
{
	size_t skip = len >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;

	source->path = arena_strdup(arena, path);
	source->bytes = (const char *)bytes + skip;
	source->len = len - skip;
	source->line_count = find_lines(source, NULL);
	source->lines = ARENA_NEW_ARRAY(arena, uint32_t, source->line_count);
	if (source->path == NULL || source->lines == NULL)
		return false;
	(void)find_lines(source, source->lines);
	return true;
}

const char *
source_line(const struct source *source, uint32_t line, size_t *len)
{
	const char *start, *end = source->bytes + source->len, *p;

	if (line == 0 || line > source->line_count)
		return NULL;
	start = source->bytes + source->lines[line - 1];
	for (p = start; p < end && break_at(p, end) == 0; p++)
		;
	*len = (size_t)(p - start);
	return start;
}

/* The byte of a line's column (both from 1). */
static const char *
byte_at(const struct source *source, uint32_t line, uint32_t column)
{
	size_t len;
	const char *p = source_line(source, line, &len), *end;

	if (p == NULL)
		return NULL;
	for (end = p + len; p < end && column > 1; p++)
		if (p + 1 == end || (p[1] & 0xc0) != 0x80)
			column--;
	return p;
}

void
source_find_tag(const struct source *source, size_t n, uint32_t *line, uint32_t *column)
{
	const char *p = byte_at(source, *line, *column), *end = source->bytes + source->len;
	uint32_t at_line = *line, at_column = *column;

	while (p != NULL && p < end) {
		size_t skip = break_at(p, end);

		if (skip > 0) {
			at_line++;
			at_column = 1;
			p += skip;
			continue;
		}
		if (end - p >= 2 && p[0] == '<' && p[1] == '<') {
			if (n-- == 0) {
				*line = at_line;
				*column = at_column;
				return;
			}
			at_column += 2;
			p += 2;
			continue;
		}
		p++;
		if (p < end && (*p & 0xc0) != 0x80)
			at_column++;
		else if (p == end)
			return;
	}
}

/*
 * source.c - one file of a compilation: its text, and where its lines begin.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/source.h"

#include <string.h>

#include "base/arena.h"

/* Bytes of the line end at p, 0 where there is none. */
static inline size_t
break_at(const char *p, const char *end)
{
	size_t left = (size_t)(end - p);

	if ((unsigned char)*p > '\r' && (unsigned char)*p < 0xc2)
		return 0;
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

/* The byte of a line's column (both from 1); the line's end where it is shorter. */
static const char *
byte_at(struct source *source, uint32_t line, uint32_t column)
{
	const char *end = source->bytes + source->len, *p;
	uint32_t at = 1;

	if (line == 0 || line > source->line_count)
		return NULL;
	p = source->bytes + source->lines[line - 1];
	if (source->last_line == line && source->last_column <= column) {
		p = source->bytes + source->last_byte;
		at = source->last_column;
	}
	while (at < column && p < end && break_at(p, end) == 0) {
		for (p++; p < end && (*p & 0xc0) == 0x80; p++)
			;
		at++;
	}
	source->last_line = line;
	source->last_column = at;
	source->last_byte = (size_t)(p - source->bytes);
	return p;
}

const char *
source_excerpt(struct source *source, uint32_t line, uint32_t column, size_t *len, uint32_t *first)
{
	const char *end = source->bytes + source->len, *at = byte_at(source, line, column);
	const char *from, *to, *start;

	if (at == NULL)
		return NULL;
	start = source->bytes + source->lines[line - 1];
	*first = column;
	for (from = at; from > start && at - from < SOURCE_AROUND; from--)
		;
	while (from > start && (*from & 0xc0) == 0x80)
		from--;
	*first = 1;
	if (from > start) { /* count back from the column */
		const char *p;

		*first = source->last_column;
		for (p = at; p > from; p--)
			if ((p[-1] & 0xc0) != 0x80)
				(*first)--;
	}
	for (to = at; to < end && to - at < SOURCE_AROUND && break_at(to, end) == 0; to++)
		;
	while (to < end && to > at && (*to & 0xc0) == 0x80)
		to--;
	*len = (size_t)(to - from);
	return from;
}

bool
source_find_tag(struct source *source, size_t n, uint32_t *line, uint32_t *column)
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
				return true;
			}
			at_column += 2;
			p += 2;
			continue;
		}
		p++;
		if (p < end && (*p & 0xc0) != 0x80)
			at_column++;
		else if (p == end)
			break;
	}
	return false;
}

static uint32_t
count_characters(const char *text, size_t len)
{
	uint32_t count = 0;
	size_t i;

	for (i = 0; i < len; i++)
		count += (text[i] & 0xc0) != 0x80;
	return count;
}

/* In a later line: what the text has of it stands behind the block's indentation. */
static void
go_to_line(struct source *source, const char *text, size_t len, uint32_t below, uint32_t *line,
	   uint32_t *column)
{
	const char *end = source->bytes + source->len, *begin = text + len, *p;
	size_t spaces, own;

	while (begin > text && begin[-1] != '\n')
		begin--;
	len -= (size_t)(begin - text);
	p = byte_at(source, *line + below, 1);
	if (p == NULL)
		return;
	for (spaces = 0; p + spaces < end && p[spaces] == ' ';)
		spaces++;
	for (own = 0; own < len && begin[own] == ' ';)
		own++;
	if (own > spaces || (size_t)(end - p) < spaces - own + len ||
	    memcmp(p + spaces - own, begin, len) != 0)
		return;
	*line += below;
	*column = (uint32_t)(spaces - own) + count_characters(begin, len) + 1;
}

void
source_go_on(struct source *source, const char *text, size_t len, uint32_t *line, uint32_t *column)
{
	const char *p = byte_at(source, *line, *column), *end = source->bytes + source->len;
	uint32_t lines = 0, quote;
	size_t i;

	if (p == NULL || p == end)
		return;
	for (i = 0; i < len; i++)
		lines += text[i] == '\n';
	if (*p == '|' || lines > 0) {
		go_to_line(source, text, len, lines + (*p == '|'), line, column);
		return;
	}
	quote = (*p == '"' || *p == '\'') && len > 0 && text[0] != *p;
	if ((size_t)(end - p) >= quote + len && memcmp(p + quote, text, len) == 0)
		*column += quote + count_characters(text, len);
}

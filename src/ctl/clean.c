/*
 * clean.c - text of others made fit for one line of our own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/clean.h"

#include <string.h>

#include "base/buffer.h"
#include "base/text.h"

enum { CLEAN_TAIL_BYTES = 4096 };

/* What a byte below 0x20, or DEL, does in plain text. */
static bool
keeps_text(enum clean_state *state, unsigned char byte)
{
	*state = byte == 0xc2 ? CLEAN_C1 : CLEAN_TEXT;
	if (byte == 0x1b)
		*state = CLEAN_ESCAPE;
	return byte == '\t' || byte == '\n' || byte == '\r' || (byte >= 0x20 && byte != 0x7f);
}

bool
clean_keeps(enum clean_state *state, unsigned char byte)
{
	switch (*state) {
	case CLEAN_TEXT:
		return keeps_text(state, byte);
	case CLEAN_C1:
		/* A terminal takes U+009B for the beginning of a sequence; the first byte alone is nothing to it. */
		if (byte < 0x80 || byte > 0x9f)
			return keeps_text(state, byte);
		*state = CLEAN_TEXT;
		return false;
	case CLEAN_ESCAPE:
		if (byte == '[')
			*state = CLEAN_CONTROL_SEQUENCE;
		else if (strchr("]PX^_", byte) != NULL && byte != '\0')
			*state = CLEAN_STRING;
		else if (byte < 0x20 || byte > 0x2f) /* not an intermediate byte: its end */
			*state = CLEAN_TEXT;
		return false;
	case CLEAN_CONTROL_SEQUENCE:
		if (byte == '\n') { /* no sequence holds one: it was cut short */
			*state = CLEAN_TEXT;
			return true;
		}
		if (byte >= 0x40 && byte <= 0x7e)
			*state = CLEAN_TEXT;
		return false;
	case CLEAN_STRING:
		if (byte == '\n') {
			*state = CLEAN_TEXT;
			return true;
		}
		if (byte == 0x07)
			*state = CLEAN_TEXT;
		else if (byte == 0x1b)
			*state = CLEAN_STRING_ESCAPE;
		return false;
	case CLEAN_STRING_ESCAPE:
		*state = byte == '\\' ? CLEAN_TEXT : CLEAN_STRING;
		return false;
	}
	return false;
}

/* C1 control characters, U+0080 to U+009F, are "\xc2\x80" to "\xc2\x9f". */
static bool
is_c1(const char *text, size_t len)
{
	return len >= 2 && (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] >= 0x80 &&
	       (unsigned char)text[1] <= 0x9f;
}

static size_t
char_length(unsigned char lead)
{
	if (lead < 0x80)
		return 1;
	if (lead < 0xe0)
		return 2;
	return lead < 0xf0 ? 3 : 4;
}

/* Bytes of the character at text, 0 when it is none that is whole and valid. */
static size_t
valid_char(const char *text, size_t len)
{
	size_t n = char_length((unsigned char)text[0]);

	if (n > len || !text_is_utf8(text, n))
		return 0;
	return n;
}

void
clean_text(char *room, size_t size, const char *text, size_t len)
{
	enum clean_state state = CLEAN_TEXT;
	size_t at = 0, out = 0, n;

	for (; at < len; at += n) {
		n = 1;
		if (!clean_keeps(&state, (unsigned char)text[at]))
			continue;
		n = valid_char(text + at, len - at);
		if (out + (n > 0 ? n : 1) >= size)
			break;
		if (n == 0) {
			room[out++] = '?';
			n = 1;
		} else if (n == 1 && (unsigned char)text[at] < 0x20) {
			room[out++] = ' ';
		} else if (!is_c1(text + at, n)) {
			memcpy(room + out, text + at, n);
			out += n;
		}
	}
	room[out] = '\0';
}

static uint32_t
code_point(const char *text, size_t n)
{
	static const unsigned char lead_bits[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
	uint32_t code = (unsigned char)text[0] & lead_bits[n];
	size_t i;

	for (i = 1; i < n; i++)
		code = code << 6 | ((unsigned char)text[i] & 0x3f);
	return code;
}

/* The blocks that terminals show two columns wide (Unicode's East Asian Width W and F), and those
 * that take none. */
static unsigned
char_columns(uint32_t code)
{
	static const struct {
		uint32_t from, to;
		unsigned columns;
	} blocks[] = {
		{0x0300, 0x036f, 0},   {0x1100, 0x115f, 2},   {0x200b, 0x200f, 0},
		{0x202a, 0x202e, 0},   {0x2060, 0x2064, 0},   {0x2e80, 0x303e, 2},
		{0x3041, 0xa4cf, 2},   {0xac00, 0xd7a3, 2},   {0xf900, 0xfaff, 2},
		{0xfe00, 0xfe0f, 0},   {0xfe30, 0xfe6f, 2},   {0xff00, 0xff60, 2},
		{0xffe0, 0xffe6, 2},   {0x1f300, 0x1f64f, 2}, {0x1f680, 0x1f6ff, 2},
		{0x1f900, 0x1f9ff, 2}, {0x20000, 0x3fffd, 2},
	};
	size_t i;

	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++)
		if (code >= blocks[i].from && code <= blocks[i].to)
			return blocks[i].columns;
	return 1;
}

/* Columns of the character at text and its bytes in *n; a broken byte is one column. */
static unsigned
columns_at(const char *text, size_t len, size_t *n)
{
	*n = valid_char(text, len);
	if (*n == 0) {
		*n = 1;
		return 1;
	}
	return char_columns(code_point(text, *n));
}

unsigned
clean_width(const char *text)
{
	size_t len = strlen(text), n;
	unsigned width = 0;

	for (; len > 0; text += n, len -= n)
		width += columns_at(text, len, &n);
	return width;
}

/* Bytes of text's beginning that fit into width columns. */
static size_t
fitting_head(const char *text, unsigned width)
{
	size_t len = strlen(text), at = 0, n;
	unsigned columns;

	while (at < len) {
		columns = columns_at(text + at, len - at, &n);
		if (columns > width)
			break;
		width -= columns;
		at += n;
	}
	return at;
}

const char *
clean_cut(char *room, size_t size, const char *text, unsigned width)
{
	unsigned full = clean_width(text), rest = full, left, right;
	size_t len = strlen(text), head, skip, tail, n;

	if (full <= width && len < size) {
		memcpy(room, text, len + 1);
		return room;
	}
	if (width < 3 || size < 4) {
		room[0] = '\0';
		return room;
	}
	left = (width - 3 + 1) / 2;
	right = width - 3 - left;
	head = fitting_head(text, left);
	for (skip = 0; rest > right; skip += n)
		rest -= columns_at(text + skip, len - skip, &n);
	tail = strlen(text + skip);
	if (head + 3 + tail >= size) {
		head = head < size - 4 ? head : size - 4;
		tail = 0;
	}
	memcpy(room, text, head);
	memcpy(room + head, "...", 3);
	memcpy(room + head + 3, text + skip, tail);
	room[head + 3 + tail] = '\0';
	return room;
}

/* A byte of an escape sequence: held until it shows whether it is a colour. */
static void
hold(struct clean_stream *stream, unsigned char byte, struct buffer *out)
{
	if (stream->held_len == CLEAN_HELD_BYTES)
		return; /* longer than any colour: dropped at its end */
	stream->held[stream->held_len++] = (char)byte;
	if (stream->state != CLEAN_TEXT)
		return;
	if (byte == 'm' && stream->held_len > 2 && stream->held[1] == '[' && stream->colour) {
		buffer_putn(out, stream->held, stream->held_len);
		stream->coloured = true;
	}
}

void
clean_stream_feed(struct clean_stream *stream, const void *bytes, size_t len, struct buffer *out)
{
	const unsigned char *at = bytes, *end = at + len, *from = at;
	enum clean_state before;

	for (; at < end; at++) {
		before = stream->state;
		if (clean_keeps(&stream->state, *at)) {
			stream->held_len = 0;
			continue;
		}
		buffer_putn(out, from, (size_t)(at - from));
		from = at + 1;
		if (before == CLEAN_TEXT)
			stream->held_len = 0;
		if (before != CLEAN_TEXT || stream->state != CLEAN_TEXT)
			hold(stream, *at, out);
	}
	buffer_putn(out, from, (size_t)(at - from));
}

void
clean_line_feed(struct clean_line *line, const void *bytes, size_t len)
{
	const unsigned char *at = bytes, *end = at + len;

	if (len > CLEAN_TAIL_BYTES) { /* the last line lies behind it, or is longer than we keep */
		at = end - CLEAN_TAIL_BYTES;
		line->state = CLEAN_TEXT;
	}
	for (; at < end; at++) {
		if (!clean_keeps(&line->state, *at))
			continue;
		if (*at == '\n' || *at == '\r') {
			line->ended = true;
			continue;
		}
		if (line->ended) {
			line->ended = false;
			line->len = 0;
		}
		if (line->len < sizeof(line->bytes))
			line->bytes[line->len++] = (char)*at;
	}
}

const char *
clean_line_text(const struct clean_line *line, char room[CLEAN_LINE_BYTES])
{
	clean_text(room, CLEAN_LINE_BYTES, line->bytes, line->len);
	return room;
}

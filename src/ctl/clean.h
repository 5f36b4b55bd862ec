/*
 * clean.h - text of others made fit for one line of our own.
 *
 * Job output and names that came over the network may hold anything: control
 * characters, escape sequences, broken UTF-8. What goes into a status line or a
 * table passes through here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_CLEAN_H
#define CTL_CLEAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where in an escape sequence (ECMA-48) a stream stands. */
enum clean_state {
	CLEAN_TEXT,
	CLEAN_C1, /* in text, behind the first byte of what may be one of U+0080 to U+009F */
	CLEAN_ESCAPE,
	CLEAN_CONTROL_SEQUENCE,
	CLEAN_STRING,
	CLEAN_STRING_ESCAPE
};

/*
 * Next byte of a stream: true when it is text to keep (control characters other than tab, newline,
 * carriage return are not), false when it is part of an escape sequence or a control character.
 * *state begins as CLEAN_TEXT.
 */
bool clean_keeps(enum clean_state *state, unsigned char byte);

/* One line of printable UTF-8 in room (size > 0): sequences and control characters dropped, tabs
 * blanks, broken bytes '?'. */
void clean_text(char *room, size_t size, const char *text, size_t len);

/* Columns that clean text takes on a terminal. */
unsigned clean_width(const char *text);

/* text in at most width columns: where it is longer the middle makes room for "...". Returns room.
 */
const char *clean_cut(char *room, size_t size, const char *text, unsigned width);

/* --- a whole stream -------------------------------------------------------------------- */

struct buffer;

enum { CLEAN_HELD_BYTES = 48 };

/*
 * Lines of others as they may go to a terminal or a file of ours: control characters and
 * sequences are dropped, colours (SGR) too unless they are wanted. Zeroed: plain text.
 */
struct clean_stream {
	bool colour;
	bool coloured; /* a colour is on */
	enum clean_state state;
	unsigned char held_len;
	char held[CLEAN_HELD_BYTES]; /* of a sequence that may be a colour */
};

/* Appends what may pass; out must have no limit. */
void
clean_stream_feed(struct clean_stream *stream, const void *bytes, size_t len, struct buffer *out);

/* --- the last line of a stream ------------------------------------------------------ */

enum { CLEAN_LINE_BYTES = 256 };

/* The last line that had something in it, as far as it has come; carriage returns begin it anew.
 * Zeroed: none yet. */
struct clean_line {
	enum clean_state state;
	bool ended; /* the next text begins a new line */
	uint16_t len;
	char bytes[CLEAN_LINE_BYTES];
};

void clean_line_feed(struct clean_line *line, const void *bytes, size_t len);
/* As clean_text() makes it. Returns room. */
const char *clean_line_text(const struct clean_line *line, char room[CLEAN_LINE_BYTES]);

#endif

/*
 * text.h - small questions about text: numbers, durations, sizes, UTF-8.
 *
 * Locale plays no part in any of them. Parsers take the whole string or nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer;
struct err;

bool text_eq(const char *a, const char *b); /* either may be NULL; NULL equals NULL only */
bool text_starts(const char *text, const char *prefix);
bool text_ends(const char *text, const char *suffix);

/* Decimal digits only. Fails: ERR_INPUT (not a number), ERR_LIMIT (above most). */
int text_parse_u64(const char *text, uint64_t most, uint64_t *out, struct err *err);

/* "90", "10s", "1h30m", "250ms", "2.5m": seconds when there is no unit. Result in milliseconds. */
int text_parse_duration_ms(const char *text, uint64_t *out, struct err *err);

/* "1048576", "64k", "16M", "16MiB", "2G": bytes, powers of 1024. */
int text_parse_bytes(const char *text, uint64_t *out, struct err *err);

/* "0.4s", "12.4s", "3m05s", "1h02m": how people read an elapsed time. Returns room. */
const char *text_duration(char room[24], uint64_t ms);

/* "512 B", "1.5 MiB". Returns room. */
const char *text_bytes(char room[24], uint64_t bytes);

/* Value of a hexadecimal digit in either case; -1 when it is none. */
static inline int
text_hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool text_is_utf8(const char *text, size_t len);

/* How many of len bytes, at least one, are the first character; 0 when they begin with none. */
size_t text_utf8_char(const char *text, size_t len);

/* Index of the first byte that is not part of valid UTF-8, or len. */
size_t text_utf8_prefix(const char *text, size_t len);

/* Number of edits from a to b, for "did you mean"; stops counting above most. */
unsigned text_distance(const char *a, const char *b, unsigned most);

/* Append text in single quotes as a POSIX shell reads it back. */
void text_shell_quote(struct buffer *out, const char *text);

/* RFC 4648, 4. The caller frees. */
char *text_base64(const void *bytes, size_t len);
/* RFC 4648, 5, without padding: as tokens have it (RFC 7515, 2). The caller frees. */
char *text_base64url(const void *bytes, size_t len);

/* What base64 holds, up to its padding or the first character that is none, and at most size bytes
 * in room; returns how many. */
size_t text_unbase64(void *room, size_t size, const char *text);

/* RFC 3339 in UTC with milliseconds, as CircleCI's API writes it. Returns room. */
const char *text_time(char room[32], int64_t unix_ms);

#endif

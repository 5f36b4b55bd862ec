/*
 * text.c - small questions about text: numbers, durations, sizes, UTF-8.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

bool
text_eq(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

bool
text_starts(const char *text, const char *prefix)
{
	return strncmp(text, prefix, strlen(prefix)) == 0;
}

bool
text_ends(const char *text, const char *suffix)
{
	size_t len = strlen(text), tail = strlen(suffix);

	return len >= tail && strcmp(text + len - tail, suffix) == 0;
}

static bool
is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Leading digits of *text into *out; false on none or on overflow. Moves *text behind them. */
static bool
take_digits(const char **text, uint64_t *out)
{
	const char *p = *text;
	uint64_t value = 0;

	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
			return false;
	if (p == *text)
		return false;
	*text = p;
	*out = value;
	return true;
}

int
text_parse_u64(const char *text, uint64_t most, uint64_t *out, struct err *err)
{
	const char *p = text;
	uint64_t value;

	if (!take_digits(&p, &value) || *p != '\0')
		return err_set(err, ERR_INPUT, "'%.64s' is not a whole number", text);
	if (value > most)
		return err_set(err, ERR_LIMIT, "%.64s is more than %llu", text,
			       (unsigned long long)most);
	*out = value;
	return 0;
}

/* ".25" as thousandths: 250. Further digits are dropped. */
static uint64_t
take_thousandths(const char **text)
{
	const char *p = *text;
	uint64_t value = 0;
	unsigned scale = 100;

	if (*p != '.' || !is_digit(p[1]))
		return 0;
	for (p++; is_digit(*p); p++, scale /= 10)
		value += (uint64_t)(*p - '0') * scale;
	*text = p;
	return value;
}

static uint64_t
take_time_unit_ms(const char **text)
{
	static const struct {
		const char *name;
		uint64_t ms;
	} units[] = {{"ms", 1}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"d", 86400000}};
	size_t i;

	for (i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (text_starts(*text, units[i].name)) {
			*text += strlen(units[i].name);
			return units[i].ms;
		}
	return 0;
}

int
text_parse_duration_ms(const char *text, uint64_t *out, struct err *err)
{
	const char *p = text;
	uint64_t total = 0, whole, part, unit, ms;

	do {
		if (!take_digits(&p, &whole))
			goto bad;
		part = take_thousandths(&p);
		unit = take_time_unit_ms(&p);
		if (unit == 0 && (*p != '\0' || total != 0))
			goto bad;
		if (unit == 0)
			unit = 1000;
		if (__builtin_mul_overflow(whole, unit, &ms) ||
		    __builtin_add_overflow(ms, part * unit / 1000, &ms) ||
		    __builtin_add_overflow(total, ms, &total))
			goto bad;
	} while (*p != '\0');
	*out = total;
	return 0;

bad:
	if (err_set(err, ERR_INPUT, "'%.64s' is not a length of time", text) < 0)
		err_hint(err, "write it like 90s, 10m or 1h30m");
	return err->code;
}

int
text_parse_bytes(const char *text, uint64_t *out, struct err *err)
{
	static const char letters[] = "kmgt";
	const char *p = text, *at;
	uint64_t value, shift = 0;
	char letter;

	if (!take_digits(&p, &value))
		goto bad;
	letter = *p >= 'A' && *p <= 'Z' ? (char)(*p + 'a' - 'A') : *p;
	if (letter != '\0' && (at = strchr(letters, letter)) != NULL) {
		shift = 10 * (uint64_t)(at - letters + 1);
		p++;
		if (strcmp(p, "iB") == 0)
			p += 2;
		else if (strcmp(p, "i") == 0)
			p += 1;
	}
	if (*p != '\0' || (shift != 0 && value >> (64 - shift) != 0))
		goto bad;
	*out = value << shift;
	return 0;

bad:
	if (err_set(err, ERR_INPUT, "'%.64s' is not a size", text) < 0)
		err_hint(err, "write it like 1048576, 64k, 16M or 2G");
	return err->code;
}

const char *
text_duration(char room[24], uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (s < 60)
		(void)snprintf(room, 24, "%llu.%llus", (unsigned long long)s,
			       (unsigned long long)(ms % 1000 / 100));
	else if (s < 3600)
		(void)snprintf(room, 24, "%llum%02llus", (unsigned long long)(s / 60),
			       (unsigned long long)(s % 60));
	else
		(void)snprintf(room, 24, "%lluh%02llum", (unsigned long long)(s / 3600),
			       (unsigned long long)(s / 60 % 60));
	return room;
}

const char *
text_bytes(char room[24], uint64_t bytes)
{
	static const char units[] = "KMGTPE";
	uint64_t scaled = bytes * 10;
	int unit = -1;

	if (bytes < 1024) {
		(void)snprintf(room, 24, "%llu B", (unsigned long long)bytes);
		return room;
	}
	if (bytes > UINT64_MAX / 10)
		scaled = UINT64_MAX;
	for (; scaled >= 10240; scaled /= 1024)
		unit++;
	(void)snprintf(room, 24, "%llu.%llu %ciB", (unsigned long long)(scaled / 10),
		       (unsigned long long)(scaled % 10), units[unit]);
	return room;
}

/* Length of the valid sequence at text, 0 if there is none (RFC 3629, section 4). */
static size_t
utf8_sequence(const unsigned char *p, size_t len)
{
	unsigned low = 0x80, high = 0xbf;
	size_t want, i;

	if (p[0] < 0x80)
		return 1;
	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		want = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		want = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		want = 4;
	else
		return 0;
	if (len < want)
		return 0;
	switch (p[0]) { /* no overlong forms, no surrogates, nothing above U+10FFFF */
	case 0xe0:
		low = 0xa0;
		break;
	case 0xed:
		high = 0x9f;
		break;
	case 0xf0:
		low = 0x90;
		break;
	case 0xf4:
		high = 0x8f;
		break;
	default:
		break;
	}
	if (p[1] < low || p[1] > high)
		return 0;
	for (i = 2; i < want; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 0;
	return want;
}

size_t
text_utf8_char(const char *text, size_t len)
{
	return utf8_sequence((const unsigned char *)text, len);
}

size_t
text_utf8_prefix(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text;
	size_t at = 0, step;

	while (at < len) {
		step = utf8_sequence(p + at, len - at);
		if (step == 0)
			break;
		at += step;
	}
	return at;
}

bool
text_is_utf8(const char *text, size_t len)
{
	return text_utf8_prefix(text, len) == len;
}

unsigned
text_distance(const char *a, const char *b, unsigned most)
{
	size_t la = strlen(a), lb = strlen(b), i, j;
	unsigned diagonal, above, best;
	LOCAL_FREE unsigned *row = NULL;

	if ((la > lb ? la - lb : lb - la) > most)
		return most + 1;
	row = MEM_NEW_ARRAY(unsigned, lb + 1);
	for (j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (i = 1; i <= la; i++) {
		diagonal = row[0];
		row[0] = (unsigned)i;
		best = row[0];
		for (j = 1; j <= lb; j++) {
			above = row[j];
			row[j] = diagonal + (a[i - 1] != b[j - 1]);
			if (row[j] > above + 1)
				row[j] = above + 1;
			if (row[j] > row[j - 1] + 1)
				row[j] = row[j - 1] + 1;
			if (row[j] < best)
				best = row[j];
			diagonal = above;
		}
		if (best > most)
			return most + 1;
	}
	return row[lb] <= most ? row[lb] : most + 1;
}

void
text_shell_quote(struct buffer *out, const char *text)
{
	buffer_puts(out, "'");
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buffer_puts(out, "'\\''");
		else
			buffer_putn(out, text, 1);
	}
	buffer_puts(out, "'");
}

static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

char *
text_base64(const void *bytes, size_t len)
{
	char *room = mem_zalloc((len + 2) / 3 * 4 + 1, 1), *out = room;
	const unsigned char *in = bytes;
	size_t n, i;

	for (; len > 0; in += n, len -= n) {
		uint32_t word = 0;

		n = len < 3 ? len : 3;
		for (i = 0; i < 3; i++)
			word = word << 8 | (i < n ? in[i] : 0);
		for (i = 0; i < 4; i++)
			*out++ = i <= n ? base64_digits[word >> (18 - 6 * i) & 63] : '=';
	}
	return room;
}

char *
text_base64url(const void *bytes, size_t len)
{
	char *text = text_base64(bytes, len), *at;

	text[strcspn(text, "=")] = '\0';
	for (at = text; *at != '\0'; at++)
		if (*at == '+')
			*at = '-';
		else if (*at == '/')
			*at = '_';
	return text;
}

size_t
text_unbase64(void *room, size_t size, const char *text)
{
	unsigned char *out = room;
	unsigned held = 0;
	uint32_t bits = 0;
	const char *digit;
	size_t len = 0;

	for (; *text != '\0' && len < size; text++) {
		digit = strchr(base64_digits, *text);
		if (digit == NULL)
			break;
		bits = bits << 6 | (uint32_t)(digit - base64_digits);
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[len++] = (unsigned char)(bits >> held);
		}
	}
	return len;
}

const char *
text_time(char room[32], int64_t unix_ms)
{
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm tm;

	if (gmtime_r(&seconds, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	(void)snprintf(room, 32, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ",
		       (unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
		       (unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100,
		       (unsigned)tm.tm_min % 100, (unsigned)tm.tm_sec % 100,
		       (unsigned)(unix_ms % 1000) % 1000);
	return room;
}

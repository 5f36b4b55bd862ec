/*
 * secret_forms.c - how a secret may look where a program prints it.
 *
 * Only the inside of a quoted form is written: what stands around it is no secret.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/secret_forms.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "base/buffer.h"

enum { FORM_MOST_TIMES = 6 }; /* a form's length, of the secret's: \\u0001 */

struct telling {
	const unsigned char *bytes;
	size_t len;
	bool is_end; /* of a longer text */
	secret_form_fn *form;
	void *arg;
	struct buffer text; /* one form at a time */
};

static void
tell(const struct telling *telling, const unsigned char *bytes, size_t len)
{
	if (len >= SECRET_LEAST_BYTES)
		telling->form(telling->arg, bytes, len);
}

/* Most quoted forms of most secrets are the secret itself, which is told first. */
static void
tell_text(struct telling *telling)
{
	const struct buffer *text = &telling->text;

	if (text->len != telling->len || memcmp(text->data, telling->bytes, text->len) != 0)
		tell(telling, text->data, text->len);
	buffer_clear(&telling->text);
}

/* Called for each byte of each form. */
static inline void
put(struct telling *telling, unsigned char c)
{
	struct buffer *text = &telling->text;

	if (text->data != NULL && text->data + text->len < text->base + text->room)
		text->data[text->len++] = c;
	else
		buffer_putn(text, &c, 1);
}

static size_t
without_line_ends(const unsigned char *bytes, size_t len)
{
	while (len > 0 && (bytes[len - 1] == '\n' || bytes[len - 1] == '\r'))
		len--;
	return len;
}

bool
secret_is_one(const void *value, size_t len)
{
	len = without_line_ends(value, len);
	return len >= SECRET_LEAST_BYTES && !(len == 4 && strncasecmp(value, "true", 4) == 0) &&
	       !(len == 5 && strncasecmp(value, "false", 5) == 0);
}

/* --- base64 --- */

/* Six bits of the secret; bit 0 is the highest of its first byte. */
static unsigned
six_bits(const struct telling *telling, size_t bit)
{
	size_t byte = bit / 8;
	unsigned pair = (unsigned)telling->bytes[byte] << 8;

	if (byte + 1 < telling->len)
		pair |= telling->bytes[byte + 1];
	return pair >> (10 - bit % 8) & 63;
}

/*
 * The characters that hang on the secret alone, when `before` (mod 3) bytes stand before it: the
 * first begins at the first multiple of six bits that is not before the secret.
 */
static void
put_base64(struct telling *telling, unsigned before, const char *last_two)
{
	static const char common[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	size_t bit = (6 - before * 8 % 6) % 6;
	unsigned six;

	for (; bit + 6 <= telling->len * 8; bit += 6) {
		six = six_bits(telling, bit);
		put(telling, (unsigned char)(six < 62 ? common[six] : last_two[six - 62]));
	}
}

static void
tell_rows(struct telling *telling, size_t width)
{
	const struct buffer *text = &telling->text;
	size_t at;

	if (text->len <= width)
		return;
	for (at = 0; at < text->len; at += width)
		tell(telling, text->data + at, text->len - at < width ? text->len - at : width);
}

static void
tell_base64(struct telling *telling)
{
	unsigned before;

	for (before = 0; before < 3; before++) {
		put_base64(telling, before, "+/");
		if (before == 0 && !telling->is_end) {
			tell_rows(telling, 64); /* openssl */
			tell_rows(telling, 76); /* base64(1) */
		}
		tell_text(telling);
		put_base64(telling, before, "-_");
		tell_text(telling);
	}
}

/* --- percent-encoding --- */

static bool
is_plain(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static void
put_hex(struct telling *telling, unsigned value, unsigned digits, const char *alphabet)
{
	while (digits-- > 0)
		put(telling, (unsigned char)alphabet[value >> digits * 4 & 15]);
}

static void
put_percent(struct telling *telling, const char *kept, bool plus, const char *alphabet)
{
	size_t i;

	for (i = 0; i < telling->len; i++) {
		unsigned char c = telling->bytes[i];

		if (is_plain(c) || (c != 0 && strchr(kept, c) != NULL)) {
			put(telling, c);
		} else if (c == ' ' && plus) {
			put(telling, '+');
		} else {
			put(telling, '%');
			put_hex(telling, c, 2, alphabet);
		}
	}
}

static const char upper_digits[] = "0123456789ABCDEF", lower_digits[] = "0123456789abcdef";

static void
tell_percent(struct telling *telling)
{
	static const struct {
		const char *kept;
		bool plus;
	} ways[] = {
		{"-_.~", false},      /* RFC 3986 */
		{"-_.~/", false},     /* of a path; Python's quote() */
		{"-_.!~*'()", false}, /* encodeURIComponent() */
		{"-_.~", true},	      /* Go's QueryEscape(), Python's quote_plus() */
		{"-_.*", true},	      /* a browser's form */
	};
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		put_percent(telling, ways[i].kept, ways[i].plus, upper_digits);
		tell_text(telling);
		put_percent(telling, ways[i].kept, ways[i].plus, lower_digits);
		tell_text(telling);
	}
}

/* --- JSON --- */

/* Length of the UTF-8 sequence at bytes and what it stands for; 0 when it is none of several bytes.
 */
static size_t
read_utf8(const unsigned char *bytes, size_t len, uint32_t *point)
{
	size_t n = bytes[0] >= 0xf0 ? 4 : bytes[0] >= 0xe0 ? 3 : bytes[0] >= 0xc0 ? 2 : 0, i;

	if (n == 0 || n > len)
		return 0;
	*point = bytes[0] & (0x7fu >> n);
	for (i = 1; i < n; i++) {
		if ((bytes[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (bytes[i] & 0x3f);
	}
	return n;
}

static void
put_unit(struct telling *telling, uint32_t unit)
{
	buffer_puts(&telling->text, "\\u");
	put_hex(telling, unit, 4, lower_digits);
}

static void
put_point(struct telling *telling, uint32_t point)
{
	if (point < 0x10000) {
		put_unit(telling, point);
		return;
	}
	put_unit(telling, 0xd800 + ((point - 0x10000) >> 10));
	put_unit(telling, 0xdc00 + ((point - 0x10000) & 0x3ff));
}

static void
put_json(struct telling *telling, const char *also, bool ascii)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	uint32_t point = 0;
	size_t i, n;

	for (i = 0; i < telling->len; i++) {
		unsigned char c = telling->bytes[i];
		const char *brief = c != 0 ? strchr(shorts, c) : NULL;

		/* Pairs: the byte, the letter behind the backslash. */
		if (brief != NULL && (brief - shorts) % 2 != 0)
			brief = NULL;
		n = ascii ? read_utf8(telling->bytes + i, telling->len - i, &point) : 0;
		if (brief != NULL) {
			put(telling, '\\');
			put(telling, (unsigned char)brief[1]);
		} else if (c < ' ' || strchr(also, c) != NULL) {
			put_unit(telling, c);
		} else if (n > 0) {
			put_point(telling, point);
			i += n - 1;
		} else {
			put(telling, c);
		}
	}
}

static void
tell_json(struct telling *telling)
{
	put_json(telling, "", false);
	tell_text(telling);
	put_json(telling, "<>&", false); /* Go */
	tell_text(telling);
	put_json(telling, "", true); /* Python */
	tell_text(telling);
}

/* --- shells --- */

static void
put_replacing(struct telling *telling, unsigned char from, const char *to)
{
	size_t i;

	for (i = 0; i < telling->len; i++)
		if (telling->bytes[i] == from)
			buffer_puts(&telling->text, to);
		else
			put(telling, telling->bytes[i]);
}

static void
put_escaping(struct telling *telling, const char *special)
{
	size_t i;

	for (i = 0; i < telling->len; i++) {
		if (telling->bytes[i] != 0 && strchr(special, telling->bytes[i]) != NULL)
			put(telling, '\\');
		put(telling, telling->bytes[i]);
	}
}

/* Inside $'...': bash's printf %q, ${v@Q} and set -x for what holds control characters. */
static void
put_ansi(struct telling *telling, bool ascii)
{
	static const char named[] = "\aa\bb\033E\ff\nn\rr\tt\vv\\\\''";
	size_t i;

	for (i = 0; i < telling->len; i++) {
		unsigned char c = telling->bytes[i];
		const char *name = c != 0 ? strchr(named, c) : NULL;

		if (name != NULL && (name - named) % 2 != 0)
			name = NULL;
		if (name != NULL) {
			put(telling, '\\');
			put(telling, (unsigned char)name[1]);
		} else if (c < ' ' || c == 0x7f || (ascii && c > 0x7f)) {
			put(telling, '\\');
			put(telling, (unsigned char)('0' + (c >> 6)));
			put(telling, (unsigned char)('0' + (c >> 3 & 7)));
			put(telling, (unsigned char)('0' + (c & 7)));
		} else {
			put(telling, c);
		}
	}
}

static void
tell_shell(struct telling *telling)
{
	put_replacing(telling, '\'', "'\\''"); /* bash */
	tell_text(telling);
	put_replacing(telling, '\'', "'\"'\"'"); /* dash, Python's shlex */
	tell_text(telling);
	put_escaping(telling, "\\\"$`"); /* export -p */
	tell_text(telling);
	put_escaping(telling, " \t!\"#$&'()*,;<>?[\\]^`{|}~"); /* printf %q */
	tell_text(telling);
	put_ansi(telling, false);
	tell_text(telling);
	put_ansi(telling, true);
	tell_text(telling);
}

static void
tell_quoted(struct telling *telling)
{
	tell_percent(telling);
	tell_json(telling);
	tell_shell(telling);
}

/* --- lines --- */

static bool
is_blank(unsigned char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* Without the blanks around it: indentation is no secret, and may be another where it is printed.
 */
static void
tell_line(struct telling *telling, const unsigned char *line, size_t len)
{
	struct telling one = *telling;

	while (len > 0 && is_blank(line[len - 1]))
		len--;
	while (len > 0 && is_blank(*line))
		line++, len--;
	if (!secret_is_one(line, len))
		return;
	tell(telling, line, len);
	if (telling->len > SECRET_LINES_MOST_BYTES)
		return;
	one.bytes = line;
	one.len = len;
	tell_quoted(&one);
	telling->text = one.text;
}

static void
tell_lines(struct telling *telling)
{
	const unsigned char *at = telling->bytes, *end = at + telling->len, *stop;

	if (memchr(at, '\n', telling->len) == NULL)
		return;
	for (; at < end; at = stop + 1) {
		stop = memchr(at, '\n', (size_t)(end - at));
		if (stop == NULL)
			stop = end;
		tell_line(telling, at, (size_t)(stop - at));
	}
}

/* Room for the longest form at once, so that none is left behind where a shorter one was; then wiped. */
static void
make_room(struct telling *telling)
{
	void *room;

	(void)buffer_reserve(&telling->text, telling->len * FORM_MOST_TIMES, &room, NULL);
}

static void
wipe(struct telling *telling)
{
	explicit_bzero(telling->text.base, telling->text.room);
	buffer_release(&telling->text);
}

void
secret_forms(const void *value, size_t len, bool is_end, secret_form_fn *form, void *arg)
{
	struct telling telling = {
		value, without_line_ends(value, len), is_end, form, arg, BUFFER_INIT};

	if (!secret_is_one(value, len))
		return;
	make_room(&telling);
	tell(&telling, telling.bytes, telling.len);
	tell_lines(&telling);
	tell_base64(&telling);
	tell_quoted(&telling);
	wipe(&telling);
}

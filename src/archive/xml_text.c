/*
 * xml_text.c - XML as programs write it, made such that a parser takes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/xml_text.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

enum { DECLARATION_MOST_BYTES = 200, REFERENCE_MOST_BYTES = 16, ESCAPE = 0x1b };

/* Does the declaration in front name ISO 8859-1? Others that differ from ASCII are read as UTF-8.
 */
static bool
says_latin_1(const unsigned char *bytes, size_t len)
{
	char text[DECLARATION_MOST_BYTES + 1];
	char *end;
	size_t n = len < DECLARATION_MOST_BYTES ? len : DECLARATION_MOST_BYTES, i;

	for (i = 0; i < n && bytes[i] != '\0'; i++)
		text[i] = (char)(bytes[i] >= 'A' && bytes[i] <= 'Z' ? bytes[i] | 0x20 : bytes[i]);
	text[i] = '\0';
	end = strstr(text, "?>");
	if (!text_starts(text, "<?xml") || end == NULL)
		return false;
	*end = '\0';
	return strstr(text, "iso-8859-1") != NULL || strstr(text, "latin1") != NULL;
}

static bool
is_control(unsigned char byte)
{
	return byte < ' ' && byte != '\t' && byte != '\n' && byte != '\r';
}

/* Of "ESC [ parameters letter" at bytes; 0: it is none. */
static size_t
colour_len(const unsigned char *bytes, size_t len)
{
	size_t i = 2;

	if (len < 3 || bytes[0] != ESCAPE || bytes[1] != '[')
		return 0;
	while (i < len && bytes[i] >= 0x30 && bytes[i] <= 0x3f)
		i++;
	return i < len && bytes[i] >= 0x40 && bytes[i] <= 0x7e ? i + 1 : 0;
}

static bool
is_character(unsigned long code)
{
	return code == '\t' || code == '\n' || code == '\r' || (code >= ' ' && code < 0xd800) ||
	       (code >= 0xe000 && code < 0xfffe) || (code >= 0x10000 && code <= 0x10ffff);
}

/* Of a numeric reference to what is no character of XML; 0: it is another thing. */
static size_t
bad_reference_len(const unsigned char *bytes, size_t len)
{
	char text[REFERENCE_MOST_BYTES + 1], *end;
	size_t n = len < REFERENCE_MOST_BYTES ? len : REFERENCE_MOST_BYTES;
	unsigned long code;

	if (len < 4 || bytes[1] != '#')
		return 0;
	memcpy(text, bytes, n);
	text[n] = '\0';
	code = text[2] == 'x' ? strtoul(text + 3, &end, 16) : strtoul(text + 2, &end, 10);
	return *end == ';' && !is_character(code) ? (size_t)(end - text) + 1 : 0;
}

/* How many bytes at bytes are one thing that stays; 0: *gone bytes become a question mark, or
 * nothing where *silent. */
static size_t
good_len(const unsigned char *bytes, size_t len, bool is_utf8, size_t *gone, bool *silent)
{
	size_t n = 1;

	*gone = 1;
	*silent = false;
	if (is_control(*bytes)) {
		*gone = colour_len(bytes, len);
		*silent = *gone > 0;
		if (!*silent)
			*gone = 1;
		return 0;
	}
	if (*bytes == '&') {
		*gone = bad_reference_len(bytes, len);
		return *gone > 0 ? 0 : 1;
	}
	if (is_utf8 && *bytes >= 0x80) {
		n = text_utf8_char((const char *)bytes, len);
		/* U+FFFE and U+FFFF are none. */
		if (n == 3 && bytes[0] == 0xef && bytes[1] == 0xbf && bytes[2] >= 0xbe) {
			*gone = 3;
			n = 0;
		}
	}
	return n;
}

/* How many bytes from there on are ASCII that stays as it is: most of a file. */
static size_t
plain_len(const unsigned char *bytes, size_t len)
{
	size_t n = 0;

	while (n < len && bytes[n] < 0x80 && bytes[n] != '&' && !is_control(bytes[n]))
		n++;
	return n;
}

const char *
xml_text_clean(unsigned char *bytes, size_t *len)
{
	bool latin_1 = says_latin_1(bytes, *len), silent = false;
	size_t from = 0, to = 0, n, gone = 0;

	if (*len >= 2 &&
	    ((bytes[0] == 0xff && bytes[1] == 0xfe) || (bytes[0] == 0xfe && bytes[1] == 0xff)))
		return NULL;
	while (from < *len) {
		n = plain_len(bytes + from, *len - from);
		if (n == 0)
			n = good_len(bytes + from, *len - from, !latin_1, &gone, &silent);
		if (n == 0 && !silent)
			bytes[to++] = '?';
		if (to != from)
			memmove(bytes + to, bytes + from, n);
		to += n;
		from += n > 0 ? n : gone;
	}
	*len = to;
	return latin_1 ? "ISO-8859-1" : "UTF-8";
}

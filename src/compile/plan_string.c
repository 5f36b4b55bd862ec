/*
 * plan_string.c - strings of a plan as YAML scalars.
 *
 * Strings are plain where nothing in them could be read otherwise, blocks where they have
 * lines, and quoted with escapes else.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/plan_string.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "format/yaml.h"

enum { SPACES_PER_LEVEL = 2 };

void
plan_write_indent(struct buffer *out, unsigned depth)
{
	static const char spaces[] = "                                ";
	size_t left = (size_t)depth * SPACES_PER_LEVEL;

	for (; left > sizeof(spaces) - 1; left -= sizeof(spaces) - 1)
		buffer_putn(out, spaces, sizeof(spaces) - 1);
	buffer_putn(out, spaces, left);
}

/* Each "<<" becomes "\<<", backslashes before it doubled; the caller frees. NULL: there is none. */
static char *
escape_tags(const char *text)
{
	struct buffer out = BUFFER_INIT;
	const char *p = text;

	if (strstr(text, "<<") == NULL)
		return NULL;
	while (*p != '\0') {
		size_t slashes = strspn(p, "\\");

		if (strncmp(p + slashes, "<<", 2) == 0) {
			buffer_putn(&out, p, slashes);
			buffer_putn(&out, p, slashes);
			buffer_puts(&out, "\\<<");
			p += slashes + 2;
		} else {
			size_t n = slashes > 0 ? slashes : 1;

			buffer_putn(&out, p, n);
			p += n;
		}
	}
	return buffer_take_text(&out);
}

static bool
is_plain(const char *text)
{
	const char *p;

	if (*text == '\0' || yaml_is_ambiguous(text))
		return false;
	for (p = text; *p != '\0'; p++) {
		bool is_word = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') ||
			       (*p >= '0' && *p <= '9') || strchr("_./+", *p) != NULL;
		bool is_inside = p > text && p[1] != '\0' && strchr(" -@=,", *p) != NULL;

		if (!is_word && !is_inside && !(p > text && (*p == '-' || *p == '=')))
			return false;
	}
	return true;
}

/* Lines that a literal block gives back as they are. */
static bool
is_block(const char *text)
{
	size_t len = strlen(text);
	const char *p;

	if (strchr(text, '\n') == NULL || strchr(" \t\n", text[0]) != NULL)
		return false;
	if (len >= 2 && text[len - 1] == '\n' && text[len - 2] == '\n')
		return false;
	for (p = text; *p != '\0'; p++) {
		unsigned char ch = (unsigned char)*p;

		if ((ch < ' ' && ch != '\n' && ch != '\t') || ch >= 0x7f)
			return false;
	}
	return true;
}

static void
write_block(const char *text, struct buffer *out, unsigned depth)
{
	const char *p = text, *end;

	buffer_puts(out, text[strlen(text) - 1] == '\n' ? "|" : "|-");
	for (; *p != '\0'; p = *end == '\n' ? end + 1 : end) {
		end = strchrnul(p, '\n');
		buffer_puts(out, "\n");
		if (end > p)
			plan_write_indent(out, depth);
		buffer_putn(out, p, (size_t)(end - p));
	}
}

/*
 * Characters that YAML does not take as they are, or takes for line ends: how many bytes
 * one at p has, and its code point. 0: p is an ordinary character.
 */
static size_t
special_at(const char *p, unsigned *code)
{
	const unsigned char *u = (const unsigned char *)p;

	*code = u[0];
	if (u[0] < ' ' || u[0] == 0x7f)
		return 1;
	if (u[0] == 0xc2 && u[1] < 0xa0) { /* C1 controls, NEL among them */
		*code = u[1];
		return 2;
	}
	if (u[0] == 0xe2 && u[1] == 0x80 && (u[2] == 0xa8 || u[2] == 0xa9)) { /* LS, PS */
		*code = 0x2000u + (u[2] & 0x3fu);
		return 3;
	}
	if (u[0] == 0xef && ((u[1] == 0xbb && u[2] == 0xbf) || (u[1] == 0xbf && u[2] >= 0xbe))) {
		*code = 0xf000u | (u[1] & 0x3fu) << 6 | (u[2] & 0x3fu);
		return 3;
	}
	return 0;
}

/* ASCII that a quoted scalar takes as it is; most of most strings. */
static bool
is_ordinary(char ch)
{
	return ch >= ' ' && ch < 0x7f && ch != '"' && ch != '\\';
}

static void
write_quoted(const char *text, struct buffer *out)
{
	const char *p = text, *from;

	buffer_puts(out, "\"");
	for (from = p; *p != '\0'; from = p) {
		unsigned code;
		size_t special;

		while (is_ordinary(*p))
			p++;
		buffer_putn(out, from, (size_t)(p - from));
		if (*p == '\0')
			break;
		special = special_at(p, &code);
		if (*p == '\n')
			buffer_puts(out, "\\n");
		else if (*p == '\t')
			buffer_puts(out, "\\t");
		else if (special > 0)
			buffer_printf(out, "\\u%04X", code);
		else if (*p == '"' || *p == '\\')
			buffer_printf(out, "\\%c", *p);
		else
			buffer_putn(out, p, 1);
		p += special > 0 ? special : 1;
	}
	buffer_puts(out, "\"");
}

void
plan_write_string(const char *text, struct buffer *out, unsigned depth, bool escapes_tags)
{
	char *escaped = escapes_tags ? escape_tags(text) : NULL;

	if (escaped != NULL)
		text = escaped;
	if (is_plain(text))
		buffer_puts(out, text);
	else if (is_block(text))
		write_block(text, out, depth);
	else
		write_quoted(text, out);
	free(escaped);
}

void
plan_write_key(const char *text, struct buffer *out, bool escapes_tags)
{
	char *escaped = escapes_tags ? escape_tags(text) : NULL;

	if (escaped != NULL)
		text = escaped;
	if (is_plain(text))
		buffer_puts(out, text);
	else
		write_quoted(text, out);
	free(escaped);
}

/*
 * accept.c - what a client says it takes: Accept and Accept-Encoding.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "http/accept.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

enum { WEIGHT_MOST = 1000 };

/* Bytes up to the next stop outside of a quoted string. */
static size_t
span_to(const char *text, const char *stops)
{
	bool quoted = false;
	size_t n;

	for (n = 0; text[n] != '\0'; n++) {
		if (quoted && text[n] == '\\' && text[n + 1] != '\0')
			n++;
		else if (text[n] == '"')
			quoted = !quoted;
		else if (!quoted && strchr(stops, text[n]) != NULL)
			break;
	}
	return n;
}

static const char *
skip_blanks(const char *text)
{
	return text + strspn(text, " \t");
}

/* "0.5" in thousandths; what is no weight counts as none given, as clients that send one mean. */
static int
read_weight(const char *text)
{
	int weight, unit = 100;

	if (text[0] != '0' && text[0] != '1')
		return WEIGHT_MOST;
	weight = (text[0] - '0') * WEIGHT_MOST;
	if (text[1] != '.')
		return weight;
	for (text += 2; *text >= '0' && *text <= '9' && unit > 0; text++, unit /= 10)
		weight += (*text - '0') * unit;
	return weight < WEIGHT_MOST ? weight : WEIGHT_MOST;
}

/* The weight among the parameters of one item: text[0..len) begins with ';' or is empty. */
static int
item_weight(const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end && *text == ';') {
		text = skip_blanks(text + 1);
		if ((text[0] == 'q' || text[0] == 'Q') && text[1] == '=')
			return read_weight(text + 2);
		text += span_to(text, ";,");
	}
	return WEIGHT_MOST;
}

int
http_accept_weight(const char *list, const char *word)
{
	size_t len = strlen(word), item, name;

	while (list != NULL && *list != '\0') {
		list += strspn(list, " \t,");
		item = span_to(list, ",");
		name = span_to(list, ";,");
		while (name > 0 && (list[name - 1] == ' ' || list[name - 1] == '\t'))
			name--;
		if (name == len && strncasecmp(list, word, len) == 0) {
			const char *rest = skip_blanks(list + name);

			return item_weight(rest, (size_t)(list + item - rest));
		}
		list += item;
	}
	return -1;
}

enum http_coding
http_accept_coding(const char *accept_encoding)
{
	int any = http_accept_weight(accept_encoding, "*");
	int none = http_accept_weight(accept_encoding, "identity");
	int zstd = http_accept_weight(accept_encoding, "zstd");
	int gzip = http_accept_weight(accept_encoding, "gzip");

	if (gzip < 0)
		gzip = http_accept_weight(accept_encoding, "x-gzip");
	if (zstd < 0)
		zstd = any;
	if (gzip < 0)
		gzip = any;
	if (zstd > 0 && zstd >= none)
		return HTTP_ZSTD;
	return gzip > 0 && gzip >= none ? HTTP_GZIP : HTTP_IDENTITY;
}

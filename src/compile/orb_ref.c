/*
 * orb_ref.c - a reference to a registry's orb: "ns/name@version", and which version it means.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/orb_ref.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

enum { NUMBER_DIGITS_MAX = 9 };

/* A letter, then at least one of a-z 0-9 _ -, then the mark; moves *p behind it. */
static bool
take_name(const char **p, char mark, char room[ORB_NAME_MAX_BYTES])
{
	size_t len = strspn(*p, LOWER DIGITS "_-");

	if (len < 2 || len >= ORB_NAME_MAX_BYTES || strchr(LOWER, **p) == NULL || (*p)[len] != mark)
		return false;
	memcpy(room, *p, len);
	room[len] = '\0';
	*p += len + 1;
	return true;
}

static bool
take_numbers(struct orb_version *out, const char *text)
{
	for (;;) {
		size_t len = strspn(text, DIGITS);

		if (len == 0 || len > NUMBER_DIGITS_MAX || out->parts == 3)
			return false;
		out->numbers[out->parts++] = (uint32_t)strtoul(text, NULL, 10);
		text += len;
		if (*text == '\0')
			return true;
		if (*text++ != '.')
			return false;
	}
}

bool
orb_version_parse(struct orb_version *out, const char *text)
{
	size_t len = strlen(text);

	memset(out, 0, sizeof(*out));
	if (len >= sizeof(out->text))
		return false;
	memcpy(out->text, text, len + 1);
	out->is_volatile = strcmp(text, "volatile") == 0;
	if (out->is_volatile)
		return true;
	out->is_dev = strncmp(text, "dev:", 4) == 0;
	if (out->is_dev)
		return len > 4 && text[4 + strspn(text + 4, LOWER DIGITS "._-")] == '\0';
	return take_numbers(out, text);
}

bool
orb_ref_parse(struct orb_ref *out, const char *text)
{
	return take_name(&text, '/', out->space) && take_name(&text, '@', out->name) &&
	       orb_version_parse(&out->version, text);
}

bool
orb_version_is_exact(const struct orb_version *version)
{
	return version->is_dev || version->parts == 3;
}

bool
orb_ref_accepts(const struct orb_ref *ref, const struct orb_version *exact)
{
	const struct orb_version *wanted = &ref->version;

	if (!orb_version_is_exact(exact))
		return false;
	if (wanted->is_dev || exact->is_dev || wanted->parts == 3)
		return strcmp(wanted->text, exact->text) == 0;
	return memcmp(wanted->numbers, exact->numbers,
		      wanted->parts * sizeof(wanted->numbers[0])) == 0;
}

int
orb_version_order(const struct orb_version *a, const struct orb_version *b)
{
	size_t i;

	if (a->is_dev || b->is_dev)
		return a->is_dev && b->is_dev ? strcmp(a->text, b->text)
					      : (int)b->is_dev - (int)a->is_dev;
	for (i = 0; i < 3; i++)
		if (a->numbers[i] != b->numbers[i])
			return a->numbers[i] < b->numbers[i] ? -1 : 1;
	return 0;
}

const char *
orb_ref_text(char room[ORB_REF_MAX_BYTES], const struct orb_ref *ref,
	     const struct orb_version *version)
{
	(void)snprintf(room, ORB_REF_MAX_BYTES, "%s/%s@%s", ref->space, ref->name, version->text);
	return room;
}

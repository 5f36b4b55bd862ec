/*
 * subst.c - env subst: text with the environment's variables put in.
 *
 * $NAME and ${NAME}; ${NAME-TEXT} where NAME is not set, ${NAME:-TEXT} also where it is empty.
 * A variable that is not set is nothing. What is no name of a variable stays as it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "helper/helper.h"
#include "runner/exit.h"

enum { INPUT_MOST_BYTES = 64 << 20, NAME_MOST_BYTES = 4096 };

static size_t
name_length(const char *at, const char *end)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789";
	size_t n = 0;

	if (at < end && *at >= '0' && *at <= '9')
		return 0;
	while (at + n < end && at[n] != '\0' && strchr(letters, at[n]) != NULL)
		n++;
	return n < NAME_MOST_BYTES ? n : 0;
}

static const char *
value_of(const char *name, size_t len)
{
	char room[NAME_MOST_BYTES];

	(void)memcpy(room, name, len);
	room[len] = '\0';
	return getenv(room);
}

static void put_text(const char *at, const char *end);

/* The brace that ends what begins behind "${"; braces of variables within are passed over. */
static const char *
find_brace(const char *at, const char *end)
{
	int depth = 0;

	for (; at < end; at++) {
		if (at[0] == '$' && at + 1 < end && at[1] == '{')
			depth++;
		else if (*at == '}' && depth-- == 0)
			return at;
	}
	return NULL;
}

/* at is behind "${". Returns what is behind the brace; NULL when it is no variable. */
static const char *
put_braced(const char *at, const char *end)
{
	size_t n = name_length(at, end);
	const char *brace = find_brace(at, end), *value, *rest = at + n;
	bool colon;

	if (n == 0 || brace == NULL)
		return NULL;
	colon = *rest == ':' && rest + 1 < brace && rest[1] == '-';
	if (rest != brace && *rest != '-' && !colon)
		return NULL;
	value = value_of(at, n);
	if (value != NULL && !(colon && *value == '\0'))
		(void)fputs(value, stdout);
	else if (rest != brace)
		put_text(rest + (colon ? 2 : 1), brace);
	return brace + 1;
}

static const char *
put_plain(const char *at, const char *end)
{
	size_t n = name_length(at, end);
	const char *value;

	if (n == 0)
		return NULL;
	value = value_of(at, n);
	if (value != NULL)
		(void)fputs(value, stdout);
	return at + n;
}

static void
put_text(const char *at, const char *end)
{
	const char *next;

	while (at < end) {
		next = NULL;
		if (*at == '$' && at + 1 < end)
			next = at[1] == '{' ? put_braced(at + 2, end) : put_plain(at + 1, end);
		if (next == NULL) {
			(void)putchar(*at);
			next = at + 1;
		}
		at = next;
	}
}

int
helper_env_subst(int argc, char **argv)
{
	char *text;
	size_t len;

	if (argc > 1)
		return helper_fail(EXIT_USAGE, "env subst takes one TEXT, or standard input");
	if (argc == 1) {
		put_text(argv[0], argv[0] + strlen(argv[0]));
		(void)putchar('\n');
	} else {
		text = helper_read_input(INPUT_MOST_BYTES, &len);
		if (text == NULL)
			return EXIT_REFUSED;
		put_text(text, text + len);
		free(text);
	}
	return fflush(stdout) == 0 ? EXIT_OK : helper_fail(EXIT_REFUSED, "cannot write");
}

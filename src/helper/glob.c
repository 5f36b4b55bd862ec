/*
 * glob.c - tests glob: the paths that match patterns, one a line, sorted.
 *
 * {a,b} is worked out first. Then a pattern is matched part by part between slashes: a part
 * without a special character is looked up, one with is compared with a directory's names, and
 * ** stands for any number of directories (a link to one is not entered for it). A dot at the
 * beginning of a name is like any other character.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "helper/helper.h"
#include "helper/items.h"
#include "runner/exit.h"

enum { PATTERNS_MOST = 10000, DEPTH_MOST = 1000 };

/* The path so far, and what is found. */
struct search {
	struct items *found;
	char path[PATH_MAX];
	size_t len;
	unsigned depth;
};

/* --- {a,b} --- */

/* The brace that closes the one at, and the commas of its own between; NULL: none. */
static const char *
find_close(const char *at, const char **comma)
{
	int depth = 0;

	*comma = NULL;
	for (; *at != '\0'; at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '{')
			depth++;
		else if (*at == ',' && depth == 1 && *comma == NULL)
			*comma = at;
		else if (*at == '}' && --depth == 0)
			return at;
	}
	return NULL;
}

static const char *
find_open(const char *at)
{
	for (; *at != '\0'; at++) {
		if (*at == '\\' && at[1] != '\0')
			at++;
		else if (*at == '{')
			return at;
	}
	return NULL;
}

static void expand(struct items *out, const char *pattern);

/* The pattern with one choice in the place of its first braces. */
static void
expand_choice(struct items *out, const char *pattern, const char *open, const char *choice,
	      size_t len, const char *rest)
{
	size_t size = (size_t)(open - pattern) + len + strlen(rest) + 1;
	char *text = malloc(size);

	if (text == NULL)
		exit(helper_fail(EXIT_REFUSED, "there is no memory"));
	(void)snprintf(text, size, "%.*s%.*s%s", (int)(open - pattern), pattern, (int)len, choice,
		       rest);
	expand(out, text);
	free(text);
}

/* One without a comma, or that nothing closes, is no choice: the pattern stays as it is. */
static void
expand(struct items *out, const char *pattern)
{
	const char *open = find_open(pattern), *close, *comma, *at;
	int depth = 0;

	close = open != NULL ? find_close(open, &comma) : NULL;
	if (out->count >= PATTERNS_MOST)
		exit(helper_fail(EXIT_USAGE, "the braces make more than %d patterns",
				 PATTERNS_MOST));
	if (close == NULL || comma == NULL) {
		items_add(out, pattern, strlen(pattern));
		return;
	}
	for (comma = at = open + 1; at <= close; at++) {
		if (*at == '\\' && at < close) {
			at++;
		} else if (depth == 0 && (*at == ',' || at == close)) {
			expand_choice(out, pattern, open, comma, (size_t)(at - comma), close + 1);
			comma = at + 1;
		} else if (*at == '{') {
			depth++;
		} else if (*at == '}') {
			depth--;
		}
	}
}

/* --- a pattern --- */

static void match(struct search *search, const char *pattern);

/* Add a name to the path; false where it becomes longer than a path can be. */
static bool
push(struct search *search, const char *name, size_t len, size_t *before)
{
	*before = search->len;
	if (search->len + len + 2 > sizeof(search->path) || search->depth >= DEPTH_MOST)
		return false;
	(void)memcpy(search->path + search->len, name, len);
	search->len += len;
	search->path[search->len] = '\0';
	search->depth++;
	return true;
}

static void
pop(struct search *search, size_t before)
{
	search->len = before;
	search->path[before] = '\0';
	search->depth--;
}

static DIR *
open_here(const struct search *search)
{
	return opendir(search->len > 0 ? search->path : ".");
}

static bool
is_directory(const struct search *search, const struct dirent *entry)
{
	struct stat st;

	if (entry->d_type != DT_UNKNOWN)
		return entry->d_type == DT_DIR;
	return lstat(search->path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* rest is behind "**" and its slash: here, and in every directory below. */
static void
match_deep(struct search *search, const char *rest)
{
	struct dirent *entry;
	size_t before;
	DIR *dir;

	match(search, *rest != '\0' ? rest : "*");
	dir = open_here(search);
	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (is_dots(entry->d_name) ||
		    (entry->d_type != DT_DIR && entry->d_type != DT_UNKNOWN) ||
		    !push(search, entry->d_name, strlen(entry->d_name), &before))
			continue;
		if (is_directory(search, entry)) {
			search->path[search->len++] = '/';
			search->path[search->len] = '\0';
			match_deep(search, rest);
		}
		pop(search, before);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

/* What stands on the path is whole when nothing of the pattern is left. */
static void
go_on(struct search *search, const char *rest)
{
	if (*rest == '\0') {
		items_add(search->found, search->path, search->len);
		return;
	}
	search->path[search->len++] = '/';
	search->path[search->len] = '\0';
	match(search, rest + 1 + strspn(rest + 1, "/"));
}

static void
match_names(struct search *search, const char *part, const char *rest)
{
	DIR *dir = open_here(search);
	struct dirent *entry;
	size_t before;

	while (dir != NULL && (entry = readdir(dir)) != NULL) {
		if (is_dots(entry->d_name) || fnmatch(part, entry->d_name, 0) != 0 ||
		    !push(search, entry->d_name, strlen(entry->d_name), &before))
			continue;
		go_on(search, rest);
		pop(search, before);
	}
	if (dir != NULL)
		(void)closedir(dir);
}

/* "\\x" is x. */
static void
unescape(char *part)
{
	char *to = part;

	for (; *part != '\0'; part++) {
		if (*part == '\\' && part[1] != '\0')
			part++;
		*to++ = *part;
	}
	*to = '\0';
}

static void
match_literal(struct search *search, char *part, const char *rest)
{
	struct stat st;
	size_t before;

	unescape(part);
	if (!push(search, part, strlen(part), &before))
		return;
	if (lstat(search->path, &st) == 0)
		go_on(search, rest);
	pop(search, before);
}

static void
match(struct search *search, const char *pattern)
{
	const char *slash = strchrnul(pattern, '/');
	size_t len = (size_t)(slash - pattern);
	char part[NAME_MAX * 4];

	if (len == 0) {
		/* It ended in a slash: only directories are meant, and opendir knows. */
		DIR *dir = open_here(search);

		if (dir == NULL)
			return;
		(void)closedir(dir);
		items_add(search->found, search->path, search->len);
		return;
	}
	if (len >= sizeof(part))
		return;
	(void)memcpy(part, pattern, len);
	part[len] = '\0';
	if (strcmp(part, "**") == 0)
		match_deep(search, *slash == '/' ? slash + 1 + strspn(slash + 1, "/") : "");
	else if (strpbrk(part, "*?[") != NULL)
		match_names(search, part, slash);
	else
		match_literal(search, part, slash);
}

static void
find(struct items *found, const char *pattern)
{
	struct search search = {.found = found};
	size_t slashes = strspn(pattern, "/");

	if (*pattern == '\0')
		return;
	if (slashes > 0)
		search.path[search.len++] = '/';
	if (pattern[slashes] == '\0')
		items_add(found, "/", 1);
	else
		match(&search, pattern + slashes);
}

int
helper_tests_glob(int argc, char **argv)
{
	struct items patterns = ITEMS_INIT, found = ITEMS_INIT;
	size_t i;
	int n;

	if (argc == 0)
		return helper_fail(EXIT_USAGE, "tests glob takes one PATTERN or more, quoted");
	for (n = 0; n < argc; n++)
		expand(&patterns, argv[n]);
	for (i = 0; i < patterns.count; i++)
		find(&found, patterns.list[i].text);
	items_sort(&found);
	items_unique(&found);
	for (i = 0; i < found.count; i++) {
		(void)fputs(found.list[i].text, stdout);
		(void)putchar('\n');
	}
	items_release(&patterns);
	items_release(&found);
	return fflush(stdout) == 0 ? EXIT_OK : helper_fail(EXIT_REFUSED, "cannot write");
}

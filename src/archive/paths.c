/*
 * paths.c - the paths that are packed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/paths.h"

#include <glob.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"

void
paths_release(struct paths *paths)
{
	while (paths->count > 0)
		free(paths->list[--paths->count]);
	free(paths->list);
	*paths = (struct paths)PATHS_INIT;
}

bool
paths_add(struct paths *paths, const char *absolute)
{
	struct stat st;

	if (lstat(absolute, &st) != 0)
		return false;
	if ((paths->count & (paths->count - 1)) == 0) /* full at each power of two */
		paths->list = mem_resize(paths->list, paths->count > 0 ? paths->count * 2 : 1,
					 sizeof(*paths->list));
	paths->list[paths->count++] = mem_strdup(absolute);
	return true;
}

/* --- patterns --- */

static bool
has_dots(const char *path)
{
	size_t part;

	for (; *path != '\0'; path += part) {
		path += strspn(path, "/");
		part = strcspn(path, "/");
		if ((part == 1 && path[0] == '.') ||
		    (part == 2 && path[0] == '.' && path[1] == '.'))
			return true;
	}
	return false;
}

/* Behind a '[': what is behind its ']', with the parts copied; NULL: nothing closes it. */
static const char *
copy_class(struct buffer *out, const char *at)
{
	const char *start = at;

	if (*at == '^')
		buffer_putn(out, at++, 1), start = at;
	else if (*at == '!')
		buffer_puts(out, "\\"); /* that is no special character in Go */
	for (; *at != '\0' && *at != '/' && (*at != ']' || at == start); at++) {
		buffer_putn(out, at, 1);
		if (*at == '\\' && at[1] != '\0')
			buffer_putn(out, ++at, 1);
	}
	if (*at != ']')
		return NULL;
	buffer_putn(out, at, 1);
	return at + 1;
}

/* Go's pattern as glob(3) takes it: they differ in what begins a class. */
static int
translate(struct buffer *out, const char *pattern, struct err *err)
{
	const char *at = pattern;

	while (*at != '\0') {
		buffer_putn(out, at, 1);
		if (*at == '\\' && at[1] == '\0')
			at = NULL;
		else if (*at == '\\')
			buffer_putn(out, at + 1, 1), at += 2;
		else if (*at == '[')
			at = copy_class(out, at + 1);
		else
			at++;
		if (at == NULL)
			return err_set(err, ERR_INPUT,
				       "'%.200s' is no pattern: '[' or '\\' ends it", pattern);
	}
	return 0;
}

/* dir is taken as it is, whatever characters are in it. */
static void
put_literal(struct buffer *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (strchr("*?[\\", *text) != NULL)
			buffer_puts(out, "\\");
		buffer_putn(out, text, 1);
	}
}

static void
drop_slashes(char *path)
{
	size_t len = strlen(path);

	while (len > 1 && path[len - 1] == '/')
		path[--len] = '\0';
}

static int
add_matches(struct paths *paths, const char *dir, const char *pattern, bool *any, struct err *err)
{
	size_t below = strcmp(dir, "/") == 0 ? 0 : strlen(dir), i;
	glob_t found = {.gl_pathc = 0};
	int rc = glob(pattern, GLOB_NOSORT | GLOB_PERIOD, NULL, &found);

	if (rc == GLOB_NOSPACE)
		return err_set(err, ERR_HOST, "there is no memory");
	for (i = 0; i < found.gl_pathc; i++) {
		if (has_dots(found.gl_pathv[i] + below))
			continue; /* which GLOB_PERIOD brings along */
		drop_slashes(found.gl_pathv[i]);
		*any |= paths_add(paths, found.gl_pathv[i]);
	}
	globfree(&found);
	return 0;
}

/* "./a//b/" is "a/b", and "" is the directory itself. False: it leads out. */
static bool
clean(struct buffer *out, const char *pattern)
{
	size_t part;

	if (*pattern == '/')
		return false;
	for (; *pattern != '\0'; pattern += part) {
		pattern += strspn(pattern, "/");
		part = strcspn(pattern, "/");
		if (part == 2 && pattern[0] == '.' && pattern[1] == '.')
			return false;
		if (part == 0 || (part == 1 && pattern[0] == '.'))
			continue;
		if (out->len > 0)
			buffer_puts(out, "/");
		buffer_putn(out, pattern, part);
	}
	return true;
}

int
paths_add_pattern(struct paths *paths, const char *dir, const char *pattern, bool *any,
		  struct err *err)
{
	struct buffer parts = BUFFER_INIT, whole = BUFFER_INIT;
	int rc = 0;

	*any = false;
	if (!clean(&parts, pattern))
		rc = err_set(err, ERR_INPUT, "'%.200s' does not lie below the workspace's root",
			     pattern);
	else if (parts.len == 0)
		*any = paths_add(paths, dir);
	if (rc == 0 && parts.len > 0) {
		put_literal(&whole, strcmp(dir, "/") == 0 ? "" : dir);
		buffer_puts(&whole, "/");
		rc = translate(&whole, buffer_text(&parts), err);
	}
	if (rc == 0 && parts.len > 0)
		rc = add_matches(paths, dir, buffer_text(&whole), any, err);
	buffer_release(&parts);
	buffer_release(&whole);
	return rc;
}

/* --- order --- */

/* As bytes, but that what lies in a directory follows it at once. */
static int
by_path(const void *a, const void *b)
{
	const unsigned char *one = *(const unsigned char *const *)a,
			    *two = *(const unsigned char *const *)b;

	while (*one != '\0' && *one == *two)
		one++, two++;
	return (*one == '/' ? 1 : *one << 1) - (*two == '/' ? 1 : *two << 1);
}

static bool
lies_in(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return strncmp(path, dir, len) == 0 &&
	       (path[len] == '\0' || path[len] == '/' || dir[len - 1] == '/');
}

void
paths_settle(struct paths *paths)
{
	size_t kept = 0, i;

	if (paths->count == 0) /* qsort(3) takes no NULL */
		return;
	qsort(paths->list, paths->count, sizeof(*paths->list), by_path);
	for (i = 0; i < paths->count; i++)
		if (kept > 0 && lies_in(paths->list[i], paths->list[kept - 1]))
			free(paths->list[i]);
		else
			paths->list[kept++] = paths->list[i];
	paths->count = kept;
}

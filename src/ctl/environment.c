/*
 * environment.c - variables as they are typed: NAME=VALUE, NAME, files of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/environment.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

static void
free_text(const char *text)
{
	free((void *)(uintptr_t)text);
}

void
environment_release(struct environment *environment)
{
	size_t i;

	for (i = 0; i < environment->count; i++) {
		free_text(environment->pairs[i].name);
		free_text(environment->pairs[i].value);
	}
	free(environment->pairs);
	memset(environment, 0, sizeof(*environment));
}

/* POSIX's names, 3.216: letters, digits, underscores, no digit in front. */
static bool
is_name(const char *text, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		if (!((text[i] >= 'A' && text[i] <= 'Z') || (text[i] >= 'a' && text[i] <= 'z') ||
		      text[i] == '_' || (i > 0 && text[i] >= '0' && text[i] <= '9')))
			return false;
	return len > 0;
}

static int
put(struct environment *environment, const char *name, size_t len, const char *value,
    struct err *err)
{
	struct plan_pair *pair;
	size_t i;

	for (i = 0; i < environment->count; i++) {
		pair = &environment->pairs[i];
		if (strlen(pair->name) == len && strncmp(pair->name, name, len) == 0) {
			free_text(pair->value);
			pair->value = mem_strdup(value);
			return 0;
		}
	}
	if (environment->count == ENVIRONMENT_MOST)
		return err_set(err, ERR_LIMIT, "there can be at most %d variables",
			       ENVIRONMENT_MOST);
	environment->pairs = mem_resize(environment->pairs, environment->count + 1, sizeof(*pair));
	pair = &environment->pairs[environment->count++];
	pair->name = mem_strndup(name, len);
	pair->value = mem_strdup(value);
	return 0;
}

int
environment_add(struct environment *environment, const char *typed, struct err *err)
{
	size_t len = strcspn(typed, "=");
	LOCAL_FREE char *name = NULL;
	const char *ours;

	/* What is behind '=' may be a secret: it is not repeated. */
	if (!is_name(typed, len))
		return err_set(err, ERR_INPUT,
			       "a variable is given as NAME=VALUE, and '%.*s' is no name",
			       (int)(len < 100 ? len : 100), typed);
	if (typed[len] == '=')
		return put(environment, typed, len, typed + len + 1, err);
	name = mem_strndup(typed, len);
	ours = getenv(name);
	return ours != NULL ? put(environment, typed, len, ours, err) : 0;
}

static int
read_file(char **out, const char *path, struct err *err)
{
	LOCAL_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	LOCAL_FREE char *room = NULL;
	ssize_t n;
	size_t len = 0;

	if (fd < 0)
		return err_sys(err, "cannot open environment file '%s'", path);
	room = MEM_NEW_ARRAY(char, ENVIRONMENT_FILE_BYTES + 1);
	while ((n = read(fd, room + len, ENVIRONMENT_FILE_BYTES - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return err_sys(err, "cannot read environment file '%s'", path);
	if (len == ENVIRONMENT_FILE_BYTES || memchr(room, '\0', len) != NULL)
		return err_set(err, ERR_INPUT,
			       "environment file '%s' must be text of less than 1 MiB", path);
	*out = mem_strdup(room);
	return 0;
}

int
environment_add_file(struct environment *environment, const char *path, struct err *err)
{
	LOCAL_FREE char *text = NULL;
	char *line, *rest;
	unsigned number = 0;

	if (read_file(&text, path, err) < 0)
		return err->code;
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		number++;
		line[strcspn(line, "\r")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (environment_add(environment, line, err) < 0)
			return err_wrap(err, "environment file '%s', line %u", path, number);
	}
	return 0;
}

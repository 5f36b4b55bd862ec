/*
 * settings_tokens.c - resource class tokens, from files but for one.
 *
 * A token file holds one token a line; empty lines and lines that begin with '#' are
 * passed over. What is read never reaches the log.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/settings.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"

enum { CREDENTIAL_PATH_BYTES = 4096 };

static int
read_small_file(const char *path, char *room, size_t size, struct err *err)
{
	LOCAL_FD fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t len = 0;
	ssize_t n;

	if (fd < 0)
		return err_sys(err, "cannot open token file '%s'", path);
	while ((n = read(fd, room + len, size - 1 - len)) > 0)
		len += (size_t)n;
	if (n < 0)
		return err_sys(err, "cannot read token file '%s'", path);
	if (len == size - 1)
		return err_set(err, ERR_LIMIT, "token file '%s' is longer than %zu bytes", path,
			       size - 2);
	room[len] = '\0';
	return 0;
}

/* Visible ASCII only: it goes into a header. */
static int
check_token(const char *token, const char *where, struct err *err)
{
	size_t len = strlen(token), i;

	if (len >= SLOTS_TOKEN_BYTES)
		return err_set(err, ERR_LIMIT, "%s: a token is longer than %d characters", where,
			       SLOTS_TOKEN_BYTES - 1);
	for (i = 0; i < len; i++)
		if (token[i] <= ' ' || token[i] >= 0x7f)
			return err_set(err, ERR_INPUT,
				       "%s: a token is one word of visible ASCII characters",
				       where);
	return 0;
}

static int
add_lines(struct settings *settings, char *text, const char *path, const struct slots_class *class,
	  struct err *err)
{
	struct slots_class one = *class;
	unsigned line = 0, found = 0;
	char *at, *end, where[CREDENTIAL_PATH_BYTES];
	int rc = 0;

	for (at = text; rc == 0 && *at != '\0'; at = end) {
		end = at + strcspn(at, "\n");
		if (*end == '\n')
			*end++ = '\0';
		line++;
		at += strspn(at, " \t");
		at[strcspn(at, "\r")] = '\0';
		if (*at == '\0' || *at == '#')
			continue;
		(void)snprintf(where, sizeof(where), "%s:%u", path, line);
		rc = check_token(at, where, err);
		(void)snprintf(one.token, sizeof(one.token), "%s", at);
		if (rc == 0)
			rc = slots_add_class(&settings->slots, &one, err);
		found++;
	}
	explicit_bzero(&one, sizeof(one));
	if (rc == 0 && found == 0)
		return err_set(err, ERR_INPUT, "token file '%s' has no token in it", path);
	return rc;
}

int
settings_add_tokens(struct settings *settings, const char *path, const struct slots_class *class,
		    struct err *err)
{
	char *room = MEM_NEW_ARRAY(char, SETTINGS_TOKEN_FILE_BYTES);
	int rc = read_small_file(path, room, SETTINGS_TOKEN_FILE_BYTES, err);

	if (rc == 0)
		rc = add_lines(settings, room, path, class, err);
	explicit_bzero(room, SETTINGS_TOKEN_FILE_BYTES);
	free(room);
	return rc;
}

/* systemd's LoadCredential=token:FILE puts it there. */
static int
read_credential(struct settings *settings, const struct slots_class *class, struct err *err)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	char path[CREDENTIAL_PATH_BYTES];

	if (dir == NULL)
		return 0;
	(void)snprintf(path, sizeof(path), "%s/token", dir);
	return access(path, F_OK) == 0 ? settings_add_tokens(settings, path, class, err) : 0;
}

/* It stood in a settings file or a variable of CircleCI's machine runner. */
static int
add_lone_token(struct settings *settings, const struct slots_class *class, struct err *err)
{
	struct slots_class one = *class;
	int rc = check_token(settings->token, "api.auth_token", err);

	(void)snprintf(one.token, sizeof(one.token), "%s", settings->token);
	if (rc == 0)
		rc = slots_add_class(&settings->slots, &one, err);
	explicit_bzero(&one, sizeof(one));
	return rc;
}

void
settings_forget_token(struct settings *settings)
{
	if (settings->token != NULL)
		explicit_bzero(settings->token, strlen(settings->token));
	free(settings->token);
	settings->token = NULL;
}

int
settings_read_tokens(struct settings *settings, struct err *err)
{
	static const struct slots_class plain;
	unsigned i;

	for (i = 0; i < settings->token_file_count; i++)
		if (settings_add_tokens(settings, settings->token_files[i], &plain, err) < 0)
			return err->code;
	if (settings->token != NULL && settings->token_file_count == 0)
		return add_lone_token(settings, &plain, err);
	return settings->slots.class_count > 0 ? 0 : read_credential(settings, &plain, err);
}

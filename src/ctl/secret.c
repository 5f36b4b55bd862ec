/*
 * secret.c - a value that must not stand on the command line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <termios.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/say.h"

void
secret_free(char *secret)
{
	if (secret != NULL)
		explicit_bzero(secret, strlen(secret));
	free(secret);
}

/* Of a terminal: until the end of the line, or of the input, and nobody sees it. */
static ssize_t
read_terminal(int fd, char *room, size_t size)
{
	struct termios shown, hidden;
	ssize_t n;

	if (tcgetattr(fd, &shown) < 0)
		return read(fd, room, size);
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)ECHO;
	say_note("type the value; it is not shown");
	(void)tcsetattr(fd, TCSAFLUSH, &hidden);
	do
		n = read(fd, room, size);
	while (n < 0 && errno == EINTR);
	(void)tcsetattr(fd, TCSAFLUSH, &shown);
	return n;
}

static ssize_t
read_all(int fd, char *room, size_t size)
{
	size_t len = 0;
	ssize_t n;

	if (isatty(fd))
		return read_terminal(fd, room, size);
	while (len < size && (n = read(fd, room + len, size - len)) != 0) {
		if (n < 0 && errno != EINTR)
			return -1;
		if (n > 0)
			len += (size_t)n;
	}
	return (ssize_t)len;
}

static int
read_file(char **out, const char *path, struct err *err)
{
	enum { ROOM = SECRET_MAX_BYTES + 2 };
	bool is_input = path == NULL || text_eq(path, "-");
	LOCAL_FD opened = is_input ? -1 : open(path, O_RDONLY | O_CLOEXEC);
	const char *name = is_input ? "standard input" : path;
	char *room;
	ssize_t n;
	int rc = 0;

	if (!is_input && opened < 0)
		return err_sys(err, "cannot open '%s'", path);
	room = MEM_NEW_ARRAY(char, ROOM + 1);
	n = read_all(is_input ? STDIN_FILENO : opened, room, ROOM);
	if (n < 0)
		rc = err_sys(err, "cannot read '%s'", name);
	else if (memchr(room, '\0', (size_t)n) != NULL)
		rc = err_set(err, ERR_INPUT, "the value in '%s' holds a NUL, which no variable can",
			     name);
	if (rc == 0 && n > 0 && room[n - 1] == '\n')
		room[n - 1] = '\0';
	if (rc < 0) {
		explicit_bzero(room, ROOM);
		free(room);
		return rc;
	}
	*out = room;
	return 0;
}

int
secret_read(char **out, const char *path, const char *variable, struct err *err)
{
	const char *held = variable != NULL ? getenv(variable) : NULL;
	char *secret = NULL;

	*out = NULL;
	if (variable != NULL && held == NULL)
		return err_set(err, ERR_INPUT, "the environment has no variable '%s'", variable);
	if (held != NULL)
		secret = mem_strdup(held);
	else if (read_file(&secret, path, err) < 0)
		return err->code;
	*out = secret;
	if (strlen(secret) > SECRET_MAX_BYTES)
		return err_set(err, ERR_LIMIT, "the value is longer than %d bytes",
			       SECRET_MAX_BYTES);
	if (!text_is_utf8(secret, strlen(secret)))
		return err_set(err, ERR_INPUT,
			       "the value is not UTF-8: encode it, in base64 for example");
	return 0;
}

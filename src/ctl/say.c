/*
 * say.c - results to standard output, errors to standard error, in the forms of all commands.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/say.h"

#include <errno.h>
#include <stdarg.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/options.h"
#include "ctl/args.h"
#include "ctl/clean.h"
#include "ctl/screen.h"
#include "format/json.h"
#include "runner/exit.h"
#include "runner/protocol.h"

/* Everything, whatever the descriptor is; false when it takes no more. */
static bool
write_all(int fd, const unsigned char *bytes, size_t len)
{
	ssize_t n;

	while (len > 0) {
		n = write(fd, bytes, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		bytes += n;
		len -= (size_t)n;
	}
	return true;
}

static void
say_lines(const struct err *err, const char *command)
{
	struct buffer line = BUFFER_INIT;

	buffer_printf(&line, "runnerctl: %s\n", err->text);
	if (err->hint != NULL)
		buffer_printf(&line, "hint: %s\n", err->hint);
	else if (command != NULL)
		buffer_printf(&line, "hint: runnerctl%s%s --help lists what there is\n",
			      command[0] != '\0' ? " " : "", command);
	(void)write_all(STDERR_FILENO, line.data, line.len);
	buffer_release(&line);
}

int
say_error(const struct err *err)
{
	say_lines(err, NULL);
	return err->code == ERR_INPUT || err->code == ERR_GONE ? EXIT_NO : EXIT_REFUSED;
}

int
say_usage(const struct command *command, const struct err *err)
{
	say_lines(err, command != NULL ? command->name : "");
	return EXIT_USAGE;
}

int
say_result(struct buffer *text)
{
	return write_all(STDOUT_FILENO, text->data, text->len) ? EXIT_OK : EXIT_REFUSED;
}

int
say_json(const struct json *json)
{
	struct buffer text = BUFFER_INIT;
	int status;

	json_write_pretty(&text, json);
	status = say_result(&text);
	buffer_release(&text);
	return status;
}

int
say_version(void)
{
	struct buffer text = BUFFER_INIT;
	int status;

	buffer_printf(&text, "runnerctl %s (%s), protocol %d\n%s\n", RUNNER_VERSION,
		      RUNNER_REVISION, RUNNER_PROTOCOL, RUNNER_LIBRARIES);
	status = say_result(&text);
	buffer_release(&text);
	return status;
}

void
say_text(const struct buffer *text)
{
	(void)write_all(STDERR_FILENO, text->data, text->len);
}

void
say_foreign(const struct buffer *text)
{
	struct clean_stream stream = {.colour = screen_has_colour(STDERR_FILENO)};
	struct buffer clean = BUFFER_INIT;

	clean_stream_feed(&stream, text->data, text->len, &clean);
	say_text(&clean);
	buffer_release(&clean);
}

void
say_note(const char *fmt, ...)
{
	struct buffer line = BUFFER_INIT;
	va_list ap;

	if (globals()->quiet)
		return;
	va_start(ap, fmt);
	buffer_vprintf(&line, fmt, ap);
	va_end(ap);
	buffer_puts(&line, "\n");
	(void)write_all(STDERR_FILENO, line.data, line.len);
	buffer_release(&line);
}

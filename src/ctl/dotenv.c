/*
 * dotenv.c - files of variables as people keep them beside their sources: ".env".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/dotenv.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/environment.h"
#include "ctl/file.h"

struct reading {
	const char *at;
	unsigned line;
	struct buffer typed; /* NAME=VALUE, as environment_add() takes it */
};

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static bool
is_line_end(const char *at)
{
	return *at == '\0' || *at == '\n' || (at[0] == '\r' && (at[1] == '\n' || at[1] == '\0'));
}

static void
skip_blanks(struct reading *reading)
{
	while (is_blank(*reading->at))
		reading->at++;
}

static void
skip_line(struct reading *reading)
{
	reading->at += strcspn(reading->at, "\n");
	if (*reading->at == '\n') {
		reading->at++;
		reading->line++;
	}
}

static void
read_bare(struct reading *reading)
{
	const char *from = reading->at, *end;

	for (; !is_line_end(reading->at); reading->at++)
		if (*reading->at == '#' && (reading->at == from || is_blank(reading->at[-1])))
			break;
	for (end = reading->at; end > from && is_blank(end[-1]); end--)
		;
	buffer_putn(&reading->typed, from, (size_t)(end - from));
}

/* What "\c" stands for; 0: itself, with its backslash. */
static char
escaped(char c)
{
	static const char from[] = "nrt\"\\$", to[] = "\n\r\t\"\\$";
	const char *found = c == '\0' ? NULL : strchr(from, c);

	return found == NULL ? 0 : to[found - from];
}

static int
read_quoted(struct reading *reading, char quote, struct err *err)
{
	unsigned begun = reading->line;
	char c;

	for (reading->at++; *reading->at != quote; reading->at++) {
		c = *reading->at;
		if (c == '\0')
			return err_set(err, ERR_INPUT,
				       "line %u: the quote that begins here does not end", begun);
		if (c == '\n')
			reading->line++;
		if (quote == '"' && c == '\\' && escaped(reading->at[1]) != 0)
			c = escaped(*++reading->at);
		buffer_putn(&reading->typed, &c, 1);
	}
	reading->at++;
	skip_blanks(reading);
	if (*reading->at != '#' && !is_line_end(reading->at))
		return err_set(err, ERR_INPUT, "line %u: there is more behind the closing quote",
			       reading->line);
	return 0;
}

static int
read_variable(struct reading *reading, struct environment *out, struct err *err)
{
	unsigned line = reading->line;
	size_t len;

	if (text_starts(reading->at, "export") && is_blank(reading->at[6])) {
		reading->at += 6;
		skip_blanks(reading);
	}
	len = strcspn(reading->at, "= \t\r\n#\"'");
	if (len == 0 || reading->at[len] != '=')
		return err_set(err, ERR_INPUT, "line %u: a line is written NAME=VALUE", line);
	buffer_putn(&reading->typed, reading->at, len + 1);
	reading->at += len + 1;
	skip_blanks(reading);
	if (*reading->at != '\'' && *reading->at != '"')
		read_bare(reading);
	else if (read_quoted(reading, *reading->at, err) < 0)
		return err->code;
	skip_line(reading);
	if (environment_add(out, buffer_text(&reading->typed), err) < 0)
		return err_wrap(err, "line %u", line);
	return 0;
}

int
dotenv_parse(struct environment *out, const char *text, struct err *err)
{
	struct reading reading = {.at = text, .line = 1, .typed = BUFFER_INIT};
	int rc = 0;

	while (rc == 0 && *reading.at != '\0') {
		skip_blanks(&reading);
		if (*reading.at == '#' || is_line_end(reading.at))
			skip_line(&reading);
		else
			rc = read_variable(&reading, out, err);
		if (reading.typed.len > 0)
			explicit_bzero(reading.typed.data, reading.typed.len);
		buffer_clear(&reading.typed);
	}
	buffer_release(&reading.typed);
	return rc;
}

int
dotenv_read(struct environment *out, const char *path, struct err *err)
{
	struct buffer text = BUFFER_INIT;
	int rc = file_read(path, ENVIRONMENT_FILE_BYTES, &text, err);

	if (rc == 0 && text.len > 0 && memchr(text.data, '\0', text.len) != NULL)
		rc = err_set(err, ERR_INPUT, "file '%s' holds a NUL, which no variable can", path);
	else if (rc == 0 && dotenv_parse(out, buffer_text(&text), err) < 0)
		rc = err_wrap(err, "file '%s'", path);
	if (text.len > 0)
		explicit_bzero(text.data, text.len);
	buffer_release(&text);
	return rc;
}

/*
 * say.h - results to standard output, errors to standard error, in the forms of all commands.
 *
 * An error is one line, "runnerctl: what failed: why", and where there is one a
 * second, "hint: what to do". Each function returns the exit status that goes with
 * what it said.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_SAY_H
#define CTL_SAY_H

struct buffer;
struct command;
struct err;
struct json;

/* What failed. EXIT_NO when the thing asked about is wrong or gone, else EXIT_REFUSED. */
int say_error(const struct err *err);

/* The same for a wrong command line; the hint is the command's --help where err has none.
 * EXIT_USAGE. */
int say_usage(const struct command *command, const struct err *err);

/* A result; EXIT_OK, or EXIT_REFUSED when standard output takes no more. */
int say_result(struct buffer *text);

/* One JSON document, indented. */
int say_json(const struct json *json);

/* "runnerctl 0.1.0 ...". EXIT_OK. */
int say_version(void);

/* Text of our own, as it is, on standard error. */
void say_text(const struct buffer *text);

/*
 * Text of ours that quotes others, on standard error: control characters are dropped, colours too
 * unless standard error shows them.
 */
void say_foreign(const struct buffer *text);

/* A remark on standard error; nothing with --quiet. */
void say_note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif

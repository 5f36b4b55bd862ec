/*
 * dotenv.h - files of variables as people keep them beside their sources: ".env".
 *
 * A line NAME=VALUE, with "export " before it or not. VALUE is
 *
 *	bare text, to the end of the line or to a '#' behind a blank, without blanks at its ends;
 *	'text', as it stands, over several lines if need be;
 *	"text", the same with \n, \r, \t, \", \\ and \$ in it.
 *
 * Empty lines and those that begin with '#' are passed over. Nothing is expanded: a '$' is a '$'.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_DOTENV_H
#define CTL_DOTENV_H

struct environment;
struct err;

/* Add what text says. No sentence repeats a value. Fails: ERR_INPUT "line N: ...", ERR_LIMIT. */
int dotenv_parse(struct environment *out, const char *text, struct err *err);

/* Of a file. Fails: ERR_HOST, too. */
int dotenv_read(struct environment *out, const char *path, struct err *err);

#endif

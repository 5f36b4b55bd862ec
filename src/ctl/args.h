/*
 * args.h - what the person typed: options every command takes, and a command's own.
 *
 * main() reads the options in front of the command; the command then calls
 * args_read() once, which takes its own options and the global ones alike and
 * answers --help. The result of both lies in globals().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_ARGS_H
#define CTL_ARGS_H

#include <stdbool.h>

#include "base/options.h"

struct buffer;
struct err;

enum json_form { JSON_FORM_NONE, JSON_FORM_DOCUMENT, JSON_FORM_LINES };

struct globals {
	const char *hub;	/* NULL: RUNNER_HUB, CIRCLE_HOST */
	const char *token_file; /* NULL: CIRCLE_TOKEN, then login.h */
	const char *cacert;
	const char *hub_fingerprint;
	const char *project; /* NULL: from the git remote */
	enum json_form json;
	bool quiet;
	unsigned verbose;
	bool help, version;
};

/* The table of the global options. */
extern const struct option global_options[];

const struct globals *globals(void);

/* Any result of args_read() and args_count() but this one is the exit status to end with. */
enum { ARGS_GO = -1 };

/* Read options in front of the command; *used words were options. For main(). */
int args_read_globals(int argc, char **argv, int *used);

/*
 * Read a command's words. Its own options go to set(arg, ...); *operands of them stay at argv's
 * front. Says what is wrong by itself.
 */
int args_read(const struct command *command, int argc, char **argv, int *operands,
	      option_set_fn *set, void *arg);

/* The command takes least to most operands and got count. */
int args_count(const struct command *command, int count, int least, int most);

/* Read the words of a command that takes operands, so many, and no options of its own. */
int args_read_operands(const struct command *command, int argc, char **argv, int operands);

/* One command's --help. */
void args_help(struct buffer *out, const struct command *command);

#endif

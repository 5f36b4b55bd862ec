/*
 * args.c - what the person typed: options every command takes, and a command's own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/args.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/say.h"
#include "loop/clock.h"
#include "runner/exit.h"

const struct option global_options[] = {
	{"hub", 0, "URL",
	 "the hub: https://HOST[:PORT] or unix:PATH (default: $RUNNER_HUB, then $CIRCLE_HOST)"},
	{"token-file", 0, "FILE",
	 "a file that holds the personal token, '-' for standard input (default: $CIRCLE_TOKEN, "
	 "then what login kept)"},
	{"cacert", 0, "FILE", "trust the issuers in this PEM file alone"},
	{"hub-fingerprint", 0, "SHA256:HEX", "trust the hub that presents this certificate"},
	{"project", 0, "SLUG", "the project, as vcs/owner/name (default: from the git remote)"},
	{"json", 0, "[=lines]", "print JSON: one document, or one object a line"},
	{"quiet", 'q', NULL, "print errors only"},
	{"verbose", 'v', NULL, "print more; twice: still more"},
	{"help", 'h', NULL, "print this help"},
	{"version", 0, NULL, "print the version"},
	{NULL, 0, NULL, NULL},
};

static struct globals read_so_far;

const struct globals *
globals(void)
{
	return &read_so_far;
}

static int
set_json(const char *value, struct err *err)
{
	if (value != NULL && !text_eq(value, "lines"))
		return err_set(err, ERR_INPUT, "option '--json' may be '--json' or '--json=lines'");
	read_so_far.json = value != NULL ? JSON_FORM_LINES : JSON_FORM_DOCUMENT;
	return 0;
}

static int
set_global(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct globals *to = &read_so_far;

	(void)arg;
	if (text_eq(option->name, "hub"))
		to->hub = value;
	else if (text_eq(option->name, "token-file"))
		to->token_file = value;
	else if (text_eq(option->name, "cacert"))
		to->cacert = value;
	else if (text_eq(option->name, "hub-fingerprint"))
		to->hub_fingerprint = value;
	else if (text_eq(option->name, "project"))
		to->project = value;
	else if (text_eq(option->name, "json"))
		return set_json(value, err);
	else if (text_eq(option->name, "quiet"))
		to->quiet = true;
	else if (text_eq(option->name, "verbose"))
		to->verbose++;
	else if (text_eq(option->name, "help"))
		to->help = true;
	else
		to->version = true;
	return 0;
}

static bool
takes_value(const struct option *option)
{
	return option->value != NULL && option->value[0] != '[';
}

/* True where word is a global option whose value is the next word. */
static bool
wants_next_word(const char *word)
{
	const struct option *option;

	if (word[1] != '-')
		return false;
	for (option = global_options; option->name != NULL; option++)
		if (takes_value(option) && text_eq(word + 2, option->name))
			return true;
	return false;
}

int
args_read_globals(int argc, char **argv, int *used)
{
	struct err err = ERR_INIT;
	int n = 0, operands;

	while (n < argc && argv[n][0] == '-' && argv[n][1] != '\0')
		n += wants_next_word(argv[n]) && n + 1 < argc ? 2 : 1;
	*used = n;
	if (options_parse(global_options, n, argv, &operands, set_global, NULL, &err) < 0)
		return say_usage(NULL, &err);
	return ARGS_GO;
}

static size_t
table_length(const struct option *table)
{
	size_t n = 0;

	while (table != NULL && table[n].name != NULL)
		n++;
	return n;
}

/* The command's rows and the global ones behind them; the caller frees. */
static struct option *
join_tables(const struct option *own)
{
	size_t n = table_length(own), m = table_length(global_options);
	struct option *joined = MEM_NEW_ARRAY(struct option, n + m + 1);

	if (n > 0)
		memcpy(joined, own, n * sizeof(*own));
	memcpy(joined + n, global_options, m * sizeof(*own));
	return joined;
}

/* Sends each option to the side that owns it. */
struct split {
	const struct option *joined;
	size_t own;
	option_set_fn *set;
	void *arg;
};

static int
set_either(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct split *split = arg;

	if ((size_t)(option - split->joined) < split->own)
		return split->set(split->arg, option, value, err);
	return set_global(NULL, option, value, err);
}

int
args_read(const struct command *command, int argc, char **argv, int *operands, option_set_fn *set,
	  void *arg)
{
	LOCAL_FREE struct option *joined = join_tables(command->options);
	struct split split = {joined, table_length(command->options), set, arg};
	struct buffer help = BUFFER_INIT;
	struct err err = ERR_INIT;
	int rc;

	rc = options_parse(joined, argc, argv, operands, set_either, &split, &err);
	if (read_so_far.help) {
		args_help(&help, command);
		say_result(&help);
		buffer_release(&help);
		return EXIT_OK;
	}
	if (read_so_far.version)
		return say_version();
	log_setup(read_so_far.quiet	     ? LOG_ERROR
		  : read_so_far.verbose == 0 ? LOG_WARN
		  : read_so_far.verbose == 1 ? LOG_INFO
					     : LOG_DEBUG,
		  false, clock_unix_ms);
	if (rc == ERR_HOST) /* a file that an option names */
		return say_error(&err);
	return rc < 0 ? say_usage(command, &err) : ARGS_GO;
}

int
args_count(const struct command *command, int count, int least, int most)
{
	struct err err = ERR_INIT;
	int rc;

	if (count >= least && count <= most)
		return ARGS_GO;
	if (count < least)
		rc = err_set(&err, ERR_INPUT, "'%s' needs %s", command->name, command->operands);
	else if (most == 0)
		rc = err_set(&err, ERR_INPUT, "'%s' takes no operand", command->name);
	else
		rc = err_set(&err, ERR_INPUT, "'%s' takes at most %d operand%s", command->name,
			     most, most == 1 ? "" : "s");
	(void)rc;
	return say_usage(command, &err);
}

int
args_read_operands(const struct command *command, int argc, char **argv, int operands)
{
	int count, status = args_read(command, argc, argv, &count, NULL, NULL);

	return status == ARGS_GO ? args_count(command, count, operands, operands) : status;
}

void
args_help(struct buffer *out, const struct command *command)
{
	buffer_printf(out, "usage: runnerctl %s [OPTION]...%s%s\n\n%s\n", command->name,
		      command->operands != NULL ? " " : "",
		      command->operands != NULL ? command->operands : "", command->help);
	if (command->options != NULL && command->options[0].name != NULL) {
		buffer_puts(out, "\nOptions:\n");
		options_help(out, command->options);
	}
	buffer_puts(out, "\nGlobal options:\n");
	options_help(out, global_options);
}

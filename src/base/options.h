/*
 * options.h - a program's options as one table: parsing, --help and completions come from it.
 *
 * A table ends with a row whose name is NULL. Every option has a long name; a
 * letter where cli documents one. An option with an argument takes it as
 * "--name VALUE" or "--name=VALUE". "--" ends the options; operands may stand
 * between them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;
struct err;

struct option {
	const char *name;  /* without the dashes; NULL ends the table */
	char letter;	   /* 0: none */
	/* What its argument is called in --help ("FILE"); NULL: takes none. "[=WORD]": may have one, attached only. */
	const char *value;
	const char *help;  /* one line, lower case, no full stop */
};

/* A command of a program: "runner-hub serve". Programs without commands have one row, name NULL. */
struct command {
	const char *name;	       /* words after the program's name: "pipeline run"; NULL: none */
	const char *operands;	       /* as in a synopsis: "[FILE|-]"; NULL: takes none */
	const char *help;	       /* one line */
	const struct option *options; /* its own table; NULL: none */
	int (*run)(int argc, char **argv); /* argv[0] is the first word after the command's name */
};

/*
 * value is NULL for an option that takes none or was given none. Return 0 or a negative code with err filled.
 */
typedef int option_set_fn(void *arg, const struct option *option, const char *value,
			  struct err *err);

/*
 * Read argv[0..argc): each option goes to set(); operands are moved to the front of argv in
 * their order and *operands says how many.
 * Fails: ERR_INPUT for an unknown option (with the nearest name as hint), a missing or an
 * unwanted argument, or what set() returns.
 */
int options_parse(const struct option *table, int argc, char **argv, int *operands,
		  option_set_fn *set, void *arg, struct err *err);

/* Append the option list as --help shows it: two columns, sorted as in the table. */
void options_help(struct buffer *out, const struct option *table);

#endif

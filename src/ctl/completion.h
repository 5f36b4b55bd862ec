/*
 * completion.h - what can be completed: programs, their commands and options, and scripts for
 * shells made of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_COMPLETION_H
#define CTL_COMPLETION_H

#include <stdbool.h>
#include <stddef.h>

struct buffer;

/* An option as --help shows it. */
struct offer_option {
	char *name, *value, *help; /* value "": takes none */
	char letter;		   /* 0: none */
};

struct offer_command {
	char *name; /* "job list"; "": the program itself */
	char *help;
	struct offer_option *options;
	size_t option_count;
};

struct offer_program {
	const char *name;
	struct offer_command *commands; /* [0] is the program itself */
	size_t command_count;
};

/* Zeroed but for its name: empty. */
void offer_program_release(struct offer_program *program);

struct offer_command *
offer_add_command(struct offer_program *program, const char *name, const char *help);

/*
 * Read what --help printed (base/options.h makes it): option lines go to that command of the
 * program. Of the program's own (command 0) the lines "  NAME  HELP" are its commands.
 */
void offer_read_help(struct offer_program *program, size_t command, const char *text);

void completion_bash(struct buffer *out, const struct offer_program *programs, size_t count);
void completion_zsh(struct buffer *out, const struct offer_program *programs, size_t count);
void completion_fish(struct buffer *out, const struct offer_program *programs, size_t count);

#endif

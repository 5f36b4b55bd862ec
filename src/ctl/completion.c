/*
 * completion.c - "completion": scripts that teach a shell the words of all our programs.
 *
 * What can be completed is what --help says, and --help is made from the tables: our
 * own commands are asked here, the other programs by running them, so that nothing
 * is written down twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/completion.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/args.h"
#include "ctl/capture.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "loop/child.h"
#include "loop/loop.h"
#include "runner/exit.h"

static int completion(int argc, char **argv);

const struct command completion_command = {
	"completion", "bash|zsh|fish", "print a completion script for a shell", NULL, completion};

enum { HELP_MAX_BYTES = 256 * 1024, OFFER_COMMANDS_MOST = 200, OFFER_LETTERS_COLUMN = 6 };

/* --- the model -------------------------------------------------------------------------------- */

struct offer_command *
offer_add_command(struct offer_program *program, const char *name, const char *help)
{
	size_t n = program->command_count;
	struct offer_command *command;

	program->commands = mem_resize(program->commands, n + 1, sizeof(*program->commands));
	program->command_count = n + 1;
	command = &program->commands[n];
	memset(command, 0, sizeof(*command));
	command->name = mem_strdup(name);
	command->help = mem_strdup(help);
	return command;
}

static void
add_option(struct offer_command *command, const struct offer_option *option)
{
	size_t n = command->option_count;

	command->options = mem_resize(command->options, n + 1, sizeof(*command->options));
	command->option_count = n + 1;
	command->options[n] = *option;
}

void
offer_program_release(struct offer_program *program)
{
	struct offer_command *command;
	size_t i, o;

	for (i = 0; i < program->command_count; i++) {
		command = &program->commands[i];
		for (o = 0; o < command->option_count; o++) {
			free(command->options[o].name);
			free(command->options[o].value);
			free(command->options[o].help);
		}
		free(command->options);
		free(command->name);
		free(command->help);
	}
	free(program->commands);
}

/* --- reading --help -----------------------------------------------------------------------------
 */

static const char *
skip_blanks(const char *at)
{
	return at + strspn(at, " ");
}

/* "  -j, --jobs N     run so many", "      --json[=lines]   print JSON"; help may follow on the
 * next line. */
static bool
read_option(struct offer_command *command, const char *line, const char *next)
{
	struct offer_option option = {0};
	const char *at, *end;

	if (!text_starts(line, "  ") || strlen(line) <= OFFER_LETTERS_COLUMN)
		return false;
	if (line[2] == '-' && line[4] == ',')
		option.letter = line[3];
	at = line + OFFER_LETTERS_COLUMN;
	if (!text_starts(at, "--"))
		return false;
	at += 2;
	end = at + strcspn(at, " [");
	option.name = mem_strndup(at, (size_t)(end - at));
	/* The value stands one blank behind the name, the help two or more, or on the next line. */
	at = end + (end[0] == ' ' && end[1] != ' ' && end[1] != '\0');
	end = strstr(at, "  ");
	if (end == NULL)
		end = at + strcspn(at, end == NULL && at[0] != '\0' && at[0] != ' ' ? "\n" : " ");
	option.value = at[0] == ' ' ? mem_strdup("") : mem_strndup(at, (size_t)(end - at));
	end = skip_blanks(end);
	if (end[0] == '\0' && next != NULL && text_starts(next, "        "))
		end = skip_blanks(next);
	option.help = mem_strdup(end);
	add_option(command, &option);
	return true;
}

/* "  job list     list jobs" */
static void
read_command(struct offer_program *program, const char *line)
{
	const char *end;
	char *name;

	if (!text_starts(line, "  ") || line[2] < 'a' || line[2] > 'z')
		return;
	end = strstr(line + 2, "  ");
	if (end == NULL)
		return;
	name = mem_strndup(line + 2, (size_t)(end - line - 2));
	(void)offer_add_command(program, name, skip_blanks(end));
	free(name);
}

void
offer_read_help(struct offer_program *program, size_t command, const char *text)
{
	char *copy = mem_strdup(text), *rest = copy, *line = strsep(&rest, "\n"), *next;

	for (; line != NULL; line = next) {
		next = strsep(&rest, "\n");
		if (read_option(&program->commands[command], line, next))
			continue;
		if (command == 0 && program->command_count < OFFER_COMMANDS_MOST)
			read_command(program, line);
	}
	free(copy);
}

/* --- all programs ----------------------------------------------------------------------------- */

static void
offer_ourselves(struct offer_program *program)
{
	const struct command *const *at;
	struct buffer text = BUFFER_INIT;

	(void)offer_add_command(program, "", "");
	options_help(&text, global_options);
	offer_read_help(program, 0, buffer_text(&text));
	for (at = commands; *at != NULL; at++) {
		(void)offer_add_command(program, (*at)->name, (*at)->help);
		buffer_clear(&text);
		args_help(&text, *at);
		offer_read_help(program, program->command_count - 1, buffer_text(&text));
	}
	buffer_release(&text);
}

static int
ask_help(struct buffer *text, struct loop *loop, char *path, const char *command, struct err *err)
{
	char *argv[] = {path, (char *)(uintptr_t)command, (char *)(uintptr_t) "--help", NULL};
	int status = 0;

	buffer_init(text, HELP_MAX_BYTES);
	if (command == NULL) {
		argv[1] = argv[2];
		argv[2] = NULL;
	}
	if (capture(loop, argv, NULL, text, &status, err) < 0)
		return err->code;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return err_set(err, ERR_HOST, "'%s --help' does not work", path);
	return 0;
}

static int
offer_other(struct offer_program *program, struct loop *loop, struct err *err)
{
	char path[PATH_MAX];
	struct buffer text;
	size_t i;
	int rc;

	if (child_find_program(path, sizeof(path), program->name, err) < 0)
		return err->code;
	(void)offer_add_command(program, "", "");
	for (i = 0; i < program->command_count; i++) {
		rc = ask_help(&text, loop, path, i > 0 ? program->commands[i].name : NULL, err);
		if (rc == 0)
			offer_read_help(program, i, buffer_text(&text));
		buffer_release(&text);
		if (rc < 0)
			return rc;
	}
	return 0;
}

typedef void writer_fn(struct buffer *out, const struct offer_program *programs, size_t count);

static writer_fn *
find_writer(const char *shell)
{
	if (text_eq(shell, "bash"))
		return completion_bash;
	if (text_eq(shell, "zsh"))
		return completion_zsh;
	return text_eq(shell, "fish") ? completion_fish : NULL;
}

static int
print_script(writer_fn *write)
{
	struct offer_program programs[] = {
		{.name = "runnerctl"}, {.name = "runnerd"}, {.name = "runner-hub"}};
	struct buffer text = BUFFER_INIT;
	struct err err = ERR_INIT;
	struct loop *loop;
	int status;

	if (loop_new(&loop, &err) < 0)
		return say_error(&err);
	offer_ourselves(&programs[0]);
	if (offer_other(&programs[1], loop, &err) < 0 ||
	    offer_other(&programs[2], loop, &err) < 0) {
		status = say_error(&err);
	} else {
		write(&text, programs, 3);
		status = say_result(&text);
	}
	buffer_release(&text);
	offer_program_release(&programs[0]);
	offer_program_release(&programs[1]);
	offer_program_release(&programs[2]);
	loop_free(loop);
	return status;
}

static int
completion(int argc, char **argv)
{
	struct err err = ERR_INIT;
	writer_fn *write;
	int status = args_read_operands(&completion_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	write = find_writer(argv[0]);
	if (write == NULL &&
	    err_set(&err, ERR_INPUT, "there is no completion for '%s': it can be bash, zsh or fish",
		    argv[0]) < 0)
		return say_usage(&completion_command, &err);
	return print_script(write);
}

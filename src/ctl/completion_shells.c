/*
 * completion_shells.c - the completion scripts of bash, zsh and fish.
 *
 * All three look for the command among the words that are no options, then offer that
 * command's options; where no command has been typed yet they offer the commands' next words.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/text.h"
#include "ctl/completion.h"

static bool
takes_value(const struct offer_option *option)
{
	return option->value[0] != '\0' && option->value[0] != '[';
}

/* "runner-hub" is "runner_hub" in a function's name. */
static void
put_identifier(struct buffer *out, const char *name)
{
	for (; *name != '\0'; name++)
		buffer_putn(out, *name == '-' ? "_" : name, 1);
}

/* The second words of the commands that begin with this first word, or all first words; each once.
 */
static void
put_words(struct buffer *out, const struct offer_program *program, const char *first)
{
	size_t i, n = strlen(first), len;
	const char *word, *before = "";

	for (i = 1; i < program->command_count; i++) {
		word = program->commands[i].name;
		if (n > 0) {
			if (!text_starts(word, first) || word[n] != ' ')
				continue;
			word += n + 1;
		}
		len = strcspn(word, " ");
		/* Commands with the same first word stand together. */
		if (n == 0 && strncmp(before, word, len) == 0 && strcspn(before, " ") == len)
			continue;
		before = word;
		buffer_printf(out, "%.*s ", (int)len, word);
	}
}

/* --- bash ------------------------------------------------------------------------------------- */

static void
bash_options(struct buffer *out, const struct offer_command *command)
{
	size_t i;

	for (i = 0; i < command->option_count; i++) {
		if (command->options[i].letter != 0)
			buffer_printf(out, "-%c ", command->options[i].letter);
		buffer_printf(out, "--%s ", command->options[i].name);
	}
}

/* Options that are followed by a value: the word behind them is none of ours. */
static void
bash_valued(struct buffer *out, const struct offer_program *program)
{
	const struct offer_option *option;
	size_t c, o;

	buffer_puts(out, "''");
	for (c = 0; c < program->command_count; c++)
		for (o = 0; o < program->commands[c].option_count; o++) {
			option = &program->commands[c].options[o];
			if (!takes_value(option))
				continue;
			buffer_printf(out, "|--%s", option->name);
			if (option->letter != 0)
				buffer_printf(out, "|-%c", option->letter);
		}
}

static void
bash_commands(struct buffer *out, const struct offer_program *program)
{
	const struct offer_command *command;
	char first[64];
	size_t i, len;

	for (i = 1; i < program->command_count; i++) {
		command = &program->commands[i];
		buffer_printf(out, "\t'%s'|'%s '*) words='", command->name, command->name);
		bash_options(out, command);
		buffer_puts(out, "' ;;\n");
	}
	for (i = 1; i < program->command_count; i++) {
		command = &program->commands[i];
		len = strcspn(command->name, " ");
		/* Groups, each once: commands with the same first word stand together. */
		if (command->name[len] == '\0' || len >= sizeof(first) ||
		    strncmp(command[-1].name, command->name, len + 1) == 0)
			continue;
		(void)snprintf(first, sizeof(first), "%.*s", (int)len, command->name);
		buffer_printf(out, "\t'%s') words='", first);
		put_words(out, program, first);
		buffer_puts(out, "' ;;\n");
	}
}

static void
bash_program(struct buffer *out, const struct offer_program *program)
{
	buffer_puts(out, "_");
	put_identifier(out, program->name);
	buffer_puts(out, "()\n{\n"
			 "\tlocal cur=${COMP_WORDS[COMP_CWORD]}\n"
			 "\tlocal i skip= cmd= words=\n"
			 "\tCOMPREPLY=()\n"
			 "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
			 "\t\tif [[ -n $skip ]]; then skip=; continue; fi\n"
			 "\t\tcase ${COMP_WORDS[i]} in\n\t\t");
	bash_valued(out, program);
	buffer_puts(out, ") skip=1 ;;\n"
			 "\t\t-*) ;;\n"
			 "\t\t*) cmd=\"$cmd${cmd:+ }${COMP_WORDS[i]}\" ;;\n"
			 "\t\tesac\n"
			 "\tdone\n"
			 "\tif [[ -n $skip ]]; then return; fi\n"
			 "\tcase \"$cmd\" in\n");
	bash_commands(out, program);
	buffer_puts(out, "\t*) words='");
	put_words(out, program, "");
	bash_options(out, &program->commands[0]);
	/* Behind a command a word without a dash is a file or a name of the person's own. */
	buffer_puts(out, "' ;;\n\tesac\n"
			 "\tif [[ $cur == -* || -z $cmd || $words != -* ]]; then\n"
			 "\t\tCOMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
			 "\tfi\n}\ncomplete -o default -F _");
	put_identifier(out, program->name);
	buffer_printf(out, " %s\n\n", program->name);
}

void
completion_bash(struct buffer *out, const struct offer_program *programs, size_t count)
{
	size_t i;

	buffer_puts(out, "# bash completion for runnerctl, runnerd and runner-hub: made by "
			 "runnerctl completion bash\n\n");
	for (i = 0; i < count; i++)
		bash_program(out, &programs[i]);
}

/* --- zsh -------------------------------------------------------------------------------------- */

/* Within single quotes, and in _arguments' own syntax. */
static void
zsh_text(struct buffer *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'')
			buffer_puts(out, "'\\''");
		else if (strchr("[]:\\", *text) != NULL)
			buffer_printf(out, "\\%c", *text);
		else
			buffer_putn(out, text, 1);
	}
}

static void
zsh_option(struct buffer *out, const struct offer_option *option)
{
	char names[2][80] = {"", ""};
	int i, n = 0;

	(void)snprintf(names[n++], sizeof(names[0]), "--%.70s", option->name);
	if (option->letter != 0)
		(void)snprintf(names[n++], sizeof(names[0]), "-%c", option->letter);
	for (i = 0; i < n; i++) {
		buffer_printf(out, " \\\n\t\t\t'*%s%s[", names[i],
			      takes_value(option) && i == 0 ? "=" : "");
		zsh_text(out, option->help);
		buffer_puts(out, "]");
		if (takes_value(option)) {
			buffer_puts(out, ":");
			zsh_text(out, option->value);
			buffer_puts(out, ":_files");
		}
		buffer_puts(out, "'");
	}
}

static void
zsh_arguments(struct buffer *out, const struct offer_command *command)
{
	size_t i;

	buffer_puts(out, "_arguments");
	for (i = 0; i < command->option_count; i++)
		zsh_option(out, &command->options[i]);
	buffer_puts(out, " \\\n\t\t\t'*:operand:_files'");
}

static void
zsh_program(struct buffer *out, const struct offer_program *program)
{
	size_t i;

	buffer_puts(out, "_");
	put_identifier(out, program->name);
	buffer_puts(out, "()\n{\n"
			 "\tlocal -a given all\n"
			 "\tlocal cmd\n"
			 "\tgiven=(${${words[2,CURRENT-1]}:#-*})\n"
			 "\tcmd=\"${given[*]}\"\n"
			 "\tcase \"$cmd\" in\n");
	for (i = 1; i < program->command_count; i++) {
		buffer_printf(out, "\t('%s'|'%s '*)\n\t\t", program->commands[i].name,
			      program->commands[i].name);
		zsh_arguments(out, &program->commands[i]);
		buffer_puts(out, " ;;\n");
	}
	buffer_puts(out, "\t(*)\n");
	if (program->command_count > 1) {
		buffer_puts(out, "\t\tall=(");
		for (i = 1; i < program->command_count; i++)
			buffer_printf(out, "\n\t\t\t'%s'", program->commands[i].name);
		buffer_puts(out, ")\n\t\tif [[ $PREFIX != -* ]]; then\n"
				 "\t\t\tall=(${${(M)all:#${cmd:+$cmd }*}#${cmd:+$cmd }})\n"
				 "\t\t\tcompadd -- ${(u)all%% *}\n"
				 "\t\t\treturn\n\t\tfi\n");
	}
	buffer_puts(out, "\t\t");
	zsh_arguments(out, &program->commands[0]);
	buffer_puts(out, " ;;\n\tesac\n}\n\n");
}

void
completion_zsh(struct buffer *out, const struct offer_program *programs, size_t count)
{
	size_t i;

	buffer_puts(out, "#compdef");
	for (i = 0; i < count; i++)
		buffer_printf(out, " %s", programs[i].name);
	buffer_puts(out, "\n# made by runnerctl completion zsh\n\n");
	for (i = 0; i < count; i++)
		zsh_program(out, &programs[i]);
	buffer_puts(out, "case $service in\n");
	for (i = 0; i < count; i++) {
		buffer_printf(out, "(%s) _", programs[i].name);
		put_identifier(out, programs[i].name);
		buffer_puts(out, " \"$@\" ;;\n");
	}
	buffer_puts(out, "esac\n");
}

/* --- fish ------------------------------------------------------------------------------------- */

static void
fish_text(struct buffer *out, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			buffer_puts(out, "\\");
		buffer_putn(out, text, 1);
	}
}

static void
fish_condition(struct buffer *out, const struct offer_program *program, const char *command)
{
	buffer_printf(out, "complete -c %s -n '__runner_command %s \"%s\"'", program->name,
		      program->name, command);
}

static void
fish_option(struct buffer *out, const struct offer_program *program, const char *command,
	    const struct offer_option *option)
{
	fish_condition(out, program, command);
	if (option->letter != 0)
		buffer_printf(out, " -s %c", option->letter);
	buffer_printf(out, " -l %s%s -d '", option->name, takes_value(option) ? " -r" : "");
	fish_text(out, option->help);
	buffer_puts(out, "'\n");
}

static void
fish_program(struct buffer *out, const struct offer_program *program)
{
	const struct offer_command *command;
	char parent[64];
	const char *last;
	size_t c, o;

	for (c = 0; c < program->command_count; c++) {
		command = &program->commands[c];
		for (o = 0; o < command->option_count; o++)
			fish_option(out, program, command->name, &command->options[o]);
		if (c == 0)
			continue;
		last = strrchr(command->name, ' ');
		(void)snprintf(parent, sizeof(parent), "%.*s",
			       last != NULL ? (int)(last - command->name) : 0, command->name);
		if (last != NULL) {
			fish_condition(out, program, "");
			buffer_printf(out, " -f -a %s\n", parent);
		}
		fish_condition(out, program, parent);
		buffer_printf(out, " -f -a %s -d '", last != NULL ? last + 1 : command->name);
		fish_text(out, command->help);
		buffer_puts(out, "'\n");
	}
	buffer_puts(out, "\n");
}

void
completion_fish(struct buffer *out, const struct offer_program *programs, size_t count)
{
	size_t i;

	buffer_puts(out,
		    "# fish completion for runnerctl, runnerd and runner-hub: made by runnerctl "
		    "completion fish\n\n"
		    "function __runner_command\n"
		    "\tset -l given\n"
		    "\tfor word in (commandline -opc)[2..-1]\n"
		    "\t\tif not string match -q -- '-*' $word\n"
		    "\t\t\tset -a given $word\n"
		    "\t\tend\n"
		    "\tend\n"
		    "\tset -l typed (string join ' ' $given)\n"
		    "\ttest \"$typed\" = \"$argv[2]\"; and return\n"
		    "\ttest -n \"$argv[2]\"; and string match -q -- \"$argv[2] *\" \"$typed\"\n"
		    "end\n\n");
	for (i = 0; i < count; i++)
		fish_program(out, &programs[i]);
}

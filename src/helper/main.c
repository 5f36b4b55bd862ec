/*
 * main.c - circleci-agent: what a job's steps call.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "helper/helper.h"
#include "runner/control.h"
#include "runner/exit.h"

int
helper_fail(int status, const char *fmt, ...)
{
	va_list ap;

	(void)fputs("circleci-agent: ", stderr);
	va_start(ap, fmt);
	(void)vfprintf(stderr, fmt, ap);
	va_end(ap);
	(void)fputc('\n', stderr);
	return status;
}

char *
helper_read_input(size_t most, size_t *len)
{
	return helper_read(STDIN_FILENO, "standard input", most, len);
}

char *
helper_read(int fd, const char *name, size_t most, size_t *len)
{
	size_t room = 65536;
	char *text = malloc(room), *more;
	ssize_t n;

	for (*len = 0; text != NULL; *len += (size_t)n) {
		if (*len + 1 >= room) {
			more = realloc(text, room *= 2);
			if (more == NULL)
				break;
			text = more;
		}
		n = read(fd, text + *len, room - 1 - *len);
		if (n < 0 && errno == EINTR) {
			n = 0;
			continue;
		}
		if (n < 0 || *len + (size_t)n > most)
			break;
		if (n == 0) {
			text[*len] = '\0';
			return text;
		}
	}
	free(text);
	(void)helper_fail(0, "cannot read %s, or it is longer than %zu bytes", name, most);
	return NULL;
}

/* --- commands --- */

static int
mask(int argc, char **argv)
{
	char *text;
	size_t len;
	int status;

	if (argc != 1)
		return helper_fail(EXIT_USAGE, "mask takes one VALUE, or - for standard input");
	if (strcmp(argv[0], "-") != 0)
		return helper_ask(CONTROL_VERB_MASK, argv[0], strlen(argv[0]));
	text = helper_read_input(CONTROL_VALUE_MOST_BYTES, &len);
	if (text == NULL)
		return EXIT_REFUSED;
	status = helper_ask(CONTROL_VERB_MASK, text, len);
	free(text);
	return status;
}

static int
step_halt(int argc, char **argv)
{
	(void)argv;
	if (argc != 0)
		return helper_fail(EXIT_USAGE, "step halt takes no argument");
	return helper_ask(CONTROL_VERB_HALT, NULL, 0);
}

static int
git_mirror(int argc, char **argv)
{
	if (argc > 1 || (argc == 1 && strcmp(argv[0], "doubtful") != 0))
		return helper_fail(EXIT_USAGE, "git-mirror is for the checkout step");
	return helper_ask(CONTROL_VERB_MIRROR, argc == 1 ? argv[0] : NULL,
			  argc == 1 ? strlen(argv[0]) : 0);
}

/* A name of one word or two. No help: it is for our own steps. */
static const struct command {
	const char *name, *arguments, *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	{"mask", "VALUE|-", "show **** for VALUE in all output from now on", mask},
	{"step halt", "", "end the job as a success behind this step", step_halt},
	{"continue", "CONFIG", "go on with the pipeline by this config", helper_continue},
	{"oidc get", "", "print a token that tells others who this job is", helper_oidc_get},
	{"git-mirror", "[doubtful]", NULL, git_mirror},
	{"prefix", "COUNT DIR PRIVS WORD... COMMAND...", NULL, helper_prefix},
	{"behind prefix", "", NULL, helper_behind_prefix},
	{"env subst", "[TEXT]", "put variables into TEXT, or standard input", helper_env_subst},
	{"tests glob", "PATTERN...", "print the paths that match", helper_tests_glob},
	{"tests split", "[FILE]", "print this node's share of tests", helper_tests_split},
	{"tests run", "--command CMD", "run CMD with this node's share of tests", helper_tests_run},
};

enum { COMMAND_COUNT = sizeof(commands) / sizeof(commands[0]) };

static int
help(void)
{
	char usage[64];
	size_t i;

	(void)printf("usage: circleci-agent COMMAND [ARGUMENT...]\n\nCommands:\n");
	for (i = 0; i < COMMAND_COUNT; i++) {
		if (commands[i].help == NULL)
			continue;
		(void)snprintf(usage, sizeof(usage), "%s %s", commands[i].name,
			       commands[i].arguments);
		(void)printf("  %-24s  %s\n", usage, commands[i].help);
	}
	(void)printf("\nOptions:\n"
		     "  -h, --help            this text\n"
		     "      --version         the version\n");
	return fflush(stdout) == 0 ? EXIT_OK : EXIT_REFUSED;
}

/* How many words of argv name the command; 0: others. */
static int
words_of(const struct command *command, int argc, char **argv)
{
	const char *second = strchr(command->name, ' ');
	size_t len = second != NULL ? (size_t)(second - command->name) : strlen(command->name);

	if (argc < 1 || strlen(argv[0]) != len || strncmp(argv[0], command->name, len) != 0)
		return 0;
	if (second == NULL)
		return 1;
	return argc >= 2 && strcmp(argv[1], second + 1) == 0 ? 2 : 0;
}

int
main(int argc, char **argv)
{
	size_t i;
	int words;

	argc--;
	argv++;
	if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0))
		return help();
	if (argc > 0 && strcmp(argv[0], "--version") == 0)
		return printf("circleci-agent %s\n", PACKAGE_VERSION) > 0 ? EXIT_OK : EXIT_REFUSED;
	/* "circleci run tests ..." is what newer configs say. */
	if (argc > 1 && strcmp(argv[0], "run") == 0) {
		argc--;
		argv++;
	}
	for (i = 0; i < COMMAND_COUNT; i++) {
		words = words_of(&commands[i], argc, argv);
		if (words > 0 && argc == words + 1 && strcmp(argv[words], "--help") == 0)
			return help();
		if (words > 0)
			return commands[i].run(argc - words, argv + words);
	}
	return helper_fail(EXIT_USAGE, "%s; see circleci-agent --help",
			   argc > 0 ? "there is no such command" : "no command is given");
}

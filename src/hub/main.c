/*
 * main.c - runner-hub: finds the command that was typed and calls it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/buffer.h"
#include "base/log.h"
#include "hub/admin.h"
#include "hub/serve.h"
#include "loop/clock.h"
#include "runner/exit.h"
#include "runner/protocol.h"

static const struct command *const commands[] = {
	&hub_init_command,
	&hub_serve_command,
	&hub_check_command,
	&hub_admin_token_command,
	&hub_rotate_key_command,
	&hub_rotate_oidc_key_command,
	NULL,
};

static void
show_commands(FILE *to)
{
	size_t i;

	(void)fprintf(to, "usage: runner-hub COMMAND [OPTION]...\n\n");
	for (i = 0; commands[i] != NULL; i++)
		(void)fprintf(to, "  %-16s %s\n", commands[i]->name, commands[i]->help);
	(void)fprintf(to, "\n'runner-hub COMMAND --help' shows a command's options\n");
}

int
main(int argc, char **argv)
{
	const char *word = argc > 1 ? argv[1] : "";
	size_t i;

	/* A client that has gone away shows as a failed write, not as our death. */
	(void)signal(SIGPIPE, SIG_IGN);
	/* So does a file that may not grow: the store says so and ends the program in order. */
	(void)signal(SIGXFSZ, SIG_IGN);
	log_setup(LOG_INFO, false, clock_unix_ms);
	for (i = 0; commands[i] != NULL; i++)
		if (strcmp(commands[i]->name, word) == 0)
			return commands[i]->run(argc - 2, argv + 2);
	if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0) {
		show_commands(stdout);
		return EXIT_OK;
	}
	if (strcmp(word, "--version") == 0) {
		(void)printf("runner-hub %s (%s), protocol %d\n%s\n", RUNNER_VERSION, RUNNER_REVISION,
			     RUNNER_PROTOCOL, RUNNER_LIBRARIES);
		return EXIT_OK;
	}
	if (argc > 1)
		(void)fprintf(stderr, "runner-hub: there is no command '%s'\n", word);
	show_commands(stderr);
	return EXIT_USAGE;
}

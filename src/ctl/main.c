/*
 * main.c - runnerctl: finds the command that was typed and calls it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "loop/clock.h"
#include "runner/exit.h"

static int
print_help(const char *group)
{
	struct buffer text = BUFFER_INIT;
	int status;

	commands_help(&text, group);
	status = say_result(&text);
	buffer_release(&text);
	return status;
}

/* "runnerctl --help", "runnerctl job --help", "runnerctl job list --help" before any command is
 * looked for. */
static int
without_command(int argc, char **argv)
{
	struct err err = ERR_INIT;

	if (globals()->version)
		return say_version();
	if (globals()->help && argc == 0)
		return print_help(NULL);
	if (argc == 0 && err_set(&err, ERR_INPUT, "a command is needed") < 0)
		return say_usage(NULL, &err);
	if (argc == 2 && commands_is_group(argv[0]) && argv[1][0] == '-' &&
	    (argv[1][1] == 'h' || argv[1][2] == 'h'))
		return print_help(argv[0]);
	return ARGS_GO;
}

/* A caller may have closed them; what we open first must not become our standard output. */
static void
fill_standard_fds(void)
{
	int fd;

	for (fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (fcntl(fd, F_GETFD) < 0)
			(void)open("/dev/null", O_RDWR);
}

int
main(int argc, char **argv)
{
	const struct command *command;
	struct err err = ERR_INIT;
	int used, status;

	fill_standard_fds();
	/* A reader that has gone away shows as a failed write, not as our death. */
	(void)signal(SIGPIPE, SIG_IGN);
	log_setup(LOG_WARN, false, clock_unix_ms);
	status = args_read_globals(argc - 1, argv + 1, &used);
	if (status != ARGS_GO)
		return status;
	argc -= 1 + used;
	argv += 1 + used;
	status = without_command(argc, argv);
	if (status != ARGS_GO)
		return status;
	if (commands_find(&command, argc, argv, isatty(STDIN_FILENO) && isatty(STDERR_FILENO),
			  &used, &err) < 0)
		return say_usage(NULL, &err);
	return command->run(argc - used, argv + used);
}

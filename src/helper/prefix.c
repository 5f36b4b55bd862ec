/*
 * prefix.c - a step's command behind runnerd's command_prefix, with all that it should have.
 *
 *	circleci-agent prefix COUNT DIR WORD... COMMAND...
 *	 -> WORD... circleci-agent behind prefix COMMAND...
 *	     -> COMMAND..., in DIR
 *
 * A prefix like "sudo -niHu ci --" changes the user, and takes environment and directory away. Both
 * travel on standard input, which such programs hand on; arguments could be read by others. What
 * travels is DIR and then each variable, all with their NUL.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/helper.h"
#include "runner/exit.h"

extern char **environ;

enum { LUGGAGE_MOST_BYTES = 16 << 20, STEP_UMASK = 022, PATH_BYTES = 4096 };

static bool
write_all(int fd, const char *text)
{
	size_t len = strlen(text) + 1, done = 0;
	ssize_t n;

	for (; done < len; done += (size_t)n) {
		n = write(fd, text + done, len - done);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n < 0)
			return false;
	}
	return true;
}

static bool
pack_luggage(const char *dir)
{
	int fd = memfd_create("environment", MFD_CLOEXEC);
	char **var;
	bool good = fd >= 0 && write_all(fd, dir);

	for (var = environ; good && *var != NULL; var++)
		good = write_all(fd, *var);
	return good && lseek(fd, 0, SEEK_SET) == 0 && dup2(fd, STDIN_FILENO) == STDIN_FILENO;
}

int
helper_prefix(int argc, char **argv)
{
	int count = argc > 2 ? atoi(argv[0]) : 0, n = 0, i;
	char self[PATH_BYTES], **line;
	ssize_t len;

	if (count < 1 || argc < 2 + count + 1)
		return helper_fail(EXIT_USAGE, "prefix is for runnerd's command_prefix");
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	line = calloc((size_t)argc + 4, sizeof(*line));
	if (len < 0 || line == NULL || !pack_luggage(argv[1]))
		return helper_fail(EXIT_REFUSED, "cannot hand the step's environment over: %s",
				   strerror(errno));
	self[len] = '\0';
	for (i = 0; i < count; i++)
		line[n++] = argv[2 + i];
	line[n++] = self;
	line[n++] = (char *)"behind";
	line[n++] = (char *)"prefix";
	for (i = 2 + count; i < argc; i++)
		line[n++] = argv[i];
	(void)execvp(line[0], line);
	return helper_fail(EXIT_REFUSED, "cannot run '%s', the command_prefix of this runner: %s",
			   line[0], strerror(errno));
}

/* With the directories that lead to it, where they are missing. */
static bool
enter(char *dir)
{
	char *slash = dir;

	if (chdir(dir) == 0)
		return true;
	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		(void)mkdir(dir, 0755);
		*slash = '/';
	}
	(void)mkdir(dir, 0755);
	return chdir(dir) == 0;
}

/* The texts stay: they are the environment. */
static bool
put_environment(char *at, const char *end)
{
	if (clearenv() != 0)
		return false;
	for (; at < end; at += strlen(at) + 1)
		if (putenv(at) != 0)
			return false;
	return true;
}

int
helper_behind_prefix(int argc, char **argv)
{
	size_t len;
	char *luggage;
	int null_fd;

	if (argc < 1)
		return helper_fail(EXIT_USAGE, "behind prefix is for runnerd's command_prefix");
	luggage = helper_read_input(LUGGAGE_MOST_BYTES, &len);
	if (luggage == NULL)
		return EXIT_REFUSED;
	if (len == 0)
		return helper_fail(EXIT_REFUSED, "the command_prefix of this runner does not hand "
						 "standard input on, with the step's environment");
	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 ||
	    !put_environment(luggage + strlen(luggage) + 1, luggage + len))
		return helper_fail(EXIT_REFUSED, "cannot take the step's environment: %s",
				   strerror(errno));
	(void)umask(STEP_UMASK);
	if (!enter(luggage))
		return helper_fail(EXIT_REFUSED,
				   "cannot enter '%s' as user %d: %s; the user of command_prefix "
				   "needs rights there (runnerd(8), COMMAND PREFIX)",
				   luggage, (int)geteuid(), strerror(errno));
	(void)execvp(argv[0], argv);
	return helper_fail(EXIT_REFUSED, "cannot run '%s': %s", argv[0], strerror(errno));
}

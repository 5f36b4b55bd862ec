/*
 * prefix.c - a step's command behind runnerd's command_prefix, with all that it should have.
 *
 *	circleci-agent prefix COUNT DIR PRIVS WORD... COMMAND...
 *	 -> WORD... circleci-agent behind prefix
 *	     -> COMMAND..., in DIR
 *
 * A prefix like "sudo -niHu ci --" changes the user, and takes environment and directory away; a
 * script that is one may split its arguments anew. So all of it travels on standard input, which
 * such programs hand on: DIR, PRIVS (no-new-privs, or another word), how many words COMMAND has,
 *these, and each variable, all with their NUL. Others could read arguments.
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
#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "helper/helper.h"
#include "runner/exit.h"

extern char **environ;

enum { LUGGAGE_MOST_BYTES = 16 << 20, STEP_UMASK = 022, PATH_BYTES = 4096, FIXED_WORDS = 3 };

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
write_list(int fd, char **list)
{
	for (; *list != NULL; list++)
		if (!write_all(fd, *list))
			return false;
	return true;
}

static bool
pack_luggage(const char *dir, const char *privs, int argc, char **argv)
{
	int fd = memfd_create("luggage", MFD_CLOEXEC);
	char count[16];

	(void)snprintf(count, sizeof(count), "%d", argc);
	return fd >= 0 && write_all(fd, dir) && write_all(fd, privs) && write_all(fd, count) &&
	       write_list(fd, argv) && write_list(fd, environ) && lseek(fd, 0, SEEK_SET) == 0 &&
	       dup2(fd, STDIN_FILENO) == STDIN_FILENO;
}

int
helper_prefix(int argc, char **argv)
{
	int count = argc > FIXED_WORDS ? atoi(argv[0]) : 0, words = argc - FIXED_WORDS - count;
	char self[PATH_BYTES], **line;
	ssize_t len;

	if (count < 1 || words < 1)
		return helper_fail(EXIT_USAGE, "prefix is for runnerd's command_prefix");
	len = readlink("/proc/self/exe", self, sizeof(self) - 1);
	line = calloc((size_t)count + 4, sizeof(*line));
	if (len < 0 || line == NULL ||
	    !pack_luggage(argv[1], argv[2], words, argv + FIXED_WORDS + count))
		return helper_fail(EXIT_REFUSED, "cannot hand the step's environment over: %s",
				   strerror(errno));
	self[len] = '\0';
	memcpy(line, argv + FIXED_WORDS, (size_t)count * sizeof(*line));
	line[count] = self;
	line[count + 1] = (char *)"behind";
	line[count + 2] = (char *)"prefix";
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

/*
 * What the prefix has put behind the step's PATH, or in front of it, is there already; a PATH that
 * it made anew comes behind the step's.
 */
static bool
put_path(const char *path)
{
	const char *prefix = getenv("PATH");
	char *both;

	if (prefix == NULL || *prefix == '\0')
		return setenv("PATH", path, 1) == 0;
	if (strstr(prefix, path) != NULL)
		return true;
	return asprintf(&both, "%s:%s", path, prefix) > 0 && setenv("PATH", both, 1) == 0;
}

/* The texts stay: they are the environment. What the prefix alone has set stays too. */
static bool
put_environment(char *at, const char *end)
{
	bool good = true;

	for (; good && at < end; at += strlen(at) + 1) {
		if (strncmp(at, "PATH=", 5) == 0)
			good = put_path(at + 5);
		else if ((strncmp(at, "USER=", 5) != 0 || getenv("USER") == NULL) &&
			 (strncmp(at, "LOGNAME=", 8) != 0 || getenv("LOGNAME") == NULL))
			good = putenv(at) == 0;
	}
	return good;
}

struct luggage {
	char *dir, *privs, **argv;
	char *environment, *end;
};

static bool
unpack_luggage(struct luggage *luggage)
{
	char *at;
	size_t len;
	int argc, i;

	at = helper_read_input(LUGGAGE_MOST_BYTES, &len);
	if (at == NULL)
		return false;
	luggage->dir = at;
	luggage->end = at + len;
	at += strlen(at) + 1;
	luggage->privs = at;
	at += at < luggage->end ? strlen(at) + 1 : 0;
	argc = at < luggage->end ? atoi(at) : 0;
	luggage->argv = argc > 0 && (size_t)argc < len
				? calloc((size_t)argc + 1, sizeof(*luggage->argv))
				: NULL;
	for (i = 0; luggage->argv != NULL && i < argc; i++) {
		at += strlen(at) + 1;
		if (at >= luggage->end)
			luggage->argv = NULL;
		else
			luggage->argv[i] = at;
	}
	if (luggage->argv == NULL)
		(void)helper_fail(0, "the command_prefix of this runner does not hand standard "
				     "input on, which brings the step's command");
	else
		luggage->environment = at + strlen(at) + 1;
	return luggage->argv != NULL;
}

int
helper_behind_prefix(int argc, char **argv)
{
	struct luggage luggage;
	int null_fd;

	(void)argv;
	if (argc != 0)
		return helper_fail(EXIT_USAGE, "behind prefix is for runnerd's command_prefix");
	if (!unpack_luggage(&luggage))
		return EXIT_REFUSED;
	null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	if (null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 ||
	    !put_environment(luggage.environment, luggage.end))
		return helper_fail(EXIT_REFUSED, "cannot take the step's environment: %s",
				   strerror(errno));
	(void)umask(STEP_UMASK);
	if (!enter(luggage.dir))
		return helper_fail(EXIT_REFUSED,
				   "cannot enter '%s' as user %d: %s; the user of command_prefix "
				   "needs rights there (runnerd(8), COMMAND PREFIX)",
				   luggage.dir, (int)geteuid(), strerror(errno));
	if (strcmp(luggage.privs, "no-new-privs") == 0 &&
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return helper_fail(EXIT_REFUSED, "cannot give up new privileges: %s",
				   strerror(errno));
	(void)execvp(luggage.argv[0], luggage.argv);
	return helper_fail(EXIT_REFUSED, "cannot run '%s': %s", luggage.argv[0], strerror(errno));
}

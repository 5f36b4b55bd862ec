/*
 * id_map.c - a user namespace that maps one user and one group, held by a descriptor.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/id_map.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sanitize.h"
#include "supervisor/number.h"

enum { STACK_BYTES = 16 * 1024, PROC_PATH_BYTES = 48 };

/* We cannot be looked at (prctl(2), "dumpable"), not even by ourselves; it can, and has nothing to
 * hide. */
static int
wait_main(void *arg)
{
	const int *ready = arg;

	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (write(*ready, "", 1) != 1)
		return 1;
	while (pause() != 0) /* it is killed: nothing else is let through */
		;
	return 0;
}

/* "/proc/PID/what" */
static const char *
proc_path(char room[PROC_PATH_BYTES], pid_t pid, const char *what)
{
	char *at = stpcpy(room, "/proc/");

	at = number_write(at, (uint32_t)pid);
	(void)stpcpy(at, what);
	return room;
}

/* "inner outer 1" */
static bool
write_map(pid_t pid, const char *what, uint32_t inner, uint32_t outer)
{
	char path[PROC_PATH_BYTES], line[2 * NUMBER_TEXT_BYTES + 4], *at;
	int fd = open(proc_path(path, pid, what), O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	at = number_write(line, inner);
	*at++ = ' ';
	at = number_write(at, outer);
	at = stpcpy(at, " 1");
	n = write(fd, line, (size_t)(at - line));
	(void)close(fd);
	return n == at - line;
}

/* The descriptor keeps what was mapped when its process is gone. -1 and errno. */
static int
open_map(pid_t pid, const struct id_map *map)
{
	char path[PROC_PATH_BYTES];

	if (!write_map(pid, "/uid_map", map->uid, map->outer_uid) ||
	    !write_map(pid, "/gid_map", map->gid, map->outer_gid))
		return -1;
	return open(proc_path(path, pid, "/ns/user"), O_RDONLY | O_CLOEXEC);
}

/* No namespace is made without a process. */
int
id_map_open(const struct id_map *map)
{
	static char stack[STACK_BYTES] __attribute__((aligned(16)));
	int ready[2], fd = -1, sys;
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) != 0)
		return -1;
	sanitize_forget_stack(stack, sizeof(stack));
	pid = clone(wait_main, stack + sizeof(stack), CLONE_NEWUSER | SIGCHLD, &ready[1]);
	sys = errno;
	(void)close(ready[1]);
	if (pid > 0) {
		errno = EPIPE;
		if (read(ready[0], &byte, 1) == 1)
			fd = open_map(pid, map);
		sys = errno;
		(void)kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	(void)close(ready[0]);
	errno = sys;
	return fd;
}

/*
 * leftover.c - processes of a task whose runner-init has died without a PID namespace.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/leftover.h"

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mem.h"

enum { ENVIRON_MOST_BYTES = 256 * 1024, ROUNDS_MOST = 8 };

static bool
has_variable(const char *pid, const char *wanted, char *room)
{
	char path[64];
	LOCAL_FD fd = -1;
	ssize_t n;
	char *at;

	(void)snprintf(path, sizeof(path), "/proc/%.20s/environ", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, room, ENVIRON_MOST_BYTES - 1);
	if (n <= 0)
		return false;
	room[n] = '\0';
	for (at = room; at < room + n; at += strlen(at) + 1)
		if (strcmp(at, wanted) == 0)
			return true;
	return false;
}

/* Looked at again after pidfd_open(), so that the signal cannot reach another's process. */
static bool
kill_one(const char *pid, const char *wanted, char *room)
{
	LOCAL_FD fd = (int)syscall(SYS_pidfd_open, (pid_t)atoi(pid), 0);

	return fd >= 0 && has_variable(pid, wanted, room) &&
	       syscall(SYS_pidfd_send_signal, fd, SIGKILL, NULL, 0) == 0;
}

static unsigned
kill_round(const char *wanted, char *room)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	unsigned killed = 0;

	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    has_variable(entry->d_name, wanted, room) &&
		    kill_one(entry->d_name, wanted, room))
			killed++;
	if (dir != NULL)
		(void)closedir(dir);
	return killed;
}

unsigned
leftover_kill(const char *task_path)
{
	LOCAL_FREE char *wanted = mem_printf("CIRCLE_INTERNAL_TASK_DATA=%s", task_path);
	LOCAL_FREE char *room = mem_zalloc(1, ENVIRON_MOST_BYTES);
	unsigned total = 0, killed = 1, round;

	/* One that forks while we look is found in the next round. */
	for (round = 0; round < ROUNDS_MOST && killed > 0; round++) {
		killed = kill_round(wanted, room);
		total += round == 0 ? killed : 0;
	}
	return total;
}

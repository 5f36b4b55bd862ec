/*
 * descent.c - which processes of the host come from runner-init, by /proc.
 *
 * A process is signaled through a pidfd taken before its ancestors are looked at: if
 * its number goes to another process in between, the signal goes nowhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/descent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/kernel.h"
#include "supervisor/number.h"

enum { ANCESTORS_MOST = 4096 };

/* The parent's pid; -1 when there is no such process (any more). */
static pid_t
parent_of(pid_t pid)
{
	char path[32] = "/proc/", text[512];
	uint32_t parent;
	char *end;
	ssize_t n;
	int fd;

	(void)strcpy(number_write(path + 6, (uint32_t)pid), "/stat");
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	n = read(fd, text, sizeof(text) - 1);
	(void)close(fd);
	if (n <= 0)
		return -1;
	text[n] = '\0';
	/* "pid (name) state ppid ...", and the name may hold anything: proc(5). */
	end = strrchr(text, ')');
	if (end == NULL || end[1] != ' ' || end[2] == '\0' || end[3] != ' ' ||
	    !number_read(end + 4, &parent))
		return -1;
	return (pid_t)parent;
}

enum descent
descent_of(pid_t pid)
{
	pid_t self = getpid();
	unsigned i;

	for (i = 0; i < ANCESTORS_MOST; i++) {
		pid = parent_of(pid);
		if (pid == self)
			return DESCENT_YES;
		if (pid < 0)
			return DESCENT_UNKNOWN;
		if (pid <= 1)
			return DESCENT_NO;
	}
	return DESCENT_UNKNOWN;
}

static void
signal_one(pid_t pid, int signo, struct descent_count *count)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	bool is_ours;

	if (pidfd < 0)
		return;
	is_ours = descent_of(pid) == DESCENT_YES;
	if (is_ours) {
		if (syscall(SYS_pidfd_send_signal, pidfd, signo, NULL, 0) == 0)
			count->signaled++;
		else if (errno == EPERM)
			count->refused++;
	}
	/* In one walk: a host of hundreds of processes takes a tenth of a second for each. */
	if (signo == SIGTERM && is_ours)
		(void)syscall(SYS_pidfd_send_signal, pidfd, SIGCONT, NULL, 0);
	(void)close(pidfd);
}

int
descent_signal(int signo, struct descent_count *count)
{
	uint64_t room[256];
	const char *bytes = (const char *)room;
	int fd = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	uint32_t pid;
	long n, at;
	int sys = 0;

	memset(count, 0, sizeof(*count));
	if (fd < 0)
		return errno;
	while ((n = syscall(SYS_getdents64, fd, room, sizeof(room))) > 0) {
		for (at = 0; at < n;) {
			const struct kernel_dirent *entry = (const void *)(bytes + at);

			if (number_parse(entry->name, &pid))
				signal_one((pid_t)pid, signo, count);
			at += entry->length;
		}
	}
	if (n < 0)
		sys = errno;
	(void)close(fd);
	return sys;
}

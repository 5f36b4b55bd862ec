/*
 * nested.c - the floor of an isolated task: namespaces, a control group, a small static supervisor,
 * a command.
 *
 * usage: nested [-n] [-c DIRECTORY] COUNT PROGRAM [ARGUMENT...]
 * One after the other, PROGRAM is started by vfork and exec with a pidfd, -n: in PID, mount, IPC
 * and UTS namespaces of its own; -c: with a control group as descriptor 9, which is made below
 * DIRECTORY for it and removed behind it. Prints "COUNT SECONDS CPU_SECONDS PAGE_FAULTS", of us and
 * all that we have started.
 *
 * usage: nested -s [-g] PROGRAM [ARGUMENT...]
 * The supervisor: a PID 1 that starts PROGRAM, -g: in the group that is descriptor 9, waits for it
 * and ends as it did. It mounts nothing and says nothing to anybody.
 *
 * Built as runner-init is, so that what a libc costs is in both.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "supervisor/clone_into.h"

enum {
	STACK_BYTES = 32 * 1024,
	GROUP_FD = 9,
	WITH_PIDFD = 0x1000 /* CLONE_PIDFD, which musl does not name */
};

static char stack[STACK_BYTES] __attribute__((aligned(16)));

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
seconds_of(const struct rusage *usage)
{
	return (double)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) +
	       (double)(usage->ru_utime.tv_usec + usage->ru_stime.tv_usec) / 1e6;
}

static _Noreturn void
fail(const char *what)
{
	(void)fprintf(stderr, "nested: cannot %s: %s\n", what, strerror(errno));
	exit(3);
}

/* --- the supervisor ------------------------------------------------------------------------- */

static int
execute(void *arg)
{
	char **argv = arg;

	(void)execv(argv[0], argv);
	_exit(127);
}

static int
supervise(char **argv, int in_group)
{
	int status;
	pid_t pid;

	if (in_group)
		pid = clone_into(GROUP_FD, execute, argv, stack, sizeof(stack));
	else
		pid = clone(execute, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD, argv);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return 3;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* --- who starts it --------------------------------------------------------------------------- */

struct floor {
	int flags;
	int groups; /* -1: no control groups */
	char **argv;
};

static void
make_group(const struct floor *floor, const char *name)
{
	int fd;

	if (mkdirat(floor->groups, name, 0755) != 0)
		fail("make a control group");
	fd = openat(floor->groups, name, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || dup2(fd, GROUP_FD) < 0)
		fail("open a control group");
	if (fd != GROUP_FD)
		(void)close(fd);
}

static void
start_and_wait(const struct floor *floor)
{
	int pidfd = -1, status = 0;
	pid_t pid = clone(execute, stack + sizeof(stack),
			  CLONE_VM | CLONE_VFORK | WITH_PIDFD | floor->flags | SIGCHLD, floor->argv,
			  &pidfd);

	if (pid < 0)
		fail("start a process");
	if (waitpid(pid, &status, 0) != pid || status != 0) {
		(void)fprintf(stderr, "nested: '%s' has ended with wait status 0x%x\n",
			      floor->argv[0], (unsigned)status);
		exit(1);
	}
	(void)close(pidfd);
}

static void
one(const struct floor *floor, long number)
{
	char group[40];

	(void)snprintf(group, sizeof(group), "nested-%d-%ld", (int)getpid(), number);
	if (floor->groups >= 0)
		make_group(floor, group);
	start_and_wait(floor);
	if (floor->groups >= 0 && unlinkat(floor->groups, group, AT_REMOVEDIR) != 0)
		fail("remove a control group");
}

static void
run(const struct floor *floor, long count)
{
	struct rusage before, self, children;
	double begin = now();
	long i;

	(void)getrusage(RUSAGE_SELF, &before);
	for (i = 0; i < count; i++)
		one(floor, i);
	(void)getrusage(RUSAGE_SELF, &self);
	(void)getrusage(RUSAGE_CHILDREN, &children);
	(void)printf("%ld %.6f %.6f %ld\n", count, now() - begin,
		     seconds_of(&self) + seconds_of(&children) - seconds_of(&before),
		     self.ru_minflt + children.ru_minflt - before.ru_minflt);
}

int
main(int argc, char **argv)
{
	struct floor floor = {.groups = -1};
	int option, supervises = 0, in_group = 0;

	while ((option = getopt(argc, argv, "+ngsc:")) != -1)
		if (option == 'n')
			floor.flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS;
		else if (option == 's')
			supervises = 1;
		else if (option == 'g')
			in_group = 1;
		else if (option == 'c')
			floor.groups = open(optarg, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		else
			return 2;
	if (supervises && optind < argc)
		return supervise(argv + optind, in_group);
	if (argc - optind < 2 || atol(argv[optind]) <= 0) {
		(void)fprintf(stderr,
			      "usage: nested [-n] [-c DIRECTORY] COUNT PROGRAM [ARGUMENT...]\n");
		return 2;
	}
	floor.argv = argv + optind + 1;
	run(&floor, atol(argv[optind]));
	return 0;
}

/*
 * spawn.c - the floor of task rates: vfork and exec of one command, N side by side.
 *
 * usage: spawn COUNT SIDE_BY_SIDE COMMAND [ARGUMENT...]
 * Prints "COUNT SECONDS CPU_SECONDS": wall time, and CPU time of us and the children.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double
now(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static double
cpu_of(int who)
{
	struct rusage usage;

	(void)getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static pid_t
start(char **argv)
{
	pid_t pid = vfork();

	if (pid == 0) {
		(void)execv(argv[0], argv);
		_exit(127);
	}
	return pid;
}

int
main(int argc, char **argv)
{
	long count = argc > 3 ? atol(argv[1]) : 0, most = argc > 3 ? atol(argv[2]) : 0;
	long started = 0, running = 0;
	double begin = now();
	int status;

	if (count <= 0 || most <= 0) {
		(void)fprintf(stderr, "usage: spawn COUNT SIDE_BY_SIDE COMMAND [ARGUMENT...]\n");
		return 2;
	}
	while (started < count || running > 0) {
		if (started < count && running < most) {
			if (start(argv + 3) < 0)
				return 3;
			started++;
			running++;
			continue;
		}
		if (wait(&status) < 0 || status != 0)
			return 1;
		running--;
	}
	(void)printf("%ld %.6f %.6f\n", count, now() - begin, cpu_of(RUSAGE_SELF) + cpu_of(RUSAGE_CHILDREN));
	return 0;
}

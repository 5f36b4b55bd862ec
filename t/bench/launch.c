/*
 * launch.c - what it costs runnerd to start a process, by its own size: child_start() with 10 MiB
 * of touched memory and with 1 GiB.
 *
 * Prints for each the CPU that the caller and the child have used until the child has ended,
 * medians of rounds that take turns, and their ratio; a fork, whose page tables are copied, stands
 * beside it. Nothing passes or fails.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "loop/child.h"
#include "loop/loop.h"

enum { ROUNDS = 7, LAUNCHES = 100, FORKS = 5, SMALL_MIB = 10, BIG_MIB = 1024, WAIT_MS = 10000 };

#define PROGRAM "/bin/true"

static double
cpu_us(void)
{
	struct rusage self, children;

	(void)getrusage(RUSAGE_SELF, &self);
	(void)getrusage(RUSAGE_CHILDREN, &children);
	return (double)(self.ru_utime.tv_sec + self.ru_stime.tv_sec + children.ru_utime.tv_sec +
			children.ru_stime.tv_sec) *
		       1e6 +
	       (double)(self.ru_utime.tv_usec + self.ru_stime.tv_usec + children.ru_utime.tv_usec +
			children.ru_stime.tv_usec);
}

static void
on_exit_of_program(void *arg, int status, const struct rusage *usage)
{
	(void)arg; /* it is waited for */
	(void)status;
	(void)usage;
}

static void
fail(const char *text)
{
	(void)fprintf(stderr, "launch: %s\n", text);
	exit(3);
}

static void
launch_one(struct loop *loop)
{
	char *argv[] = {(char *)PROGRAM, NULL};
	struct child_spec spec = {.path = PROGRAM, .argv = argv};
	struct child child = CHILD_INIT;
	struct err err = ERR_INIT;
	int status;

	if (child_start(&child, loop, &spec, on_exit_of_program, NULL, &err) < 0 ||
	    child_wait(&child, WAIT_MS, &status, &err) < 0)
		fail(err.text);
}

static void
fork_one(struct loop *loop)
{
	pid_t pid = fork();

	(void)loop;
	if (pid == 0) {
		(void)execl(PROGRAM, PROGRAM, (char *)NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, NULL, 0) != pid)
		fail("cannot fork");
}

/* CPU of one launch, us. */
static double
measured(struct loop *loop, void (*one)(struct loop *loop), int count)
{
	double begin = cpu_us();
	int i;

	for (i = 0; i < count; i++)
		one(loop);
	return (cpu_us() - begin) / count;
}

static char *
grow(size_t mib)
{
	char *room =
		mmap(NULL, mib << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	size_t at;

	if (room == MAP_FAILED)
		fail("there is no memory");
	(void)madvise(room, mib << 20, MADV_NOHUGEPAGE);
	for (at = 0; at < mib << 20; at += 4096)
		room[at] = 1;
	return room;
}

static int
compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double
median(double *values)
{
	qsort(values, ROUNDS, sizeof(*values), compare);
	return values[ROUNDS / 2];
}

int
main(void)
{
	static const size_t mib[2] = {SMALL_MIB, BIG_MIB};
	double launches[2][ROUNDS], forks[2][ROUNDS], at[4];
	struct err err = ERR_INIT;
	struct loop *loop;
	int round, size;

	if (loop_new(&loop, &err) < 0)
		fail(err.text);
	for (round = 0; round < ROUNDS; round++)
		for (size = 0; size < 2; size++) {
			char *room = grow(mib[size]);

			launches[size][round] = measured(loop, launch_one, LAUNCHES);
			forks[size][round] = measured(loop, fork_one, FORKS);
			(void)munmap(room, mib[size] << 20);
		}
	loop_free(loop);
	for (size = 0; size < 2; size++) {
		at[size] = median(launches[size]);
		at[2 + size] = median(forks[size]);
		(void)printf("%4zu MiB: child_start %.0f us of CPU, fork %.0f us\n", mib[size],
			     at[size], at[2 + size]);
	}
	(void)printf("large against small: child_start %.2f x, fork %.1f x\n", at[1] / at[0],
		     at[3] / at[2]);
	return 0;
}

/*
 * stamp.c - a shell that says when it was started, and does nothing else.
 *
 * usage: as a step's shell. Appends the Unix time in nanoseconds to the file $STAMP_FILE.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

int
main(void)
{
	struct timespec now;
	char line[40];
	int fd, n;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	n = snprintf(line, sizeof(line), "%lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
	fd = open(getenv("STAMP_FILE"), O_WRONLY | O_APPEND | O_CLOEXEC);
	return fd >= 0 && write(fd, line, (size_t)n) == n ? 0 : 1;
}

/*
 * ends.c - the descriptors between a process and the agent.
 *
 * A terminal is opened here, and so in the task's mounts: its name under /dev/pts is one that
 * the task can see. The slave comes from the master and not by its name (TIOCGPTPEER), so that
 * nothing in between can be put in its place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/ends.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifndef TIOCGPTPEER
#define TIOCGPTPEER 0x5441
#endif

static void
close_all(int *fds, size_t count)
{
	size_t i, j;

	for (i = 0; i < count; i++) {
		if (fds[i] < 0)
			continue;
		(void)close(fds[i]);
		for (j = i + 1; j < count; j++)
			if (fds[j] == fds[i])
				fds[j] = -1;
		fds[i] = -1;
	}
}

void
ends_close_theirs(struct ends *ends)
{
	close_all(ends->theirs, 3);
}

void
ends_close_ours(struct ends *ends)
{
	close_all(ends->ours, SUPERVISOR_FDS_MOST);
	ends->count = 0;
}

static bool
give_away(int fd, const struct message_start_step *start)
{
	return !(start->flags & START_SETS_IDS) || fchown(fd, start->uid, start->gid) == 0;
}

/* mine: which end is ours; 0 the one that is read from. */
static bool
make_pipe(struct ends *ends, const struct message_start_step *start, unsigned mine, int *theirs)
{
	int both[2];

	if (pipe2(both, O_CLOEXEC) != 0)
		return false;
	*theirs = both[1 - mine];
	ends->ours[ends->count++] = both[mine];
	return fcntl(both[mine], F_SETFL, O_NONBLOCK) == 0 && give_away(both[0], start);
}

static bool
open_terminal(struct ends *ends, const struct message_start_step *start,
	      const struct message_start_session *session)
{
	const struct winsize size = {.ws_row = (unsigned short)session->rows,
				     .ws_col = (unsigned short)session->cols};
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
	int locked = 0, slave;

	if (master < 0)
		return false;
	ends->ours[ends->count++] = master;
	if (ioctl(master, TIOCSPTLCK, &locked) != 0)
		return false;
	slave = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (slave < 0)
		return false;
	ends->theirs[0] = ends->theirs[1] = ends->theirs[2] = slave;
	ends->is_terminal = true;
	return ioctl(master, TIOCSWINSZ, &size) == 0 && give_away(slave, start);
}

static bool
make(struct ends *ends, const struct message_start_step *start,
     const struct message_start_session *session)
{
	if (session == NULL) {
		if (!make_pipe(ends, start, 0, &ends->theirs[1]))
			return false;
		ends->theirs[2] = ends->theirs[1];
		return true;
	}
	if (session->flags & START_TERMINAL)
		return open_terminal(ends, start, session);
	return make_pipe(ends, start, 1, &ends->theirs[0]) &&
	       make_pipe(ends, start, 0, &ends->theirs[1]) &&
	       make_pipe(ends, start, 0, &ends->theirs[2]);
}

bool
ends_make(struct ends *ends, const struct message_start_step *start,
	  const struct message_start_session *session)
{
	int sys;

	*ends = (struct ends){.theirs = {-1, -1, -1}, .ours = {-1, -1, -1}};
	if (make(ends, start, session))
		return true;
	sys = errno;
	ends_close_theirs(ends);
	ends_close_ours(ends);
	errno = sys;
	return false;
}

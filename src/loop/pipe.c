/*
 * pipe.c - bytes from a pipe to a memfd without passing through us.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"

enum {
	PIPE_PAGES_SOFT = 16384 /* Linux's default */,
	PAGE_BYTES = 4096,
	SOCKET_READ_BYTES = 65536
};

int
pipe_memfd_new(int *fd, const char *name, struct err *err)
{
	int memfd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (memfd < 0)
		return err_sys(err, "cannot make memory for a step's output");
	if (fcntl(memfd, F_ADD_SEALS, F_SEAL_SHRINK) != 0) {
		int rc = err_sys(err, "cannot seal a step's output against shrinking");

		(void)close(memfd);
		return rc;
	}
	*fd = memfd;
	return 0;
}

/* Bytes stay in the socket until the memfd has them: a memfd without room loses none. */
static ssize_t
copy_from_socket(int socket, int memfd, off_t at, size_t most)
{
	char room[SOCKET_READ_BYTES];
	ssize_t n, done = 0;

	do
		n = recv(socket, room, most < sizeof(room) ? most : sizeof(room),
			 MSG_PEEK | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n;
	done = pwrite(memfd, room, (size_t)n, at);
	if (done <= 0)
		return -1;
	n = recv(socket, room, (size_t)done, MSG_DONTWAIT);
	assert(n == done); /* nobody else reads it */
	return done;
}

int
pipe_splice(int pipe_fd, int memfd, uint64_t size, size_t most, size_t *moved, bool *ended,
	    struct err *err)
{
	off_t at = (off_t)size;
	ssize_t n;

	*moved = 0;
	*ended = false;
	do
		n = splice(pipe_fd, NULL, memfd, &at, most, SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EINVAL) /* neither end is a pipe */
		n = copy_from_socket(pipe_fd, memfd, (off_t)size, most);
	if (n > 0)
		*moved = (size_t)n;
	else if (n == 0)
		*ended = true;
	else if (errno != EAGAIN)
		return err_sys(err, "cannot take a step's output out of its pipe");
	return 0;
}

bool
pipe_grow(int pipe_fd, size_t bytes)
{
	return fcntl(pipe_fd, F_SETPIPE_SZ, (int)bytes) >= 0;
}

size_t
pipe_user_bytes(void)
{
	char text[24] = "";
	int fd = open("/proc/sys/fs/pipe-user-pages-soft", O_RDONLY | O_CLOEXEC);
	unsigned long pages;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		pages = PIPE_PAGES_SOFT;
	else
		pages = strtoul(text, NULL, 10);
	if (fd >= 0)
		(void)close(fd);
	return pages == 0 || pages > SIZE_MAX / PAGE_BYTES ? SIZE_MAX : pages * PAGE_BYTES;
}

int
pipe_waiting(int pipe_fd, size_t *waiting, struct err *err)
{
	int n;

	if (ioctl(pipe_fd, FIONREAD, &n) != 0)
		return err_sys(err, "cannot see what waits in a step's pipe");
	*waiting = (size_t)n;
	return 0;
}

int
pipe_memfd_punch(int memfd, uint64_t from, uint64_t to, struct err *err)
{
	if (to <= from)
		return 0;
	if (fallocate(memfd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)from,
		      (off_t)(to - from)) != 0)
		return err_sys(err, "cannot give back memory of a step's output");
	return 0;
}

int
pipe_memfd_size(int memfd, uint64_t *size, struct err *err)
{
	struct stat st;

	if (fstat(memfd, &st) != 0)
		return err_sys(err, "cannot see the size of a step's output");
	*size = (uint64_t)st.st_size;
	return 0;
}

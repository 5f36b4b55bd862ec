/*
 * file.c - whole files of a bounded size: read, and replaced in one move.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"

enum { FILE_PIECE_BYTES = 64 * 1024 };

int
file_read(const char *path, size_t most, struct buffer *out, struct err *err)
{
	/* A pipe put in its place must not keep us. */
	LOCAL_FD fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t before = out->len;
	struct stat status;
	void *room;
	ssize_t n;

	if (fd < 0 || fstat(fd, &status) != 0)
		return err_sys(err, "cannot open '%s'", path);
	if (!S_ISREG(status.st_mode))
		return err_set(err, ERR_HOST, "'%s' is no regular file", path);
	for (;;) {
		if (buffer_reserve(out, FILE_PIECE_BYTES, &room, err) < 0)
			return err_wrap(err, "'%s'", path);
		n = read(fd, room, FILE_PIECE_BYTES);
		if (n == 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return err_sys(err, "cannot read '%s'", path);
		buffer_grew(out, n < 0 ? 0 : (size_t)n);
		if (out->len - before > most)
			return err_set(err, ERR_LIMIT, "'%s' is larger than %zu KiB", path,
				       most / 1024);
	}
}

static int
write_all(int fd, const struct buffer *bytes)
{
	size_t done = 0;
	ssize_t n;

	while (done < bytes->len) {
		n = write(fd, bytes->data + done, bytes->len - done);
		if (n < 0 && errno != EINTR)
			return -1;
		done += n < 0 ? 0 : (size_t)n;
	}
	return 0;
}

int
file_write(const char *path, const struct buffer *bytes, struct err *err)
{
	LOCAL_FREE char *beside = mem_printf("%s.XXXXXX", path);
	LOCAL_FD fd = mkostemp(beside, O_CLOEXEC);
	struct stat status;
	mode_t mask = umask(022);

	(void)umask(mask);
	if (fd < 0)
		return err_sys(err, "cannot write '%s'", path);
	if (fchmod(fd, stat(path, &status) == 0 ? status.st_mode & 07777 : 0666 & ~mask) == 0 &&
	    write_all(fd, bytes) == 0 && fsync(fd) == 0 && rename(beside, path) == 0)
		return 0;
	if (err_sys(err, "cannot write '%s'", path) < 0)
		(void)unlink(beside);
	return err->code;
}

int
file_make_parents(const char *path, struct err *err)
{
	LOCAL_FREE char *copy = mem_strdup(path);
	char *slash;

	for (slash = strchr(copy + 1, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(copy, 0777) != 0 && errno != EEXIST)
			return err_sys(err, "cannot make directory '%s'", copy);
		*slash = '/';
	}
	return 0;
}

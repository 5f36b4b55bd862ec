/*
 * leaf.c - a regular file that is unpacked into the working directory, where nothing has its name.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/leaf.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { OPEN_KEEPS = 0777 }; /* of a mode, as far as the process's mask lets it */

int
leaf_begin(struct archive_entry *entry)
{
	return open(archive_entry_pathname(entry),
		    O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		    archive_entry_perm(entry));
}

int
leaf_write(int fd, const void *bytes, size_t len, int64_t at)
{
	const char *from = bytes;
	ssize_t n;

	for (; len > 0; from += n, at += n, len -= (size_t)n) {
		do
			n = pwrite(fd, from, len, at);
		while (n < 0 && errno == EINTR);
		if (n < 0)
			return -1;
	}
	return 0;
}

int
leaf_end(int fd, struct archive_entry *entry, mode_t mask, int64_t written)
{
	mode_t perm = archive_entry_perm(entry);
	struct timespec times[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_NOW}};

	if (written < archive_entry_size(entry) && ftruncate(fd, archive_entry_size(entry)) != 0)
		return -1;
	if (archive_entry_mtime_is_set(entry)) {
		times[1].tv_sec = archive_entry_mtime(entry);
		times[1].tv_nsec = archive_entry_mtime_nsec(entry);
		if (futimens(fd, times) != 0)
			return -1;
	}
	return (perm & (mask | ~(mode_t)OPEN_KEEPS)) != 0 ? fchmod(fd, perm) : 0;
}

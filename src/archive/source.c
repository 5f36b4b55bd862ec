/*
 * source.c - a regular file that is packed: its size, where it has holes, and its bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/source.h"

#include <archive_entry.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DISK_BLOCK_BYTES = 512 }; /* of st_blocks, stat(3type) */

/* Where its data are; an empty piece at its end says that it ends with a hole. */
static void
note_holes(struct archive_entry *entry, int fd, off_t size)
{
	off_t data, hole = 0;

	while (hole < size) {
		data = lseek(fd, hole, SEEK_DATA);
		if (data < 0 && errno == ENXIO)
			break;
		if (data < 0) { /* a file system that knows none */
			archive_entry_sparse_clear(entry);
			return;
		}
		hole = lseek(fd, data, SEEK_HOLE);
		if (hole < 0 || hole > size)
			hole = size;
		if (data < hole)
			archive_entry_sparse_add_entry(entry, data, hole - data);
	}
	if (hole < size)
		archive_entry_sparse_add_entry(entry, size, 0);
}

int
source_open(struct archive_entry *entry)
{
	struct stat st;
	int fd = open(archive_entry_sourcepath(entry),
		      O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return -1;
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		errno = EINVAL;
		return -1;
	}
	archive_entry_set_size(entry, st.st_size);
	if (st.st_blocks < st.st_size / DISK_BLOCK_BYTES)
		note_holes(entry, fd, st.st_size);
	return fd;
}

ssize_t
source_read(int fd, void *room, size_t most)
{
	ssize_t n;

	do
		n = read(fd, room, most);
	while (n < 0 && errno == EINTR);
	return n;
}

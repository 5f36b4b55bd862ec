/*
 * source.h - a regular file that is packed: its size, where it has holes, and its bytes.
 *
 * Not libarchive's way, which asks six times for holes in a file that has none, and goes to the
 * file's directory and back to open it, twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_SOURCE_H
#define ARCHIVE_SOURCE_H

#include <stdint.h>
#include <sys/types.h>

struct archive_entry;

/*
 * Open the file of an entry of a disk. The entry's size and holes are those of what is open from
 * here on, even where another file stood there before. Returns a descriptor, or -1 with errno
 * (EINVAL: it is no regular file any more).
 */
int source_open(struct archive_entry *entry);

/* Some of its bytes, into room: at most `most`, 0 at its end; -1 with errno. */
ssize_t source_read(int fd, void *room, size_t most);

#endif

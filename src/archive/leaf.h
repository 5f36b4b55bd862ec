/*
 * leaf.h - a regular file that is unpacked into the working directory, where nothing has its name.
 *
 * That is nearly every file of a cache, and four system calls; libarchive's way, which can do
 * whatever is there, takes fifteen.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_LEAF_H
#define ARCHIVE_LEAF_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct archive_entry;

/*
 * Make the file: its descriptor, for leaf_end(). -1 with errno: it cannot be made so, EEXIST when
 * something has its name.
 */
int leaf_begin(struct archive_entry *entry);

/* Write so many bytes at that place. Fails: -1 with errno. */
int leaf_write(int fd, const void *bytes, size_t len, int64_t at);

/*
 * Its size, times and mode, where they are not what they should be by themselves: mask is the
 * process's, written what leaf_write() has reached. Fails: -1 with errno. fd stays open.
 */
int leaf_end(int fd, struct archive_entry *entry, mode_t mask, int64_t written);

#endif

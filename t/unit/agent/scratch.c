/*
 * scratch.c - a directory of its own for one test.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "scratch.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int
scratch_setup(void **state)
{
	struct scratch *scratch = calloc(1, sizeof(*scratch));
	const char *tmp = getenv("TMPDIR");

	(void)snprintf(scratch->path, sizeof(scratch->path), "%s/runner-unit.XXXXXX",
		       tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(scratch->path) == NULL)
		return -1;
	scratch->fd = open(scratch->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = scratch;
	return scratch->fd < 0 ? -1 : 0;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int
scratch_teardown(void **state)
{
	struct scratch *scratch = *state;

	(void)close(scratch->fd);
	(void)nftw(scratch->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(scratch);
	return 0;
}

size_t
scratch_file_size(const struct scratch *scratch, const char *name)
{
	struct stat st;

	return fstatat(scratch->fd, name, &st, 0) == 0 ? (size_t)st.st_size : 0;
}

void
scratch_truncate(const struct scratch *scratch, const char *name, size_t size)
{
	int fd = openat(scratch->fd, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || ftruncate(fd, (off_t)size) != 0)
		abort();
	(void)close(fd);
}

void
scratch_damage(const struct scratch *scratch, const char *name, size_t at)
{
	int fd = openat(scratch->fd, name, O_RDWR | O_CLOEXEC);
	unsigned char byte;

	if (fd < 0 || pread(fd, &byte, 1, (off_t)at) != 1)
		abort();
	byte = (unsigned char)~byte;
	if (pwrite(fd, &byte, 1, (off_t)at) != 1)
		abort();
	(void)close(fd);
}

size_t
scratch_count_files(const struct scratch *scratch)
{
	DIR *dir = opendir(scratch->path);
	const struct dirent *entry;
	size_t count = 0;

	while ((entry = readdir(dir)) != NULL)
		count += entry->d_name[0] != '.';
	(void)closedir(dir);
	return count;
}

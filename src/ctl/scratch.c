/*
 * scratch.c - temporary directories of our own, and what others left behind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"

#define SCRATCH_PREFIX "runnerctl-"
#define SCRATCH_LOCK   "lock"

enum { SCRATCH_DEPTH_MOST = 1000 };

/* --- removing a tree ---------------------------------------------------------------------- */

static void remove_content(int dir, unsigned depth);

/* A directory that its owner has made unreadable or unwritable is made ours again first. */
static void
remove_entry(int dir, const char *name, unsigned depth)
{
	int sub;

	if (unlinkat(dir, name, 0) == 0 || errno == ENOENT)
		return;
	(void)fchmodat(dir, name, 0700, 0);
	sub = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (sub >= 0)
		remove_content(sub, depth + 1);
	(void)unlinkat(dir, name, AT_REMOVEDIR);
}

/* Takes dir over. */
static void
remove_content(int dir, unsigned depth)
{
	DIR *list = depth < SCRATCH_DEPTH_MOST ? fdopendir(dir) : NULL;
	struct dirent *entry;

	if (list == NULL) {
		(void)close(dir);
		return;
	}
	while ((entry = readdir(list)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			remove_entry(dirfd(list), entry->d_name, depth);
	(void)closedir(list);
}

static void
remove_tree(int parent, const char *name)
{
	int dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (dir >= 0)
		remove_content(dir, 0);
	(void)unlinkat(parent, name, AT_REMOVEDIR);
}

/* --- what dead owners left ------------------------------------------------------------------ */

/* Ours, with a lock file that nobody holds. One without the file is being made, or is kept on
 * purpose. */
static bool
is_left_behind(int parent, const char *name)
{
	LOCAL_FD dir = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	LOCAL_FD lock = -1;
	struct stat st;

	if (dir < 0 || fstat(dir, &st) != 0 || st.st_uid != geteuid())
		return false;
	lock = openat(dir, SCRATCH_LOCK, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	return lock >= 0 && flock(lock, LOCK_EX | LOCK_NB) == 0;
}

static void
sweep(const char *base)
{
	DIR *list = opendir(base);
	struct dirent *entry;

	if (list == NULL)
		return;
	while ((entry = readdir(list)) != NULL)
		if (text_starts(entry->d_name, SCRATCH_PREFIX) &&
		    is_left_behind(dirfd(list), entry->d_name))
			remove_tree(dirfd(list), entry->d_name);
	(void)closedir(list);
}

/* --- ours ------------------------------------------------------------------------------------ */

int
scratch_make(struct scratch *scratch, const char *base, struct err *err)
{
	char path[PATH_MAX + 16];

	scratch->lock = -1;
	sweep(base);
	(void)snprintf(scratch->path, sizeof(scratch->path), "%s/" SCRATCH_PREFIX "XXXXXX", base);
	if (mkdtemp(scratch->path) == NULL) {
		scratch->path[0] = '\0';
		return err_sys(err, "cannot make a temporary directory in '%s'", base);
	}
	(void)snprintf(path, sizeof(path), "%s/" SCRATCH_LOCK, scratch->path);
	scratch->lock = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (scratch->lock < 0 || flock(scratch->lock, LOCK_EX | LOCK_NB) != 0) {
		if (err_sys(err, "cannot lock '%s'", path) < 0)
			scratch_remove(scratch);
		return err->code;
	}
	return 0;
}

void
scratch_remove(struct scratch *scratch)
{
	if (scratch->path[0] == '\0')
		return;
	remove_tree(AT_FDCWD, scratch->path);
	if (scratch->lock >= 0)
		(void)close(scratch->lock);
	scratch->lock = -1;
	scratch->path[0] = '\0';
}

void
scratch_keep(struct scratch *scratch, const char *entry)
{
	DIR *list = opendir(scratch->path);
	struct dirent *it;

	while (list != NULL && (it = readdir(list)) != NULL)
		if (!text_eq(it->d_name, ".") && !text_eq(it->d_name, "..") &&
		    !text_eq(it->d_name, entry))
			remove_entry(dirfd(list), it->d_name, 0);
	if (list != NULL)
		(void)closedir(list);
	if (scratch->lock >= 0)
		(void)close(scratch->lock);
	scratch->lock = -1;
	scratch->path[0] = '\0';
}

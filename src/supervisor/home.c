/*
 * home.c - the HOME of slots' users: a directory of the host that each task sees as its own user's.
 *
 * An idmapped mount (mount_setattr(2), Linux 5.12; below overlayfs 5.19) makes what the directory's
 * owner has there the slot's user's, so that programs find their own files writable; overlayfs
 * takes what they write. The paths of what is written come from runnerd, who has no right to files
 * that a slot's user has not: they are opened as that user, and must be its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/id_map.h"
#include "supervisor/kernel.h"
#include "supervisor/number.h"
#include "supervisor/user.h"
#include "wire/shelter.h"

enum {
	FD_PATH_BYTES = 40,
	OPTIONS_BYTES = SHELTER_PATH_BYTES + 2 * FD_PATH_BYTES + 64,
};

/* --- the two layers ------------------------------------------------------------------------ */

/* What the owner of the tree's top has in it is the home's user's. */
static int
map_ids(int tree, const struct home *home)
{
	struct kernel_mount_attr attr = {.set = KERNEL_MOUNT_ATTR_IDMAP};
	struct stat owner;
	int map, sys = 0;

	if (fstat(tree, &owner) != 0)
		return errno;
	/* What has the owner's id on the disk has the user's for us. */
	map = id_map_open(&(struct id_map){.uid = owner.st_uid,
					   .outer_uid = home->uid,
					   .gid = owner.st_gid,
					   .outer_gid = home->gid});
	if (map < 0)
		return errno;
	attr.user_namespace = (uint64_t)map;
	if (syscall(KERNEL_MOUNT_SETATTR, tree, "", KERNEL_AT_EMPTY_PATH, &attr, sizeof(attr)) != 0)
		sys = errno;
	(void)close(map);
	return sys;
}

/* A copy of its mount, without what is mounted in it. is_shown: it takes the place of the
 * directory. */
static int
map_owner(const struct home *home, bool is_shown)
{
	int tree = (int)syscall(KERNEL_OPEN_TREE, AT_FDCWD, home->path,
				KERNEL_OPEN_TREE_CLONE | O_CLOEXEC);
	int sys;

	if (tree < 0)
		return errno;
	sys = map_ids(tree, home);
	if (sys == 0 && is_shown &&
	    syscall(KERNEL_MOVE_MOUNT, tree, "", AT_FDCWD, home->path,
		    KERNEL_MOVE_MOUNT_F_EMPTY_PATH) != 0)
		sys = errno;
	(void)close(tree);
	return sys;
}

int
home_probe(const struct home *home)
{
	return map_owner(home, false);
}

/* Made if absent; by what is its user's alone nothing of another's is reached. -1 and errno. */
static int
open_own(const char *path, mode_t mode, uid_t uid)
{
	struct stat status;
	int fd;

	if (mkdir(path, mode) != 0 && errno != EEXIST)
		return -1;
	fd = open(path, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && fstat(fd, &status) == 0 && status.st_uid == uid)
		return fd;
	if (fd >= 0) {
		(void)close(fd);
		errno = EPERM;
	}
	return -1;
}

static char *
put_fd(char *at, const char *option, int fd)
{
	return number_write(stpcpy(stpcpy(at, option), "/proc/self/fd/"), (uint32_t)fd);
}

static int
mount_over(const char *path, int upper, int work)
{
	char options[OPTIONS_BYTES], *at = stpcpy(stpcpy(options, "lowerdir="), path);

	at = put_fd(at, ",upperdir=", upper);
	(void)put_fd(at, ",workdir=", work);
	return mount("overlay", path, "overlay", MS_NODEV | MS_NOSUID, options) != 0 ? errno : 0;
}

int
home_lay_over(const struct home *home, const struct shelter_row *row)
{
	int upper = open_own(row->paths[1], 0755, home->uid), work = -1, sys = errno;

	if (upper >= 0) {
		work = open_own(row->paths[2], 0700, home->uid);
		sys = errno;
	}
	if (work >= 0) {
		user_for_files(0, 0);
		sys = map_owner(home, true);
		if (sys == 0)
			sys = mount_over(home->path, upper, work);
		user_for_files(home->uid, home->gid);
		(void)close(work);
	}
	if (upper >= 0)
		(void)close(upper);
	return sys;
}

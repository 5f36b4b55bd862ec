/*
 * mounts.c - what a task sees of its host: the rows of its shelter, made true one after the other.
 *
 * No step can undo any of it: steps have no capability over this mount namespace, and in one of
 * their own below it these mounts are locked (mount_namespaces(7)). What is to be shown in spite
 * of something above it is cloned before the first row, and put in its place in its turn.
 *
 * All that is hidden is one empty tmpfs, mounted once and bound elsewhere: a bind costs a third of
 * a mount. It is written to only while it is furnished with mount points.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/mounts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "supervisor/home.h"
#include "supervisor/kernel.h"
#include "supervisor/network.h"
#include "supervisor/number.h"

#define NOTHING_OPTIONS "mode=711,size=1m,nr_inodes=4k"

enum {
	OVERLAY_OPTIONS_BYTES = 2 * SHELTER_PATH_BYTES + SHELTER_PATH_BYTES + 64,
	MEMORY_OPTIONS_BYTES = 32 + 2 * NUMBER_TEXT_BYTES,
};

struct mounts {
	const struct home *home;
	int nothing;			/* the empty tmpfs, by O_PATH; -1: not needed yet */
	int shown[SHELTER_ROWS_MOST];	/* by row: what a SHOW puts back, or -1 */
};

void
mounts_begin(void)
{
	/* The host's mounts still reach us, so that a removed disk is let go. */
	if (mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return;
	(void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

/* --- what cannot be written -------------------------------------------------------------- */

/* From Linux 5.12 on: a tree with all that is mounted in it. */
static bool
set_tree_read_only(int at, const char *path, unsigned flags)
{
	struct kernel_mount_attr attr = {.set = KERNEL_MOUNT_ATTR_RDONLY};

	return syscall(KERNEL_MOUNT_SETATTR, at, path, flags | KERNEL_AT_RECURSIVE, &attr,
		       sizeof(attr)) == 0;
}

/* Before that the mount alone. Flags that a user namespace locks must be stated again (mount(2), EPERM). */
static int
remount_read_only(const char *path)
{
	static const unsigned long kept[][2] = {
		{ST_NOSUID, MS_NOSUID},		{ST_NODEV, MS_NODEV},
		{ST_NOEXEC, MS_NOEXEC},		{ST_NOATIME, MS_NOATIME},
		{ST_NODIRATIME, MS_NODIRATIME}, {ST_RELATIME, MS_RELATIME},
	};
	unsigned long flags = MS_REMOUNT | MS_BIND | MS_RDONLY;
	struct statvfs fs;
	size_t i;

	if (statvfs(path, &fs) != 0)
		return errno;
	for (i = 0; i < sizeof(kept) / sizeof(kept[0]); i++)
		if ((fs.f_flag & kept[i][0]) != 0)
			flags |= kept[i][1];
	return mount(NULL, path, NULL, flags, NULL) != 0 ? errno : 0;
}

static int
do_read_only(const char *path)
{
	if (mount(path, path, NULL, MS_BIND | MS_REC, NULL) != 0)
		return errno == ENOENT ? 0 : errno;
	return set_tree_read_only(AT_FDCWD, path, 0) ? 0 : remount_read_only(path);
}

/* --- what is not there, and what is there all the same ------------------------------------- */

static void
write_fd_path(char room[40], int fd)
{
	(void)strcpy(room, "/proc/self/fd/");
	(void)number_write(room + strlen(room), (uint32_t)fd);
}

/* By open(2): access(2) asks for the real user, and files are the task's user's business here. */
static bool
can_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

	if (fd >= 0)
		(void)close(fd);
	return fd >= 0 || errno != EACCES;
}

static int
do_hide(struct mounts *mounts, const char *path)
{
	char fd_path[40];
	struct stat status;

	/* What the task's user cannot get to need not be hidden from it. */
	if (stat(path, &status) != 0)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : errno;
	if (!S_ISDIR(status.st_mode))
		return can_read(path) && mount("/dev/null", path, NULL, MS_BIND, NULL) != 0 ? errno : 0;
	if (mounts->nothing >= 0) {
		write_fd_path(fd_path, mounts->nothing);
		return mount(fd_path, path, NULL, MS_BIND, NULL) != 0 ? errno : 0;
	}
	if (mount("nothing", path, "tmpfs", MS_NOSUID | MS_NODEV, NOTHING_OPTIONS) != 0)
		return errno;
	mounts->nothing = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return mounts->nothing < 0 ? errno : 0;
}

/* mkdir -p, from the end: mostly all but the last is there. */
static int
make_directories(char *path)
{
	char *slash = strrchr(path, '/');
	int sys;

	if (mkdir(path, 0711) == 0 || errno == EEXIST)
		return 0;
	if (errno != ENOENT || slash == path)
		return errno;
	*slash = '\0';
	sys = make_directories(path);
	*slash = '/';
	if (sys == 0 && mkdir(path, 0711) != 0 && errno != EEXIST)
		sys = errno;
	return sys;
}

/* A directory, or an empty file where one is to be mounted on. */
static int
make_mount_point(char *path, bool is_directory)
{
	char *slash = strrchr(path, '/');
	int fd, sys = 0;

	if (is_directory)
		return make_directories(path);
	if (slash != path) {
		*slash = '\0';
		sys = make_directories(path);
		*slash = '/';
	}
	if (sys != 0)
		return sys;
	fd = openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void)close(fd);
	return fd < 0 ? errno : 0;
}

static int
do_show(const struct shelter_row *row, int tree)
{
	struct stat status;
	int sys;

	if (tree < 0)
		return 0;
	if (fstat(tree, &status) != 0)
		return errno;
	if (access(row->paths[0], F_OK) != 0) {
		sys = make_mount_point((char *)(uintptr_t)row->paths[0], S_ISDIR(status.st_mode));
		if (sys != 0)
			return sys;
	}
	if (syscall(KERNEL_MOVE_MOUNT, tree, "", AT_FDCWD, row->paths[0],
		    KERNEL_MOVE_MOUNT_F_EMPTY_PATH) != 0)
		return errno;
	if ((row->flags & SHELTER_ROW_READ_ONLY) == 0 ||
	    set_tree_read_only(AT_FDCWD, row->paths[0], 0))
		return 0;
	return remount_read_only(row->paths[0]);
}

/* --- what is there instead -------------------------------------------------------------------- */

/* A file for each page, as the kernel has it by default: an empty one takes memory, too. */
static int
do_memory(const struct shelter_row *row)
{
	uint64_t kib = row->size_bytes / 1024 + (row->size_bytes % 1024 != 0);
	char options[MEMORY_OPTIONS_BYTES] = "mode=1777";

	if (kib > UINT32_MAX)
		kib = UINT32_MAX;
	if (kib > 0) {
		number_write(stpcpy(strchr(options, '\0'), ",size="), (uint32_t)kib);
		number_write(stpcpy(strchr(options, '\0'), "k,nr_inodes="), (uint32_t)kib / 4 + 1);
	}
	return mount("tmpfs", row->paths[0], "tmpfs", MS_NOSUID | MS_NODEV, options) != 0 ? errno : 0;
}

/* The group of terminals, 5, is not mapped into a user namespace. */
static int
do_terminals(const char *path)
{
	const unsigned long flags = MS_NOSUID | MS_NOEXEC;

	if (mount("devpts", path, "devpts", flags, "newinstance,ptmxmode=0666,mode=620,gid=5") == 0 ||
	    mount("devpts", path, "devpts", flags, "newinstance,ptmxmode=0666,mode=620") == 0)
		return 0;
	return errno;
}

static int
do_queues(const char *path)
{
	return mount("mqueue", path, "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0 ? errno
											    : 0;
}

/* In a user namespace overlayfs may keep its notes in attributes of users only: Linux 5.11. */
static int
do_overlay(const struct home *home, const struct shelter_row *row)
{
	static const char *const names[] = {"lowerdir=", ",upperdir=", ",workdir="};
	char options[OVERLAY_OPTIONS_BYTES], *at = options;
	size_t i;

	if (home->path != NULL && strcmp(row->paths[0], home->path) == 0)
		return home_lay_over(home, row);
	for (i = 0; i < SHELTER_PATHS_MOST; i++)
		at = stpcpy(stpcpy(at, names[i]), row->paths[i]);
	(void)strcpy(at, ",userxattr");
	if (mount("overlay", row->paths[0], "overlay", MS_NODEV, options) == 0)
		return 0;
	*at = '\0';
	return mount("overlay", row->paths[0], "overlay", MS_NODEV, options) != 0 ? errno : 0;
}

/* --- all of it ----------------------------------------------------------------------------------- */

static int
do_row(struct mounts *mounts, const struct shelter_row *row, uint32_t number)
{
	switch (row->kind) {
	case SHELTER_HIDE:
		return do_hide(mounts, row->paths[0]);
	case SHELTER_SHOW:
		return do_show(row, mounts->shown[number]);
	case SHELTER_READ_ONLY:
		return do_read_only(row->paths[0]);
	case SHELTER_BIND:
		return mount(row->paths[1], row->paths[0], NULL, MS_BIND, NULL) != 0 ? errno : 0;
	case SHELTER_MEMORY:
		return do_memory(row);
	case SHELTER_TERMINALS:
		return do_terminals(row->paths[0]);
	case SHELTER_QUEUES:
		return do_queues(row->paths[0]);
	case SHELTER_OVERLAY:
		return do_overlay(mounts->home, row);
	case SHELTER_LOOPBACK:
		return network_loopback();
	case SHELTER_OUTSIDE:
		return network_outside(row, mounts->home);
	case SHELTER_NO_METADATA:
		return network_close_metadata();
	case SHELTER_KIND_COUNT:
		break;
	}
	return EINVAL;
}

static void
open_shown(struct mounts *mounts, struct shelter_view view)
{
	struct shelter_row row;
	uint32_t i;

	for (i = 0; shelter_next(&view, &row); i++)
		mounts->shown[i] =
			row.kind != SHELTER_SHOW
				? -1
				: (int)syscall(KERNEL_OPEN_TREE, AT_FDCWD, row.paths[0],
					       KERNEL_OPEN_TREE_CLONE | O_CLOEXEC |
						       KERNEL_AT_RECURSIVE);
}

int
mounts_make(struct shelter_view view, const struct home *home, struct mounts_fault *fault)
{
	static struct mounts mounts;
	uint32_t count = view.rows, i;
	int sys = 0;

	mounts.home = home;
	mounts.nothing = -1;
	open_shown(&mounts, view);
	for (i = 0; sys == 0 && shelter_next(&view, &fault->row); i++) {
		fault->number = i;
		sys = do_row(&mounts, &fault->row, i);
		if ((fault->row.flags & SHELTER_ROW_OPTIONAL) != 0)
			sys = 0;
	}
	for (i = 0; i < count; i++)
		if (mounts.shown[i] >= 0)
			(void)close(mounts.shown[i]);
	if (mounts.nothing >= 0) {
		char path[40];

		write_fd_path(path, mounts.nothing);
		(void)chmod(path, 0111); /* nobody lists it; what is mounted in it has a name */
		/* The file system itself, wherever it is bound. */
		if (mount(NULL, path, NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV,
			  NOTHING_OPTIONS) != 0 &&
		    sys == 0)
			sys = errno;
		(void)close(mounts.nothing);
	}
	return sys;
}

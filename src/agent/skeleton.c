/*
 * skeleton.c - what every task's work directory begins with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/skeleton.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "runner/work_dir.h"

enum {
	/*
	 * What chattr(1) and their like can change: an empty directory can be given a key that
	 * only the job has, an empty file be sealed. The others say how a file system stores
	 * things.
	 */
	FLAGS_OF_INTEREST = FS_FL_USER_MODIFIABLE | FS_NOCOW_FL | FS_DAX_FL | FS_PROJINHERIT_FL |
			    FS_CASEFOLD_FL | FS_ENCRYPT_FL | FS_VERITY_FL,
	ENTRIES_BYTES = 512, /* of a directory whose entries are "." and ".." and two more */
	MOUNT_POINT_DEPTH_MOST = 32,
	MOUNT_POINTS_MOST = 64,
};

static const struct part {
	const char *name;
	mode_t mode;
	unsigned entries;
} parts[] = {
	{".", S_IFDIR | 0700, 3},
#define X(path, mode, entries) {path, mode, entries},
	WORK_DIR_PARTS(X)
#undef X
};

enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

static struct skeleton_flags
flags_of(int fd)
{
	struct skeleton_flags found = {0}; /* a file system without them has none */
	struct fsxattr more;
	int flags = 0;

	if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0)
		found.flags = (unsigned)flags & FLAGS_OF_INTEREST;
	if (ioctl(fd, FS_IOC_FSGETXATTR, &more) == 0) {
		found.xflags = more.fsx_xflags & ~(unsigned)FS_XFLAG_HASATTR;
		found.extent_size = more.fsx_extsize;
		found.cow_extent_size = more.fsx_cowextsize;
		found.project = more.fsx_projid;
	}
	return found;
}

static bool
flags_are_same(const struct skeleton_flags *a, const struct skeleton_flags *b)
{
	return a->flags == b->flags && a->xflags == b->xflags && a->extent_size == b->extent_size &&
	       a->cow_extent_size == b->cow_extent_size && a->project == b->project;
}

void
skeleton_init(struct skeleton *skeleton, int dirs)
{
	skeleton->dirs = dirs;
	skeleton->masked = umask(0);
	(void)umask(skeleton->masked);
	skeleton->uid = geteuid();
	skeleton->gid = getegid();
	skeleton->inherits = flags_of(dirs);
}

/* Where everybody may write our umask does not count. */
static mode_t
mode_of(const struct skeleton *skeleton, const struct part *part)
{
	return (part->mode & S_ISVTX) != 0 ? part->mode : part->mode & ~skeleton->masked;
}

static int
make_part(int dir, const struct part *part)
{
	int fd;

	if (S_ISDIR(part->mode) && mkdirat(dir, part->name, part->mode & 07777) != 0)
		return -1;
	if (S_ISDIR(part->mode))
		return (part->mode & S_ISVTX) != 0 ? fchmodat(dir, part->name, part->mode & 07777, 0) : 0;
	fd = openat(dir, part->name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC,
		    part->mode & 07777);
	return fd < 0 ? -1 : close(fd);
}

int
skeleton_make(const struct skeleton *skeleton, const char *name, struct err *err)
{
	LOCAL_FD dir = -1;
	size_t i;

	if (mkdirat(skeleton->dirs, name, parts[0].mode & 07777) == 0 || errno == EEXIST)
		dir = openat(skeleton->dirs, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dir < 0)
		return err_sys(err, "cannot make the work directory '%s'", name);
	for (i = 1; i < PARTS; i++)
		if (make_part(dir, &parts[i]) != 0 && errno != EEXIST)
			return err_sys(err, "cannot make '%s' in the work directory '%s'",
				       parts[i].name, name);
	return 0;
}

/* What lies there itself: never what is mounted over it, or a link to somewhere else. */
static int
open_part(int dir, const char *name, uint64_t flags)
{
	struct open_how how = {
		.flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | flags,
		.resolve = RESOLVE_NO_XDEV | RESOLVE_NO_SYMLINKS | RESOLVE_BENEATH,
	};

	return (int)syscall(SYS_openat2, dir, name, &how, sizeof(how));
}

static bool
is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/*
 * Where something of the host below /tmp is shown to a task runner-init makes directories to mount
 * it on, and cannot remove them while it is there. Anything else that is found stays, and is told by
 * the part's own check.
 */
static void
remove_mount_points(int dir, unsigned depth, unsigned *left)
{
	_Alignas(struct dirent64) char bytes[ENTRIES_BYTES];
	const struct dirent64 *entry;
	ssize_t len, at;

	if (depth == MOUNT_POINT_DEPTH_MOST)
		return;
	while ((len = getdents64(dir, bytes, sizeof(bytes))) > 0)
		for (at = 0; at < len; at += entry->d_reclen) {
			LOCAL_FD fd = -1;

			entry = (const struct dirent64 *)(bytes + at);
			if (entry->d_type != DT_DIR || is_dots(entry->d_name) || *left == 0)
				continue;
			(*left)--;
			fd = open_part(dir, entry->d_name, O_DIRECTORY);
			if (fd >= 0)
				remove_mount_points(fd, depth + 1, left);
			(void)unlinkat(dir, entry->d_name, AT_REMOVEDIR);
		}
}

static void
clear_part(int dir, const struct part *part)
{
	LOCAL_FD fd = (part->mode & S_ISVTX) != 0 ? open_part(dir, part->name, O_DIRECTORY) : -1;
	unsigned left = MOUNT_POINTS_MOST;

	if (fd >= 0)
		remove_mount_points(fd, 0, &left);
}

bool
skeleton_remove(const struct skeleton *skeleton, const char *name)
{
	LOCAL_FD dir =
		openat(skeleton->dirs, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	size_t i;

	if (dir < 0)
		return errno == ENOENT;
	for (i = PARTS - 1; i > 0; i--) {
		clear_part(dir, &parts[i]);
		(void)unlinkat(dir, parts[i].name, S_ISDIR(parts[i].mode) ? AT_REMOVEDIR : 0);
	}
	return unlinkat(skeleton->dirs, name, AT_REMOVEDIR) == 0;
}

/* Are there only so many entries? What they are the parts' own checks say. */
static bool
has_entries(int fd, unsigned most)
{
	_Alignas(struct dirent64) char bytes[ENTRIES_BYTES];
	unsigned found = 0;
	ssize_t len, at;

	while ((len = getdents64(fd, bytes, sizeof(bytes))) > 0)
		for (at = 0; at < len; at += ((struct dirent64 *)(bytes + at))->d_reclen)
			if (++found > most + 2)
				return false;
	return len == 0;
}

static bool
part_is_as_made(const struct skeleton *skeleton, int dir, const struct part *part)
{
	LOCAL_FD fd = open_part(dir, part->name, 0);
	struct skeleton_flags flags;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0 || st.st_mode != mode_of(skeleton, part) ||
	    st.st_uid != skeleton->uid || st.st_gid != skeleton->gid)
		return false;
	flags = flags_of(fd);
	if (flistxattr(fd, NULL, 0) > 0 || !flags_are_same(&flags, &skeleton->inherits))
		return false;
	if (S_ISDIR(part->mode) ? !has_entries(fd, part->entries)
				: st.st_size != 0 || st.st_nlink != 1 || st.st_blocks != 0)
		return false;
	return futimens(fd, NULL) == 0;
}

bool
skeleton_renew(const struct skeleton *skeleton, const char *name)
{
	LOCAL_FD dir = open_part(skeleton->dirs, name, O_DIRECTORY);
	size_t i;

	for (i = 0; dir >= 0 && i < PARTS; i++) {
		clear_part(dir, &parts[i]);
		if (!part_is_as_made(skeleton, dir, &parts[i]))
			return false;
	}
	return dir >= 0;
}

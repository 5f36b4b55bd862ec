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
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sanitize.h"
#include "supervisor/kernel.h"
#include "supervisor/number.h"
#include "supervisor/user.h"
#include "wire/shelter.h"

enum {
	STACK_BYTES = 16 * 1024,
	PROC_PATH_BYTES = 48,
	FD_PATH_BYTES = 40,
	OPTIONS_BYTES = SHELTER_PATH_BYTES + 2 * FD_PATH_BYTES + 64,
};

/* --- a user namespace, for what it maps ---------------------------------------------------- */

/* We cannot be looked at (prctl(2), "dumpable"), not even by ourselves; it can, and has nothing to
 * hide. */
static int
wait_main(void *arg)
{
	const int *ready = arg;

	(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
	if (write(*ready, "", 1) != 1)
		return 1;
	while (pause() != 0) /* it is killed: nothing else is let through */
		;
	return 0;
}

/* "/proc/PID/what" */
static const char *
proc_path(char room[PROC_PATH_BYTES], pid_t pid, const char *what)
{
	char *at = stpcpy(room, "/proc/");

	at = number_write(at, (uint32_t)pid);
	(void)stpcpy(at, what);
	return room;
}

/* "from to 1": what has the id from on the disk has the id to for us. */
static bool
write_map(pid_t pid, const char *what, uint32_t from, uint32_t to)
{
	char path[PROC_PATH_BYTES], line[2 * NUMBER_TEXT_BYTES + 4], *at;
	int fd = open(proc_path(path, pid, what), O_WRONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	at = number_write(line, from);
	*at++ = ' ';
	at = number_write(at, to);
	at = stpcpy(at, " 1");
	n = write(fd, line, (size_t)(at - line));
	(void)close(fd);
	return n == at - line;
}

/* The descriptor keeps what was mapped when its process is gone. -1 and errno. */
static int
open_map(pid_t pid, const struct stat *owner, const struct home *home)
{
	char path[PROC_PATH_BYTES];

	if (!write_map(pid, "/uid_map", owner->st_uid, home->uid) ||
	    !write_map(pid, "/gid_map", owner->st_gid, home->gid))
		return -1;
	return open(proc_path(path, pid, "/ns/user"), O_RDONLY | O_CLOEXEC);
}

/* No namespace is made without a process. -1 and errno. */
static int
make_map(const struct stat *owner, const struct home *home)
{
	static char stack[STACK_BYTES] __attribute__((aligned(16)));
	int ready[2], fd = -1, sys;
	char byte;
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC) != 0)
		return -1;
	sanitize_forget_stack(stack, sizeof(stack));
	pid = clone(wait_main, stack + sizeof(stack), CLONE_NEWUSER | SIGCHLD, &ready[1]);
	sys = errno;
	(void)close(ready[1]);
	if (pid > 0) {
		errno = EPIPE;
		if (read(ready[0], &byte, 1) == 1)
			fd = open_map(pid, owner, home);
		sys = errno;
		(void)kill(pid, SIGKILL);
		while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	(void)close(ready[0]);
	errno = sys;
	return fd;
}

/* --- the two layers ------------------------------------------------------------------------ */

/* What the owner of the tree's top has in it is the home's user's. */
static int
map_ids(int tree, const struct home *home)
{
	struct kernel_mount_attr attr = {.set = KERNEL_MOUNT_ATTR_IDMAP};
	struct stat owner;
	int map, sys = 0;

	if (fstat(tree, &owner) != 0 || (map = make_map(&owner, home)) < 0)
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

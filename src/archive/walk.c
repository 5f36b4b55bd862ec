/*
 * walk.c - the regular files below a directory, each opened without leaving it.
 *
 * Every step down is one name, opened below the descriptor of its directory. Links are left to
 * openat2(2), which resolves them below the top; where there is none (Linux before 5.6, emulators),
 * they are left out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/walk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"

struct walking {
	const struct walk_hooks *hooks;
	int top;
	unsigned depth;
	struct buffer name; /* of what is looked at, from the top */
};

/* --- the names of a directory ---------------------------------------------------------------- */

struct names {
	char **list;
	size_t count, room;
};

static void
names_release(struct names *names)
{
	while (names->count > 0)
		free(names->list[--names->count]);
	free(names->list);
}

static int
by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* False: errno says why. fd stays the caller's. */
static bool
names_read(struct names *names, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	DIR *dir = copy >= 0 ? fdopendir(copy) : NULL;
	struct dirent *entry;

	if (dir == NULL)
		return false;
	while ((errno = 0, entry = readdir(dir)) != NULL) {
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		if (names->count == names->room) {
			names->room = names->room == 0 ? 64 : names->room * 2;
			names->list = mem_resize(names->list, names->room, sizeof(*names->list));
		}
		names->list[names->count++] = mem_strdup(entry->d_name);
	}
	if (errno != 0) {
		(void)closedir(dir);
		return false;
	}
	(void)closedir(dir);
	if (names->count > 0)
		qsort(names->list, names->count, sizeof(*names->list), by_bytes);
	return true;
}

/* --- one of them ----------------------------------------------------------------------------- */

static const char *
current(struct walking *walking)
{
	return buffer_text(&walking->name);
}

static void
leave_out(struct walking *walking, const char *why)
{
	walking->hooks->left_out(walking->hooks->arg, current(walking), why);
}

static void
cannot(struct walking *walking)
{
	walking->hooks->unreadable(walking->hooks->arg, current(walking), strerror(errno));
}

static const char *
kind_of(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFIFO:
		return "it is a FIFO";
	case S_IFSOCK:
		return "it is a socket";
	case S_IFDIR:
		return "it is a link to a directory";
	default:
		return "it is no regular file";
	}
}

/* An open file. Owns: fd. */
static int
take_file(struct walking *walking, int fd, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0) {
		cannot(walking);
	} else if (!S_ISREG(st.st_mode)) {
		leave_out(walking, kind_of(st.st_mode));
	} else {
		return walking->hooks->file(walking->hooks->arg, current(walking), fd,
					    (uint64_t)st.st_size, err);
	}
	(void)close(fd);
	return 0;
}

/* From the top, so that what is above a link's directory counts as below it. */
static int
take_link(struct walking *walking, struct err *err)
{
	struct open_how how = {.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS};
	int fd = (int)syscall(SYS_openat2, walking->top, current(walking), &how, sizeof(how));

	if (fd >= 0)
		return take_file(walking, fd, err);
	if (errno == ENOENT)
		leave_out(walking, "it is a link to nothing");
	else if (errno == ELOOP)
		leave_out(walking, "it is a link that leads to itself");
	else if (errno == ENOSYS || errno == EPERM)
		leave_out(walking, "it is a link, which this host cannot follow safely");
	else if (errno == EXDEV)
		leave_out(walking, "it is a link that leads out of the directory");
	else if (errno == ENXIO)
		leave_out(walking, kind_of(S_IFSOCK));
	else
		cannot(walking);
	return 0;
}

static int walk_dir(struct walking *walking, int fd, struct err *err);

static int
take_dir(struct walking *walking, int dir, const char *name, struct err *err)
{
	int fd, rc;

	if (walking->depth == WALK_DEPTH_MOST) {
		walking->hooks->unreadable(walking->hooks->arg, current(walking),
					   "it lies too deep");
		return 0;
	}
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0) {
		cannot(walking);
		return 0;
	}
	walking->depth++;
	rc = walk_dir(walking, fd, err);
	walking->depth--;
	(void)close(fd);
	return rc;
}

static int
take_name(struct walking *walking, int dir, const char *name, struct err *err)
{
	struct stat st;
	int fd;

	if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
		if (errno != ENOENT) /* gone since */
			cannot(walking);
		return 0;
	}
	if (S_ISDIR(st.st_mode))
		return take_dir(walking, dir, name, err);
	if (S_ISLNK(st.st_mode))
		return take_link(walking, err);
	if (!S_ISREG(st.st_mode)) {
		leave_out(walking, kind_of(st.st_mode));
		return 0;
	}
	fd = openat(dir, name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC);
	if (fd >= 0)
		return take_file(walking, fd, err);
	cannot(walking);
	return 0;
}

static int
walk_dir(struct walking *walking, int fd, struct err *err)
{
	size_t base = walking->name.len, i;
	struct names names = {NULL, 0, 0};
	int rc = 0;

	if (!names_read(&names, fd))
		cannot(walking);
	for (i = 0; rc == 0 && i < names.count; i++) {
		buffer_printf(&walking->name, "%s%s", base > 0 ? "/" : "", names.list[i]);
		rc = take_name(walking, fd, names.list[i], err);
		walking->name.len = base;
	}
	names_release(&names);
	return rc;
}

int
walk(const char *dir, const struct walk_hooks *hooks, struct err *err)
{
	struct walking walking = {.hooks = hooks, .name = BUFFER_INIT};
	int rc;

	walking.top = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (walking.top < 0)
		return err_sys(err, "cannot open directory '%s'", dir);
	rc = walk_dir(&walking, walking.top, err);
	(void)close(walking.top);
	buffer_release(&walking.name);
	return rc;
}

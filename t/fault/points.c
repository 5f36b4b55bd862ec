/*
 * points.c - the named points at which a program may be struck.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "points.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "runner/state_dir.h"

enum { TARGET_BYTES = 2 * 4096 };

#define TASK	  "*/tasks/*-*-*"
#define DISK	  "*/spool/*-*-*/*-*-*/spool.*"
#define NO_ROOM	  "ENOSPC,EIO"
#define NO_FILES  "EMFILE,EIO"
#define NO_MEMORY "ENOMEM"

#define X(upper, lower, event)                                                                     \
	{"runnerd",	  "journal." #lower, SYS_pwrite64, ON_FD,                                  \
	 TASK "/journal", JOURNAL_##upper,   NO_ROOM},

const struct point points[] = {
	{"runnerd", "run.lock", SYS_flock, ON_FD, "*/run/lock", 0, "EIO"},
	{"runnerd", "task.make", SYS_mkdirat, ON_PATH, TASK, 0, NO_ROOM},
	{"runnerd", "task.open", SYS_openat, ON_PATH, TASK, 0, NO_FILES},
	{"runnerd", "task.remove", SYS_unlinkat, ON_PATH, TASK, 0, "EIO"},
	{"runnerd", "document.open", SYS_openat, ON_PATH, TASK "/task.json", 0, NO_FILES},
	{"runnerd", "document.write", SYS_write, ON_FD, TASK "/task.json", 0, NO_ROOM},
	{"runnerd", "document.read", SYS_read, ON_FD, TASK "/task.json", 0, "EIO"},
	/* Each transition, and what else is decided. */
	JOURNAL_TYPES(X){"runnerd", "journal.open", SYS_openat, ON_PATH, TASK "/journal", 0,
			 NO_FILES},
	{"runnerd", "journal.read", SYS_pread64, ON_FD, TASK "/journal", 0, "EIO,EINTR"},
	{"runnerd", "journal.remove", SYS_unlinkat, ON_PATH, TASK "/journal", 0, "EIO"},
	{"runnerd", "spool.open", SYS_openat, ON_PATH, TASK "/spool.*", 0, NO_FILES},
	{"runnerd", "spool.write", SYS_pwrite64, ON_FD, TASK "/spool.*", 0, NO_ROOM ",EINTR"},
	{"runnerd", "spool.read", SYS_pread64, ON_FD, TASK "/spool.*", 0, "EIO,EINTR"},
	{"runnerd", "spool.remove", SYS_unlinkat, ON_PATH, TASK "/spool.*", 0, "EIO"},
	{"runnerd", "masks.open", SYS_openat, ON_PATH, TASK "/masks", 0, NO_FILES},
	{"runnerd", "masks.write", SYS_write, ON_FD, TASK "/masks", 0, NO_ROOM},
	{"runnerd", "keep.open", SYS_openat, ON_PATH, TASK "/keep", 0, NO_FILES},
	{"runnerd", "keep.write", SYS_write, ON_FD, TASK "/keep", 0, NO_ROOM},
	{"runnerd", "keep.read", SYS_read, ON_FD, TASK "/keep", 0, "EIO"},
	{"runnerd", "holding.open", SYS_openat, ON_PATH, TASK "/holding", 0, NO_FILES},
	{"runnerd", "holding.write", SYS_write, ON_FD, TASK "/holding", 0, NO_ROOM},
	{"runnerd", "holding.read", SYS_read, ON_FD, TASK "/holding", 0, "EIO"},
	{"runnerd", "output.make", SYS_memfd_create, ON_ANY, "", 0, "EMFILE,ENOMEM"},
	{"runnerd", "output.seal", SYS_fcntl, ON_FD, "/memfd:output*", 0, "EPERM"},
	{"runnerd", "output.take", SYS_splice, ON_FD, "pipe:*", 0, "ENOMEM,EINTR"},
	{"runnerd", "output.size", SYS_newfstatat, ON_FD, "/memfd:output*", 0, "EIO"},
	{"runnerd", "output.read", SYS_pread64, ON_FD, "/memfd:output*", 0, "EIO"},
	{"runnerd", "output.punch", SYS_fallocate, ON_FD, "/memfd:output*", 0, NO_MEMORY},
	{"runnerd", "command.write", SYS_write, ON_FD, "/memfd:step*", 0, NO_MEMORY},
	{"runnerd", "init.start", SYS_clone, ON_ANY, "", 0, "EAGAIN,ENOMEM"},
	{"runnerd", "init.bind", SYS_bind, ON_FD, "socket:*", 0, "EACCES"},
	{"runnerd", "socket.send", SYS_sendmsg, ON_FD, "socket:*", 0, "EAGAIN,EINTR"},
	{"runnerd", "socket.receive", SYS_recvmsg, ON_FD, "socket:*", 0, "EAGAIN,EINTR"},
	{"runnerd", "init.watch", SYS_pidfd_open, ON_ANY, "", 0, NO_FILES},
	{"runnerd", "socket.make", SYS_socket, ON_ANY, "", 0, NO_FILES},
	{"runnerd", "socket.connect", SYS_connect, ON_FD, "socket:*", 0, "EACCES,EINTR"},
	{"runnerd", "work.make", SYS_mkdirat, ON_PATH, "*/work/*", 0, NO_ROOM},
	{"runnerd", "work.open", SYS_openat, ON_PATH, "*/work/*", 0, NO_FILES},
	{"runnerd", "work.rename", SYS_renameat, ON_NEW_PATH, "*/work/*", 0, NO_ROOM},
	{"runnerd", "work.remove", SYS_unlinkat, ON_PATH, "*/work/*", 0, "EIO"},
	{"runnerd", "loop.watch", SYS_epoll_ctl, ON_ANY, "", 0, NO_MEMORY},
	{"runnerd", "hub.receive", SYS_recvfrom, ON_FD, "socket:*", 0, "EAGAIN,ECONNRESET"},
	{"runnerd", "hub.receive", SYS_read, ON_FD, "socket:*", 0, "EAGAIN,ECONNRESET"},

	/* The child that touches the spool's disk. */
	{"spool-disk", "disk.make", SYS_openat, ON_PATH, DISK ".part", 0, NO_FILES ",ENOSPC"},
	{"spool-disk", "disk.write", SYS_sendfile, ON_FD, DISK ".part", 0, NO_ROOM},
	{"spool-disk", "disk.sync", SYS_fdatasync, ON_FD, DISK ".part", 0, NO_ROOM},
	{"spool-disk", "disk.rename", SYS_renameat, ON_NEW_PATH, DISK, 0, NO_ROOM},
	{"spool-disk", "disk.remove", SYS_unlinkat, ON_PATH, DISK, 0, "EIO,EROFS"},

	{"runner-hub", "database.open", SYS_openat, ON_PATH, "*/hub.db*", 0, NO_FILES},
	{"runner-hub", "database.read", SYS_pread64, ON_FD, "*/hub.db*", 0, "EIO"},
	{"runner-hub", "database.write", SYS_pwrite64, ON_FD, "*/hub.db*", 0, NO_ROOM},
	{"runner-hub", "database.sync", SYS_fdatasync, ON_FD, "*/hub.db*", 0, "EIO"},
	{"runner-hub", "segment.open", SYS_openat, ON_PATH, "*/output/*.seg", 0, NO_FILES},
	{"runner-hub", "segment.write", SYS_pwrite64, ON_FD, "*/output/*.seg", 0, NO_ROOM ",EINTR"},
	{"runner-hub", "segment.sync", SYS_fdatasync, ON_FD, "*/output/*.seg", 0, "EIO"},
	{"runner-hub", "segment.remove", SYS_unlinkat, ON_PATH, "*/output/*.seg", 0, "EIO"},
	{"runner-hub", "output.sync", SYS_fsync, ON_FD, "*/output", 0, "EIO"},
	{"runner-hub", "gather.open", SYS_openat, ON_PATH, "*/output/*.tmp", 0, NO_FILES},
	{"runner-hub", "gather.copy", SYS_copy_file_range, ON_FD, "*/output/*.seg", 0, NO_ROOM},
	{"runner-hub", "gather.sync", SYS_fdatasync, ON_FD, "*/output/*.tmp", 0, "EIO"},
	{"runner-hub", "gather.rename", SYS_renameat, ON_NEW_PATH, "*/output/*.zst", 0, NO_ROOM},
	{"runner-hub", "agent.accept", SYS_accept4, ON_FD, "socket:*", 0, "EMFILE,EINTR"},
	{"runner-hub", "agent.send", SYS_sendto, ON_FD, "socket:*", 0, "EAGAIN,EPIPE"},
	{"runner-hub", "agent.send", SYS_sendmsg, ON_FD, "socket:*", 0, "EAGAIN,EPIPE"},
	{"runner-hub", "agent.send", SYS_writev, ON_FD, "socket:*", 0, "EAGAIN,EPIPE"},
	{"runner-hub", "agent.send", SYS_write, ON_FD, "socket:*", 0, "EAGAIN,EPIPE"},
	{"runner-hub", "agent.receive", SYS_recvfrom, ON_FD, "socket:*", 0, "EAGAIN,ECONNRESET"},
	{"runner-hub", "agent.receive", SYS_read, ON_FD, "socket:*", 0, "EAGAIN,ECONNRESET"},
};
#undef X

const unsigned point_count = sizeof(points) / sizeof(points[0]);

/* --- what a call is made on --- */

/* "" where it cannot be read. */
static void
link_of(char *room, size_t size, pid_t tid, int fd)
{
	char path[64];
	ssize_t n;

	(void)snprintf(path, sizeof(path), fd < 0 ? "/proc/%d/cwd" : "/proc/%d/fd/%d", (int)tid,
		       fd);
	n = readlink(path, room, size - 1);
	room[n > 0 ? n : 0] = '\0';
}

static size_t
read_from(pid_t tid, uint64_t address, void *room, size_t size)
{
	struct iovec ours = {room, size}, theirs = {(void *)(uintptr_t)address, size};
	ssize_t n = process_vm_readv(tid, &ours, 1, &theirs, 1, 0);

	return n > 0 ? (size_t)n : 0;
}

/* A path behind the directory that it is relative to. */
static void
path_of(char *room, pid_t tid, int dir_fd, uint64_t address)
{
	char path[TARGET_BYTES / 2 - 1] = "";
	size_t n;

	/* Up to the end of its page first: what follows may not be mapped. */
	n = read_from(tid, address, path,
		      4096 - address % 4096 < sizeof(path) - 1 ? 4096 - address % 4096
							       : sizeof(path) - 1);
	if (n > 0 && memchr(path, '\0', n) == NULL)
		(void)read_from(tid, address + n, path + n, sizeof(path) - 1 - n);
	if (path[0] == '/') {
		(void)snprintf(room, TARGET_BYTES, "%s", path);
		return;
	}
	link_of(room, TARGET_BYTES / 2, tid, dir_fd);
	n = strlen(room);
	(void)snprintf(room + n, TARGET_BYTES - n, "/%s", path);
}

static bool
is_at(const struct point *point, pid_t tid, const uint64_t args[6])
{
	char target[TARGET_BYTES] = "";
	unsigned char begin[2] = {0, 0};

	switch (point->on) {
	case ON_ANY:
		return true;
	case ON_FD:
		link_of(target, sizeof(target), tid, (int)args[0]);
		break;
	case ON_PATH:
		path_of(target, tid, (int)args[0], args[1]);
		break;
	case ON_NEW_PATH:
		path_of(target, tid, (int)args[2], args[3]);
		break;
	}
	/* Its type is the second byte of a record. */
	if (point->record != 0)
		(void)read_from(tid, args[1], begin, sizeof(begin));
	return fnmatch(point->target, target, 0) == 0 &&
	       (point->record == 0 || begin[1] == point->record);
}

const struct point *
point_find(const char *program, pid_t tid, long call, const uint64_t args[6])
{
	const struct point *found = NULL;
	unsigned i;

	/* The longest target that fits says most: a task's directory, and a file in it. */
	for (i = 0; i < point_count; i++)
		if (points[i].call == call && strcmp(points[i].program, program) == 0 &&
		    is_at(&points[i], tid, args) &&
		    (found == NULL || strlen(points[i].target) > strlen(found->target)))
			found = &points[i];
	return found;
}

void
points_print(void)
{
	unsigned i;

	for (i = 0; i < point_count; i++)
		if (i == 0 || strcmp(points[i].name, points[i - 1].name) != 0)
			(void)printf("%s %s %s\n", points[i].program, points[i].name,
				     points[i].errors);
}

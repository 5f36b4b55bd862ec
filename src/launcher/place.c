/*
 * place.c - the work directory of a task, named by its id below LAUNCHER_WORK_FD.
 *
 * runnerd owns the directory of directories, so what a name there leads to is checked behind the
 * open, by descriptor, and nothing is decided by a name twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "launcher/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/id.h"
#include "launcher/quota.h"
#include "runner/work_dir.h"
#include "supervisor/number.h"

enum {
	PASSWD_BYTES = 64 << 10,
	NAME_LINE_BYTES = 512,
	PROC_PATH_BYTES = 32,
	IDLE_IO = 3 << 13, /* IOPRIO_PRIO_VALUE(IOPRIO_CLASS_IDLE, 0) */
	IO_OF_PROCESS = 1, /* IOPRIO_WHO_PROCESS */
};

#define PASSWD_NAME ".passwd"

static const struct part {
	const char *name;
	mode_t mode;
} parts[] = {
#define X(path, mode, entries) {path, mode},
	WORK_DIR_PARTS(X)
#undef X
};

enum { PARTS = sizeof(parts) / sizeof(parts[0]) };

static const char *
name_of(char room[ID_TEXT_BYTES], const uint8_t task[LAUNCHER_TASK_BYTES])
{
	struct id id;

	memcpy(id.bytes, task, sizeof(id.bytes));
	return id_text(room, &id);
}

static int
open_place(const char *name)
{
	return openat(LAUNCHER_WORK_FD, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
}

static bool
make_part(int dir, const struct part *part, uid_t uid, gid_t gid)
{
	LOCAL_FD fd = -1;

	if (S_ISDIR(part->mode))
		return (mkdirat(dir, part->name, part->mode & 07777) == 0 || errno == EEXIST) &&
		       fchownat(dir, part->name, uid, gid, AT_SYMLINK_NOFOLLOW) == 0;
	fd = openat(dir, part->name, O_WRONLY | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC,
		    part->mode & 07777);
	return fd >= 0 && fchown(fd, uid, gid) == 0;
}

/* "runner:x:UID:GID::HOME:/bin/sh", and then what the host has. */
static size_t
write_line(char *room, const struct ground *ground, uint32_t slot, const char *name)
{
	char *at = stpcpy(room, LAUNCHER_USER_NAME ":x:");

	at = number_write(at, ground_uid(ground, slot));
	*at++ = ':';
	at = number_write(at, ground_gid(ground));
	at = stpcpy(at, "::");
	at = stpcpy(at, ground->work_dir);
	*at++ = '/';
	at = stpcpy(at, name);
	at = stpcpy(at, "/home:/bin/sh\n");
	return (size_t)(at - room);
}

/* Without it the task has no name for its user: no reason not to run it. */
static void
make_passwd(int dir, const struct ground *ground, uint32_t slot, const char *name)
{
	static char bytes[NAME_LINE_BYTES + PASSWD_BYTES];
	LOCAL_FD from = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	LOCAL_FD to = openat(dir, PASSWD_NAME, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	size_t len;
	ssize_t n = 0;

	if (to < 0 || strlen(ground->work_dir) > NAME_LINE_BYTES / 2)
		return;
	len = write_line(bytes, ground, slot, name);
	if (from >= 0)
		n = read(from, bytes + len, PASSWD_BYTES);
	if (n == PASSWD_BYTES)
		n = 0; /* more than we keep: half of it would be worse than none */
	if (n > 0)
		len += (size_t)n;
	if (write(to, bytes, len) != (ssize_t)len)
		(void)unlinkat(dir, PASSWD_NAME, 0);
}

/* Its user's, with what it begins with, which counts as the task's. */
static enum launcher_fault
furnish(int dir, const struct ground *ground, const struct launcher_request *request, int *sys)
{
	uid_t uid = ground_uid(ground, request->slot);
	size_t i;

	if (request->disk_mib != 0 && (*sys = quota_hold(dir, uid, request->disk_mib)) != 0)
		return LAUNCHER_FAULT_QUOTA;
	for (i = 0; i < PARTS; i++)
		if (!make_part(dir, &parts[i], uid, ground_gid(ground))) {
			*sys = errno;
			return LAUNCHER_FAULT_DIRECTORY;
		}
	return LAUNCHER_FAULT_NONE;
}

/* What is in it is its user's before it is: until then nobody but us gets in. */
enum launcher_fault
place_make(const struct ground *ground, const struct launcher_request *request, int *sys)
{
	char room[ID_TEXT_BYTES];
	const char *name = name_of(room, request->task);
	uid_t uid = ground_uid(ground, request->slot);
	enum launcher_fault fault;
	LOCAL_FD dir = -1;
	struct stat st;

	if (mkdirat(LAUNCHER_WORK_FD, name, 0700) == 0 || errno == EEXIST)
		dir = open_place(name);
	if (dir < 0 || fstat(dir, &st) != 0) {
		*sys = errno;
		return LAUNCHER_FAULT_DIRECTORY;
	}
	if (st.st_uid == uid)
		return LAUNCHER_FAULT_NONE;
	if (st.st_uid != 0)
		return LAUNCHER_FAULT_FOREIGN;
	fault = furnish(dir, ground, request, sys);
	if (fault != LAUNCHER_FAULT_NONE)
		return fault;
	make_passwd(dir, ground, request->slot, name);
	if (fchown(dir, uid, ground->agent_gid) != 0 || fchmod(dir, 0770) != 0) {
		*sys = errno;
		return LAUNCHER_FAULT_OWNER;
	}
	return LAUNCHER_FAULT_NONE;
}

enum launcher_fault
place_keep(const struct ground *ground, const uint8_t task[LAUNCHER_TASK_BYTES], int *sys)
{
	char room[ID_TEXT_BYTES];
	LOCAL_FD dir = open_place(name_of(room, task));

	if (dir < 0 && errno == ENOENT)
		return LAUNCHER_FAULT_NONE;
	if (dir >= 0 && fchown(dir, ground->agent_uid, ground->agent_gid) == 0 &&
	    fchmod(dir, 0700) == 0)
		return LAUNCHER_FAULT_NONE;
	*sys = errno;
	return LAUNCHER_FAULT_OWNER;
}

void
place_remove(const uint8_t task[LAUNCHER_TASK_BYTES])
{
	static char *const no_environment[] = {NULL};
	char room[ID_TEXT_BYTES];
	char *argv[] = {(char *)"rm", (char *)"-rf", (char *)"--one-file-system", (char *)"--",
			(char *)(uintptr_t)name_of(room, task), NULL};
	int dir = open_place(room);

	if (dir < 0)
		_exit(errno == ENOENT ? 0 : 1);
	if (fchown(dir, 0, 0) != 0 || fchmod(dir, 0700) != 0 || fchdir(LAUNCHER_WORK_FD) != 0)
		_exit(1);
	(void)syscall(SYS_ioprio_set, IO_OF_PROCESS, 0, IDLE_IO);
	(void)execve("/bin/rm", argv, no_environment);
	_exit(1);
}

/*
 * No mount of ours reaches the host. Only what was opened in this mount namespace can be bound in it, so
 * LAUNCHER_WORK_FD is of no use. runnerd could put another file there: for its task to read, with
 * that task's rights.
 */
void
place_name(const struct ground *ground, const uint8_t task[LAUNCHER_TASK_BYTES])
{
	char room[ID_TEXT_BYTES], path[PROC_PATH_BYTES] = "/proc/self/fd/";
	LOCAL_FD work = open(ground->work_dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
	LOCAL_FD dir = openat(work, name_of(room, task), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	LOCAL_FD fd = openat(dir, PASSWD_NAME, O_PATH | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || mount("none", "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return;
	(void)number_write(path + strlen(path), (uint32_t)fd);
	(void)mount(path, "/etc/passwd", NULL, MS_BIND, NULL);
}

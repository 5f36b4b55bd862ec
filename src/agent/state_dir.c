/*
 * state_dir.c - the run directory: its lock, the agent's id, a directory for each task.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/state_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/state_version.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "runner/state_dir.h"
#include "runner/supervisor.h"

enum { LOCK_TRIES = 25, LOCK_TRY_MS = 20, HOLDER_BYTES = 24 };

/* 0700 and ours: what lies in it is trusted. */
static int
check_owner(int fd, const char *path, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_sys(err, "cannot look at the run directory '%s'", path);
	if (st.st_uid != geteuid() || (st.st_mode & 022) != 0) {
		if (err_set(err, ERR_HOST,
			    "cannot use the run directory '%s': others may write to it", path) < 0)
			err_hint(err, "give it to the user that runs runnerd, with mode 0700");
		return err->code;
	}
	return 0;
}

static int
make_path(const char *path, struct err *err)
{
	LOCAL_FREE char *room = mem_strdup(path);
	char *slash = room;

	while ((slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (mkdir(room, 0755) != 0 && errno != EEXIST)
			return err_sys(err, "cannot make directory '%s'", room);
		*slash = '/';
	}
	if (mkdir(path, 0700) != 0 && errno != EEXIST)
		return err_sys(err, "cannot make directory '%s'", path);
	return 0;
}

/*
 * A child of a runnerd that was killed holds the lock until its exec, which is a matter of
 * milliseconds: that is waited for, here where no loop runs yet.
 */
static bool
lock_soon(int fd)
{
	int i;

	for (i = 0; i < LOCK_TRIES; i++) {
		if (flock(fd, LOCK_EX | LOCK_NB) == 0)
			return true;
		if (errno != EWOULDBLOCK)
			return false;
		(void)poll(NULL, 0, LOCK_TRY_MS);
	}
	errno = EWOULDBLOCK;
	return false;
}

/* For who comes second to name: the lock itself is the kernel's. */
static void
write_holder(int fd)
{
	char text[HOLDER_BYTES];
	int n = snprintf(text, sizeof(text), "%ld\n", (long)getpid());

	if (ftruncate(fd, 0) < 0 || pwrite(fd, text, (size_t)n, 0) < 0)
		log_debug("cannot write our pid to the lock: %s", strerror(errno));
}

/* 0 where the holder has not said it yet, or is of a version that does not. */
static long
read_holder(int fd)
{
	char text[HOLDER_BYTES];
	struct err ignored = ERR_INIT;
	ssize_t n = pread(fd, text, sizeof(text) - 1, 0);
	uint64_t pid;

	if (n <= 0)
		return 0;
	text[n] = '\0';
	text[strcspn(text, "\n")] = '\0';
	return text_parse_u64(text, INT32_MAX, &pid, &ignored) == 0 ? (long)pid : 0;
}

static int
take_lock(struct state_dir *dir, struct err *err)
{
	long holder;

	dir->lock_fd = openat(dir->fd, STATE_LOCK_NAME, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (dir->lock_fd < 0)
		return err_sys(err, "cannot open the lock of the run directory '%s'", dir->path);
	if (lock_soon(dir->lock_fd)) {
		write_holder(dir->lock_fd);
		return 0;
	}
	if (errno != EWOULDBLOCK)
		return err_sys(err, "cannot lock the run directory '%s'", dir->path);
	holder = read_holder(dir->lock_fd);
	if (holder > 0)
		(void)!err_set(err, ERR_AGAIN,
			       "another runnerd uses the run directory '%s': process %ld",
			       dir->path, holder);
	else
		(void)!err_set(err, ERR_AGAIN, "another runnerd uses the run directory '%s'",
			       dir->path);
	if (err->code < 0)
		err_hint(err, "stop it first, or give this one a --run-dir of its own");
	return err->code;
}

int
state_dir_write(int dir_fd, const char *name, const void *bytes, size_t len, struct err *err)
{
	LOCAL_FD fd = openat(dir_fd, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	size_t done = 0;
	ssize_t n;

	if (fd < 0)
		return err_sys(err, "cannot make '%s'", name);
	while (done < len) {
		n = write(fd, (const char *)bytes + done, len - done);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot write '%s'", name);
		done += (size_t)n;
	}
	return 0;
}

int
state_dir_read(int dir_fd, const char *name, size_t most, struct buffer *out, struct err *err)
{
	LOCAL_FD fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC);
	void *room;
	ssize_t n;

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_GONE, "there is no '%s'", name);
	if (fd < 0)
		return err_sys(err, "cannot open '%s'", name);
	for (;;) {
		if (out->len > most)
			return err_set(err, ERR_LIMIT, "'%s' is larger than %zu bytes", name, most);
		if (buffer_reserve(out, 16384, &room, err) < 0)
			return err_wrap(err, "reading '%s'", name);
		n = read(fd, room, 16384);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot read '%s'", name);
		if (n == 0)
			return 0;
		buffer_grew(out, (size_t)n);
	}
}

/* Written beside and renamed, so that a crash leaves no half of it. */
static int
make_agent_id(struct state_dir *dir, const struct id *earlier, struct err *err)
{
	char text[ID_TEXT_BYTES];
	int rc;

	if (earlier != NULL)
		dir->agent = *earlier;
	else
		id_random(&dir->agent);
	dir->is_renewed = earlier != NULL;
	(void)id_text(text, &dir->agent);
	text[ID_TEXT_BYTES - 1] = '\n';
	rc = state_dir_write(dir->fd, STATE_AGENT_NAME ".new", text, sizeof(text), err);
	if (rc == 0 && renameat(dir->fd, STATE_AGENT_NAME ".new", dir->fd, STATE_AGENT_NAME) != 0)
		rc = err_sys(err, "cannot make '%s'", STATE_AGENT_NAME);
	return rc;
}

static int
need_agent_id(struct state_dir *dir, const struct id *earlier, struct err *err)
{
	struct buffer text = BUFFER_INIT;
	int rc = state_dir_read(dir->fd, STATE_AGENT_NAME, 1024, &text, err);

	if (rc == ERR_GONE) {
		rc = make_agent_id(dir, earlier, err);
	} else if (rc == 0) {
		LOCAL_FREE char *line = buffer_take_text(&text);
		const char *id = line;

		line[strcspn(line, "\n")] = '\0';
		rc = state_version_check_text(STATE_AGENT_NAME, &id, AGENT_ID_VERSION, err);
		if (rc == 0 && !id_parse(&dir->agent, id))
			rc = err_set(err, ERR_HOST, "'%s/%s' holds no id", dir->path,
				     STATE_AGENT_NAME);
	}
	buffer_release(&text);
	return rc;
}

static int
open_tasks(struct state_dir *dir, struct err *err)
{
	if (mkdirat(dir->fd, STATE_TASKS_NAME, 0700) != 0 && errno != EEXIST)
		return err_sys(err, "cannot make '%s/%s'", dir->path, STATE_TASKS_NAME);
	dir->tasks_fd = openat(dir->fd, STATE_TASKS_NAME, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir->tasks_fd < 0)
		return err_sys(err, "cannot open '%s/%s'", dir->path, STATE_TASKS_NAME);
	return 0;
}

int
state_dir_open(struct state_dir *dir, const char *path, const struct id *earlier, struct err *err)
{
	int rc;

	*dir = (struct state_dir)STATE_DIR_INIT;
	if (path[0] != '/')
		return err_set(err, ERR_INPUT, "the run directory '%s' must be an absolute path",
			       path);
	rc = make_path(path, err);
	if (rc < 0)
		return rc;
	dir->path = mem_strdup(path);
	dir->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir->fd < 0)
		rc = err_sys(err, "cannot open the run directory '%s'", path);
	if (rc == 0)
		rc = check_owner(dir->fd, path, err);
	if (rc == 0)
		rc = take_lock(dir, err);
	if (rc == 0)
		rc = need_agent_id(dir, earlier, err);
	if (rc == 0)
		rc = open_tasks(dir, err);
	if (rc < 0)
		state_dir_release(dir);
	return rc;
}

void
state_dir_release(struct state_dir *dir)
{
	if (dir->tasks_fd >= 0)
		(void)close(dir->tasks_fd);
	if (dir->lock_fd >= 0)
		(void)close(dir->lock_fd);
	if (dir->fd >= 0)
		(void)close(dir->fd);
	free(dir->path);
	dir->path = NULL;
	dir->tasks_fd = dir->lock_fd = dir->fd = -1;
}

/* --- tasks --- */

int
state_dir_open_task(struct state_dir *dir, const struct id *task, int *fd, struct err *err)
{
	char name[ID_TEXT_BYTES];

	*fd = openat(dir->tasks_fd, id_text(name, task),
		     O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (*fd < 0 && errno == ENOENT)
		return err_set(err, ERR_GONE, "there is no state directory of this task");
	if (*fd < 0)
		return err_sys(err, "cannot open '%s/%s/%s'", dir->path, STATE_TASKS_NAME, name);
	return 0;
}

int
state_dir_make_task(struct state_dir *dir, const struct id *task, int *fd, struct err *err)
{
	char name[ID_TEXT_BYTES];

	if (mkdirat(dir->tasks_fd, id_text(name, task), 0700) != 0) {
		if (errno == EEXIST)
			return err_set(err, ERR_GONE, "the task is here already");
		return err_sys(err, "cannot make '%s/%s/%s'", dir->path, STATE_TASKS_NAME, name);
	}
	return state_dir_open_task(dir, task, fd, err);
}

/* What is not named in the contract: segments of a spool that could not be read. */
static void
unlink_rest(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;

	if (list == NULL) {
		if (copy >= 0)
			(void)close(copy);
		return;
	}
	while ((entry = readdir(list)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			(void)unlinkat(fd, entry->d_name, 0);
	(void)closedir(list);
}

void
state_dir_remove_task(struct state_dir *dir, const struct id *task, int fd)
{
	char name[ID_TEXT_BYTES];
	int own = -1;
	struct err err = ERR_INIT;

	if (fd < 0 && state_dir_open_task(dir, task, &own, &err) < 0)
		return;
	fd = fd >= 0 ? fd : own;
	/* The journal goes first: without one a directory means that nothing was begun. */
	(void)unlinkat(fd, STATE_JOURNAL_NAME, 0);
	(void)unlinkat(fd, STATE_DOCUMENT_NAME, 0);
	(void)unlinkat(fd, SUPERVISOR_SOCKET_NAME, 0);
	(void)unlinkat(fd, SUPERVISOR_LOG_NAME, 0);
	if (unlinkat(dir->tasks_fd, id_text(name, task), AT_REMOVEDIR) != 0 && errno == ENOTEMPTY) {
		unlink_rest(fd);
		if (unlinkat(dir->tasks_fd, name, AT_REMOVEDIR) != 0)
			log_line(LOG_WARN, LOG_AT_TASK(name), "cannot remove '%s/%s/%s'", dir->path, STATE_TASKS_NAME, name);
	}
	if (own >= 0)
		(void)close(own);
}

int
state_dir_list_tasks(struct state_dir *dir, struct id **ids, size_t *count, struct err *err)
{
	int fd = openat(dir->tasks_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = fd >= 0 ? fdopendir(fd) : NULL;
	const struct dirent *entry;
	size_t room = 0;
	struct id id;

	*ids = NULL;
	*count = 0;
	if (list == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return err_sys(err, "cannot list '%s/%s'", dir->path, STATE_TASKS_NAME);
	}
	while ((entry = readdir(list)) != NULL) {
		if (!id_parse(&id, entry->d_name))
			continue;
		if (*count == room) {
			room = room == 0 ? 16 : 2 * room;
			*ids = mem_resize(*ids, room, sizeof(**ids));
		}
		(*ids)[(*count)++] = id;
	}
	(void)closedir(list);
	return 0;
}

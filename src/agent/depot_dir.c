/*
 * depot_dir.c - the spool's directory on the disk: ours, and those of agents that are no more.
 *
 * An agent's id lives in its run directory, in tmpfs. After the host's restart it is found here,
 * where the name of the run directory is beside it: the agent is the same, its tasks ended with the host. A
 * runnerd that is merely stopped still has its run directory, and one in another container holds its lock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/depot_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/state_dir.h"
#include "agent/state_version.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "runner/state_dir.h"

static int
open_dir(int at_fd, const char *name, int *fd)
{
	if (mkdirat(at_fd, name, 0700) != 0 && errno != EEXIST)
		return -1;
	*fd = openat(at_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *fd < 0 ? -1 : 0;
}

/* Whose it is: the path of a run directory, the caller's to free. Fails: as state_dir_read(); ERR_HOST when a later runnerd says it. */
static int
read_owner(int fd, char **run_dir, struct err *err)
{
	struct buffer bytes = BUFFER_INIT;
	int rc = state_dir_read(fd, SPOOL_OWNER_NAME, 2 * PATH_MAX, &bytes, err);
	LOCAL_FREE char *text = buffer_take_text(&bytes);
	const char *path = text;

	if (rc == 0)
		rc = state_version_check_text(SPOOL_OWNER_NAME, &path, SPOOL_OWNER_VERSION, err);
	if (rc == 0)
		*run_dir = mem_strdup(path);
	return rc;
}

/* Unless a later runnerd says whose it is, which means that it has more to say. */
static int
write_owner(int fd, const char *run_dir, struct err *err)
{
	struct err unread = ERR_INIT;
	LOCAL_FREE char *before = NULL;

	if (read_owner(fd, &before, &unread) == ERR_HOST) {
		*err = unread;
		return err->code;
	}
	return state_dir_write(fd, SPOOL_OWNER_NAME, run_dir, strlen(run_dir), err);
}

int
depot_dir_open(struct depot_dir *dir, const char *path, const struct id *agent, const char *run_dir,
	       struct err *err)
{
	char name[ID_TEXT_BYTES];
	int rc;

	*dir = (struct depot_dir)DEPOT_DIR_INIT;
	dir->path = mem_strdup(path);
	if (open_dir(AT_FDCWD, path, &dir->fd) < 0) {
		rc = err_sys(err, "cannot make the spool's directory '%s'", path);
		goto failed;
	}
	if (open_dir(dir->fd, id_text(name, agent), &dir->agent_fd) < 0) {
		rc = err_sys(err, "cannot make '%s/%s'", path, name);
		goto failed;
	}
	(void)flock(dir->agent_fd, LOCK_SH | LOCK_NB);
	rc = write_owner(dir->agent_fd, run_dir, err);
	if (rc == 0)
		return 0;
	rc = err_wrap(err, "in '%s/%s'", path, name);
failed:
	depot_dir_release(dir);
	return rc;
}

void
depot_dir_release(struct depot_dir *dir)
{
	if (dir->fd >= 0)
		(void)close(dir->fd);
	if (dir->agent_fd >= 0)
		(void)close(dir->agent_fd);
	free(dir->path);
	*dir = (struct depot_dir)DEPOT_DIR_INIT;
}

/* Does the run directory hold this agent's id, or one that a later runnerd has written? */
static bool
run_dir_knows(const char *run_dir, const char *id)
{
	LOCAL_FD fd = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct buffer bytes = BUFFER_INIT;
	struct err err = ERR_INIT;
	char *text;
	const char *at;
	bool known = false;

	if (fd < 0)
		return false;
	if (state_dir_read(fd, STATE_AGENT_NAME, 1024, &bytes, &err) == 0) {
		text = buffer_take_text(&bytes);
		at = text;
		known = state_version_check_text(STATE_AGENT_NAME, &at, AGENT_ID_VERSION, &err) < 0 ||
			strncmp(at, id, ID_TEXT_BYTES - 1) == 0;
		free(text);
	}
	buffer_release(&bytes);
	return known;
}

/* Does the run directory that is named there still know this agent? What a later runnerd says of that is not ours to know. */
static bool
is_known(int fd, const char *id)
{
	LOCAL_FREE char *run_dir = NULL;
	struct err err = ERR_INIT;
	int rc = read_owner(fd, &run_dir, &err);

	return rc == 0 ? run_dir_knows(run_dir, id) : rc == ERR_HOST;
}

static bool
is_owned(int fd, const char *run_dir)
{
	LOCAL_FREE char *owner = NULL;
	struct err err = ERR_INIT;

	return read_owner(fd, &owner, &err) == 0 && strcmp(owner, run_dir) == 0;
}

static bool
is_of_before(int dir_fd, const struct id *id, const char *run_dir)
{
	char name[ID_TEXT_BYTES];
	LOCAL_FD fd = openat(dir_fd, id_text(name, id), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd >= 0 && is_owned(fd, run_dir) && flock(fd, LOCK_EX | LOCK_NB) == 0;
}

bool
depot_dir_find_earlier(const char *path, const char *run_dir, struct id *agent)
{
	LOCAL_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct err err = ERR_INIT;
	bool found = false;
	struct id *ids;
	size_t n, i;

	if (fd < 0 || depot_dir_list_ids(fd, &ids, &n, &err) < 0)
		return false;
	for (i = 0; i < n && !found; i++) {
		found = is_of_before(fd, &ids[i], run_dir);
		*agent = ids[i];
	}
	free(ids);
	return found;
}

static bool
is_dead(const struct depot_dir *dir, const struct id *id, size_t *held)
{
	char name[ID_TEXT_BYTES];
	LOCAL_FD fd =
		openat(dir->fd, id_text(name, id), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0 || is_known(fd, name))
		return false;
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return true;
	(*held)++;
	return false;
}

int
depot_dir_list_ids(int fd, struct id **ids, size_t *count, struct err *err)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	size_t room = 0;
	struct id id;

	*ids = NULL;
	*count = 0;
	if (list == NULL) {
		if (copy >= 0)
			(void)close(copy);
		return err_sys(err, "cannot list the spool's directory");
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

int
depot_dir_list_dead(const struct depot_dir *dir, const struct id *agent, struct id **ids,
		    size_t *count, size_t *held, struct err *err)
{
	size_t n, i;
	int rc = depot_dir_list_ids(dir->fd, ids, &n, err);

	*count = *held = 0;
	for (i = 0; rc == 0 && i < n; i++)
		if (!id_eq(&(*ids)[i], agent) && is_dead(dir, &(*ids)[i], held))
			(*ids)[(*count)++] = (*ids)[i];
	return rc;
}

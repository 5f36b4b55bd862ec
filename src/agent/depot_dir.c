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
	rc = state_dir_write(dir->agent_fd, SPOOL_OWNER_NAME, run_dir, strlen(run_dir), err);
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

/* Does the run directory that is named there still know this agent? */
static bool
is_known(int fd, const char *id)
{
	struct buffer owner = BUFFER_INIT, text = BUFFER_INIT;
	struct err err = ERR_INIT;
	bool known = false;

	if (state_dir_read(fd, SPOOL_OWNER_NAME, PATH_MAX, &owner, &err) == 0) {
		char *run_dir = buffer_take_text(&owner);
		LOCAL_FD run_fd = open(run_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		known = run_fd >= 0 &&
			state_dir_read(run_fd, STATE_AGENT_NAME, 1024, &text, &err) == 0 &&
			text.len >= ID_TEXT_BYTES - 1 &&
			memcmp(text.data, id, ID_TEXT_BYTES - 1) == 0;
		free(run_dir);
	}
	buffer_release(&owner);
	buffer_release(&text);
	return known;
}

static bool
is_owned(int fd, const char *run_dir)
{
	struct buffer owner = BUFFER_INIT;
	struct err err = ERR_INIT;
	bool owned = state_dir_read(fd, SPOOL_OWNER_NAME, PATH_MAX, &owner, &err) == 0 &&
		     owner.len == strlen(run_dir) && memcmp(owner.data, run_dir, owner.len) == 0;

	buffer_release(&owner);
	return owned;
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

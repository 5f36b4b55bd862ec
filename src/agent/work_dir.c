/*
 * work_dir.c - the directories a task works in, and their removal without waiting.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/work_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"

enum { RM_PATHS_MOST = 64, RM_RETRY_MS = 1000 };

static int
make_path(const char *path, struct err *err)
{
	char *room = mem_strdup(path), *slash = room;
	int rc = 0;

	while (rc == 0 && (slash = strchr(slash + 1, '/')) != NULL) {
		*slash = '\0';
		if (mkdir(room, 0755) != 0 && errno != EEXIST)
			rc = err_sys(err, "cannot make directory '%s'", room);
		*slash = '/';
	}
	free(room);
	if (rc == 0 && mkdir(path, 0755) != 0 && errno != EEXIST)
		rc = err_sys(err, "cannot make directory '%s'", path);
	return rc;
}

static void rm_want(struct work_dirs *dirs);

static void
on_again(void *arg)
{
	rm_want(arg);
}

int
work_dirs_init(struct work_dirs *dirs, struct loop *loop, const char *path, struct err *err)
{
	int rc;

	memset(dirs, 0, sizeof(*dirs));
	dirs->fd = -1;
	dirs->rm = (struct child)CHILD_INIT;
	dirs->waiting_end = &dirs->waiting;
	dirs->loop = loop;
	if (path[0] != '/')
		return err_set(err, ERR_INPUT, "the work directory '%s' must be an absolute path", path);
	rc = make_path(path, err);
	if (rc < 0)
		return rc;
	dirs->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirs->fd < 0)
		return err_sys(err, "cannot open the work directory '%s'", path);
	dirs->path = mem_strdup(path);
	timer_init(&dirs->again, loop, on_again, dirs);
	return 0;
}

void
work_dirs_release(struct work_dirs *dirs)
{
	child_release(&dirs->rm);
	timer_release(&dirs->again);
	if (dirs->fd >= 0)
		(void)close(dirs->fd);
	dirs->fd = -1;
	free(dirs->path);
	dirs->path = NULL;
}

void
work_dir_init(struct work_dir *work, const struct work_dirs *dirs, const char *name)
{
	memset(work, 0, sizeof(*work));
	work->name = mem_strdup(name);
	work->path = mem_printf("%s/%s", dirs->path, name);
	work->home = mem_printf("%s/home", work->path);
	work->tmp = mem_printf("%s/tmp", work->path);
	work->bash_env = mem_printf("%s/bash_env", work->path);
}

void
work_dir_release(struct work_dir *work)
{
	assert(!work->queued);
	free(work->name);
	free(work->path);
	free(work->home);
	free(work->tmp);
	free(work->bash_env);
	memset(work, 0, sizeof(*work));
}

static int
make_one(const char *path, mode_t mode, struct err *err)
{
	if (mkdir(path, mode) == 0 || errno == EEXIST)
		return 0;
	return err_sys(err, "cannot make directory '%s'", path);
}

int
work_dir_make(struct work_dir *work, struct err *err)
{
	int rc, fd;

	rc = make_one(work->path, 0700, err);
	if (rc == 0)
		rc = make_one(work->home, 0755, err);
	if (rc == 0)
		rc = make_one(work->tmp, 0700, err);
	if (rc < 0)
		return rc;
	fd = open(work->bash_env, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_sys(err, "cannot make '%s'", work->bash_env);
	(void)close(fd);
	return 0;
}

/* --- removal --- */

static void
on_rm_exit(void *arg, int status, const struct rusage *usage)
{
	struct work_dirs *dirs = arg;
	struct work_dir *work, *next;

	(void)usage;
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		log_warn("cannot remove everything that tasks have left below '%s'", dirs->path);
	work = dirs->removing;
	dirs->removing = NULL;
	for (; work != NULL; work = next) {
		next = work->next;
		work->queued = false;
		work->on_gone(work->arg);
	}
	rm_want(dirs);
}

/* Hand what waits to one rm, up to RM_PATHS_MOST directories. */
static void
rm_want(struct work_dirs *dirs)
{
	char *argv[3 + RM_PATHS_MOST + 1] = {(char *)"rm", (char *)"-rf", (char *)"--"};
	char *envp[] = {NULL};
	struct child_spec spec = {.path = "/bin/rm", .argv = argv, .envp = envp, .cwd = dirs->path,
		.flags = CHILD_NEW_SESSION};
	struct work_dir **end = &dirs->waiting;
	struct err err = ERR_INIT;
	int argc = 3;

	if (dirs->waiting == NULL || child_is_running(&dirs->rm))
		return;
	for (; *end != NULL && argc < 3 + RM_PATHS_MOST; end = &(*end)->next)
		argv[argc++] = (*end)->name;
	argv[argc] = NULL;
	if (child_start(&dirs->rm, dirs->loop, &spec, on_rm_exit, dirs, &err) < 0) {
		log_warn("cannot remove '%s/%s': %s; trying again in %d ms", dirs->path, argv[3], err.text,
			 RM_RETRY_MS);
		timer_start_ms(&dirs->again, RM_RETRY_MS);
		return;
	}
	dirs->removing = dirs->waiting;
	dirs->waiting = *end;
	*end = NULL;
	if (dirs->waiting == NULL)
		dirs->waiting_end = &dirs->waiting;
}

/* What every task has, and may have left empty. */
static bool
remove_empty(const struct work_dir *work, const struct work_dirs *dirs)
{
	int fd = openat(dirs->fd, work->name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT;
	(void)unlinkat(fd, "bash_env", 0);
	(void)unlinkat(fd, "tmp", AT_REMOVEDIR);
	(void)unlinkat(fd, "home/project", AT_REMOVEDIR);
	(void)unlinkat(fd, "home", AT_REMOVEDIR);
	(void)close(fd);
	return unlinkat(dirs->fd, work->name, AT_REMOVEDIR) == 0;
}

bool
work_dir_remove(struct work_dir *work, struct work_dirs *dirs, void (*on_gone)(void *arg),
		void *arg)
{
	if (!work->queued && remove_empty(work, dirs))
		return true;
	if (work->queued)
		return false;
	work->queued = true;
	work->on_gone = on_gone;
	work->arg = arg;
	work->next = NULL;
	*dirs->waiting_end = work;
	dirs->waiting_end = &work->next;
	rm_want(dirs);
	return false;
}

/*
 * work_dir.c - the directories a task works in, and their removal without waiting.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/work_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <utlist.h>

#include "agent/launcher.h"
#include "agent/quota.h"
#include "base/assert.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"

enum {
	RM_PATHS_MOST = 64,
	RM_RETRY_MS = 1000,
	RM_WAIT_MS = 10000,
	SPARES_MOST = 512,
	SPARE_NAME_BYTES = 24,
};

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

/* --- spares --- */

static const char *
spare_name(char room[SPARE_NAME_BYTES], unsigned number)
{
	(void)snprintf(room, SPARE_NAME_BYTES, "spare-%u", number);
	return room;
}

/* Under the name of the next spare; what is there with anything in it stays, and refuses. */
static bool
keep_spare(struct work_dirs *dirs, const char *name)
{
	char room[SPARE_NAME_BYTES];

	if (dirs->spares == SPARES_MOST || !skeleton_renew(&dirs->skeleton, name) ||
	    renameat(dirs->fd, name, dirs->fd, spare_name(room, dirs->spares)) != 0)
		return false;
	dirs->spares++;
	return true;
}

static bool
take_spare(struct work_dirs *dirs, const char *name)
{
	char room[SPARE_NAME_BYTES];

	if (dirs->spares == 0)
		return false;
	dirs->spares--;
	if (renameat(dirs->fd, spare_name(room, dirs->spares), dirs->fd, name) == 0)
		return true;
	(void)skeleton_remove(&dirs->skeleton, room); /* name is there already */
	return false;
}

static void
remove_spares(struct work_dirs *dirs)
{
	char room[SPARE_NAME_BYTES];

	while (dirs->spares > 0)
		(void)skeleton_remove(&dirs->skeleton, spare_name(room, --dirs->spares));
}

/* Those that a runnerd has left which could not end in good order. */
static void
find_spares(struct work_dirs *dirs)
{
	char room[SPARE_NAME_BYTES];

	while (dirs->spares < SPARES_MOST &&
	       faccessat(dirs->fd, spare_name(room, dirs->spares), F_OK, AT_SYMLINK_NOFOLLOW) == 0)
		dirs->spares++;
}

/* --- what tasks that are no more have left --- */

struct swept_dir {
	struct work_dir work;
	struct work_dirs *dirs;
	struct swept_dir *prev, *next;
};

static void
free_swept(struct swept_dir *swept)
{
	DL_DELETE(swept->dirs->swept, swept);
	swept->work.queued = false;
	work_dir_release(&swept->work);
	free(swept);
}

static void
on_swept(void *arg)
{
	free_swept(arg);
}

static void
sweep(struct work_dirs *dirs, const char *name)
{
	struct swept_dir *swept = MEM_NEW(struct swept_dir);

	swept->dirs = dirs;
	work_dir_init(&swept->work, dirs, name);
	swept->work.doubtful = true; /* it may be of a task with another umask, or cut short */
	DL_APPEND(dirs->swept, swept);
	if (work_dir_remove(&swept->work, dirs, on_swept, swept))
		free_swept(swept);
}

static bool
is_older(int fd, const char *name, int64_t before_ms)
{
	struct stat st;

	return fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode) &&
	       (int64_t)st.st_ctim.tv_sec * 1000 + st.st_ctim.tv_nsec / 1000000 < before_ms;
}

unsigned
work_dirs_sweep(struct work_dirs *dirs, int64_t before_ms)
{
	int copy = openat(dirs->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = copy >= 0 ? fdopendir(copy) : NULL;
	const struct dirent *entry;
	unsigned count = 0;
	struct id id;

	if (list == NULL && copy >= 0)
		(void)close(copy);
	while (list != NULL && (entry = readdir(list)) != NULL)
		if (id_parse(&id, entry->d_name) && is_older(dirs->fd, entry->d_name, before_ms)) {
			sweep(dirs, entry->d_name);
			count++;
		}
	if (list != NULL)
		(void)closedir(list);
	return count;
}

/* --- life --- */

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
		return err_set(err, ERR_INPUT, "the work directory '%s' must be an absolute path",
			       path);
	rc = make_path(path, err);
	if (rc < 0)
		return rc;
	dirs->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dirs->fd < 0)
		return err_sys(err, "cannot open the work directory '%s'", path);
	dirs->path = mem_strdup(path);
	timer_init(&dirs->again, loop, on_again, dirs);
	skeleton_init(&dirs->skeleton, dirs->fd);
	find_spares(dirs);
	remove_spares(dirs);
	return 0;
}

void
work_dirs_release(struct work_dirs *dirs)
{
	struct swept_dir *swept, *next;

	child_release(&dirs->rm);
	DL_FOREACH_SAFE (dirs->swept, swept, next)
		free_swept(swept);
	timer_release(&dirs->again);
	remove_spares(dirs);
	if (dirs->fd >= 0)
		(void)close(dirs->fd);
	dirs->fd = -1;
	free(dirs->path);
	dirs->path = NULL;
}

void
work_dirs_use_launcher(struct work_dirs *dirs, struct launcher *launcher, bool wants_disk)
{
	char why[QUOTA_WHY_BYTES] = "they have the user of runnerd";

	dirs->launcher = launcher;
	dirs->holds_disk = launcher != NULL && quota_is_on(dirs->fd, why);
	if (wants_disk && !dirs->holds_disk)
		log_info("nothing holds tasks to the disk of their class: %s", why);
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
	work->upper = mem_printf("%s/upper", work->path);
	work->overlay = mem_printf("%s/overlay", work->path);
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
	free(work->upper);
	free(work->overlay);
	memset(work, 0, sizeof(*work));
}

/* The launcher knows them by the task's id. */
static struct id
task_of(const struct work_dir *work)
{
	struct id task;
	bool is_id = id_parse(&task, work->name);

	assert(is_id);
	return task;
}

int
work_dir_make(struct work_dir *work, struct work_dirs *dirs, struct err *err)
{
	struct id task;

	if (dirs->launcher != NULL) {
		task = task_of(work);
		return launcher_make_place(dirs->launcher, (uint32_t)work->slot, &task,
					   dirs->holds_disk ? work->disk_bytes : 0, err);
	}
	if (take_spare(dirs, work->name))
		return 0;
	return skeleton_make(&dirs->skeleton, work->name, err);
}

int
work_dir_lay_over(struct work_dir *work, const struct work_dirs *dirs, const char *home,
		  struct err *err)
{
	const char *const made[] = {work->upper, work->overlay};
	size_t i;

	for (i = 0; dirs->launcher == NULL && i < 2; i++)
		if (mkdir(made[i], 0700) != 0 && errno != EEXIST)
			return err_sys(err, "cannot make directory '%s'", made[i]);
	free(work->home);
	work->home = mem_strdup(home);
	return 0;
}

bool
work_dir_is_laid_over(const struct work_dir *work)
{
	return access(work->upper, F_OK) == 0;
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

/* Hand what waits to one rm, up to RM_PATHS_MOST directories: how many it was given. */
static int
rm_start(struct work_dirs *dirs, struct err *err)
{
	char *argv[3 + RM_PATHS_MOST + 1] = {(char *)"rm", (char *)"-rf", (char *)"--"};
	char *envp[] = {NULL};
	struct child_spec spec = {.path = "/bin/rm",
				  .argv = argv,
				  .envp = envp,
				  .cwd = dirs->path,
				  .flags = CHILD_NEW_SESSION | CHILD_IDLE_IO};
	const struct launcher_child child = {&dirs->rm, on_rm_exit, dirs};
	const struct work_dir *work = dirs->waiting;
	struct id task;
	int n = 0, rc;

	if (dirs->launcher != NULL) {
		task = task_of(work);
		rc = launcher_remove_place(dirs->launcher, &task, &child, err);
		return rc < 0 ? rc : 1;
	}
	for (; work != NULL && n < RM_PATHS_MOST; work = work->next)
		argv[3 + n++] = work->name;
	rc = child_start(&dirs->rm, dirs->loop, &spec, on_rm_exit, dirs, err);
	return rc < 0 ? rc : n;
}

static void
rm_want(struct work_dirs *dirs)
{
	struct work_dir **end = &dirs->waiting;
	struct err err = ERR_INIT;
	int n;

	if (dirs->waiting == NULL || child_is_running(&dirs->rm))
		return;
	n = rm_start(dirs, &err);
	if (n < 0) {
		log_warn("cannot remove '%s/%s': %s; trying again in %d ms", dirs->path,
			 dirs->waiting->name, err.text, RM_RETRY_MS);
		timer_start_ms(&dirs->again, RM_RETRY_MS);
		return;
	}
	for (; n > 0; n--)
		end = &(*end)->next;
	dirs->removing = dirs->waiting;
	dirs->waiting = *end;
	*end = NULL;
	if (dirs->waiting == NULL)
		dirs->waiting_end = &dirs->waiting;
}

/* overlayfs leaves a directory of mode 0, which rm(1) does not enter. */
static void
open_overlay(const struct work_dir *work)
{
	char path[32];
	char *name = mem_printf("%s/work", work->overlay);
	LOCAL_FD fd = open(name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd >= 0)
		(void)chmod(path, 0700);
	free(name);
}

bool
work_dir_remove(struct work_dir *work, struct work_dirs *dirs, void (*on_gone)(void *arg),
		void *arg)
{
	bool ours = dirs->launcher == NULL && !work->queued;

	if (ours && !work->doubtful && keep_spare(dirs, work->name))
		return true;
	if (ours && skeleton_remove(&dirs->skeleton, work->name))
		return true;
	if (work->queued)
		return false;
	open_overlay(work);
	work->queued = true;
	work->on_gone = on_gone;
	work->arg = arg;
	work->next = NULL;
	*dirs->waiting_end = work;
	dirs->waiting_end = &work->next;
	rm_want(dirs);
	return false;
}

void
work_dir_discard(struct work_dir *work, struct work_dirs *dirs)
{
	char *argv[] = {(char *)"rm", (char *)"-rf", (char *)"--", work->name, NULL}, *envp[] = {NULL};
	struct child_spec spec = {.path = "/bin/rm", .argv = argv, .envp = envp, .cwd = dirs->path};
	struct child rm = CHILD_INIT;
	struct err err = ERR_INIT;
	int status = 0, rc;

	if (skeleton_remove(&dirs->skeleton, work->name))
		return;
	open_overlay(work);
	rc = child_start(&rm, dirs->loop, &spec, NULL, NULL, &err);
	if (rc == 0)
		rc = child_wait(&rm, RM_WAIT_MS, &status, &err);
	if (rc < 0 || status != 0)
		log_warn("cannot remove '%s'", work->path);
}

void
work_dir_keep(struct work_dir *work, struct work_dirs *dirs)
{
	struct err err = ERR_INIT;
	struct id task;

	if (dirs->launcher == NULL)
		return;
	task = task_of(work);
	if (launcher_keep_place(dirs->launcher, &task, &err) < 0)
		log_warn("'%s' stays with its task's user: %s", work->path, err.text);
}

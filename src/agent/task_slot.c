/*
 * task_slot.c - the user of its own that a task has where there is a launcher, from before its
 * work directory is made until nothing of that user is left on this host.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <sys/wait.h>

#include "agent/launcher.h"
#include "agent/shelters.h"
#include "agent/task_struct.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"

enum { CLEAN_AGAIN_MS = 5000 };

#define AT(task) LOG_AT_TASK((task)->id_text)

int
task_take_slot(struct task *task, struct err *err)
{
	struct tasks *tasks = task->tasks;

	if (tasks->settings.launcher == NULL || task->slot >= 0)
		return 0;
	if (slot_users_take(&tasks->slot_users, shelters_is_open(tasks->shelters, task->resource_class),
			    task->dir_fd, &task->slot, err) < 0)
		return err->code;
	task->work.slot = task->slot;
	log_line(LOG_DEBUG, AT(task), "its user is %u",
		 (unsigned)launcher_uid(tasks->settings.launcher, (uint32_t)task->slot));
	return 0;
}

int
task_find_slot(struct task *task, struct err *err)
{
	struct tasks *tasks = task->tasks;
	struct err wrong = ERR_INIT;
	int rc = 0;

	if (tasks->settings.launcher != NULL)
		rc = slot_users_find(&tasks->slot_users, task->dir_fd, &task->slot, &wrong);
	if (rc == ERR_INPUT)
		log_line(LOG_WARN, AT(task), "%s: what it leaves on this host is not cleaned away",
			 wrong.text);
	else if (rc < 0)
		*err = wrong;
	return rc == ERR_INPUT ? 0 : rc;
}

bool
task_is_user(const struct task *task, uid_t uid)
{
	return task->slot < 0 ||
	       uid == launcher_uid(task->tasks->settings.launcher, (uint32_t)task->slot);
}

void
task_kill_slot(struct task *task)
{
	struct err err = ERR_INIT;

	if (task->slot >= 0 &&
	    launcher_kill_slot(task->tasks->settings.launcher, (uint32_t)task->slot, &err) < 0)
		log_line(LOG_WARN, AT(task), "%s", err.text);
}

static void
clean_again(struct task *task, const char *why)
{
	log_line(LOG_WARN, AT(task), "%s; its slot stays closed, looking again in %d ms", why,
		 CLEAN_AGAIN_MS);
	timer_start_ms(&task->timer, CLEAN_AGAIN_MS);
}

static void
on_clean_exit(void *arg, int status, const struct rusage *usage)
{
	struct task *task = arg;
	int exit = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	(void)usage;
	OBJ_CHECK(task, TASK_MAGIC);
	if (exit == LAUNCHER_EXIT_LEFT) {
		clean_again(task, "processes of its user cannot be ended");
		return;
	}
	if (exit != 0 && exit != LAUNCHER_EXIT_FILES) {
		clean_again(task, "what its user has left could not be looked for");
		return;
	}
	if (exit == LAUNCHER_EXIT_FILES)
		log_line(LOG_WARN, AT(task), "files of its user could not be deleted");
	slot_users_give(&task->tasks->slot_users, task->dir_fd, task->slot);
	task->slot = -1;
	task->cleaning = false;
	task_leave(task);
	task_want(task);
}

bool
task_slot_is_clean(struct task *task)
{
	const struct launcher_child child = {&task->cleaner, on_clean_exit, task};
	struct err err = ERR_INIT;

	if (task->slot < 0)
		return true;
	task->cleaning = true;
	if (child_is_running(&task->cleaner) || timer_is_on(&task->timer))
		return false;
	if (launcher_clean_slot(task->tasks->settings.launcher, (uint32_t)task->slot, &child,
				&err) < 0)
		clean_again(task, err.text);
	return false;
}

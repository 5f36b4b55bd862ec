/*
 * task_cgroup.c - a task's control group: entered by its steps, asked at their end, gone with the task.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "agent/ceilings.h"
#include "agent/cgroup.h"
#include "agent/cgroup_tree.h"
#include "agent/quota.h"
#include "agent/slots.h"
#include "agent/task_struct.h"
#include "base/err.h"
#include "base/log.h"
#include "task/mask.h"

enum {
	LEAVE_AGAIN_MS = 20,
	LEAVE_LATER_MS = 1000,
	LEAVE_LONG_US = 5000000, /* so long nothing is said of those that are still ending */
};

static struct limits
limits_of(const struct task *task)
{
	const struct tasks_hooks *hooks = &task->tasks->hooks;
	struct limits limits = {.memory_bytes = 0};

	if (hooks->on_limits != NULL)
		hooks->on_limits(hooks->arg, task, &limits);
	return limits;
}

uint64_t
task_memory_most(const struct task *task)
{
	return limits_of(task).memory_bytes;
}

uint64_t
task_disk_most(const struct task *task)
{
	return limits_of(task).disk_bytes;
}

void
task_choose_ceilings(const struct task *task, struct ceilings *ceilings)
{
	const struct limits limits = limits_of(task);

	ceilings_choose(ceilings, &limits, task->tasks->settings.cgroups, task->slot >= 0);
}

int
task_open_cgroup(struct task *task, struct err *err)
{
	struct tasks *tasks = task->tasks;
	struct limits limits;

	if (tasks->settings.cgroups == NULL || task->cgroup != NULL)
		return 0;
	limits = limits_of(task);
	return cgroup_new(&task->cgroup, tasks->settings.cgroups, task->id_text, &limits, err);
}

int
task_move_supervisor(struct task *task, struct err *err)
{
	const struct tasks_settings *settings = &task->tasks->settings;

	if (settings->cgroups == NULL || settings->launcher != NULL)
		return 0;
	if (cgroup_tree_adopt(settings->cgroups, supervisor_pid(&task->supervisor), err) == 0)
		return 0;
	supervisor_kill(&task->supervisor);
	supervisor_release(&task->supervisor);
	return err->code;
}

int
task_enter_cgroup(struct task *task, const struct step *step, int *fd, struct err *err)
{
	bool as_other = task->tasks->settings.launcher != NULL;

	if (task->cgroup == NULL)
		return 0;
	return cgroup_enter(task->cgroup, step->index, step->attempt, as_other, fd, err);
}

/* Of a task that has ended, and is kept or has hooks still, the group is made again. */
int
task_enter_cgroup_beside(struct task *task, const char *name, bool as_other, int *fd,
			 struct err *err)
{
	*fd = -1;
	if (task_open_cgroup(task, err) < 0)
		return err->code;
	return task->cgroup == NULL ? 0 : cgroup_enter_beside(task->cgroup, name, as_other, fd, err);
}

/* The kernel knows better than wait(2): processes that nobody waited for are in its count. */
static void
take_usage(struct task *task, const struct step *step, struct journal_record *record)
{
	struct cgroup_usage usage;

	if (task->cgroup == NULL || !cgroup_measure(task->cgroup, step->index, step->attempt, &usage))
		return;
	record->user_us = usage.user_us;
	record->system_us = usage.system_us;
	record->peak_bytes = usage.peak_bytes;
	record->read_bytes = usage.read_bytes;
	record->write_bytes = usage.write_bytes;
}

void
task_account_step(struct task *task, const struct step *step, struct journal_record *record)
{
	struct ceilings ceilings;

	take_usage(task, step, record);
	if (record->outcome != OUTCOME_FAILED || record->reason[0] != '\0')
		return;
	if (task->cgroup != NULL &&
	    cgroup_explain(task->cgroup, step->index, step->attempt, record->reason, sizeof(record->reason))) {
		mask_text(task->mask, record->reason);
		return;
	}
	if (task->tasks->work_dirs.holds_disk && task_disk_most(task) > 0 &&
	    quota_explain(task->work.path, record->reason, sizeof(record->reason)))
		return;
	task_choose_ceilings(task, &ceilings);
	(void)ceilings_explain(&ceilings, record->max_rss_bytes, record->reason, sizeof(record->reason));
}

bool
task_leave_cgroup(struct task *task)
{
	uint64_t now = loop_now_us(task->tasks->loop), since = task->leaving_us;
	bool late;

	if (task->cgroup == NULL)
		return true;
	if (cgroup_remove(task->cgroup)) {
		cgroup_free(task->cgroup);
		task->cgroup = NULL;
		task->leaving_us = 0;
		return true;
	}
	if (since == 0)
		task->leaving_us = since = now;
	late = now - since > LEAVE_LONG_US;
	if (late && !task->work.doubtful)
		log_line(LOG_WARN, LOG_AT_TASK(task->id_text),
			 "processes are left in its control group that do not end, though they were killed: its slot stays closed until they are gone");
	task->work.doubtful |= late;
	timer_start_ms(&task->timer, late ? LEAVE_LATER_MS : LEAVE_AGAIN_MS);
	return false;
}

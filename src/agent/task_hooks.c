/*
 * task_hooks.c - which hooks of the administrator's run around a task, and what they come to.
 *
 * pre-job runs once runner-init is there and before the first step; on-failure and post-job, in
 * this order, when no process of the task is left, while its slot is still taken. Each start is a
 * letter in the task's file STATE_HOOKS_NAME first, so that a later runnerd knows of it: pre-job
 * is run again then and told so, the others are not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent/job_hook.h"
#include "agent/state_version.h"
#include "agent/task_struct.h"
#include "base/assert.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "runner/state_dir.h"
#include "task/names.h"
#include "task/task_doc.h"

#define AT(task) LOG_AT_TASK((task)->id_text)

enum { STARTS_MOST = 256, VARIABLES_MOST = 24 };

/* In the order of their running. */
static const struct kind {
	const char *name;
	char letter;
} kinds[] = {{"pre-job", 'p'}, {"on-failure", 'f'}, {"post-job", 'e'}};

enum { PRE_JOB, ON_FAILURE, POST_JOB, KIND_COUNT };

/* --- what a run is told -------------------------------------------------------------------------
 */

struct environment {
	char *vars[VARIABLES_MOST + 1];
	size_t count;
};

static void
put(struct environment *environment, const char *name, const char *value)
{
	assert(environment->count < VARIABLES_MOST);
	if (value != NULL)
		environment->vars[environment->count++] = mem_printf("%s=%s", name, value);
}

static void
put_number(struct environment *environment, const char *name, uint64_t value)
{
	char room[24];

	(void)snprintf(room, sizeof(room), "%llu", (unsigned long long)value);
	put(environment, name, room);
}

static void
put_document(struct environment *environment, const struct task_doc *doc)
{
	put_number(environment, "RUNNER_JOB_NUMBER", doc->job_number);
	put(environment, "RUNNER_PROJECT", doc->project_slug);
	put(environment, "RUNNER_WORKFLOW", doc->workflow_name);
	put_number(environment, "RUNNER_NODE_INDEX", doc->node_index);
	put_number(environment, "RUNNER_NODE_TOTAL", doc->node_total);
	put(environment, "RUNNER_BRANCH", doc->source.branch);
	put(environment, "RUNNER_TAG", doc->source.tag);
	put(environment, "RUNNER_REVISION", doc->source.revision);
}

/* Neither the job's variables nor ours, which may hold secrets: chosen ones. */
static void
fill(struct environment *environment, const struct task *task, const struct kind *kind,
     unsigned attempt)
{
	put(environment, "PATH", getenv("PATH"));
	put(environment, "HOME", getenv("HOME"));
	put(environment, "LANG", getenv("LANG"));
	put(environment, "RUNNER_HOOK", kind->name);
	put_number(environment, "RUNNER_HOOK_ATTEMPT", attempt);
	put(environment, "RUNNER_TASK_ID", task->id_text);
	put(environment, "RUNNER_JOB_NAME", task->job_name);
	put(environment, "RUNNER_RESOURCE_CLASS", task->resource_class);
	put(environment, "RUNNER_WORK_DIR", task->work.path);
	if (task->doc != NULL)
		put_document(environment, task->doc);
	if (task->state == TASK_DONE) {
		put(environment, "RUNNER_OUTCOME", outcome_name(task->outcome));
		put(environment, "RUNNER_REASON", task->reason);
	}
}

/* --- which have begun ---------------------------------------------------------------------------
 */

static int
count_starts(const struct task *task, char letter, unsigned *count, struct err *err)
{
	LOCAL_FD fd = openat(task->dir_fd, STATE_HOOKS_NAME, O_RDONLY | O_CLOEXEC);
	char letters[STARTS_MOST + 1];
	const char *at = letters;
	ssize_t n = 0;

	*count = 0;
	if (fd >= 0)
		n = read(fd, letters, STARTS_MOST);
	if (n < 0)
		return err_sys(err, "cannot read which hooks of the task have begun");
	letters[n] = '\0';
	if (state_version_check_text(STATE_HOOKS_NAME, &at, HOOKS_VERSION, err) < 0)
		return err->code;
	for (; *at != '\0'; at++)
		*count += *at == letter;
	return 0;
}

int
task_check_hooks(const struct task *task, struct err *err)
{
	unsigned any;

	return count_starts(task, kinds[PRE_JOB].letter, &any, err);
}

static int
note_start(const struct task *task, const struct kind *kind, struct err *err)
{
	LOCAL_FD fd = openat(task->dir_fd, STATE_HOOKS_NAME,
			     O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, &kind->letter, 1) != 1)
		return err_sys(err, "cannot note that the %s hook begins", kind->name);
	return 0;
}

/* --- one run ------------------------------------------------------------------------------------
 */

static int
start_run(struct task *task, const struct kind *kind, const char *path, unsigned attempt,
	  job_hook_end_fn *on_end, struct err *err)
{
	const struct tasks_settings *settings = &task->tasks->settings;
	struct environment environment = {.count = 0};
	struct job_hook_spec spec = {.path = path,
				     .name = kind->name,
				     .task = task->id_text,
				     .envp = environment.vars,
				     .timeout_ms = settings->hook_timeout_ms,
				     .grace_ms = settings->grace_ms};
	int rc = task_enter_cgroup_beside(task, "hook", true, &spec.cgroup_fd, err);

	if (rc == 0)
		rc = note_start(task, kind, err);
	fill(&environment, task, kind, attempt);
	if (rc == 0)
		rc = job_hook_start(&task->hook, task->tasks->loop, &spec, on_end, task, err);
	if (spec.cgroup_fd >= 0)
		(void)close(spec.cgroup_fd);
	while (environment.count > 0)
		free(environment.vars[--environment.count]);
	if (rc == 0)
		log_line(LOG_INFO, AT(task), "%s hook started", kind->name);
	return rc;
}

/* 1 when it runs, 0 when there is none. */
static int
begin(struct task *task, const struct kind *kind, job_hook_end_fn *on_end, struct err *err)
{
	char path[PATH_MAX];
	unsigned begun = 0;
	int rc = 0;

	if (task->tasks->settings.hooks_dir != NULL)
		rc = job_hook_find(path, task->tasks->settings.hooks_dir, kind->name, err);
	if (rc <= 0)
		return rc;
	rc = count_starts(task, kind->letter, &begun, err);
	if (rc == 0 && begun > 0 && kind != &kinds[PRE_JOB]) {
		log_line(LOG_WARN, AT(task),
			 "the %s hook had begun under an earlier runnerd: it is not run again",
			 kind->name);
		return 0;
	}
	if (rc == 0 && begun > 0)
		log_line(LOG_WARN, AT(task),
			 "the %s hook had begun under an earlier runnerd: attempt %u", kind->name,
			 begun + 1);
	if (rc == 0)
		rc = start_run(task, kind, path, begun + 1, on_end, err);
	return rc < 0 ? rc : 1;
}

static void
drop(struct task *task)
{
	job_hook_free(task->hook);
	task->hook = NULL;
}

/* --- before the first step ----------------------------------------------------------------------
 */

static void
on_pre_job_end(void *arg, const char *reason)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	if (reason != NULL)
		task_judge(task, OUTCOME_INFRA_FAIL, reason);
	drop(task);
	task_want(task);
}

bool
task_pre_job(struct task *task)
{
	struct err err = ERR_INIT;
	int rc;

	if (task->hook != NULL)
		return false;
	if (task->pre_job_begun)
		return true;
	task->pre_job_begun = true;
	rc = begin(task, &kinds[PRE_JOB], on_pre_job_end, &err);
	if (rc < 0)
		task_judge(task, OUTCOME_INFRA_FAIL, err.text);
	return rc == 0;
}

bool
task_stop_hook(struct task *task)
{
	job_hook_stop(task->hook);
	return task->hook == NULL;
}

/* --- after the last -----------------------------------------------------------------------------
 */

static void next_hook(struct task *task);

static void
on_late_end(void *arg, const char *reason)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	if (reason != NULL)
		log_line(LOG_WARN, AT(task), "%s", reason);
	drop(task);
	next_hook(task);
	task_want(task);
}

static bool
is_due(const struct task *task, size_t kind)
{
	if (kind == POST_JOB)
		return true;
	return task->outcome == OUTCOME_FAILED || task->outcome == OUTCOME_TIMEDOUT ||
	       task->outcome == OUTCOME_INFRA_FAIL;
}

static void
next_hook(struct task *task)
{
	struct err err = ERR_INIT;
	int rc;

	while (task->prepared && task->next_hook < KIND_COUNT) {
		const struct kind *kind = &kinds[task->next_hook];

		if (!is_due(task, task->next_hook++))
			continue;
		rc = begin(task, kind, on_late_end, &err);
		if (rc > 0)
			return;
		if (rc < 0)
			log_line(LOG_WARN, AT(task), "%s", err.text);
		err = (struct err)ERR_INIT;
	}
	task_leave(task);
}

void
task_post_job(struct task *task)
{
	task->next_hook = ON_FAILURE;
	next_hook(task);
}

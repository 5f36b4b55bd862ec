/*
 * task_news.c - what a task's runner-init tells, and how the two find each other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>
#include <unistd.h>

#include "agent/cpu_list.h"
#include "agent/executor.h"
#include "agent/holding.h"
#include "agent/leftover.h"
#include "agent/recovery.h"
#include "agent/shelters.h"
#include "agent/task_struct.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "task/task_doc.h"

#define AT(task) LOG_AT_TASK((task)->id_text)

static void
on_step_state(void *arg, const struct message_step_state *state, int pipe_fd, int memfd)
{
	struct task *task = arg;
	struct err err = ERR_INIT;
	struct step *step;

	OBJ_CHECK(task, TASK_MAGIC);
	step = task_find_step(task, state->step, state->attempt);
	if (step == NULL && task->doc != NULL && state->step < task->doc->step_count) {
		struct step *current = task->current;

		/* The journal has its end; its survivors may print on. */
		step = task_add_step(task, state->step, state->attempt);
		step->ended = step->exited = step->drained = true;
		task->current = current;
	}
	if (step == NULL) {
		log_line(LOG_WARN, AT(task), "runner-init holds step %u, which the task has not",
			 state->step);
		if (pipe_fd >= 0)
			(void)close(pipe_fd);
		if (memfd >= 0)
			(void)close(memfd);
		return;
	}
	step->told = true;
	if (step_adopt(step, pipe_fd, memfd, &err) < 0)
		task_judge(task, OUTCOME_INFRA_FAIL, err.text);
	else if (step->stopping != OUTCOME_NONE && !step->exited)
		step_stop_again(step);
}

/* What the journal says has begun and runner-init does not hold never reached it. */
static void
ask_untold_steps(struct task *task)
{
	struct step *step, *next;

	for (step = task->steps; step != NULL; step = next) {
		next = step->next;
		if (!step->told && !step->exited && !step->started)
			task_ask_step(task, step);
		step->told = false;
	}
}

static void
on_ready(void *arg)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	task_lose_sessions(task, "the connection to runner-init was lost");
	if (!task->fresh) {
		task->sheltered = supervisor_is_sheltered(&task->supervisor);
		ask_untold_steps(task);
	}
	task->fresh = false;
	task->ready = true;
	recovery_settle(task);
	task_want(task);
}

static void
on_step_started(void *arg, const struct message_step_started *started, int pipe_fd)
{
	struct task *task = arg;
	struct step *step;

	OBJ_CHECK(task, TASK_MAGIC);
	step = task_find_step(task, started->step, started->attempt);
	if (step != NULL)
		step_note_started(step, pipe_fd);
	else
		(void)close(pipe_fd);
}

static void
on_session_started(void *arg, uint32_t session, const int *fds, size_t fd_count)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	task_session_started(task, session, fds, fd_count);
}

/* Is it the host's fault, and not that of what the step asks for? */
static bool
is_of_host(uint32_t what)
{
	return what != FAULT_EXEC && what != FAULT_CWD_MAKE && what != FAULT_CWD_ENTER &&
	       what != FAULT_ROOM;
}

static void
on_step_failed(void *arg, const struct message_step_failed_to_start *failed)
{
	struct task *task = arg;
	char sentence[RUNNER_REASON_BYTES];
	struct step *step;

	OBJ_CHECK(task, TASK_MAGIC);
	if (failed->attempt == SUPERVISOR_SESSION_ATTEMPT) {
		task_session_failed(task, failed);
		return;
	}
	step = task_find_step(task, failed->step, failed->attempt);
	if (step == NULL)
		return;
	task_fault_sentence(sentence, task, step, failed);
	step_note_failed(step, sentence, is_of_host(failed->what));
}

static void
on_step_exited(void *arg, const struct message_step_exited *exited)
{
	struct task *task = arg;
	struct step *step;

	OBJ_CHECK(task, TASK_MAGIC);
	if (exited->attempt == SUPERVISOR_SESSION_ATTEMPT) {
		task_session_exited(task, exited);
		return;
	}
	step = task_find_step(task, exited->step, exited->attempt);
	if (step != NULL)
		step_note_exited(step, exited);
}

static void
on_empty(void *arg, uint32_t left)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	if (left > 0)
		log_line(LOG_WARN, AT(task), "%u processes could not be ended", left);
	task->work.doubtful |= left > 0;
	task->empty = task->kill_sent;
	task_want(task);
}

/* It answers, and is waited for. */
static void
wait_for_stuck(struct task *task)
{
	if (task->answer_due_us != 0)
		task_expect_answer(task, 0);
	task->work.doubtful = true;
	if (task->stuck)
		return;
	task->stuck = true;
	task->tasks->stuck++;
	log_line(LOG_WARN, AT(task),
		 "processes that were killed do not end, they sleep uninterruptibly: its slot stays closed until they are gone");
}

static void
on_error(void *arg, const struct message_error *error)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	if (error->what == FAULT_STUCK) {
		wait_for_stuck(task);
		return;
	}
	log_line(LOG_WARN, AT(task), "runner-init cannot %s%s%s",
		 message_fault_sentence(error->what), error->sys != 0 ? ": " : "",
		 error->sys != 0 ? strerror((int)error->sys) : "");
}

static void
on_gone(void *arg, const char *reason)
{
	struct task *task = arg;
	unsigned killed = 0;

	OBJ_CHECK(task, TASK_MAGIC);
	recovery_settle(task);
	if (task->state == TASK_PREPARING && !task->ready && task_prepare(task))
		return;	      /* the one that was found was on its way out; nothing has run yet */
	task_lose_sessions(task, "the task has ended");
	task->wanting = true; /* the steps are walked through: nothing may end the task meanwhile */
	if (reason != NULL && task->slot >= 0)
		task_kill_slot(task);
	else if (reason != NULL && !supervisor_has_namespace(&task->supervisor) && task->has_work)
		killed = leftover_kill(task->work.path);
	if (killed > 0)
		log_line(LOG_WARN, AT(task), "killed %u processes that runner-init left behind",
			 killed);
	if (reason != NULL) {
		task->work.doubtful = true;
		log_line(LOG_WARN, AT(task), "%s", reason);
		task_judge(task, OUTCOME_INFRA_FAIL, reason);
		task_lose_steps(task, reason);
	}
	task->wanting = false;
	task_want(task);
}

static void
on_stuck(void *arg)
{
	struct task *task = arg;

	OBJ_CHECK(task, TASK_MAGIC);
	task_kill_slot(task);
}

static const struct supervisor_hooks hooks_of_supervisor = {
	.on_step_state = on_step_state,
	.on_ready = on_ready,
	.on_step_started = on_step_started,
	.on_session_started = on_session_started,
	.on_step_failed = on_step_failed,
	.on_step_exited = on_step_exited,
	.on_empty = on_empty,
	.on_error = on_error,
	.on_gone = on_gone,
	.on_stuck = on_stuck,
};

bool
task_prepare(struct task *task)
{
	struct supervisor_hooks hooks = hooks_of_supervisor;
	struct tasks *tasks = task->tasks;
	struct executor *executor = shelters_executor(tasks->shelters, task->resource_class);
	struct executor_start how = {.dir_fd = task->dir_fd,
				     .task = &task->id,
				     .orphan_ms = tasks->settings.orphan_ms,
				     .shelter_fd = -1,
				     .probe_fd = -1};
	const struct shelter_task sheltered = {
		.work = &task->work,
		.source = task->doc->source.kind == SOURCE_DIRECTORY ? task->doc->source.path : NULL,
		.memory_bytes = task_memory_most(task)};
	struct err err = ERR_INIT;
	int rc;
	char cpus[CPU_LIST_MOST_BYTES];

	hooks.arg = task;
	hooks.task = task->id_text;
	how.cpu_list = holding_what(task->holding, HOLDING_CPUS, cpus, sizeof(cpus));
	supervisor_release(&task->supervisor);
	task->ready = task->fresh = true;
	rc = task_take_slot(task, &err);
	if (rc == 0)
		rc = task_open_cgroup(task, &err);
	task->work.disk_bytes = task_disk_most(task);
	if (rc == 0)
		rc = work_dir_make(&task->work, &tasks->work_dirs, &err);
	if (rc == 0)
		rc = shelters_prepare(tasks->shelters, task->resource_class, &sheltered, &how, &err);
	how.slot = task->slot;
	if (rc == 0)
		rc = supervisor_start(&task->supervisor, tasks->loop, executor, &how, &hooks, &err);
	if (rc == 0)
		rc = task_move_supervisor(task, &err);
	task->sheltered = how.shelter_fd >= 0 && executor->shelters(executor);
	if (how.shelter_fd >= 0)
		(void)close(how.shelter_fd);
	if (rc < 0)
		task_judge(task, OUTCOME_INFRA_FAIL, err.text);
	return rc == 0;
}

int
task_find_supervisor(struct task *task, struct err *err)
{
	struct supervisor_hooks hooks = hooks_of_supervisor;

	hooks.arg = task;
	hooks.task = task->id_text;
	return supervisor_find(&task->supervisor, task->tasks->loop, task->dir_fd, &hooks, err);
}

/*
 * task.c - the life of steps: started, signaled, reaped, forgotten.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/task.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "supervisor/clock.h"
#include "supervisor/launch.h"
#include "supervisor/network.h"
#include "wire/record.h"

/* The oldest goes when there are too many, which only faults of our own can bring about. */
static void
add_answer(struct task *task, const struct message *answer)
{
	if (task->answer_count == TASK_ANSWERS_MOST) {
		task->answer_count--;
		memmove(task->answers, task->answers + 1,
			task->answer_count * sizeof(task->answers[0]));
	}
	task->answers[task->answer_count++] = *answer;
}

void
task_error(struct task *task, enum supervisor_fault what, int sys, uint32_t step)
{
	struct message answer = {.type = MESSAGE_ERROR};

	answer.error = (struct message_error){.what = what, .sys = (uint32_t)sys, .step = step};
	add_answer(task, &answer);
}

void
task_refuse_step(struct task *task, const struct message_start_step *start,
		 enum supervisor_fault what, int sys)
{
	struct message answer = {.type = MESSAGE_STEP_FAILED_TO_START};

	answer.step_failed_to_start = (struct message_step_failed_to_start){
		.step = start->step, .attempt = start->attempt, .what = what, .sys = (uint32_t)sys};
	add_answer(task, &answer);
}

uint64_t
task_grace_ms(const struct task *task, uint32_t stated_ms)
{
	if (stated_ms == SUPERVISOR_NO_GRACE)
		return 0;
	return stated_ms == 0 ? task->grace_ms : stated_ms;
}

static void
append_record(struct task *task, struct record *record, uint32_t step)
{
	int sys = journal_append(&task->journal, record);

	if (sys != 0)
		task_error(task, FAULT_RECORD, sys, step);
}

/* --- start ---------------------------------------------------------------------------- */

static void
step_failed(struct task *task, struct step *step, enum supervisor_fault what, int sys)
{
	struct record record = {.type = RECORD_STEP_FAILED};

	step->failed = (struct message_step_failed_to_start){
		.step = step->step, .attempt = step->attempt, .what = what, .sys = (uint32_t)sys};
	step_enter(step, INIT_STEP_FAILED);
	step->owes = STEP_OWES_END;
	record.failed = step->failed;
	if (!step->is_session)
		append_record(task, &record, step->step);
}

static void
step_started(struct step *step, const struct message_start_step *start,
	     const struct launched *launched, int memfd)
{
	step_enter(step, INIT_STEP_RUNNING);
	step->pid = launched->pid;
	if (step->is_session) {
		memcpy(step->session_fds, launched->fds, sizeof(step->session_fds));
		step->session_fd_count = launched->fd_count;
	} else {
		step->pipe_fd = launched->fds[0];
	}
	step->memfd = memfd;
	step->owes = STEP_OWES_STARTED;
	if (start->deadline_ms > 0)
		step->due_ms = clock_now_ms() + start->deadline_ms;
}

void
task_start_step(struct task *task, const struct message_start_step *start,
		const struct message_start_session *session, const int *fds, size_t fd_count)
{
	struct step *step = steps_room(&task->steps);
	int memfd = session == NULL ? fds[1] : -1;
	struct launch request = {.start = start,
				 .session = session,
				 .spec_fd = fds[0],
				 .cgroup_fd = start->flags & START_IN_CGROUP ? fds[fd_count - 1] : -1,
				 .reset_oom = (task->flags & HELLO_OOM_PROTECTED) != 0,
				 .dies_with_us = (task->flags & HELLO_PID_NAMESPACE) == 0};
	struct launched launched;
	enum supervisor_fault what;

	if (step == NULL) {
		task_refuse_step(task, start, FAULT_ROOM, 0);
		(void)close(memfd);
		return;
	}
	*step = (struct step){.step = start->step,
			      .attempt = start->attempt,
			      .flags = start->flags,
			      .grace_ms = start->grace_ms,
			      .pipe_fd = -1,
			      .memfd = -1,
			      .is_session = session != NULL,
			      .started_ms = clock_unix_ms()};
	what = launch(&request, &launched);
	if (what == FAULT_NONE) {
		step_started(step, start, &launched, memfd);
	} else {
		(void)close(memfd);
		step_failed(task, step, what, launched.sys);
	}
}

/* --- signals -------------------------------------------------------------------------- */

void
task_signal_step(struct task *task, struct step *step, int signo, enum step_why why)
{
	if (kill(-step->pid, signo) != 0 && errno != ESRCH)
		task_error(task, FAULT_SIGNAL, errno, step->step);
	if (signo != SIGTERM && signo != SIGKILL)
		return;
	if (step->why == STEP_ENDED_BY_ITSELF)
		step->why = why;
	if (signo == SIGKILL) {
		step->due_ms = 0;
		if (step->state != INIT_STEP_KILLED)
			step_enter(step, INIT_STEP_KILLED);
		return;
	}
	(void)kill(-step->pid, SIGCONT); /* a stopped process takes no TERM */
	if (step->state == INIT_STEP_RUNNING)
		step_enter(step, INIT_STEP_TERMINATING);
}

/* Its deadline has passed, or the grace after TERM. */
static void
step_is_due(struct task *task, struct step *step, uint64_t now_ms)
{
	uint64_t grace_ms = task_grace_ms(task, step->grace_ms);

	if (step->state == INIT_STEP_RUNNING && grace_ms > 0) {
		task_signal_step(task, step, SIGTERM, STEP_ENDED_BY_DEADLINE);
		step->due_ms = now_ms + grace_ms;
	} else {
		task_signal_step(task, step, SIGKILL, STEP_ENDED_BY_DEADLINE);
	}
}

/* --- ends ----------------------------------------------------------------------------- */

static uint64_t
microseconds(const struct timeval *time)
{
	return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

static void
step_exited(struct task *task, struct step *step, int status, const struct rusage *usage)
{
	struct record record = {.type = RECORD_STEP_EXITED};

	step->exited = (struct message_step_exited){.step = step->step,
						    .attempt = step->attempt,
						    .status = (uint32_t)status,
						    .why = step->why,
						    .started_ms = step->started_ms,
						    .ended_ms = clock_unix_ms(),
						    .utime_us = microseconds(&usage->ru_utime),
						    .stime_us = microseconds(&usage->ru_stime),
						    .maxrss_kib = (uint64_t)usage->ru_maxrss,
						    .in_blocks = (uint64_t)usage->ru_inblock,
						    .out_blocks = (uint64_t)usage->ru_oublock};
	step_enter(step, INIT_STEP_EXITED);
	step->due_ms = 0;
	if (step->is_abandoned) {
		step_forget(step);
		return;
	}
	step->owes |= STEP_OWES_END;
	record.exited = step->exited;
	if (!step->is_session)
		append_record(task, &record, step->step);
}

/*
 * A step that was told to end takes its process group along: what ignores TERM would stay. The
 * zombie still holds the group's number, so it is nobody else's.
 */
static void
reap_one(struct task *task, pid_t pid)
{
	struct step *step = steps_find_pid(&task->steps, pid);
	struct rusage usage;
	int status;

	if (step != NULL && step->state != INIT_STEP_RUNNING)
		(void)kill(-pid, SIGKILL);
	if (wait4(pid, &status, WNOHANG, &usage) != pid)
		return;
	if (step != NULL)
		step_exited(task, step, status, &usage);
	else if (network_lost(pid) && task->sweep.state == SWEEP_NONE)
		task_error(task, FAULT_OUTSIDE, 0, SUPERVISOR_NO_STEP);
}

bool
task_reap(struct task *task)
{
	siginfo_t found;

	for (;;) {
		memset(&found, 0, sizeof(found));
		if (waitid(P_ALL, 0, &found, WEXITED | WNOHANG | WNOWAIT) != 0)
			return errno != ECHILD;
		if (found.si_pid == 0)
			return true;
		reap_one(task, found.si_pid);
	}
}

/* --- clock ---------------------------------------------------------------------------- */

void
task_tick(struct task *task, uint64_t now_ms)
{
	struct step *step = NULL;

	if (task->sweep.state == SWEEP_NONE)
		while ((step = steps_next(&task->steps, step)) != NULL)
			if (step->due_ms != 0 && step->due_ms <= now_ms)
				step_is_due(task, step, now_ms);
	if (task->orphan_due_ms != 0 && task->orphan_due_ms <= now_ms) {
		task->orphan_due_ms = 0;
		/* A policy of 0 is that of runs nothing of which may survive: no time to go in good order, either. */
		sweep_end_task(task, task->orphan_ms == 0 ? 0 : task->grace_ms, SUPERVISOR_END_ORPHANED);
	}
	if (task->retry_ms != 0 && task->retry_ms <= now_ms)
		task->retry_ms = 0;
}

uint64_t
task_next_ms(const struct task *task)
{
	uint64_t next_ms = clock_earlier(task->orphan_due_ms, task->retry_ms);
	size_t i;

	if (task->sweep.state == SWEEP_NONE)
		for (i = 0; i < task->steps.used; i++)
			next_ms = clock_earlier(next_ms, task->steps.slots[i].due_ms);
	return clock_earlier(next_ms, sweep_next_ms(&task->sweep));
}

/* --- agent ---------------------------------------------------------------------------- */

void
task_agent_came(struct task *task)
{
	struct step *step = NULL;

	task->orphan_due_ms = 0;
	task->retry_ms = 0;
	task->owes |= TASK_OWES_HELLO;
	sessions_abandon(task);
	while ((step = steps_next(&task->steps, step)) != NULL) {
		if (step->is_session)
			continue;
		step->owes = STEP_OWES_STATE;
		if (!step_is_alive(step))
			step->owes |= STEP_OWES_END;
	}
}

void
task_agent_went(struct task *task, uint64_t now_ms)
{
	sessions_abandon(task);
	if (task->orphan_ms != SUPERVISOR_ORPHAN_FOREVER)
		task->orphan_due_ms = now_ms + task->orphan_ms;
}

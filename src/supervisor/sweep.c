/*
 * sweep.c - the end of every process of the task but our own.
 *
 * TERM to all, KILL when the grace is over, and KILL again until there is no child left:
 * whatever loses its parent becomes our child, so "no child" is "nobody". A process that
 * belongs to another user now may refuse; it is given up after a time, and counted. One that
 * takes KILL and does not end sleeps uninterruptibly: it is waited for as long as it does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/task.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>

#include "supervisor/clock.h"
#include "supervisor/descent.h"
#include "wire/record.h"

enum { AGAIN_MS = 50 };

/* Where there is no child there is no descendant, and no need to look through /proc. */
static bool
any_child(void)
{
	siginfo_t found;

	return waitid(P_ALL, 0, &found, WEXITED | WNOHANG | WNOWAIT) == 0 || errno != ECHILD;
}

static void
signal_all(struct task *task, int signo)
{
	struct descent_count count = {0, 0};
	int sys = 0;

	if (!any_child())
		return;
	if (task->flags & HELLO_PID_NAMESPACE) {
		if (kill(-1, signo) != 0 && errno != ESRCH)
			sys = errno;
		if (signo == SIGTERM)
			(void)kill(-1, SIGCONT); /* a stopped process takes no TERM */
	} else {
		sys = descent_signal(signo, &count);
	}
	if (sys != 0)
		task_error(task, FAULT_PROC, sys, SUPERVISOR_NO_STEP);
	task->sweep.left = count.refused;
}

static void
mark_steps(struct task *task, enum init_step to)
{
	struct step *step = NULL;

	while ((step = steps_next(&task->steps, step)) != NULL) {
		if (!step_is_alive(step) || step->state >= to)
			continue;
		step_enter(step, to);
		if (step->why == STEP_ENDED_BY_ITSELF)
			step->why = STEP_ENDED_BY_REQUEST;
	}
}

static void
begin_kill(struct task *task, uint64_t now_ms)
{
	task->sweep.state = SWEEP_KILL;
	task->sweep.due_ms = now_ms + SUPERVISOR_GIVE_UP_MS;
	task->sweep.again_ms = now_ms + AGAIN_MS;
	task->sweep.stuck_ms = now_ms + SUPERVISOR_STUCK_MS;
	mark_steps(task, INIT_STEP_KILLED);
	signal_all(task, SIGKILL);
}

static void
begin_term(struct task *task, uint64_t now_ms, uint64_t grace_ms)
{
	task->sweep.state = SWEEP_TERM;
	task->sweep.due_ms = now_ms + grace_ms;
	mark_steps(task, INIT_STEP_TERMINATING);
	signal_all(task, SIGTERM);
	sessions_kill(task);
}

void
sweep_start(struct task *task, uint64_t grace_ms)
{
	uint64_t now_ms = clock_now_ms();

	if (task->sweep.state == SWEEP_KILL || task->sweep.state == SWEEP_DONE)
		return;
	if (grace_ms == 0)
		begin_kill(task, now_ms);
	else if (task->sweep.state == SWEEP_NONE)
		begin_term(task, now_ms, grace_ms);
	else if (now_ms + grace_ms < task->sweep.due_ms)
		task->sweep.due_ms = now_ms + grace_ms;
}

void
sweep_end_task(struct task *task, uint64_t grace_ms, enum supervisor_end reason)
{
	if (!task->sweep.ends_us) {
		task->sweep.ends_us = true;
		task->sweep.reason = reason;
		task->flags |= HELLO_ENDING;
	}
	sweep_start(task, grace_ms);
}

/* Nobody is left, or only those that will not go. */
static void
finish(struct task *task, uint32_t left)
{
	struct record record = {.type = RECORD_END};
	int sys;

	if (left > 0)
		task_error(task, FAULT_LEFT, EPERM, SUPERVISOR_NO_STEP);
	task->owes |= TASK_OWES_EMPTY;
	task->empty_left = left;
	if (!task->sweep.ends_us) {
		task->sweep = (struct sweep){.state = SWEEP_NONE};
		return;
	}
	record.end = (struct record_end){
		.reason = task->sweep.reason, .left = left, .ended_ms = clock_unix_ms()};
	sys = journal_append(&task->journal, &record);
	if (sys != 0)
		task_error(task, FAULT_RECORD, sys, SUPERVISOR_NO_STEP);
	task->sweep.state = SWEEP_DONE;
}

/* Some took one more KILL, and are still there. */
static bool
any_stuck(struct task *task)
{
	struct descent_count count = {0, 0};

	(void)descent_signal(SIGKILL, &count);
	task->sweep.left = count.refused;
	return count.signaled > 0;
}

static void
say_stuck(struct task *task, uint64_t now_ms)
{
	task->sweep.stuck_ms = now_ms + SUPERVISOR_STUCK_MS;
	if (any_stuck(task))
		task_error(task, FAULT_STUCK, 0, SUPERVISOR_NO_STEP);
}

static void
give_up(struct task *task, uint64_t now_ms)
{
	if (any_stuck(task))
		task->sweep.due_ms = now_ms + SUPERVISOR_GIVE_UP_MS;
	else
		finish(task, task->sweep.left > 0 ? task->sweep.left : 1);
}

static void
tick_kill(struct task *task, uint64_t now_ms)
{
	struct sweep *sweep = &task->sweep;

	if (sweep->due_ms <= now_ms) {
		give_up(task, now_ms);
		return;
	}
	if (sweep->again_ms <= now_ms) {
		sweep->again_ms = now_ms + AGAIN_MS;
		signal_all(task, SIGKILL);
	}
	if (sweep->stuck_ms <= now_ms)
		say_stuck(task, now_ms);
}

void
sweep_tick(struct task *task, uint64_t now_ms, bool has_child)
{
	struct sweep *sweep = &task->sweep;

	if (sweep->state == SWEEP_NONE || sweep->state == SWEEP_DONE)
		return;
	if (!has_child)
		finish(task, 0);
	else if (sweep->state == SWEEP_KILL)
		tick_kill(task, now_ms);
	else if (sweep->due_ms <= now_ms)
		begin_kill(task, now_ms);
}

uint64_t
sweep_next_ms(const struct sweep *sweep)
{
	switch (sweep->state) {
	case SWEEP_TERM:
		return sweep->due_ms;
	case SWEEP_KILL:
		return clock_earlier(clock_earlier(sweep->due_ms, sweep->again_ms), sweep->stuck_ms);
	case SWEEP_NONE:
	case SWEEP_DONE:
		break;
	}
	return 0;
}

/*
 * session.c - a person's shell in the task: it begins as a step does, and ends with its agent.
 *
 * Who has a session's terminal is the agent alone; when its connection goes nobody reads or
 * types any more, and no later agent takes it over. So what still runs of it is hung up, and
 * nothing is told of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/task.h"

#include <signal.h>

#include "supervisor/clock.h"

/* Its terminal's foreground has heard by the master's end; a session without a terminal has only this. */
static void
hang_up(struct step *step)
{
	step_close_session(step);
	step->owes = 0;
	step->is_abandoned = true;
	(void)kill(-step->pid, SIGHUP);
	(void)kill(-step->pid, SIGCONT);
	if (step->state != INIT_STEP_RUNNING)
		return;
	step_enter(step, INIT_STEP_TERMINATING);
	step->due_ms = clock_now_ms() + SUPERVISOR_SESSION_GRACE_MS;
}

void
sessions_abandon(struct task *task)
{
	struct step *step = NULL;

	while ((step = steps_next(&task->steps, step)) != NULL) {
		if (!step->is_session || step->is_abandoned)
			continue;
		if (step_is_alive(step))
			hang_up(step);
		else
			step_forget(step);
	}
}

/* An interactive shell takes no TERM, and the end of a task waits for no person. */
void
sessions_kill(struct task *task)
{
	struct step *step = NULL;

	while ((step = steps_next(&task->steps, step)) != NULL)
		if (step->is_session && step_is_alive(step))
			(void)kill(-step->pid, SIGKILL);
}

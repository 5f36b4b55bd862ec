/*
 * tell.c - what the agent is owed, made into messages in the right order.
 *
 * HELLO and the states come first, then for each step its start before its end, then
 * other answers, then EMPTY. A full socket stops the row; the bits say where to go on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/task.h"

#include <string.h>
#include <unistd.h>

#include "supervisor/clock.h"

enum { RETRY_MS = 100 };

/* False: stop for now. */
static bool
send_now(struct task *task, const struct message *message, const int *fds, size_t fd_count)
{
	switch (agent_send(&task->agent, message, fds, fd_count)) {
	case AGENT_SENT:
		return true;
	case AGENT_BUSY:
		task->retry_ms = clock_now_ms() + RETRY_MS;
		break;
	case AGENT_LOST:
	case AGENT_FULL:
		break;
	}
	return false;
}

static unsigned
owed_by_steps(const struct task *task)
{
	unsigned owed = 0;
	size_t i;

	for (i = 0; i < task->steps.used; i++)
		owed |= task->steps.slots[i].owes;
	return owed;
}

bool
tell_is_behind(const struct task *task)
{
	return !task->agent.deaf &&
	       (task->owes & TASK_OWES_HELLO || owed_by_steps(task) & STEP_OWES_STATE ||
		task->answer_count > TASK_ANSWERS_MOST - TASK_ANSWERS_SPARE);
}

bool
tell_wants(const struct task *task)
{
	return task->agent.fd >= 0 && !task->agent.deaf && task->retry_ms == 0 &&
	       (task->owes != 0 || task->answer_count > 0 || owed_by_steps(task) != 0);
}

static bool
tell_hello(struct task *task)
{
	struct message message = {.type = MESSAGE_HELLO};

	if (!(task->owes & TASK_OWES_HELLO))
		return true;
	message.hello = (struct message_hello){.flags = task->flags,
					       .pid = (uint32_t)getpid(),
					       .steps = (uint32_t)steps_count(&task->steps),
					       .orphan_ms = task->orphan_ms,
					       .started_ms = task->started_ms};
	if (!send_now(task, &message, NULL, 0))
		return false;
	task->owes &= ~(unsigned)TASK_OWES_HELLO;
	return true;
}

static bool
tell_state(struct task *task, struct step *step)
{
	struct message message = {.type = MESSAGE_STEP_STATE};
	const int fds[] = {step->pipe_fd, step->memfd};

	message.step_state = (struct message_step_state){.step = step->step,
							 .attempt = step->attempt,
							 .state = step->state,
							 .flags = step->flags,
							 .pid = (uint32_t)step->pid,
							 .started_ms = step->started_ms};
	return send_now(task, &message, fds, step->pipe_fd >= 0 ? 2 : 0);
}

static bool
tell_started(struct task *task, struct step *step)
{
	struct message message = {.type = MESSAGE_STEP_STARTED};

	message.step_started = (struct message_step_started){.step = step->step,
							     .attempt = step->attempt,
							     .pid = (uint32_t)step->pid,
							     .started_ms = step->started_ms};
	if (!step->is_session)
		return send_now(task, &message, &step->pipe_fd, 1);
	if (!send_now(task, &message, step->session_fds, step->session_fd_count))
		return false;
	step_close_session(step);
	return true;
}

static bool
tell_end(struct task *task, struct step *step)
{
	struct message message;

	memset(&message, 0, sizeof(message));
	if (step->state == INIT_STEP_EXITED) {
		message.type = MESSAGE_STEP_EXITED;
		message.step_exited = step->exited;
	} else {
		message.type = MESSAGE_STEP_FAILED_TO_START;
		message.step_failed_to_start = step->failed;
	}
	return send_now(task, &message, NULL, 0);
}

/* What a step can owe, and how it is told. */
static bool
tell_steps(struct task *task, enum step_owes what, bool (*how)(struct task *, struct step *))
{
	struct step *step = NULL;

	while ((step = steps_next(&task->steps, step)) != NULL) {
		if (!(step->owes & what))
			continue;
		if (!how(task, step))
			return false;
		step->owes &= ~(unsigned)what;
	}
	return true;
}

static bool
tell_answers(struct task *task)
{
	while (task->answer_count > 0) {
		if (!send_now(task, &task->answers[0], NULL, 0))
			return false;
		task->answer_count--;
		memmove(task->answers, task->answers + 1,
			task->answer_count * sizeof(task->answers[0]));
	}
	return true;
}

static bool
tell_empty(struct task *task)
{
	struct message message = {.type = MESSAGE_EMPTY, .empty = {.left = task->empty_left}};

	if (!(task->owes & TASK_OWES_EMPTY))
		return true;
	if (!send_now(task, &message, NULL, 0))
		return false;
	task->owes &= ~(unsigned)TASK_OWES_EMPTY;
	return true;
}

void
tell(struct task *task)
{
	if (!tell_wants(task))
		return;
	if (tell_hello(task) && tell_steps(task, STEP_OWES_STATE, tell_state) &&
	    tell_steps(task, STEP_OWES_STARTED, tell_started) &&
	    tell_steps(task, STEP_OWES_END, tell_end) && tell_answers(task))
		(void)tell_empty(task);
}

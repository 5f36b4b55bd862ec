/*
 * command.c - what the agent asks for: one function per message, found in a table.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/task.h"

#include <errno.h>
#include <unistd.h>

#include "supervisor/clock.h"
#include "supervisor/kernel.h"

/* fds[0..n) are this function's; it sets those to -1 that stay open. */
typedef void
command_fn(struct task *task, const struct message *message, int *fds, size_t fd_count);

static void
set_orphan_policy(struct task *task, uint32_t orphan_ms)
{
	task->orphan_ms = orphan_ms;
}

static void
do_start_step(struct task *task, const struct message *message, int *fds, size_t fd_count)
{
	const struct message_start_step *start = &message->start_step;
	size_t expected = start->flags & START_IN_CGROUP ? 3 : 2;

	if ((start->flags & ~(uint32_t)START_FLAGS_ALL) != 0 || fd_count != expected) {
		task_refuse_step(task, start, FAULT_MESSAGE, EINVAL);
		return;
	}
	if (task->sweep.state != SWEEP_NONE) {
		task_refuse_step(task, start, FAULT_ENDING, 0);
		return;
	}
	if (task->shelter_sys != 0) {
		task_refuse_step(task, start, FAULT_SHELTER, task->shelter_sys);
		return;
	}
	if (steps_find(&task->steps, start->step, start->attempt) != NULL) {
		task_refuse_step(task, start, FAULT_TWICE, EEXIST);
		return;
	}
	if (start->orphan_ms != SUPERVISOR_ORPHAN_KEEP)
		set_orphan_policy(task, start->orphan_ms);
	task_start_step(task, start, NULL, fds, fd_count);
	fds[1] = -1; /* the step's now */
}

/* Its number stands for a step's, its attempt is none that a step has. */
static void
do_start_session(struct task *task, const struct message *message, int *fds, size_t fd_count)
{
	const struct message_start_session *session = &message->start_session;
	const struct message_start_step start = {.step = session->session,
						 .attempt = SUPERVISOR_SESSION_ATTEMPT,
						 .flags = session->flags,
						 .uid = session->uid,
						 .gid = session->gid};

	if ((start.flags & ~(uint32_t)START_SESSION_FLAGS_ALL) != 0 ||
	    fd_count != (start.flags & START_IN_CGROUP ? 2 : 1))
		task_refuse_step(task, &start, FAULT_MESSAGE, EINVAL);
	else if (task->sweep.state != SWEEP_NONE)
		task_refuse_step(task, &start, FAULT_ENDING, 0);
	else if (task->shelter_sys != 0)
		task_refuse_step(task, &start, FAULT_SHELTER, task->shelter_sys);
	else if (steps_find(&task->steps, start.step, start.attempt) != NULL)
		task_refuse_step(task, &start, FAULT_TWICE, EEXIST);
	else
		task_start_step(task, &start, session, fds, fd_count);
}

static void
do_signal_step(struct task *task, const struct message *message, int *fds, size_t fd_count)
{
	const struct message_signal_step *wanted = &message->signal_step;
	struct step *step = steps_find(&task->steps, wanted->step, wanted->attempt);

	(void)fds;
	(void)fd_count;
	if (wanted->signo < 1 || wanted->signo > KERNEL_SIGNAL_MOST)
		task_error(task, FAULT_SIGNAL, EINVAL, wanted->step);
	else if (step == NULL || !step_is_alive(step))
		task_error(task, FAULT_NO_STEP, ESRCH, wanted->step);
	else
		task_signal_step(task, step, (int)wanted->signo, STEP_ENDED_BY_REQUEST);
}

static void
do_kill_all(struct task *task, const struct message *message, int *fds, size_t fd_count)
{
	(void)fds;
	(void)fd_count;
	sweep_start(task, task_grace_ms(task, message->kill_all.grace_ms));
}

static void
do_orphan_policy(struct task *task, const struct message *message, int *fds, size_t fd_count)
{
	(void)fds;
	(void)fd_count;
	set_orphan_policy(task, message->orphan_policy.orphan_ms);
}

/* An agent that came back may acknowledge what its predecessor had acknowledged: no harm. */
static void
do_ack_step(struct task *task, const struct message *message, int *fds, size_t fd_count)
{
	const struct message_ack_step *ack = &message->ack_step;
	struct step *step = steps_find(&task->steps, ack->step, ack->attempt);

	(void)fds;
	(void)fd_count;
	if (step == NULL)
		return;
	if (step_is_alive(step))
		task_error(task, FAULT_STILL_RUNS, EBUSY, ack->step);
	else
		step_forget(step);
}

static void
do_quit(struct task *task, const struct message *message, int *fds, size_t fd_count)
{
	(void)fds;
	(void)fd_count;
	sweep_end_task(task, task_grace_ms(task, message->quit.grace_ms), SUPERVISOR_END_QUIT);
}

static const struct {
	enum message_type type;
	command_fn *run;
} commands[] = {
	{MESSAGE_START_STEP, do_start_step}, {MESSAGE_SIGNAL_STEP, do_signal_step},
	{MESSAGE_KILL_ALL, do_kill_all},     {MESSAGE_ORPHAN_POLICY, do_orphan_policy},
	{MESSAGE_ACK_STEP, do_ack_step},     {MESSAGE_QUIT, do_quit},
	{MESSAGE_START_SESSION, do_start_session},
};

void
command_do(struct task *task, const struct message *message, int *fds, size_t fd_count)
{
	size_t i;

	for (i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (commands[i].type == message->type)
			commands[i].run(task, message, fds, fd_count);
	for (i = 0; i < fd_count; i++)
		if (fds[i] >= 0)
			(void)close(fds[i]);
}

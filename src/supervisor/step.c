/*
 * step.c - the table of steps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "supervisor/step.h"

#include <string.h>
#include <unistd.h>

#include "base/assert.h"

#define BIT(state) (1u << INIT_STEP_##state)

/* From which state to which: the order of SUPERVISOR_STEP_STATES. */
static const unsigned next[] = {
	[INIT_STEP_FREE] = BIT(RUNNING) | BIT(FAILED),
	[INIT_STEP_RUNNING] = BIT(TERMINATING) | BIT(KILLED) | BIT(EXITED),
	[INIT_STEP_TERMINATING] = BIT(KILLED) | BIT(EXITED),
	[INIT_STEP_KILLED] = BIT(EXITED),
	[INIT_STEP_EXITED] = BIT(FREE),
	[INIT_STEP_FAILED] = BIT(FREE),
};
_Static_assert(sizeof(next) / sizeof(next[0]) == INIT_STEP_COUNT, "a row per state");

void
step_enter(struct step *step, enum init_step to)
{
	assert(next[step->state] & 1u << to);
	step->state = to;
}

bool
step_is_alive(const struct step *step)
{
	return step->state == INIT_STEP_RUNNING || step->state == INIT_STEP_TERMINATING ||
	       step->state == INIT_STEP_KILLED;
}

void
step_close_session(struct step *step)
{
	while (step->session_fd_count > 0)
		(void)close(step->session_fds[--step->session_fd_count]);
}

void
step_forget(struct step *step)
{
	step_close_session(step);
	if (step->pipe_fd >= 0)
		(void)close(step->pipe_fd);
	if (step->memfd >= 0)
		(void)close(step->memfd);
	step_enter(step, INIT_STEP_FREE);
	memset(step, 0, sizeof(*step));
}

struct step *
steps_next(struct steps *steps, struct step *step)
{
	struct step *end = steps->slots + steps->used;

	for (step = step == NULL ? steps->slots : step + 1; step < end; step++)
		if (step->state != INIT_STEP_FREE)
			return step;
	return NULL;
}

struct step *
steps_find(struct steps *steps, uint32_t number, uint32_t attempt)
{
	struct step *step = NULL;

	while ((step = steps_next(steps, step)) != NULL)
		if (step->step == number && step->attempt == attempt && !step->is_abandoned)
			return step;
	return NULL;
}

struct step *
steps_find_pid(struct steps *steps, pid_t pid)
{
	struct step *step = NULL;

	while ((step = steps_next(steps, step)) != NULL)
		if (step->pid == pid && step_is_alive(step))
			return step;
	return NULL;
}

struct step *
steps_room(struct steps *steps)
{
	size_t i;

	for (i = 0; i < steps->used; i++)
		if (steps->slots[i].state == INIT_STEP_FREE)
			return &steps->slots[i];
	return steps->used < SUPERVISOR_STEPS_MOST ? &steps->slots[steps->used++] : NULL;
}

size_t
steps_count(const struct steps *steps)
{
	size_t i, count = 0;

	for (i = 0; i < steps->used; i++)
		count += steps->slots[i].state != INIT_STEP_FREE && !steps->slots[i].is_session;
	return count;
}

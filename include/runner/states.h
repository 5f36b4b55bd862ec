/*
 * states.h - the names of task states, outcomes and events that programs agree on.
 *
 * One list each; every program makes its enum, its names and its tables from it.
 * Names stored or sent are the strings. Part of the contract: add at the end only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef RUNNER_STATES_H
#define RUNNER_STATES_H

/* A task as the hub sees it. */
#define RUNNER_HUB_STATES(X) \
	X(QUEUED, queued)    \
	X(LEASED, leased)    \
	X(ENDED, ended)

/* A task as the agent sees it. */
#define RUNNER_TASK_STATES(X)   \
	X(CLAIMED, claimed)     \
	X(PREPARING, preparing) \
	X(RUNNING, running)     \
	X(FINISHING, finishing) \
	X(DONE, done)           \
	X(UNCLAIMED, unclaimed)

/* How a task, a step or a job ended. SKIPPED is a step's only, NOT_RUN a job's; UNAUTHORIZED is the hub's alone to say. */
#define RUNNER_OUTCOMES(X)       \
	X(NONE, none)            \
	X(SUCCESS, success)      \
	X(FAILED, failed)        \
	X(CANCELED, canceled)    \
	X(TIMEDOUT, timedout)    \
	X(INFRA_FAIL, infra-fail) \
	X(SKIPPED, skipped)      \
	X(NOT_RUN, not_run)      \
	X(UNAUTHORIZED, unauthorized)

/* What an agent reports of a task: POST /api/v3/runner/events. */
#define RUNNER_EVENTS(X)              \
	X(PREPARING, preparing)       \
	X(RUNNING, running)           \
	X(STEP_STARTED, step_started) \
	X(STEP_ENDED, step_ended)     \
	X(FINISHING, finishing)       \
	X(ENDED, ended)


#define X(upper, name) HUB_##upper,
enum hub_state { RUNNER_HUB_STATES(X) HUB_STATE_COUNT };
#undef X
#define X(upper, name) TASK_##upper,
enum task_state { RUNNER_TASK_STATES(X) TASK_STATE_COUNT };
#undef X
#define X(upper, name) OUTCOME_##upper,
enum outcome { RUNNER_OUTCOMES(X) OUTCOME_COUNT };
#undef X
#define X(upper, name) EVENT_##upper,
enum event_type { RUNNER_EVENTS(X) EVENT_COUNT };
#undef X

#endif

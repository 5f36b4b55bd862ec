/*
 * task.h - all that runner-init knows: its steps, its agent, and how the task ends.
 *
 * One struct in static memory; nothing is allocated after the start. task.c changes
 * steps, command.c does what the agent asks, sweep.c ends everything, tell.c says what
 * is owed, main.c waits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_TASK_H
#define SUPERVISOR_TASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "supervisor/agent.h"
#include "supervisor/journal.h"
#include "supervisor/step.h"

/* Answers that no step's slot stands for; the agent's messages wait while few are free. */
enum { TASK_ANSWERS_MOST = 16, TASK_ANSWERS_SPARE = 4 };

enum task_owes {
	TASK_OWES_HELLO = 1 << 0,
	TASK_OWES_EMPTY = 1 << 1,
};

/* Ending every process: how far it is. */
enum sweep_state {
	SWEEP_NONE,
	SWEEP_TERM, /* TERM is sent, the grace runs */
	SWEEP_KILL, /* KILL is sent again and again until nobody is left */
	SWEEP_DONE, /* and runner-init ends */
};

struct sweep {
	enum sweep_state state;
	bool ends_us;		    /* runner-init ends after it */
	enum supervisor_end reason; /* with ends_us */
	uint64_t due_ms;	    /* TERM: when KILL follows; KILL: when we give up */
	uint64_t again_ms;	    /* KILL: next round */
	uint64_t stuck_ms;	    /* KILL: when it is said that it takes long */
	uint32_t left;		    /* processes that refused the last round's signal */
};

struct task {
	struct agent agent;
	struct journal journal;
	struct steps steps;
	struct sweep sweep;
	uint32_t flags; /* enum hello_flag */
	int shelter_sys; /* why its shelter is not whole, so that no step may run; 0: it is */
	uint32_t orphan_ms;
	uint64_t orphan_due_ms; /* 0: an agent is there, or it may stay away for ever */
	uint64_t retry_ms; /* the kernel had no room for descriptors: when to send again; 0: now */
	uint64_t started_ms; /* Unix time */
	uint32_t grace_ms;   /* of an end that nobody gave a grace for */
	unsigned owes;	     /* enum task_owes */
	uint32_t empty_left; /* of the EMPTY that is owed */
	struct message
		answers[TASK_ANSWERS_MOST]; /* ERROR, and STEP_FAILED_TO_START without a slot */
	size_t answer_count;
};

/* --- task.c ------------------------------------------------------------------------- */

/* Something failed: kept until it could be told. The oldest goes when there are too many. */
void task_error(struct task *task, enum supervisor_fault what, int sys, uint32_t step);

/* A step that is not even taken into the table: STEP_FAILED_TO_START, nothing to acknowledge. */
void task_refuse_step(struct task *task, const struct message_start_step *start,
		      enum supervisor_fault what, int sys);

/*
 * Take over the descriptors (memfd; spec and cgroup stay the caller's) and start the step; or, where
 * session is not NULL, the session, which has no memfd.
 */
void task_start_step(struct task *task, const struct message_start_step *start,
		     const struct message_start_session *session, const int *fds, size_t fd_count);

/* Signal the process group of a step that is alive; TERM and KILL change its state. */
void task_signal_step(struct task *task, struct step *step, int signo, enum step_why why);

/* Collect every process that has ended. Returns false when no child is left at all. */
bool task_reap(struct task *task);

/* Do what the clock asks for; task_next_ms() is when it asks again (0: never). */
void task_tick(struct task *task, uint64_t now_ms);
uint64_t task_next_ms(const struct task *task);

/* The agent came or went. */
void task_agent_came(struct task *task);
void task_agent_went(struct task *task, uint64_t now_ms);

/* grace as messages state it: 0 is the usual, SUPERVISOR_NO_GRACE is none. */
uint64_t task_grace_ms(const struct task *task, uint32_t stated_ms);

/* --- command.c ---------------------------------------------------------------------- */

/* Do what one message asks for. Owns: fds are closed or kept. */
void command_do(struct task *task, const struct message *message, int *fds, size_t fd_count);

/* --- session.c ---------------------------------------------------------------------- */

/* The agent is gone, or another has come: hang up what it had. */
void sessions_abandon(struct task *task);
/* The task's processes are being ended: sessions get no grace. */
void sessions_kill(struct task *task);

/* --- sweep.c ------------------------------------------------------------------------ */

/* End every process but us. Called again while one is on its way, the earlier end counts. */
void sweep_start(struct task *task, uint64_t grace_ms);
/* The same, and then runner-init ends for this reason (the first one stays). */
void sweep_end_task(struct task *task, uint64_t grace_ms, enum supervisor_end reason);
/* Next move, after processes were reaped or the clock has moved. any_child: what task_reap() said.
 */
void sweep_tick(struct task *task, uint64_t now_ms, bool any_child);
uint64_t sweep_next_ms(const struct sweep *sweep);

/* --- tell.c ------------------------------------------------------------------------- */

/* Something waits to be sent to the agent that is connected, and may be sent now. */
bool tell_wants(const struct task *task);
/* The agent's messages wait: HELLO and its STEP_STATE, or too many answers, have not been sent. */
bool tell_is_behind(const struct task *task);
/* Send what is owed, as far as there is room. */
void tell(struct task *task);

#endif

/*
 * step.h - the table of steps: what each is doing and what the agent is still to be told.
 *
 * A fixed table; a slot is in use from START_STEP to ACK_STEP. Nothing is queued: what
 * is owed to the agent are bits, and the messages are made from the slot when there is
 * room to send them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_STEP_H
#define SUPERVISOR_STEP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "runner/supervisor.h"

enum step_owes {
	STEP_OWES_STATE = 1 << 0,   /* STEP_STATE: after a new connection */
	STEP_OWES_STARTED = 1 << 1, /* STEP_STARTED */
	STEP_OWES_END = 1 << 2,	    /* STEP_EXITED or STEP_FAILED_TO_START */
};

struct step {
	enum init_step state;
	uint32_t step, attempt, flags;
	uint32_t grace_ms;
	uint32_t why;  /* enum step_why */
	unsigned owes; /* enum step_owes */
	pid_t pid;     /* leader of its session and process group; 0 when it failed to start */
	int pipe_fd;   /* read end of its output; -1 when it failed to start */
	int memfd;     /* the agent's, kept for the next one; -1 likewise */
	bool is_session;     /* a person's: nobody keeps its output, and it ends with its agent */
	bool is_abandoned;   /* its agent is gone: nothing of it is told or asked any more */
	int session_fds[SUPERVISOR_FDS_MOST]; /* of a session, until they are handed over */
	size_t session_fd_count;
	uint64_t started_ms; /* Unix time */
	uint64_t due_ms;     /* clock_now_ms() of the next signal for it; 0: none */
	union {
		struct message_step_exited exited;	    /* INIT_STEP_EXITED */
		struct message_step_failed_to_start failed; /* INIT_STEP_FAILED */
	};
};

struct steps {
	struct step slots[SUPERVISOR_STEPS_MOST];
	size_t used; /* slots from here on have never been in use */
};

/* NULL when there is none. */
struct step *steps_find(struct steps *steps, uint32_t step, uint32_t attempt);
struct step *steps_find_pid(struct steps *steps, pid_t pid);
/* A free slot, or NULL when all are in use. */
struct step *steps_room(struct steps *steps);
/* Of those that are told to a new agent: sessions are not. */
size_t steps_count(const struct steps *steps);

/* Steps one after the other: from NULL to NULL. */
struct step *steps_next(struct steps *steps, struct step *step);

/* The one place that changes a state. */
void step_enter(struct step *step, enum init_step to);

/* Its main process is there and has not been reaped. */
bool step_is_alive(const struct step *step);

/* What a session's agent is to have is its alone. */
void step_close_session(struct step *step);

/* Close what it holds and free its slot. */
void step_forget(struct step *step);

#endif

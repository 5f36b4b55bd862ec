/*
 * step.h - one attempt of one step: its process as runner-init tells it, and its output.
 *
 * step_new() -> step_begin() (or step_adopt() for one that an earlier runnerd started)
 * -> news from runner-init -> on_change whenever step_is_over() may have become true.
 * Over means: the main process has ended, and what it had printed by then is in the spool.
 * Its survivors may print on: step_is_quiet() says that nobody is left who could.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_STEP_H
#define AGENT_STEP_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/output.h"
#include "loop/loop.h"
#include "runner/protocol.h"
#include "runner/states.h"
#include "wire/message.h"

struct err;
struct rate;
struct spool;
struct step;
struct supervisor;
struct task_step;

struct step_hooks {
	void *arg;
	void (*on_record)(void *arg);
	void (*on_change)(void *arg);
	/* It is about to be stopped for a reason of its own: journal it. False: not now. */
	bool (*on_stopping)(void *arg, struct step *step);
	void (*on_failed)(void *arg, const struct err *err); /* its output cannot be kept */
};

struct step {
	uint32_t magic;
	struct step *next; /* the task's list */
	uint32_t index, attempt;
	const struct task_step *doc;
	const char *task; /* id, for the log */
	struct supervisor *supervisor;
	struct step_hooks hooks;
	struct press *press;
	struct spool *spool;
	struct mask *mask;
	struct rate *rate;
	char *last_line;
	int memfd; /* until there is an output */
	struct output output;
	struct timer timer; /* no output for too long; then from TERM to KILL */
	uint32_t grace_ms;
	bool has_output;
	bool asked;	/* START_STEP is sent, or was by an earlier runnerd */
	bool started;	/* its process has begun */
	bool exited;	/* its process has ended, or could not begin */
	bool drained;	/* what it had printed then is in the spool */
	bool ended;	/* journaled */
	bool acked;	/* runner-init may forget it */
	bool no_status; /* it could not begin, or was lost: exit means nothing */
	struct message_step_exited exit;
	enum outcome stopping; /* why it is being ended before its time; OUTCOME_NONE: it is not */
	uint64_t stop_size;    /* of the memfd then */
	char reason[RUNNER_REASON_BYTES];
	bool told; /* of it on this connection */
};

/* What a task gives to each of its steps; all borrowed. */
struct step_place {
	const char *task;
	struct supervisor *supervisor;
	struct press *press;
	struct spool *spool;
	struct mask *mask;
	struct rate *rate; /* of the task's output */
	char *last_line;
	uint32_t grace_ms;
};

struct step *step_new(const struct step_place *place, uint32_t index, uint32_t attempt,
		      const struct task_step *doc, const struct step_hooks *hooks);
void step_free(struct step *step);

/* Ask runner-init to start it. The descriptors stay the caller's; cgroup_fd: -1 for none. Fails: ERR_HOST. */
int step_begin(struct step *step, int spec_fd, int cgroup_fd, uint64_t deadline_ms, uint32_t orphan_ms,
	       uint32_t start_flags, struct err *err);

/*
 * It runs, or ran: these are its descriptors (-1: none). Owns: them, also on failure.
 * Fails: ERR_HOST when its output cannot be gone on with.
 */
int step_adopt(struct step *step, int pipe_fd, int memfd, struct err *err);

/* News from runner-init; telling them twice is harmless. */
void step_note_started(struct step *step, int pipe_fd);
void step_note_exited(struct step *step, const struct message_step_exited *exited);
/* It could not begin: the sentence goes to its output and is its reason; a fault of the host's is
 * infra-fail. */
void step_note_failed(struct step *step, const char *sentence, bool of_host);
/* runner-init is gone, and it with it. */
void step_note_lost(struct step *step, const char *reason);

/* Print text to its output, and end it: TERM, the grace, KILL. The task has journaled it. */
void step_stop(struct step *step, enum outcome outcome, const char *reason);
/* The same for one that was being stopped when the connection, or runnerd, ended: stopping, reason,
 * stop_size are set. */
void step_stop_again(struct step *step);

/* Its process may be forgotten by runner-init. */
void step_ack(struct step *step);

bool step_is_over(const struct step *step);
bool step_is_quiet(const struct step *step);
/* Bytes of output so far, as readers see it. */
uint64_t step_output_bytes(const struct step *step);

/* "Too long with no output (exceeded 10m0s): context deadline exceeded". Returns room. */
const char *step_silence_text(char room[RUNNER_REASON_BYTES], uint64_t limit_ms);

#endif

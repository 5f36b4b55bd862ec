/*
 * sequence.h - which step comes next: facts in, decision out.
 *
 * Steps run in the document's order. A failing foreground step is repeated as often as it
 * says; then the task has failed, and only steps for on_fail and always still run.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_SEQUENCE_H
#define AGENT_SEQUENCE_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/states.h"

struct task_doc;

struct sequence {
	uint32_t step;	  /* the next one */
	uint32_t attempt; /* of it, from 1 */
	bool halted;	  /* no further step, nor attempt, runs */
	bool failed;	  /* a foreground step has failed for good */
	uint32_t failed_step;
	int64_t again_ms; /* Unix time before which a repeated step does not begin; 0: at once */
};

#define SEQUENCE_INIT                                                                              \
	{                                                                                          \
		0, 1, false, false, 0, 0                                                           \
	}

enum sequence_what { SEQUENCE_START, SEQUENCE_SKIP, SEQUENCE_FINISH };

/* What to do with sequence->step. */
enum sequence_what sequence_next(const struct sequence *sequence, const struct task_doc *doc);

/* The step was skipped, or (a background one) was started: go on behind it. */
void sequence_pass(struct sequence *sequence);

/* An attempt of a step has ended, at a Unix time. Background steps change nothing. */
void sequence_note_end(struct sequence *sequence, const struct task_doc *doc, uint32_t step,
		       uint32_t attempt, enum outcome outcome, int64_t ended_ms);

#endif

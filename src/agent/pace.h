/*
 * pace.h - when the next request of one kind may leave: at once, batched, or after a wait.
 *
 * pace_init() -> pace_want() any number of times, pace_sent() when a request left,
 * pace_ok() or pace_failed() when its answer came -> pace_release(). The first want
 * after a quiet time runs at the end of the same turn; while requests follow one
 * another there are gap_ms between them, so that what comes meanwhile travels
 * together. After a failure the wait doubles up to PACE_MOST_MS, jittered by a
 * quarter so that many agents do not come back in step.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_PACE_H
#define AGENT_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "loop/loop.h"

enum { PACE_FIRST_MS = 200, PACE_MOST_MS = 30000 };

struct pace {
	struct loop *loop;
	struct later later;
	struct timer timer;
	loop_fn *fn;
	void *arg;
	uint64_t earliest_us; /* not before this */
	uint32_t gap_ms;
	uint32_t wait_ms; /* after the last failure; 0: all is well */
};

/* fn is called when something is wanted and the time has come. */
void pace_init(struct pace *pace, struct loop *loop, uint32_t gap_ms, loop_fn *fn, void *arg);
void pace_release(struct pace *pace);

/* Ask for fn; free to be called any time. */
void pace_want(struct pace *pace);
/* The same without the distance to the one before: there is enough for one. Waits after failures
 * stay. */
void pace_hurry(struct pace *pace);
/* As pace_want(), but within gap_ms and not at once: what comes meanwhile travels along. */
void pace_gather(struct pace *pace);
void pace_stop(struct pace *pace);

/* The hub can be asked anew (a new connection): waits after failures end. */
void pace_resume(struct pace *pace);

/* A request left now with all that was wanted: the next one keeps its distance. */
void pace_sent(struct pace *pace);
/* It was answered. True when failures came before. */
bool pace_ok(struct pace *pace);
/*
 * It failed: fn is called again after the wait, which is returned in milliseconds. least_ms: what
 * the peer asked for (Retry-After), or 0.
 */
uint64_t pace_failed(struct pace *pace, uint64_t least_ms);

#endif

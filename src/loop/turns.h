/*
 * turns.h - many take turns at what keeps the processor busy, and leave the loop to others between.
 *
 * turns_init() -> turn_init() of each -> turn_want() when it has something to do -> turn_stop(),
 * turns_release(). Whoever wants a turn gets one, in the order of asking. In one turn of the loop
 * there is room for TURNS_MOST_US of them (the last is not cut short, and one there always is);
 * the rest goes on in the next, behind descriptors and timers that are ready then. So however many
 * there are, what comes from elsewhere waits for a few milliseconds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LOOP_TURNS_H
#define LOOP_TURNS_H

#include <stdbool.h>

#include "loop/loop.h"

enum { TURNS_MOST_US = 1000 };

struct turn {
	struct turns *turns;
	loop_fn *fn;
	void *arg;
	bool wanted;
	struct turn *prev, *next; /* of those that wait */
};

struct turns {
	struct turn *first;
	struct later later; /* at the end of this turn of the loop */
	struct timer timer; /* in the next one */
};

void turns_init(struct turns *turns, struct loop *loop);
/* Nobody may be waiting. */
void turns_release(struct turns *turns);

void turn_init(struct turn *turn, struct turns *turns, loop_fn *fn, void *arg);
/* fn is called once, however often it is wanted before; it may want the next one. */
void turn_want(struct turn *turn);
/* Not any more; a zeroed struct is fine. */
void turn_stop(struct turn *turn);

#endif

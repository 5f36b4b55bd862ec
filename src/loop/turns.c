/*
 * turns.c - many take turns at what keeps the processor busy, and leave the loop to others between.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "loop/turns.h"

#include <stddef.h>
#include <stdint.h>
#include <utlist.h>

#include "base/assert.h"
#include "loop/clock.h"

static void
on_turns(void *arg)
{
	struct turns *turns = arg;
	uint64_t end_us = clock_monotonic_us() + TURNS_MOST_US;
	struct turn *turn;

	while ((turn = turns->first) != NULL) {
		turn_stop(turn);
		turn->fn(turn->arg);
		if (clock_monotonic_us() >= end_us)
			break;
	}
	if (turns->first != NULL)
		timer_start_us(&turns->timer, 0);
}

void
turns_init(struct turns *turns, struct loop *loop)
{
	turns->first = NULL;
	later_init(&turns->later, loop, on_turns, turns);
	timer_init(&turns->timer, loop, on_turns, turns);
}

void
turns_release(struct turns *turns)
{
	assert(turns->first == NULL);
	later_release(&turns->later);
	timer_release(&turns->timer);
}

void
turn_init(struct turn *turn, struct turns *turns, loop_fn *fn, void *arg)
{
	*turn = (struct turn){.turns = turns, .fn = fn, .arg = arg};
}

void
turn_want(struct turn *turn)
{
	struct turns *turns = turn->turns;

	if (turn->wanted)
		return;
	turn->wanted = true;
	DL_APPEND(turns->first, turn);
	if (!timer_is_on(&turns->timer))
		later_want(&turns->later);
}

void
turn_stop(struct turn *turn)
{
	if (!turn->wanted)
		return;
	DL_DELETE(turn->turns->first, turn);
	turn->wanted = false;
}

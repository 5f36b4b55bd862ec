/*
 * pace.c - when the next request of one kind may leave.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/pace.h"

#include <string.h>

#include "base/id.h"

static void
on_pace_due(void *arg)
{
	struct pace *pace = arg;

	pace->fn(pace->arg);
}

void
pace_init(struct pace *pace, struct loop *loop, uint32_t gap_ms, loop_fn *fn, void *arg)
{
	memset(pace, 0, sizeof(*pace));
	pace->loop = loop;
	pace->gap_ms = gap_ms;
	pace->fn = fn;
	pace->arg = arg;
	later_init(&pace->later, loop, on_pace_due, pace);
	timer_init(&pace->timer, loop, on_pace_due, pace);
}

void
pace_release(struct pace *pace)
{
	later_release(&pace->later);
	timer_release(&pace->timer);
}

void
pace_want(struct pace *pace)
{
	uint64_t now_us;

	now_us = loop_now_us(pace->loop);
	if (now_us >= pace->earliest_us) {
		timer_stop(&pace->timer);
		later_want(&pace->later);
	} else if (!timer_is_on(&pace->timer)) {
		timer_start_us(&pace->timer, pace->earliest_us - now_us);
	}
}

void
pace_hurry(struct pace *pace)
{
	if (pace->wait_ms == 0)
		pace->earliest_us = 0;
	pace_want(pace);
}

void
pace_gather(struct pace *pace)
{
	uint64_t now_us = loop_now_us(pace->loop), due_us = now_us + (uint64_t)pace->gap_ms * 1000;

	if (timer_is_on(&pace->timer))
		return;
	timer_start_us(&pace->timer,
		       (due_us > pace->earliest_us ? due_us : pace->earliest_us) - now_us);
}

void
pace_stop(struct pace *pace)
{
	later_stop(&pace->later);
	timer_stop(&pace->timer);
}

void
pace_resume(struct pace *pace)
{
	if (pace->wait_ms == 0)
		return;
	pace->wait_ms = 0;
	pace->earliest_us = 0;
	pace_stop(pace);
}

void
pace_sent(struct pace *pace)
{
	timer_stop(&pace->timer);
	pace->earliest_us = loop_now_us(pace->loop) + (uint64_t)pace->gap_ms * 1000;
}

bool
pace_ok(struct pace *pace)
{
	bool failed_before = pace->wait_ms > 0;

	pace->wait_ms = 0;
	return failed_before;
}

static uint64_t
jitter(uint64_t ms)
{
	struct id id;

	id_random(&id);
	return ms + ms * id.bytes[0] / 1024;
}

uint64_t
pace_failed(struct pace *pace, uint64_t least_ms)
{
	uint64_t wait_ms;

	pace->wait_ms = pace->wait_ms == 0 ? PACE_FIRST_MS : pace->wait_ms * 2;
	if (pace->wait_ms > PACE_MOST_MS)
		pace->wait_ms = PACE_MOST_MS;
	wait_ms = jitter(pace->wait_ms < least_ms ? least_ms : pace->wait_ms);
	pace_stop(pace);
	pace->earliest_us = loop_now_us(pace->loop) + wait_ms * 1000;
	timer_start_ms(&pace->timer, wait_ms);
	return wait_ms;
}

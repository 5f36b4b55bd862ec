/*
 * output.c - a step's bytes on their way from its pipe to the task's spool.
 *
 * One timer serves two ends: the next look at the pipe (polled) and the close of the open
 * chunk. The watch is on only while the step is quiet, so a printing step costs no
 * epoll_ctl(2).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/output.h"

#include <string.h>
#include <unistd.h>

#include "agent/output_chunk.h"
#include "agent/press.h"
#include "agent/rate.h"
#include "agent/spool.h"
#include "base/assert.h"
#include "base/err.h"
#include "loop/pipe.h"

enum {
	OUTPUT_MAGIC = 0x0a7b17e5,
	FIRST_LOOK_MS = 3, /* a step that ends sooner is never watched */
	PACE_MOST_MS = 10,
	MUCH_BYTES = 32 * 1024,	 /* half a pipe: look sooner */
	LITTLE_BYTES = 8 * 1024, /* look later */
	BLOCKED_RETRY_MS = 1000, /* tmpfs may be full for another task's sake */
};

/* --- the clock --- */

static void
arm(struct output *output)
{
	uint64_t now = loop_now_us(output->press->loop), due = UINT64_MAX;

	if (output->failed)
		return;
	if (output->blocked)
		due = now + BLOCKED_RETRY_MS * 1000ull;
	else if (output->polled)
		due = output->read_us + output->pace_ms * 1000ull;
	if (!output->blocked && output->polled && due < output->hold_us)
		due = output->hold_us;
	if (!output->blocked && output->close_us != 0 && output->close_us < due)
		due = output->close_us;
	if (due == UINT64_MAX) {
		timer_stop(&output->timer);
		return;
	}
	if (timer_is_on(&output->timer) && output->timer.due_us == due)
		return;
	timer_start_us(&output->timer, due > now ? due - now : 0);
}

static void
fail(struct output *output, const struct err *err)
{
	output->failed = true;
	watch_stop(&output->watch);
	timer_stop(&output->timer);
	turn_stop(&output->turn);
	output->hooks.on_failed(output->hooks.arg, err);
}

/* Nothing is read while the spool has no room. */
static void
block(struct output *output)
{
	output->blocked = true;
	watch_stop(&output->watch);
	output->polled = output->pipe_fd >= 0;
}

/* Full chunks always; the open one when it is due, when all is wanted, or when memory is short. */
static bool
wants_commit(const struct output *output, uint64_t now)
{
	uint64_t pending = output->size - output->committed;

	if (output_owes_line(output))
		return true;
	if (pending == 0 || (output->kept_size == output->size && !output_is_final(output)))
		return false;
	return pending >= PRESS_CHUNK_BYTES || output->ended || output->draining ||
	       now >= output->close_us || press_is_short(output->press);
}

/* False when the output waits for room, or has failed. */
static bool
commit(struct output *output)
{
	uint64_t now = loop_now_us(output->press->loop);
	struct err err = ERR_INIT;
	int rc;

	while (wants_commit(output, now)) {
		rc = output_commit_chunk(output, &err);
		if (rc == ERR_LIMIT)
			block(output);
		else if (rc < 0)
			fail(output, &err);
		if (rc < 0)
			return false;
	}
	if (output->size == output->committed)
		output->close_us = 0;
	else if (output->kept_size == output->size)
		output->close_us = output->moved_us + OUTPUT_KEPT_MS * 1000ull;
	return true;
}

/* --- pipe to memfd --- */

static void
end_pipe(struct output *output)
{
	watch_stop(&output->watch);
	(void)close(output->pipe_fd);
	output->pipe_fd = -1;
	output->polled = false;
	output->ended = true;
}

static void
note_moved(struct output *output, size_t moved)
{
	uint64_t now = loop_now_us(output->press->loop);
	bool quiet = !output->moved || now - output->moved_us > OUTPUT_BUSY_MS * 1000ull;

	if (output->close_us == 0 || output->kept_size == output->size)
		output->close_us = now + (quiet ? OUTPUT_QUIET_MS : OUTPUT_BUSY_MS) * 1000ull;
	output_note_size(output, output->size + moved);
	output->moved_us = now;
	output->moved = true;
}

/* What its rate lets be taken now, most at most; with 0 it is not before hold_us. */
static size_t
allowed(struct output *output, size_t most)
{
	uint64_t room;

	if (output->rate == NULL || output->draining)
		return most;
	room = rate_room(output->rate, output->read_us);
	if (room == 0)
		output->hold_us = rate_due_us(output->rate, output->read_us);
	return room < most ? (size_t)room : most;
}

/* One look at the pipe, as far as memory and rate allow. False when it failed. */
static bool
look(struct output *output, size_t most, size_t *moved)
{
	struct err err = ERR_INIT;
	size_t allowance;
	bool ended;
	int rc;

	*moved = 0;
	output->read_us = loop_now_us(output->press->loop);
	allowance = press_allowance(output->press, output_holds(output));
	if (allowance == 0) {
		output_punch(output); /* what it holds may be what nobody needs any more */
		allowance = press_allowance(output->press, output_holds(output));
	}
	output->waiting = allowance == 0;
	if (output->waiting) {
		output->polled = true;
		output->pace_ms = PACE_MOST_MS;
		return true;
	}
	most = allowed(output, most < allowance ? most : allowance);
	if (most == 0)
		return true;
	rc = pipe_splice(output->pipe_fd, output->memfd, output->size, most, moved, &ended, &err);
	if (rc == ERR_LIMIT) {
		block(output); /* no memory for more bytes now: the step waits */
		return true;
	}
	if (rc < 0) {
		fail(output, &err);
		return false;
	}
	if (*moved >= PRESS_PIPE_BYTES && !output->found_full) {
		output->found_full = true;
		output->grown = press_grow_pipe(output->press, output->pipe_fd);
	}
	if (*moved > 0)
		note_moved(output, *moved);
	else
		output->drain_to = output->size; /* empty: that was all */
	if (output->rate != NULL)
		rate_spend(output->rate, *moved);
	if (ended)
		end_pipe(output);
	return true;
}

/* Its rate lets nothing be taken yet. */
static bool
is_held(const struct output *output)
{
	return output->hold_us > loop_now_us(output->press->loop);
}

static void on_pipe_ready(void *arg, unsigned events);

static bool
watch_pipe(struct output *output)
{
	struct err err = ERR_INIT;

	output->polled = false;
	output->pace_ms = 1;
	if (watch_is_on(&output->watch)) {
		watch_want(&output->watch, WATCH_READ);
		return true;
	}
	if (watch_start(&output->watch, output->press->loop, output->pipe_fd, WATCH_READ,
			on_pipe_ready, output, &err) == 0)
		return true;
	fail(output, &err);
	return false;
}

/* How soon to look again: a pipe half full is looked at twice as often, an almost empty one half as
 * often. */
static void
set_pace(struct output *output, size_t moved)
{
	if (moved >= MUCH_BYTES)
		output->pace_ms /= 2;
	else if (moved < LITTLE_BYTES)
		output->pace_ms = output->pace_ms == 0		       ? 1
				  : output->pace_ms * 2 > PACE_MOST_MS ? PACE_MOST_MS
								       : output->pace_ms * 2;
}

/* --- its turns --- */

static void
finish_turn(struct output *output)
{
	bool drained;

	if (!commit(output)) {
		arm(output);
		return;
	}
	drained = output->draining && output->committed >= output->drain_to;
	if (drained)
		output->draining = false;
	arm(output);
	if (drained)
		output->hooks.on_drained(output->hooks.arg);
	else if (output->ended)
		output->hooks.on_ended(output->hooks.arg);
}

/* The poller has said that something waits. False when it failed. */
static bool
look_when_ready(struct output *output)
{
	uint64_t before = output->read_us;
	size_t moved;

	output->ready = false;
	if (output->pipe_fd < 0)
		return true;
	if (!look(output, OUTPUT_TURN_BYTES, &moved))
		return false;
	/* The second time within a few milliseconds: from here on by the clock. */
	if (!output->ended && !output->blocked &&
	    (output->read_us - before < PACE_MOST_MS * 1000ull || is_held(output))) {
		watch_want(&output->watch, 0);
		output->polled = true;
		set_pace(output, moved);
	}
	return true;
}

/* False when it failed. */
static bool
look_when_due(struct output *output)
{
	size_t moved;

	if (!output->polled || is_held(output) ||
	    loop_now_us(output->press->loop) < output->read_us + output->pace_ms * 1000ull)
		return true;
	if (!look(output, OUTPUT_TURN_BYTES, &moved))
		return false;
	set_pace(output, moved);
	return moved > 0 || output->ended || output->blocked || output->waiting ||
	       is_held(output) || watch_pipe(output);
}

static void
on_turn(void *arg)
{
	struct output *output = arg;

	OBJ_CHECK(output, OUTPUT_MAGIC);
	if (output->blocked)
		output_resume(output);
	else if (output->ready ? look_when_ready(output) : look_when_due(output))
		finish_turn(output);
}

static void
on_pipe_ready(void *arg, unsigned events)
{
	struct output *output = arg;

	(void)events;
	OBJ_CHECK(output, OUTPUT_MAGIC);
	output->ready = true;
	turn_want(&output->turn);
}

static void
on_timer(void *arg)
{
	struct output *output = arg;

	OBJ_CHECK(output, OUTPUT_MAGIC);
	turn_want(&output->turn);
}

void
output_resume(struct output *output)
{
	OBJ_CHECK(output, OUTPUT_MAGIC);
	if (!output->blocked || output->failed)
		return;
	output->blocked = false;
	output->moved_us = loop_now_us(output->press->loop); /* its silence was ours */
	finish_turn(output);
}

/* Memory is short: commit what there is. True when something went. */
static bool
let_go(struct output *output)
{
	uint64_t before = output_holds(output);

	return commit(output) && output_holds(output) < before;
}

/* Everything that waits now; never more, or a survivor that floods its pipe would hold the step. */
static bool
take_what_waits(struct output *output)
{
	struct err err = ERR_INIT;
	size_t waiting, moved;

	if (pipe_waiting(output->pipe_fd, &waiting, &err) < 0) {
		fail(output, &err);
		return false;
	}
	output->drain_to = output->size + waiting;
	while (output->size < output->drain_to && !output->ended) {
		if (!look(output, OUTPUT_TURN_BYTES, &moved))
			return false;
		if (moved == 0 && !(output->waiting && let_go(output)))
			break;
	}
	/* Only a look at an empty pipe says whether anybody is left who may write. */
	return output->ended || look(output, PRESS_CHUNK_BYTES, &moved);
}

bool
output_drain(struct output *output)
{
	OBJ_CHECK(output, OUTPUT_MAGIC);
	if (output->failed)
		return true;
	output->draining = true;
	output->drain_to = output->size;
	if (output->pipe_fd >= 0 && !take_what_waits(output))
		return true; /* failed: there is nothing more to get */
	if ((output->blocked || !commit(output) || output->committed < output->drain_to) &&
	    !output->failed) {
		output->polled = output->pipe_fd >= 0;
		arm(output);
		return false;
	}
	output->draining = false;
	if (output->pipe_fd >= 0 && !output->failed) {
		output->polled = true;
		output->pace_ms = PACE_MOST_MS;
	}
	arm(output);
	return true;
}

int
output_say(struct output *output, const char *text, struct err *err)
{
	size_t len = strlen(text);
	ssize_t n;

	OBJ_CHECK(output, OUTPUT_MAGIC);
	n = pwrite(output->memfd, text, len, (off_t)output->size);
	if (n < 0)
		return err_sys(err, "cannot add to a step's output");
	note_moved(output, (size_t)n);
	output->close_us = loop_now_us(output->press->loop);
	if (!output->blocked)
		(void)commit(output);
	arm(output);
	return output->cut ? output_add_line(output, text, err) : 0;
}

/* --- life --- */

int
output_start(struct output *output, struct press *press, struct spool *spool, struct mask *mask,
	     uint32_t step, uint32_t attempt, int pipe_fd, int memfd, char *last_line,
	     const struct output_hooks *hooks, struct err *err)
{
	uint64_t size = 0;
	int rc;

	memset(output, 0, sizeof(*output));
	output->magic = OUTPUT_MAGIC;
	output->press = press;
	output->spool = spool;
	output->mask = mask;
	output->step = step;
	output->attempt = attempt;
	output->pipe_fd = pipe_fd;
	output->memfd = memfd;
	output->last_line = last_line;
	output->hooks = *hooks;
	output->ended = pipe_fd < 0;
	output->polled = pipe_fd >= 0;
	output->pace_ms = FIRST_LOOK_MS;
	output->read_us = output->moved_us = loop_now_us(press->loop);
	output->committed = spool_source_end(spool, step, attempt);
	output->cut = spool_is_cut(spool, step, attempt);
	timer_init(&output->timer, press->loop, on_timer, output);
	turn_init(&output->turn, &press->turns, on_turn, output);
	rc = pipe_memfd_size(memfd, &size, err);
	if (rc == 0 && size < output->committed)
		rc = err_set(err, ERR_HOST, "step %u has %llu bytes of output, its spool has %llu",
			     step, (unsigned long long)size, (unsigned long long)output->committed);
	if (rc < 0) {
		output_release(output);
		return rc;
	}
	output_note_size(output, size);
	if (!output->cut && output_find_gap(output, err) < 0) {
		output_release(output);
		return err->code;
	}
	if (size > output->committed)
		output->close_us = output->read_us;
	output_punch(output);
	arm(output);
	return 0;
}

void
output_set_rate(struct output *output, struct rate *rate)
{
	OBJ_CHECK(output, OUTPUT_MAGIC);
	output->rate = rate;
}

void
output_release(struct output *output)
{
	if (output->magic != OUTPUT_MAGIC)
		return;
	watch_stop(&output->watch);
	timer_release(&output->timer);
	turn_stop(&output->turn);
	press_hold(output->press, output_holds(output), 0);
	press_shrink_pipe(output->press, output->grown);
	if (output->pipe_fd >= 0)
		(void)close(output->pipe_fd);
	(void)close(output->memfd);
	OBJ_WIPE(output);
}

bool
output_is_ended(const struct output *output)
{
	return output->failed ||
	       (output->ended && output->committed == output->size && output->dropped == 0);
}

bool
output_is_blocked(const struct output *output)
{
	return output->blocked || output->waiting;
}

bool
output_is_late(const struct output *output)
{
	struct err err = ERR_INIT;
	size_t waiting;

	return output->pipe_fd >= 0 && pipe_waiting(output->pipe_fd, &waiting, &err) == 0 &&
	       waiting > 0;
}

/*
 * sweeper.c - what is older than it is kept is deleted, all the time and a little at a time.
 *
 * One operation is under way at a time. While there is something to do the next one follows after a
 * pause, the longer the longer the last one took, so that commits find the disk free; else a look is taken after a tenth of the shortest time, at
 * least every ten minutes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/sweeper.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "hub/blobs.h"
#include "hub/hub.h"
#include "hub/store/store.h"
#include "loop/loop.h"

enum {
	PAUSE_TIMES = 9, /* as long as the last operation took: it takes a tenth of the store's time */
	PAUSE_LEAST_MS = 20,
	PAUSE_MOST_MS = 2000,
	LOOK_LEAST_MS = 500,
	LOOK_MOST_MS = 10 * 60 * 1000,
	FIRST_LOOK_MS = 200,
};

struct sweeper {
	struct hub *hub;
	struct timer timer;
	struct store_op *op; /* under way; NULL: none */
	uint64_t begun_us;   /* its begin */
	struct id found[STORE_SWEEP_PIPELINES_MOST]; /* by the last one */
	size_t found_count;
	struct sweeper_numbers numbers, told; /* told: in the log */
};

static uint64_t
look_ms(const struct settings *settings)
{
	uint64_t shortest = LOOK_MOST_MS * 10ULL;
	size_t i;

	for (i = 0; i < KEPT_KIND_COUNT; i++)
		if (settings->retention_ms[i] > 0 && (uint64_t)settings->retention_ms[i] < shortest)
			shortest = (uint64_t)settings->retention_ms[i];
	return shortest / 10 > LOOK_LEAST_MS ? shortest / 10 : LOOK_LEAST_MS;
}

/* 0: it is kept for ever. */
static int64_t
before_ms(const struct hub *hub, enum kept_kind kind)
{
	int64_t kept_ms = hub->settings.retention_ms[kind];

	return kept_ms > 0 ? hub->model.unix_ms() - kept_ms : 0;
}

/* Nobody has it, nor is about to have it. */
static bool
is_free(const struct sweeper *sweeper, const struct id *pipeline)
{
	return sweeper->hub->revivals == 0 && model_pipeline(&sweeper->hub->model, pipeline) == NULL;
}

static bool
can_drop(const struct sweeper *sweeper)
{
	size_t i;

	for (i = 0; i < sweeper->found_count; i++)
		if (is_free(sweeper, &sweeper->found[i]))
			return true;
	return false;
}

static void
choose_pipelines(struct sweeper *sweeper, struct store_sweep *sweep)
{
	size_t i;

	for (i = 0; i < sweeper->found_count; i++)
		if (is_free(sweeper, &sweeper->found[i]))
			sweep->drop[sweep->drop_count++] = sweeper->found[i];
	sweeper->found_count = 0;
}

static void
tell(struct sweeper *sweeper)
{
	const struct sweeper_numbers *now = &sweeper->numbers, *told = &sweeper->told;
	char size[24];
	size_t i;

	for (i = 0; i < KEPT_KIND_COUNT; i++)
		if (now->deleted[i] > told->deleted[i])
			log_info("deleted, older than they are kept: %llu %s, %s",
				 (unsigned long long)(now->deleted[i] - told->deleted[i]),
				 i == KEPT_OUTPUT ? "outputs of tasks" : kept_kind_names[i],
				 text_bytes(size, now->bytes[i] - told->bytes[i]));
	sweeper->told = *now;
}

static void
on_usage(void *arg, struct store_op *op)
{
	struct sweeper *sweeper = arg;
	size_t i;

	sweeper->op = NULL;
	memset(sweeper->numbers.kept, 0, sizeof(sweeper->numbers.kept));
	for (i = 0; i < op->count; i++)
		if (op->usages[i].usage < USAGE_COUNT)
			sweeper->numbers.kept[op->usages[i].usage] += op->usages[i].bytes;
	timer_start_ms(&sweeper->timer, look_ms(&sweeper->hub->settings));
}

static uint64_t
pause_ms(const struct sweeper *sweeper)
{
	uint64_t ms = (loop_now_us(sweeper->hub->loop) - sweeper->begun_us) * PAUSE_TIMES / 1000;

	if (ms < PAUSE_LEAST_MS)
		return PAUSE_LEAST_MS;
	return ms < PAUSE_MOST_MS ? ms : PAUSE_MOST_MS;
}

static void
on_swept(void *arg, struct store_op *op)
{
	struct sweeper *sweeper = arg;
	const struct store_sweep *sweep = &op->sweep;
	size_t i;

	sweeper->op = NULL;
	blobs_remove_files(sweeper->hub->blobs, op->freed, op->freed_count);
	for (i = 0; i < KEPT_KIND_COUNT; i++) {
		sweeper->numbers.deleted[i] += sweep->deleted[i];
		sweeper->numbers.bytes[i] += sweep->bytes[i];
	}
	memcpy(sweeper->found, sweep->found, sweep->found_count * sizeof(sweep->found[0]));
	sweeper->found_count = sweep->found_count;
	if (sweep->is_busy || can_drop(sweeper)) {
		timer_start_ms(&sweeper->timer, pause_ms(sweeper));
		return;
	}
	tell(sweeper);
	sweeper->op = store_op_new(STORE_LIST_USAGE);
	store_submit(sweeper->hub->store, sweeper->op, on_usage, sweeper);
}

static void
on_time(void *arg)
{
	struct sweeper *sweeper = arg;
	struct store_op *op = store_op_new(STORE_SWEEP);
	size_t i;

	for (i = 0; i < KEPT_KIND_COUNT; i++)
		op->sweep.before_ms[i] = before_ms(sweeper->hub, (enum kept_kind)i);
	op->sweep.now_ms = sweeper->hub->model.unix_ms();
	choose_pipelines(sweeper, &op->sweep);
	sweeper->op = op;
	sweeper->begun_us = loop_now_us(sweeper->hub->loop);
	store_submit(sweeper->hub->store, op, on_swept, sweeper);
}

void
sweeper_start(struct hub *hub)
{
	struct sweeper *sweeper = MEM_NEW(struct sweeper);

	hub->sweeper = sweeper;
	sweeper->hub = hub;
	timer_init(&sweeper->timer, hub->loop, on_time, sweeper);
	timer_start_ms(&sweeper->timer, FIRST_LOOK_MS);
}

void
sweeper_stop(struct hub *hub)
{
	struct sweeper *sweeper = hub->sweeper;

	if (sweeper == NULL)
		return;
	if (sweeper->op != NULL)
		store_forget(sweeper->op);
	timer_release(&sweeper->timer);
	free(sweeper);
	hub->sweeper = NULL;
}

struct sweeper_numbers
sweeper_numbers(const struct hub *hub)
{
	return hub->sweeper != NULL ? hub->sweeper->numbers : (struct sweeper_numbers){.deleted = {0}};
}

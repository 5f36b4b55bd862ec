/*
 * event.h - what happened to a task, as the agent reports and the hub stores it.
 *
 * The JSON form is in doc/api.md, POST /api/v3/runner/events.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_EVENT_H
#define TASK_EVENT_H

#include <stdint.h>

#include "base/id.h"
#include "runner/protocol.h"
#include "runner/states.h"

struct err;
struct json;

enum { EVENT_NO_EXIT_CODE = -1 };

struct task_event {
	struct id task;
	uint32_t epoch;
	uint32_t seq; /* from 1, without gaps within a task */
	int64_t time_ms;
	enum event_type type;
	/* STEP_STARTED, STEP_ENDED */
	uint32_t step, attempt;
	/* STEP_ENDED, ENDED */
	enum outcome outcome;
	char reason[RUNNER_REASON_BYTES]; /* "" when there is none */
	/* STEP_ENDED */
	int32_t exit_code; /* EVENT_NO_EXIT_CODE when it was ended by a signal or never ran */
	int32_t signal;	   /* 0: none */
	uint64_t output_bytes, wall_ms, user_us, system_us, max_rss_bytes;
	uint64_t peak_bytes, read_bytes, write_bytes;
};

/* As JSON; the caller frees it. */
struct json *task_event_write(const struct task_event *event);

/* Fails: ERR_INPUT naming the member. */
int task_event_parse(struct task_event *out, const struct json *json, struct err *err);

#endif

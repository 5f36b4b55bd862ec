/*
 * output_limit.c - how much of what a step writes is kept, and the lines that say what is not.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/output_limit.h"

#include <stdio.h>

#include "agent/spool.h"
#include "base/text.h"

/* most 0 is no limit. */
static uint64_t
left_of(uint64_t most, uint64_t used)
{
	if (most == 0)
		return UINT64_MAX;
	return used < most ? most - used : 0;
}

uint64_t
output_limit_left(const struct output_limits *limits, const struct spool *spool, uint32_t step,
		  uint32_t attempt)
{
	uint64_t of_step = left_of(limits->step_most_bytes, spool_end(spool, step, attempt));
	uint64_t of_task = UINT64_MAX;

	if (limits->task_most_bytes > 0)
		of_task = left_of(limits->task_most_bytes, spool_total(spool));
	return of_step < of_task ? of_step : of_task;
}

size_t
output_limit_cut_line(char room[OUTPUT_LIMIT_LINE_BYTES], const struct output_limits *limits,
		      const struct spool *spool, uint32_t step, uint32_t attempt)
{
	bool of_step = left_of(limits->step_most_bytes, spool_end(spool, step, attempt)) <=
		       left_of(limits->task_most_bytes, spool_total(spool));
	char size[24];

	return (size_t)snprintf(room, OUTPUT_LIMIT_LINE_BYTES,
				"\n[runnerd: the %s has printed more than %s; what it prints from "
				"here on is not kept "
				"(%s)]\n",
				of_step ? "step" : "task",
				text_bytes(size, of_step ? limits->step_most_bytes
							 : limits->task_most_bytes),
				of_step ? "max-step-output" : "max-output");
}

size_t
output_limit_gap_line(char room[OUTPUT_LIMIT_LINE_BYTES], uint64_t dropped)
{
	return (size_t)snprintf(
		room, OUTPUT_LIMIT_LINE_BYTES,
		"\n[runnerd: %llu bytes of output were dropped here: the spool was full "
		"while the hub was slow or away (output-overflow)]\n",
		(unsigned long long)dropped);
}

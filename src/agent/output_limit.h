/*
 * output_limit.h - how much of what a step writes is kept, and the lines that say what is not.
 *
 * Limits count what readers see. A line says how much, never when or whether it was a restart: what
 * the output becomes must not hang on where runnerd was killed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_OUTPUT_LIMIT_H
#define AGENT_OUTPUT_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spool;

enum { OUTPUT_LIMIT_LINE_BYTES = 256 };

struct output_limits {
	uint64_t step_most_bytes; /* 0: none; else what follows is dropped */
	uint64_t task_most_bytes;
	bool drops_when_full; /* the spool has no room: drop, do not let the job wait */
};

/* What may still be kept of a stream; UINT64_MAX without limits. */
uint64_t output_limit_left(const struct output_limits *limits, const struct spool *spool,
			   uint32_t step, uint32_t attempt);

/* The line behind the last byte that is kept of a stream. Returns its length. */
size_t output_limit_cut_line(char room[OUTPUT_LIMIT_LINE_BYTES], const struct output_limits *limits,
			     const struct spool *spool, uint32_t step, uint32_t attempt);

/* The line in the place of output that was dropped. Returns its length. */
size_t output_limit_gap_line(char room[OUTPUT_LIMIT_LINE_BYTES], uint64_t dropped);

#endif

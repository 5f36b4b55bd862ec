/*
 * output_lines.h - a window of lines over records of output: which records it takes, and where it
 * cuts.
 *
 * Records know how many newlines they hold, so only those in which the window begins or ends need
 * to be decompressed. For each record in order: line_window_pass(), or where line_window_cuts()
 * line_window_cut() with its bytes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_OUTPUT_LINES_H
#define HUB_API_OUTPUT_LINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINES_ALL UINT64_MAX

struct line_window {
	uint64_t skip; /* newlines before it */
	uint64_t left; /* lines in it, or LINES_ALL */
};

#define LINE_WINDOW_ALL                                                                            \
	{                                                                                          \
		0, LINES_ALL                                                                       \
	}

/* It ends or begins in a record that says it holds so many newlines. */
bool line_window_cuts(const struct line_window *window, uint32_t lines);

/* A record that it does not cut: true when it is taken, whole. */
bool line_window_pass(struct line_window *window, uint32_t lines);

/* The part of a record's bytes that it takes: from *from up to *until, which may be nothing. A
 * record that holds fewer newlines than it said is taken to its end. */
void line_window_cut(struct line_window *window, const void *bytes, size_t len, size_t *from,
		     size_t *until);

/* Nothing more belongs to it. */
bool line_window_is_over(const struct line_window *window);

#endif

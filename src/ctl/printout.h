/*
 * printout.h - a task's output, or a step's, on standard output.
 *
 * To a pipe or a file bytes go as they were printed; to a terminal what could harm it is left
 * out, colours stay (clean.h). A connection that is cut is made again and the printing goes
 * on where it was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_PRINTOUT_H
#define CTL_PRINTOUT_H

#include <stdbool.h>
#include <stdint.h>

struct api;
struct err;

struct printout_options {
	struct api *api;
	const char *task;
	const char *step;   /* its number; NULL: all */
	int64_t since_line; /* of the step: begin there, -N: with the last N; 0: at the beginning */
	bool follow;	    /* go on until the task has ended */
	bool timestamps;    /* at the beginning of each line, when it was printed */
};

/* Runs until all is printed, or nobody reads any more. Fails: ERR_AGAIN, ERR_INPUT, ERR_GONE; ERR_HOST,
 * ERR_LIMIT (writing). */
int printout_run(const struct printout_options *options, struct err *err);

#endif

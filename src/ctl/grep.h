/*
 * grep.h - the lines of a task's output in which a pattern is found, on standard output.
 *
 * The hub searches. Lines are printed as grep -n prints them, behind the name of their step where
 * several are searched; to a terminal what could harm it is left out (clean.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_GREP_H
#define CTL_GREP_H

#include <stdbool.h>
#include <stdint.h>

struct api;
struct err;
struct json;

struct grep_options {
	struct api *api;
	const struct json *task; /* doc/api.md */
	const char *step;	 /* its number; NULL: all */
	const char *pattern;
	bool ignore_case;
	bool timestamps; /* at the beginning of each line, when it was printed */
};

/* Runs until all is printed; *found grows by the number of lines. Fails: ERR_AGAIN, ERR_INPUT (the
 * pattern), ERR_GONE; ERR_HOST, ERR_LIMIT (writing). */
int grep_run(const struct grep_options *options, uint64_t *found, struct err *err);

#endif

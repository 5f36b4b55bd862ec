/*
 * test_mask.h - what a job's step says of tests, without the task's secrets.
 *
 * An assertion shows what it compared, and a test may be named after its parameters. A file is not
 * masked: it is the path of one in the repository, and times are found by it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_TEST_MASK_H
#define TASK_TEST_MASK_H

#include <stddef.h>

struct buffer;
struct err;
struct mask;

/*
 * Append to out (without a limit) the lines (task/test_case.h) with their secrets covered; a text
 * that was cut also loses what may be the beginning of one. Work and memory are linear in len.
 * Fails: ERR_INPUT when a line is none of a test; the error says which, the first is 1.
 */
int test_mask_lines(struct buffer *out, struct mask *mask, const char *lines, size_t len,
		    struct err *err);

#endif

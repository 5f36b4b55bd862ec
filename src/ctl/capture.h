/*
 * capture.h - run a program to its end and keep what it prints on standard output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_CAPTURE_H
#define CTL_CAPTURE_H

#include <stddef.h>

struct buffer;
struct err;
struct loop;

/*
 * argv[0] is a path, or a name that is looked for in $PATH. Standard error is thrown away. Runs the
 * loop until the program has ended. Appends to out (give it a limit); *status is as wait(2) gives
 * it. Fails: ERR_HOST when it cannot be started, ERR_LIMIT when it prints more than out holds.
 */
int capture(struct loop *loop, char *const *argv, const char *cwd, struct buffer *out, int *status,
	    struct err *err);

#endif

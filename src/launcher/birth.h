/*
 * birth.h - processes that the launcher makes for runnerd, as runnerd's own children.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LAUNCHER_BIRTH_H
#define LAUNCHER_BIRTH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "launcher/ground.h"
#include "runner/launcher.h"

struct birth {
	pid_t pid;
	int pidfd; /* the caller's */
	int sys;   /* errno of what failed */
};

/* Start runner-init. fds[0..2) are its socket and directory, borrowed; fd_count may be 0. */
enum launcher_fault birth_of_init(struct birth *birth, const struct ground *ground,
				  const struct launcher_request *request, const int *fds,
				  size_t fd_count);

/* As fork(2): true in the child. The child has all that we have and must end by _exit(2). */
bool birth_of_copy(struct birth *birth);

#endif

/*
 * launch.h - one step's process: from a specification to a running program.
 *
 * launch() returns after the exec has succeeded or something before it has failed, so
 * every reason why a step cannot start is an answer. Until then runner-init waits (the
 * child borrows its memory), which a file system that does not answer can prolong.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_LAUNCH_H
#define SUPERVISOR_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "runner/supervisor.h"

struct launch {
	const struct message_start_step *start;
	const struct message_start_session *session; /* NULL: it is a step */
	int spec_fd;	/* borrowed: the sealed memfd */
	int cgroup_fd;	/* borrowed: a group's directory, or its cgroup.procs; -1: none */
	bool reset_oom; /* runner-init is protected from the out-of-memory killer; a step is not */
	bool dies_with_us; /* no PID namespace: ask the kernel to end it when runner-init is killed
			    */
};

struct launched {
	pid_t pid;
	int fds[SUPERVISOR_FDS_MOST]; /* the agent's ends (ends.h); the caller's */
	size_t fd_count;
	int sys;     /* errno of a failure, or 0 */
};

/* Returns FAULT_NONE, or what failed with sys set and nothing left behind. */
enum supervisor_fault launch(const struct launch *launch, struct launched *out);

#endif

/*
 * executor.h - how runner-init is started, and nothing else.
 *
 * Everything after that (messages, steps, output, recovery) is the same for every executor.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_EXECUTOR_H
#define AGENT_EXECUTOR_H

#include "loop/child.h"

struct err;
struct executor;
struct id;
struct loop;

struct executor_start {
	int listen_fd;	    /* becomes SUPERVISOR_LISTEN_FD */
	int dir_fd;	    /* becomes SUPERVISOR_DIR_FD */
	uint32_t orphan_ms; /* how long it goes on without an agent */
	const char *cpu_list; /* the only CPUs it and its steps run on: "0-3,8"; NULL: any */
	int slot;	    /* whose user it is to be; -1: ours */
	const struct id *task;
	int shelter_fd;	    /* becomes SHELTER_FD where it has namespaces (agent/shelter.h); -1: none */
	bool has_network;   /* the host's; else it has one of its own */
	int probe_fd;	    /* not -1: no task; it tries the shelter, and says here what is wrong with it */
};

struct executor {
	const char *name;
	/*
	 * Start runner-init; on_exit comes once when it has ended.
	 * Fails: ERR_HOST with what this machine refuses.
	 */
	int (*start)(struct executor *executor, struct child *child, struct loop *loop,
		     const struct executor_start *start, child_exit_fn *on_exit, void *arg,
		     struct err *err);
	/* What holds the tree of processes together, for people. */
	const char *(*isolation)(const struct executor *executor);
	/* Are tasks given their shelter? Known once one was started. */
	bool (*shelters)(const struct executor *executor);
	void (*free)(struct executor *executor);
};

#endif

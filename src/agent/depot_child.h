/*
 * depot_child.h - the process that touches the spool's disk, and the orders it is given.
 *
 * Private to the depot. One packet an order, one packet an answer, over the socket that is its
 * standard input; both ends are the same program, so structs travel as they are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_DEPOT_CHILD_H
#define AGENT_DEPOT_CHILD_H

#include <stdint.h>

#include "base/id.h"

#define DEPOT_CHILD_ARGUMENT "--spool-disk" /* runnerd's only one then */

/* What the child's descriptors are called. */
enum { DEPOT_SOCKET_FD = 0, DEPOT_TASKS_FD = 3, DEPOT_AGENT_FD = 4, DEPOT_DIR_FD = 5 };

enum depot_verb {
	DEPOT_STORE,  /* segment `number` of the task: from tmpfs to the disk, synced */
	DEPOT_FETCH,  /* segment `number`: from the disk to the memfd that comes along */
	DEPOT_DROP,   /* segments `number` to below `end`: from the disk */
	DEPOT_CLEAR,  /* everything of the task: from the disk */
	DEPOT_REMOVE, /* everything of another agent, whose id stands for the task's */
};

struct depot_order {
	enum depot_verb verb;
	uint32_t number, end;
	struct id task;
};

struct depot_answer {
	int32_t sys;	/* errno, 0 when it is done */
	uint32_t count; /* files */
	uint64_t bytes;
};

/* Do orders until nobody gives any. Returns what to exit with. */
int depot_child_main(void);

#endif

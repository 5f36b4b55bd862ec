/*
 * cgroup.h - the control group of one task: its limits, and what it and its steps have used.
 *
 *	TASKS/<task>/		the limits of its resource class
 *	TASKS/<task>/3.1/	the processes of step 3, attempt 1: no limit of its own, but counted
 *	TASKS/<task>/session-0/	those of a person's terminal; hook/: those of a hook
 *
 * cgroup_new() -> cgroup_enter() for each step -> cgroup_measure(), cgroup_explain() at its end ->
 * cgroup_remove() until it says that nothing is left. A new runnerd calls cgroup_new() again: all that
 * must be known of a step is in the kernel. runner-init is not in the group of its task.
 *
 * What a class gives is a ceiling for memory and the number of processes, and a share of processors and
 * disks: idle ones are anybody's, unless it has a ceiling for processors, too.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CGROUP_H
#define AGENT_CGROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"

struct cgroup_tree;
struct err;
struct limits;

enum { CGROUP_COMM_BYTES = 16 };

struct cgroup_usage {
	uint64_t user_us, system_us;
	uint64_t peak_bytes; /* of memory, files that the kernel has cached for it included; 0: not known */
	uint64_t read_bytes, write_bytes; /* of disks */
};

struct cgroup {
	uint32_t magic;
	struct cgroup_tree *tree;
	struct cgroup *next; /* the tree's list */
	char name[ID_TEXT_BYTES];
	int dir_fd;
	uint64_t memory_bytes; /* its limits; 0: none */
	uint32_t pids;
	uint64_t pids_refused; /* of which somebody has been told */
	int watch;	       /* of memory.events; -1: none */
	uint64_t looked_us;    /* when largest was found */
	char largest[CGROUP_COMM_BYTES];
	uint64_t largest_bytes;
};

/*
 * Make the group of a task, or find it, and set its limits. What the host has no controller for is
 * no limit. Fails: ERR_HOST.
 */
int cgroup_new(struct cgroup **out, struct cgroup_tree *tree, const char *task,
	       const struct limits *limits, struct err *err);
/* Forget it; the group stays. NULL is fine. */
void cgroup_free(struct cgroup *cgroup);

/*
 * What runner-init gets into a step's group by, which is made if absent: its directory, or, where runner-init
 * is another user (as_other), its cgroup.procs. The caller's. Fails: ERR_HOST.
 */
int cgroup_enter(struct cgroup *cgroup, uint32_t step, uint32_t attempt, bool as_other, int *fd,
		 struct err *err);

/* The same for what runs beside its steps: "hook". */
int cgroup_enter_beside(struct cgroup *cgroup, const char *name, bool as_other, int *fd,
			struct err *err);

/* What a step has used so far. False when it has no group. */
bool cgroup_measure(struct cgroup *cgroup, uint32_t step, uint32_t attempt, struct cgroup_usage *usage);

/*
 * Why a step of it has failed, where that is known here: "Killed: passed its 16.0 GiB, peak 16.0 GiB, largest process cc1plus". False, and room is untouched, otherwise. Asked
 * once for each step, at its end.
 */
bool cgroup_explain(struct cgroup *cgroup, uint32_t step, uint32_t attempt, char *room, size_t size);

/* Its processes that are left are killed; true when there is none any more, and the group is gone. */
bool cgroup_remove(struct cgroup *cgroup);

/* --- for cgroup_tree.c --- */

/* Kill what is in the group of this name below dir_fd, and remove it: as cgroup_remove(). */
bool cgroup_remove_at(int dir_fd, const char *name);
/* Note which of its processes is the largest. Returns how much of its memory it has used, in thousandths. */
unsigned cgroup_look(struct cgroup *cgroup);

#endif

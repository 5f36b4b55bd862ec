/*
 * ceilings.h - what each process of a task may have, where no control group holds the task as a whole.
 *
 * The next best that every kernel has: resource limits, which processes inherit. Of a class's memory each
 * process may have all of it, so that two together have twice as much; and it is what a
 * process has made writable for itself that counts (RLIMIT_DATA), not what it has in memory. Its pids are
 * counted by user (RLIMIT_NPROC), which says something of a task only where it has a user of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CEILINGS_H
#define AGENT_CEILINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "wire/spec.h"

struct cgroup_tree;
struct limits;

struct ceilings {
	struct spec_rlimit limits[2];
	uint32_t count;
	uint64_t memory_bytes; /* of a process; 0: any */
};

/*
 * What is left to be held of limits. tree: where the task has its group, NULL: it has none; own_user: nobody
 * else's processes run as its user. None is above what this process may have itself.
 */
void ceilings_choose(struct ceilings *ceilings, const struct limits *limits,
		     const struct cgroup_tree *tree, bool own_user);

/*
 * Why a step has failed whose largest process had max_rss_bytes, as far as can be told: a program that is refused
 * memory says so in its own way, or not at all. False, and room is untouched, when it was far below.
 */
bool ceilings_explain(const struct ceilings *ceilings, uint64_t max_rss_bytes, char *room, size_t size);

#endif

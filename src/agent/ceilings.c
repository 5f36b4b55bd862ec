/*
 * ceilings.c - what each process of a task may have, where no control group holds the task as a whole.
 *
 * RLIMIT_AS would count what is reserved and never touched: Go, Java and V8 reserve more than a host has. RLIMIT_DATA
 * counts what is writable; of programs in use only those built with sanitizers map so much of it that they
 * cannot start.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/ceilings.h"

#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "agent/cgroup_tree.h"
#include "agent/slots.h"
#include "base/assert.h"
#include "base/text.h"

/* A process that has touched so much of its limit has likely failed for it. */
enum { NEAR_PERCENT = 75 };

static uint64_t
add(struct ceilings *ceilings, int resource, uint64_t most)
{
	struct rlimit ours;

	if (getrlimit(resource, &ours) == 0 && ours.rlim_max != RLIM_INFINITY && ours.rlim_max < most)
		most = ours.rlim_max;
	assert(ceilings->count < sizeof(ceilings->limits) / sizeof(ceilings->limits[0]));
	ceilings->limits[ceilings->count++] = (struct spec_rlimit){(uint32_t)resource, most, most};
	return most;
}

static bool
is_held(const struct cgroup_tree *tree, enum cgroup_controller controller)
{
	return tree != NULL && cgroup_tree_has(tree, controller);
}

void
ceilings_choose(struct ceilings *ceilings, const struct limits *limits,
		const struct cgroup_tree *tree, bool own_user)
{
	memset(ceilings, 0, sizeof(*ceilings));
	if (!limits->rlimits)
		return;
	if (limits->memory_bytes > 0 && !is_held(tree, CGROUP_MEMORY))
		ceilings->memory_bytes = add(ceilings, RLIMIT_DATA, limits->memory_bytes);
	if (limits->pids > 0 && own_user && !is_held(tree, CGROUP_PIDS))
		(void)add(ceilings, RLIMIT_NPROC, limits->pids);
}

bool
ceilings_explain(const struct ceilings *ceilings, uint64_t max_rss_bytes, char *room, size_t size)
{
	char had[24], most[24];

	if (ceilings->memory_bytes == 0 || max_rss_bytes / NEAR_PERCENT < ceilings->memory_bytes / 100)
		return false;
	(void)snprintf(room, size, "its largest process had %s of memory, and each may have %s",
		       text_bytes(had, max_rss_bytes), text_bytes(most, ceilings->memory_bytes));
	return true;
}

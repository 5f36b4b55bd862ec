/*
 * invocation.c - a job as one workflow runs it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/invocation.h"

struct invocation *
invocation_new(struct compilation *c, struct invocations *list, const struct node *at)
{
	struct invocation *invocation = COMP_NEW(c, struct invocation);

	if (list->count == INVOCATIONS_MAX)
		comp_limit(c, at, "the workflow has more than %d jobs", INVOCATIONS_MAX);
	list->items = comp_grow(c, list->items, list->count, sizeof(struct invocation *));
	list->items[list->count++] = invocation;
	invocation->at = at;
	invocation->job = COMP_NEW(c, struct plan_job);
	invocation->job->parallelism = 1;
	invocation->job->place = comp_plan_place(c, at);
	invocation->build.job = invocation->job;
	return invocation;
}

void
invocation_require(struct compilation *c, struct invocation *invocation, size_t other,
		   unsigned statuses, const struct node *at)
{
	struct plan_job *job = invocation->job;
	size_t i;

	comp_work(c, 1 + job->require_count / 8);
	for (i = 0; i < job->require_count; i++) {
		if (job->requires[i].job != other)
			continue;
		job->requires[i].statuses &= statuses;
		if (job->requires[i].statuses == 0)
			comp_error(c, at, "E_REQ_STATUS", "state all statuses in one list",
				   "the statuses required of one job contradict one another");
		return;
	}
	invocation_require_new(c, invocation, other, statuses);
}

void
invocation_require_new(struct compilation *c, struct invocation *invocation, size_t other,
		       unsigned statuses)
{
	struct plan_job *job = invocation->job;

	job->requires =
		comp_grow(c, job->requires, job->require_count, sizeof(struct plan_requirement));
	job->requires[job->require_count].job = (uint32_t)other;
	job->requires[job->require_count++].statuses = statuses;
}

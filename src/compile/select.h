/*
 * select.h - of a plan, what a person wants to run here, and how.
 *
 * runnerctl run selects of the config it is given; its hub does the same, without a job or a step,
 * with the config that a setup pipeline goes on with.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_SELECT_H
#define COMPILE_SELECT_H

#include <stdbool.h>
#include <stddef.h>

#include "compile/plan.h"

struct arena;
struct err;

struct selection {
	const char *workflow; /* only this one; NULL: all */
	const char *
		job; /* only this job ("JOB" or "WORKFLOW/JOB"), with what it requires; NULL: all */
	bool alone;  /* without what it requires */
	/*
	 * The last step to run, by its name or its number (from 0): of the job, or of every job
	 * that has it. NULL: all steps.
	 */
	const char *until;
	bool docker_on_host;
	const struct plan_pair *environment; /* above the jobs' own */
	size_t environment_count;
	/*
	 * Leave out approvals, which nobody here can give, and what requires them. Jobs that were
	 * left out so are counted in *held (may be NULL).
	 */
	bool no_approvals;
	size_t *held;
};

/*
 * Mark the jobs of a workflow that a selection takes: wanted and held have room for each, all
 * false. Returns how many are wanted; held are those that wait for an approval.
 */
size_t select_mark(const struct plan_workflow *workflow, const struct selection *selection,
		   bool *wanted, bool *held);

/*
 * A plan that shares the strings and steps of from (which must outlive it); its lists lie in the
 * arena. Fails: ERR_INPUT when a workflow, a job or a step is not there (with the names that are),
 * ERR_LIMIT.
 */
int select_plan(struct plan *out, const struct plan *from, const struct selection *selection,
		struct arena *arena, struct err *err);

#endif

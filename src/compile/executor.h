/*
 * executor.h - where a job runs: docker, machine, macos; named executors and their merge
 * with the job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_EXECUTOR_H
#define COMPILE_EXECUTOR_H

#include <stdbool.h>

#include "compile/job.h"

/* Whether an executor reference (its home set) names one; tells E_EXEC_UNKNOWN. */
bool executor_exists(struct compilation *c, const struct node *reference);

/*
 * A named executor's body with its own parameters bound and filled in. reference is a name
 * or a map with "name"; it is looked up in its home, or in space where it has none. NULL
 * after telling.
 */
const struct node *
executor_resolve(struct compilation *c, const struct space *space, const struct node *reference);

/* Whether a body says itself where it runs (docker, machine, macos). */
bool executor_has_type(const struct node *body);

/*
 * Fill build->job's executor, resource_class and what else "docker", "machine" and "macos"
 * bring, from the job's body (filled in) and the named executor's (or NULL). What the
 * caller cannot run is noted with job_refuse().
 */
void executor_read(struct compilation *c, struct job_build *build, const struct node *body,
		   const struct node *named);

#endif

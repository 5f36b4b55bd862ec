/*
 * plan_task.h - from a job of a plan to the task document an agent gets.
 *
 * The document has everything but what a lease adds: id, epoch, token, lease_ms and
 * node_index are for the caller to set, and CIRCLE_NODE_INDEX is not among the
 * variables yet. It is the same for every node and every attempt of the job.
 *
 * Environment: built-in variables of a self-hosted runner, the job's own above them.
 * BASH_ENV and CIRCLE_INTERNAL_TASK_DATA are the agent's: built_in.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_PLAN_TASK_H
#define COMPILE_PLAN_TASK_H

#include <stdint.h>

#include "task/task_doc.h"

struct err;
struct plan_job;

/* What a job's surroundings are. Strings may be NULL ("not known": no such variable) but where
 * said. */
struct plan_task_facts {
	const char *job_id; /* needed */
	uint64_t job_number;
	const char *job_url;
	const char *workflow_name; /* needed */
	const char *workflow_id, *pipeline_id, *project_id;
	const char *project_slug;   /* needed: "gh/owner/repository" */
	const char *resource_class; /* needed: as resolved */
	const char *organization_id;
	const char *branch, *tag, *revision, *repository, *user;
	struct task_source source; /* for checkout steps */
};

/*
 * Owns: *out is the caller's, task_doc_free() ends it; it borrows the plan's and the facts'
 * strings. Fails: ERR_INPUT for a kind of step that no task document has; ERR_LIMIT.
 */
int plan_task(struct task_doc **out, const struct plan_job *job,
	      const struct plan_task_facts *facts, struct err *err);

#endif

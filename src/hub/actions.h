/*
 * actions.h - what people ask of pipelines: begin, cancel, approve.
 *
 * Everything is decided in memory when the function returns; reply after
 * model_after_commit().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_ACTIONS_H
#define HUB_ACTIONS_H

#include <stddef.h>

#include "base/id.h"

struct diags;
struct err;
struct hub;
struct job;
struct pipeline;
struct plan;
struct workflow;

/* What a pipeline is made of, plan aside. Strings are borrowed for the call; NULL: none. */
struct pipeline_spec {
	struct id id;	/* id_random(), made before compiling: pipeline.id is a value of the config */
	const char *project_slug;
	const char *actor; /* login */
	const char *branch, *tag, *revision, *repository, *directory;
	bool commit_only; /* of the directory its repository, not its files */
	const char *config_path, *config;
	const char *const *workflows; /* only these of the plan; none: all */
	size_t workflow_count;
};

/*
 * The number that the project's next pipeline will have: for the compiler's pipeline.number. Nothing else can take
 * it within this turn.
 */
long long pipeline_next_number(struct hub *hub, const char *project_slug);

/*
 * Make the pipeline with all its workflows, jobs and tasks, and start what can start. The plan is borrowed for the call.
 * Fails: ERR_INPUT (a workflow asked for is not in the plan; a docker: job on a class that does not take it; a kind of step
 * the hub cannot hand out), ERR_LIMIT.
 */
int pipeline_create(struct pipeline **out, struct hub *hub, const struct pipeline_spec *spec,
		    const struct plan *plan, struct err *err);

/* by: login of who asked. What has ended stays as it is. Fails: ERR_GONE when all of it has ended. */
int pipeline_cancel(struct pipeline *pipeline, const char *by, struct err *err);
int workflow_cancel(struct workflow *workflow, const char *by, struct err *err);
int job_cancel(struct job *job, const char *by, struct err *err);

/* Fails: ERR_INPUT when it is no approval, ERR_GONE when it does not wait (any more). */
int job_approve(struct job *job, const char *by, struct err *err);

#endif

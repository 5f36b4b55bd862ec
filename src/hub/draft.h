/*
 * draft.h - what a pipeline will be made of, worked out from its plan.
 *
 * All that can be refused is refused here, so that a refusal leaves nothing behind. Nothing of the model is touched:
 * it is done outside the loop, since the task documents of a large config take as long as its compilation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_DRAFT_H
#define HUB_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/id.h"

struct err;
struct plan;
struct plan_job;
struct plan_workflow;
struct settings;

/* What a pipeline is made of, plan aside. Strings are borrowed; NULL: none. */
struct pipeline_spec {
	struct id id;	/* id_random(), made before compiling: pipeline.id is a value of the config */
	const char *project_slug;
	struct id project;
	int64_t number;	  /* of the pipeline */
	int64_t last_job; /* number that the project has given so far */
	int64_t created_ms;
	const char *actor; /* login */
	const char *trigger; /* as CircleCI names it: "api"; never NULL */
	const char *branch, *tag, *revision, *repository, *directory;
	bool is_default, is_no_default; /* the branch: as the request says */
	bool commit_only; /* of the directory its repository, not its files */
	const char *config_path, *config;
	const char *request; /* what else was sent with it: launch.h */
	const char *const *workflows; /* only these of the plan; none: all */
	size_t workflow_count;
};

struct draft_job {
	const struct plan_job *plan;
	struct id id;
	int64_t number;
	const char *class; /* NULL where nothing runs */
	const char *requires, *document;
	size_t document_bytes;
	const char *contexts; /* a JSON array; NULL: none */
	bool needs_keys;      /* a step uses the project's */
};

struct draft_workflow {
	const struct plan_workflow *plan;
	struct id id;
	struct draft_job *jobs;
};

struct draft {
	const struct settings *settings;
	const struct pipeline_spec *spec;
	int64_t last_job;
	struct arena arena;
	struct draft_workflow *workflows;
	size_t workflow_count, job_count;
	const char *compiled;
	bool setup;
};

/*
 * *draft is zeroed before. Plan, spec and settings are borrowed until draft_release(), which goes with a failure, too.
 * Fails: ERR_INPUT (a workflow asked for is not in the plan; a docker: job on a class that does not take it; a kind of step
 * the hub cannot hand out), ERR_LIMIT.
 */
int draft_make(struct draft *draft, const struct settings *settings, const struct pipeline_spec *spec,
	       const struct plan *plan, struct err *err);
void draft_release(struct draft *draft);

#endif

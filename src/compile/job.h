/*
 * job.h - one job on its way into the plan: its body filled in, executor and environment
 * merged, steps expanded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_JOB_H
#define COMPILE_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "compile/space.h"

enum { JOB_STEP_DEPTH_MAX = 50, FEATURE_NEVER = 0 };

/* Something this runner cannot do; an error only if the job really is to run. */
struct refusal {
	const struct node *at;
	const char *hint;
	const char *message;
};

struct job_build {
	struct plan_job *job;
	struct refusal *refusals;
	size_t refusal_count;
	unsigned depth;		   /* commands within commands */
	const struct node *deploy; /* a "deploy" step, or NULL */
};

/* What surrounds the job in its workflow; nodes are filled in, or NULL. */
struct job_extra {
	const struct node *pre_steps;
	const struct node *post_steps;
	const struct home *home; /* where those were written */
};

/*
 * Fill build->job from the job's declaration and its bound parameters: all but what the
 * workflow decides (name, requires, contexts, serial group, place).
 */
void job_read(struct compilation *c, struct job_build *build, struct element *element,
	      const struct bindings *parameters, const struct job_extra *extra);

/* What "type" a job declares. Tells E_JOB_TYPE. */
enum plan_job_type
job_type(struct compilation *c, struct job_build *build, const struct node *body);

/* Note that at (a key "what") needs a feature; nothing where the caller has it. */
void job_need(struct compilation *c, struct job_build *build, const struct node *at,
	      uint64_t feature, const char *what);
/* Note any other reason why this job cannot run here. */
void job_refuse(struct compilation *c, struct job_build *build, const struct node *at,
		const char *hint, const char *message);
/* The job is to run: its refusals become errors. */
void job_tell_refusals(struct compilation *c, const struct job_build *build);

/* E_UNSUPPORTED at once, for what is not part of a job. false where the caller cannot do it. */
bool feature_need(struct compilation *c, const struct node *at, uint64_t feature, const char *what);

#endif

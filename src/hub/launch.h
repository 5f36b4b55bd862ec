/*
 * launch.h - from a config and what started it to a pipeline.
 *
 * Compiling and drafting are the worker's (loop/worker.h), one launch after another, so that the loop waits
 * for neither and the numbers a launch is given are still the next ones when it is made.
 *
 *	launch_new() -> fill it -> launch_start() -> done(), in the loop -> launch_free()
 *
 * What was sent beside config and checkout is kept as a JSON object, the request: "parameters" (an object of
 * strings, integers, booleans), "is_default" and "orbs" (orbs.h). It serves again when a config continues the
 * pipeline, or a clock starts one. A private hub's may have "local", {"environment", "docker_on_host"}: what
 * runnerctl run was told of every job. The first config has it in it already and declares no parameter any more;
 * one that continues the pipeline is given it here (strings among the parameters are read with the type that it
 * declares), and loses its approvals, which nobody would give.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_LAUNCH_H
#define HUB_LAUNCH_H

#include <stdbool.h>
#include <stddef.h>

#include "base/arena.h"
#include "base/err.h"
#include "compile/compile.h"
#include "compile/plan.h"
#include "hub/draft.h"
#include "hub/orbs.h"
#include "loop/worker.h"

struct diags;
struct hub;
struct json;
struct launch;
struct pipeline;
struct plan;

enum {
	LAUNCH_WAITING_MOST = 64,     /* behind the one that is compiled */
	LAUNCH_VALUES_MOST = 40,
};

enum launch_end {
	LAUNCH_MADE,	/* pipeline is there */
	LAUNCH_NOTHING, /* no workflow is selected */
	LAUNCH_WRONG,	/* the config: diags */
	LAUNCH_REFUSED, /* err */
};

typedef void launch_done_fn(void *arg, struct launch *launch);

struct launch {
	struct hub *hub;
	struct arena arena;	   /* for strings of the spec */
	struct json *body;	   /* whose strings the spec borrows; freed with it. NULL: none */
	struct pipeline_spec spec; /* without id, project, numbers, created_ms: made here, unless it continues */
	struct json *request;	   /* owned; NULL: nothing */
	struct json *passed;	   /* parameters above the request's, of a continuation; owned. NULL: none */
	const char *schedule;	   /* the workflow that a clock starts; NULL */
	struct pipeline *continued; /* to which its workflows are added; pinned, is_continuing. NULL: a new one */

	enum launch_end end;
	struct pipeline *pipeline;
	struct plan *plan; /* MADE, NOTHING, perhaps REFUSED */
	struct diags *diags;
	struct err err;

	/* Its own. */
	struct work work;
	launch_done_fn *done;
	void *arg;
	struct compile_input input;
	struct compile_value values[LAUNCH_VALUES_MOST], *parameters;
	size_t value_count, parameter_count;
	struct orb_finder orbs;
	struct plan selected; /* of the plan, where the request has "local" */
	struct draft draft;
	bool is_compiled;
	int draft_rc;
};

struct launch *launch_new(struct hub *hub);

/* Is the request in the form that is said above. Fails: ERR_INPUT, ERR_LIMIT. */
int launch_check_request(const struct json *request, struct err *err);
/* "parameters" alone: an object of at most COMPILE_PARAMETERS_MAX; NULL is fine. */
int launch_check_parameters(const struct json *parameters, struct err *err);

/* done runs once, not from within. Fails: ERR_AGAIN when too many wait; ERR_LIMIT for a config that is too large. */
int launch_start(struct launch *launch, launch_done_fn *done, void *arg, struct err *err);
void launch_free(struct launch *launch);

#endif

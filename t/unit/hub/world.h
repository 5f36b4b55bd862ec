/*
 * world.h - a model without a store, and a clock that tests turn.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef T_UNIT_HUB_WORLD_H
#define T_UNIT_HUB_WORLD_H

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "hub/dispatch.h"
#include "hub/lease.h"
#include "hub/model.h"
#include "hub/states.h"
#include "loop/loop.h"

struct world {
	struct loop *loop;
	struct model model;
	struct pipeline *pipeline;
	struct workflow *workflow;
};

static uint64_t world_ms = 1000000;

static int64_t
world_unix_ms(void)
{
	return 1769850000000 + (int64_t)world_ms;
}

static uint64_t
world_mono_ms(struct model *model)
{
	(void)model;
	return world_ms;
}

static inline void
world_init(struct world *world)
{
	struct pipeline_row pipeline = {.project_slug = "local/o/r", .number = 1, .created_ms = 1};
	struct workflow_row workflow = {.name = "w"};
	struct err err = ERR_INIT;
	int rc = loop_new(&world->loop, &err);

	assert_int_equal(rc, 0);
	model_init(&world->model, world->loop, NULL);
	world->model.unix_ms = world_unix_ms;
	world->model.mono_ms = world_mono_ms;
	id_random(&pipeline.id);
	id_random(&workflow.id);
	world->pipeline = pipeline_new(&world->model, &pipeline);
	world->workflow = workflow_new(world->pipeline, &workflow);
}

static inline void
world_release(struct world *world)
{
	model_release(&world->model);
	loop_free(world->loop);
}

static inline struct job *
world_job(struct world *world, const char *name, const char *type, unsigned parallelism)
{
	struct job_row row = {
		.name = name,
		.type = type,
		.requires = "",
		.resource_class = strcmp(type, "build") == 0 ? "o/big" : NULL,
		.parallelism = parallelism,
		.position = (uint32_t)world->workflow->job_count,
		.document = "{\"environment\":{},\"steps\":[{\"name\":\"a\",\"kind\":\"run\"}]}",
		.number = 7,
	};

	id_random(&row.id);
	return job_new(world->workflow, &row);
}

static inline void
world_require(struct job *job, struct job *other, unsigned statuses)
{
	struct requirement *all = realloc(job->requires, (job->require_count + 1) * sizeof(*all));

	assert_non_null(all);
	job->requires = all;
	all[job->require_count++] = (struct requirement){other, statuses};
}

static inline struct agent *
world_agent(struct world *world, const char *name)
{
	struct agent_row row = {.slots = 4};
	struct resource_class *class = model_class(&world->model, "o/big");
	struct agent *agent;

	id_random(&row.id);
	snprintf(row.name, sizeof(row.name), "%s", name);
	agent = agent_new(&world->model, &row);
	agent_serve(agent, &class, 1);
	agent_heard(agent);
	return agent;
}

/* Lease the head of the queue. */
static inline struct task *
world_lease(struct world *world, struct agent *agent)
{
	struct task *task = model_class(&world->model, "o/big")->queue;
	struct id claim;

	assert_non_null(task);
	id_random(&claim);
	lease_take(task, agent, &claim);
	return task;
}

#endif

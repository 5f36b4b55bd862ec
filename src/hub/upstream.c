/*
 * upstream.c - what the jobs upstream of a job have persisted to the workspace.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/upstream.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/id.h"
#include "base/text.h"
#include "hub/model.h"
#include "task/layers.h"

enum { WORD_BITS = 64, NOT_LISTED = -1 };

/* A job of the workflow, by its position. */
struct ancestor {
	bool is_wanted, is_placed;
	int64_t listed;	 /* in layers.jobs; NOT_LISTED: it has persisted nothing */
	uint64_t *after; /* bits by the same numbers: the nearest before it that are listed */
};

struct upstream {
	const struct workflow *workflow;
	struct arena arena;
	struct ancestor *ancestors;
	size_t words; /* of a set of jobs */
	struct layers layers;
};

static struct ancestor *
ancestor_of(const struct upstream *up, const struct job *job)
{
	assert(up->workflow->jobs[job->row.position] == job);
	return &up->ancestors[job->row.position];
}

/* --- who it is --- */

static void
mark_all(struct upstream *up, const struct job *job)
{
	const struct job **stack =
		ARENA_NEW_ARRAY(&up->arena, const struct job *, up->workflow->job_count + 1);
	size_t n = 0, i;

	stack[n++] = job;
	while (n > 0) {
		job = stack[--n];
		for (i = 0; i < job->require_count; i++) {
			struct ancestor *ancestor = ancestor_of(up, job->requires[i].job);

			if (ancestor->is_wanted)
				continue;
			ancestor->is_wanted = true;
			stack[n++] = job->requires[i].job;
		}
	}
}

/* --- what they have persisted --- */

static bool
is_layer(const struct step *step)
{
	return step->row.state == STEP_ENDED && step->row.outcome == OUTCOME_SUCCESS &&
	       text_eq(step->row.kind, "persist_to_workspace");
}

static void
add_layer(struct upstream *up, const struct step *step)
{
	struct layers *layers = &up->layers;
	const struct task *task = step->task;
	char id[ID_TEXT_BYTES];

	if (layers->count > LAYERS_MOST)
		return; /* one more than an agent takes: it says so */
	layers->list[layers->count++] =
		(struct layer){arena_strdup(&up->arena, id_text(id, &task->row.id)), step->row.step,
			       task->row.node_index, (uint32_t)layers->job_count};
}

static void
add_layers(struct upstream *up, const struct job *job)
{
	uint32_t last = job->task_count > 0 ? job->tasks[job->task_count - 1]->row.attempt : 0;
	const struct step *step;
	size_t i;

	for (i = 0; i < job->task_count; i++)
		for (step = job->tasks[i]->steps; step != NULL; step = step->next)
			if (job->tasks[i]->row.attempt == last && is_layer(step))
				add_layer(up, step);
}

/* --- what comes behind what --- */

/* All that it requires is placed. */
static void
collect_after(struct upstream *up, const struct job *job, struct ancestor *ancestor)
{
	size_t i, k;

	ancestor->after = ARENA_NEW_ARRAY(&up->arena, uint64_t, up->words);
	for (i = 0; i < job->require_count; i++) {
		const struct ancestor *other = ancestor_of(up, job->requires[i].job);

		if (other->listed != NOT_LISTED)
			ancestor->after[other->listed / WORD_BITS] |= (uint64_t)1
								      << other->listed % WORD_BITS;
		else
			for (k = 0; k < up->words; k++)
				ancestor->after[k] |= other->after[k];
	}
}

static void
list_job(struct upstream *up, const struct job *job, struct ancestor *ancestor)
{
	struct layer_job *listed = &up->layers.jobs[up->layers.job_count];
	uint32_t *after = ARENA_NEW_ARRAY(&up->arena, uint32_t, up->layers.job_count + 1);
	size_t i;

	listed->name = job->row.name;
	listed->after = after;
	for (i = 0; i < up->layers.job_count; i++)
		if (ancestor->after[i / WORD_BITS] >> i % WORD_BITS & 1)
			after[listed->after_count++] = (uint32_t)i;
	ancestor->listed = (int64_t)up->layers.job_count++;
}

static void
place(struct upstream *up, const struct job *job)
{
	struct ancestor *ancestor = ancestor_of(up, job);
	size_t before = up->layers.count;

	ancestor->is_placed = true;
	ancestor->listed = NOT_LISTED;
	collect_after(up, job, ancestor);
	add_layers(up, job);
	if (up->layers.count > before)
		list_job(up, job, ancestor);
}

static bool
can_be_placed(const struct upstream *up, const struct job *job)
{
	const struct ancestor *ancestor = ancestor_of(up, job);
	size_t i;

	if (!ancestor->is_wanted || ancestor->is_placed)
		return false;
	for (i = 0; i < job->require_count; i++)
		if (!ancestor_of(up, job->requires[i].job)->is_placed)
			return false;
	return true;
}

struct json *
upstream_layers(const struct job *job)
{
	struct upstream up = {.workflow = job->workflow};
	size_t i, n = up.workflow->job_count;
	struct json *json;
	bool again = true;

	arena_init(&up.arena, 0);
	up.words = n / WORD_BITS + 1;
	up.ancestors = ARENA_NEW_ARRAY(&up.arena, struct ancestor, n);
	up.layers.jobs = ARENA_NEW_ARRAY(&up.arena, struct layer_job, n);
	up.layers.list = ARENA_NEW_ARRAY(&up.arena, struct layer, LAYERS_MOST + 1);
	mark_all(&up, job);
	/* In the workflow's order, as far as that puts none before what it requires. */
	while (again) {
		again = false;
		for (i = 0; i < n; i++)
			if (can_be_placed(&up, up.workflow->jobs[i])) {
				place(&up, up.workflow->jobs[i]);
				again = true;
			}
	}
	json = layers_write(&up.layers);
	arena_release(&up.arena);
	return json;
}

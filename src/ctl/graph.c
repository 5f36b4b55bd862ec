/*
 * graph.c - a workflow as a person sees it: jobs in levels, what belongs together as one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/graph.h"

#include <string.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/text.h"
#include "compile/plan.h"

#define START  "-group-start"
#define END    "-group-end"
#define UNLOCK "-group-unlock"

/* --- what belongs together -------------------------------------------------------------- */

static bool
is_border(const struct plan_job *job, const char *prefix, size_t len, const char *suffix)
{
	return job->type != PLAN_JOB_BUILD && job->type != PLAN_JOB_APPROVAL &&
	       strncmp(job->name, prefix, len) == 0 && text_eq(job->name + len, suffix);
}

/* How many jobs, from this one on, are a group: start, members, end, unlock. 0: it begins none. */
static size_t
group_length(const struct plan_workflow *workflow, size_t first, size_t to)
{
	const char *name = workflow->jobs[first].name;
	size_t i, len = strlen(name);

	if (!text_ends(name, START))
		return 0;
	len -= strlen(START);
	if (!is_border(&workflow->jobs[first], name, len, START))
		return 0;
	for (i = first + 1; i < to; i++) {
		if (!is_border(&workflow->jobs[i], name, len, END))
			continue;
		if (i + 1 < to && is_border(&workflow->jobs[i + 1], name, len, UNLOCK))
			i++;
		return i + 1 - first;
	}
	return 0;
}

static bool
is_family(const struct plan_job *a, const struct plan_job *b)
{
	size_t r;

	if (a->type != PLAN_JOB_BUILD || b->type != PLAN_JOB_BUILD || !text_eq(a->job, b->job) ||
	    a->require_count != b->require_count)
		return false;
	for (r = 0; r < a->require_count; r++)
		if (a->requires[r].job != b->requires[r].job ||
		    a->requires[r].statuses != b->requires[r].statuses)
			return false;
	return true;
}

static struct graph_item *
add_item(struct graph *graph, const char *name, uint32_t *jobs, size_t count)
{
	struct graph_item *item = &graph->items[graph->count];
	size_t i;

	*item = (struct graph_item){.name = name, .jobs = jobs, .job_count = count};
	for (i = 0; i < count; i++)
		graph->item_of[jobs[i]] = (uint32_t)graph->count;
	graph->count++;
	return item;
}

static struct graph *
build(const struct plan_workflow *workflow, size_t from, size_t to, struct arena *arena);

static void
add_group(struct graph *graph, size_t first, size_t length, struct arena *arena)
{
	const struct plan_job *jobs = graph->workflow->jobs;
	uint32_t *all = ARENA_NEW_ARRAY(arena, uint32_t, length);
	bool has_unlock = text_ends(jobs[first + length - 1].name, UNLOCK);
	size_t i, len = strlen(jobs[first].name) - strlen(START);

	for (i = 0; i < length; i++)
		all[i] = (uint32_t)(first + i);
	add_item(graph, arena_strndup(arena, jobs[first].name, len), all, length)->members =
		build(graph->workflow, first + 1, first + length - (has_unlock ? 2 : 1), arena);
}

static void
add_family(struct graph *graph, size_t first, size_t to, struct arena *arena)
{
	const struct plan_job *jobs = graph->workflow->jobs;
	uint32_t *members = ARENA_NEW_ARRAY(arena, uint32_t, to - first);
	size_t i, count = 0;

	members[count++] = (uint32_t)first;
	for (i = first + 1; i < to; i++)
		if (graph->item_of[i] == GRAPH_NONE && is_family(&jobs[first], &jobs[i]))
			members[count++] = (uint32_t)i;
	if (count < GRAPH_FAMILY_LEAST)
		count = 1;
	add_item(graph, count > 1 ? jobs[first].job : jobs[first].name, members, count);
}

/* --- levels ----------------------------------------------------------------------------- */

/* One behind the deepest of what it requires within the graph. */
static uint32_t
level_of(const struct graph *graph, const struct graph_item *item)
{
	const struct plan_job *job = &graph->workflow->jobs[item->jobs[0]];
	uint32_t level = 0, other;
	size_t r;

	for (r = 0; r < job->require_count; r++) {
		other = graph->item_of[job->requires[r].job];
		if (other != GRAPH_NONE && graph->items[other].level + 1 > level)
			level = graph->items[other].level + 1;
	}
	return level;
}

/* A plan has no cycle, so this comes to rest. */
static void
find_levels(struct graph *graph)
{
	bool changed = true;
	uint32_t level;
	size_t i;

	while (changed) {
		changed = false;
		for (i = 0; i < graph->count; i++) {
			level = level_of(graph, &graph->items[i]);
			changed |= level != graph->items[i].level;
			graph->items[i].level = level;
			if (level + 1 > graph->levels)
				graph->levels = level + 1;
		}
	}
}

/* --- the whole -------------------------------------------------------------------------- */

static struct graph *
build(const struct plan_workflow *workflow, size_t from, size_t to, struct arena *arena)
{
	struct graph *graph = ARENA_NEW(arena, struct graph);
	size_t i, length;

	graph->workflow = workflow;
	graph->items = ARENA_NEW_ARRAY(arena, struct graph_item, to - from + 1);
	graph->item_of = ARENA_NEW_ARRAY(arena, uint32_t, workflow->job_count + 1);
	assert(graph->items != NULL && graph->item_of != NULL);
	for (i = 0; i < workflow->job_count; i++)
		graph->item_of[i] = GRAPH_NONE;
	for (i = from; i<to; i += length> 0 ? length : 1) {
		length = group_length(workflow, i, to);
		if (length > 0)
			add_group(graph, i, length, arena);
		else if (graph->item_of[i] == GRAPH_NONE)
			add_family(graph, i, to, arena);
	}
	find_levels(graph);
	return graph;
}

struct graph *
graph_new(const struct plan_workflow *workflow, struct arena *arena)
{
	return build(workflow, 0, workflow->job_count, arena);
}

void
graph_put_statuses(struct buffer *out, unsigned statuses)
{
	const char *separator = " (";
	unsigned status;

	if (statuses == PLAN_SUCCESS)
		return;
	if (statuses == PLAN_TERMINAL) {
		buffer_puts(out, " (any end)");
		return;
	}
	for (status = 1; status < PLAN_TERMINAL; status <<= 1) {
		if ((statuses & status) == 0)
			continue;
		buffer_printf(out, "%s%s", separator, plan_status_name(status));
		separator = ", ";
	}
	buffer_puts(out, ")");
}

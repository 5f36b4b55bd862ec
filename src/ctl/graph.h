/*
 * graph.h - a workflow as a person sees it: jobs in levels, what belongs together as one.
 *
 * An item is a job; a job group with its members (which have a graph of their own); or
 * a family: jobs that come from one definition, most often by a matrix, and that wait for
 * the same. A level is all that can run at once when every job takes equally long.
 * Strings and jobs are the plan's; the rest lives in the arena.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_GRAPH_H
#define CTL_GRAPH_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct buffer;
struct graph;
struct json;
struct plan;
struct plan_workflow;

enum { GRAPH_FAMILY_LEAST = 3 };

struct graph_item {
	const char *name;     /* a job's, a group's, or the definition's of a family */
	const uint32_t *jobs; /* in the workflow; a group: its start, members and ends */
	size_t job_count;
	struct graph *members; /* of a group, else NULL */
	uint32_t level;	       /* from 0 */
};

struct graph {
	const struct plan_workflow *workflow;
	struct graph_item *items; /* in the config's order */
	size_t count;
	uint32_t *item_of; /* of each job of the workflow: index in items, or GRAPH_NONE */
	uint32_t levels;
};

#define GRAPH_NONE UINT32_MAX

/* Never NULL: the arena must have no limit (a workflow's jobs are bounded). */
struct graph *graph_new(const struct plan_workflow *workflow, struct arena *arena);

/* "success" is not said: "", " (failed, canceled)", " (any end)". */
void graph_put_statuses(struct buffer *out, unsigned statuses);

/* The plan's workflows as text for a terminal of that width, for Graphviz, as JSON. */
void graph_text(struct buffer *out, const struct plan *plan, unsigned columns);
void graph_dot(struct buffer *out, const struct plan *plan);
struct json *graph_json(const struct plan *plan);

#endif

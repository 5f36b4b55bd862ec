/*
 * graph_dot.c - a plan's workflows for Graphviz, and as JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/graph.h"

#include "base/arena.h"
#include "base/buffer.h"
#include "compile/plan.h"
#include "format/json.h"

/* --- Graphviz ----------------------------------------------------------------------------- */

/* A double-quoted string of the DOT language: '"' and '\' escaped, control characters left out. */
static void
put_quoted(struct buffer *out, const char *text)
{
	buffer_puts(out, "\"");
	for (; *text != '\0'; text++) {
		if ((unsigned char)*text < ' ' || *text == 0x7f)
			continue;
		if (*text == '"' || *text == '\\')
			buffer_puts(out, "\\");
		buffer_putn(out, text, 1);
	}
	buffer_puts(out, "\"");
}

static const char *
shape_of(const struct plan_job *job)
{
	switch (job->type) {
	case PLAN_JOB_APPROVAL:
		return ", shape=diamond";
	case PLAN_JOB_NO_OP:
	case PLAN_JOB_LOCK:
	case PLAN_JOB_UNLOCK:
		return ", shape=plain";
	case PLAN_JOB_BUILD:
	case PLAN_JOB_TYPE_COUNT:
		break;
	}
	return "";
}

static void
put_node(struct buffer *out, size_t workflow, const struct graph *graph, uint32_t index)
{
	const struct plan_job *job = &graph->workflow->jobs[index];
	struct buffer label = BUFFER_INIT;

	buffer_puts(&label, job->name);
	if (job->parallelism > 1)
		buffer_printf(&label, " ×%u", job->parallelism);
	buffer_printf(out, "    w%zuj%u [label=", workflow, index);
	put_quoted(out, buffer_text(&label));
	buffer_printf(out, "%s];\n", shape_of(job));
	buffer_release(&label);
}

static void
put_nodes(struct buffer *out, size_t workflow, const struct graph *graph)
{
	const struct graph_item *item;
	size_t i, j;

	for (i = 0; i < graph->count; i++) {
		item = &graph->items[i];
		if (item->members != NULL) {
			buffer_printf(out, "    subgraph cluster_w%zug%zu {\n    label=", workflow,
				      i);
			put_quoted(out, item->name);
			buffer_puts(out, "; style=dashed;\n");
		}
		for (j = 0; j < item->job_count; j++)
			put_node(out, workflow, graph, item->jobs[j]);
		if (item->members != NULL)
			buffer_puts(out, "    }\n");
	}
}

static void
put_edges(struct buffer *out, size_t workflow, const struct plan_job *job, size_t index)
{
	struct buffer statuses = BUFFER_INIT;
	size_t r;

	for (r = 0; r < job->require_count; r++) {
		buffer_printf(out, "    w%zuj%u -> w%zuj%zu", workflow, job->requires[r].job,
			      workflow, index);
		buffer_clear(&statuses);
		graph_put_statuses(&statuses, job->requires[r].statuses);
		if (statuses.len > 0) {
			buffer_puts(out, " [style=dashed, label=");
			put_quoted(out, buffer_text(&statuses) + 1);
			buffer_puts(out, "]");
		}
		buffer_puts(out, ";\n");
	}
	buffer_release(&statuses);
}

void
graph_dot(struct buffer *out, const struct plan *plan)
{
	const struct plan_workflow *workflow;
	struct arena arena;
	size_t i, j;

	buffer_puts(out, "digraph config {\n  rankdir=LR;\n  node [shape=box];\n");
	for (i = 0; i < plan->workflow_count; i++) {
		workflow = &plan->workflows[i];
		arena_init(&arena, 0);
		buffer_printf(out, "  subgraph cluster_w%zu {\n    label=", i);
		put_quoted(out, workflow->name);
		buffer_puts(out, ";\n");
		put_nodes(out, i, graph_new(workflow, &arena));
		for (j = 0; j < workflow->job_count; j++)
			put_edges(out, i, &workflow->jobs[j], j);
		buffer_puts(out, "  }\n");
		arena_release(&arena);
	}
	buffer_puts(out, "}\n");
}

/* --- JSON --------------------------------------------------------------------------------- */

static struct json *
describe_requires(const struct plan_workflow *workflow, const struct plan_job *job)
{
	struct json *list = json_new_array(), *one, *statuses;
	unsigned status;
	size_t r;

	for (r = 0; r < job->require_count; r++) {
		one = json_new_object();
		statuses = json_new_array();
		for (status = 1; status < PLAN_TERMINAL; status <<= 1)
			if ((job->requires[r].statuses & status) != 0)
				json_push(statuses, json_new_string(plan_status_name(status)));
		json_put_str(one, "name", workflow->jobs[job->requires[r].job].name);
		json_put(one, "statuses", statuses);
		json_push(list, one);
	}
	return list;
}

static struct json *
describe_job(const struct graph *graph, const char *group, uint32_t level, uint32_t index)
{
	const struct plan_job *job = &graph->workflow->jobs[index];
	struct json *object = json_new_object();

	json_put_str(object, "name", job->name);
	json_put_str(object, "job", job->job);
	json_put_str(object, "type", plan_job_type_name(job->type));
	json_put_int(object, "level", level);
	json_put_str(object, "group", group);
	json_put_int(object, "parallelism", job->parallelism);
	json_put_str(object, "serial_group", job->serial_group);
	json_put(object, "requires", describe_requires(graph->workflow, job));
	return object;
}

static struct json *
describe_workflow(const struct plan_workflow *workflow)
{
	struct json *object = json_new_object(), *jobs = json_new_array();
	const struct graph *graph;
	const struct graph_item *item;
	struct arena arena;
	uint32_t i;

	arena_init(&arena, 0);
	graph = graph_new(workflow, &arena);
	for (i = 0; i < workflow->job_count; i++) {
		item = &graph->items[graph->item_of[i]];
		json_push(jobs, describe_job(graph, item->members != NULL ? item->name : NULL,
					     item->level + 1, i));
	}
	json_put_str(object, "name", workflow->name);
	json_put(object, "jobs", jobs);
	arena_release(&arena);
	return object;
}

struct json *
graph_json(const struct plan *plan)
{
	struct json *list = json_new_array();
	size_t i;

	for (i = 0; i < plan->workflow_count; i++)
		json_push(list, describe_workflow(&plan->workflows[i]));
	return list;
}

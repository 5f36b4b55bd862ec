/*
 * config_tasks.c - "config tasks": the tasks that a config comes to.
 *
 * With --json each has its task document: what the agent would get, without what only a hub has
 * (ids, numbers, the lease).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/err.h"
#include "compile/compile.h"
#include "compile/plan.h"
#include "compile/plan_task.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/config.h"
#include "ctl/say.h"
#include "ctl/table.h"
#include "format/json.h"
#include "runner/exit.h"

static int config_tasks(int argc, char **argv);

static const struct option tasks_options[] = {INPUT_OPTIONS, {NULL, 0, NULL, NULL}};

const struct command config_tasks_command = {"config tasks", "[FILE|-]",
					     "list the tasks that a config comes to", tasks_options,
					     config_tasks};

static struct json *
describe_steps(const struct plan_job *job)
{
	struct json *steps = json_new_array(), *step;
	size_t i;

	for (i = 0; i < job->step_count; i++) {
		step = json_new_object();
		json_put_int(step, "index", (int64_t)i);
		json_put_str(step, "kind", plan_step_kind_name(job->steps[i].kind));
		json_put_str(step, "name", job->steps[i].name);
		json_push(steps, step);
	}
	return steps;
}

/* What the agent would get. */
static int
describe_document(struct json **out, const struct input *source,
		  const struct plan_workflow *workflow, const struct plan_job *job, unsigned node,
		  struct err *err)
{
	const struct project *project = &source->project;
	const struct plan_task_facts facts = {
		.job_id = "",
		.workflow_name = workflow->name,
		.project_slug = project->slug != NULL ? project->slug : "",
		.resource_class = job->resource_class != NULL ? job->resource_class : "",
		.branch = source->branch != NULL || source->tag != NULL ? source->branch
									: project->branch,
		.tag = source->tag,
		.revision = project->revision,
		.repository = project->remote,
		.source = {.kind = SOURCE_DIRECTORY, .path = source->root},
	};
	struct task_doc *document;

	if (plan_task(&document, job, &facts, err) < 0)
		return err_wrap(err, "job '%s'", job->name);
	document->node_index = node;
	*out = task_doc_write(document);
	task_doc_free(document);
	return 0;
}

static struct json *
describe_task(const struct plan_workflow *workflow, const struct plan_job *job, unsigned node)
{
	struct json *task = json_new_object(), *requires = json_new_array();
	size_t r;

	json_put_str(task, "workflow", workflow->name);
	json_put_str(task, "job", job->name);
	json_put_int(task, "node_index", node);
	json_put_int(task, "node_total", job->parallelism);
	json_put_str(task, "executor", plan_executor_name(job->executor.kind));
	json_put_str(task, "resource_class", job->resource_class);
	for (r = 0; r < job->require_count; r++)
		json_push(requires, json_new_string(workflow->jobs[job->requires[r].job].name));
	json_put(task, "requires", requires);
	json_put(task, "steps", describe_steps(job));
	return task;
}

/* Each node of a job. A table has no room for documents: they are not made for one. */
static int
push_nodes(struct json *items, const struct input *source, const struct plan_workflow *workflow,
	   const struct plan_job *job, struct err *err)
{
	struct json *task, *document = NULL;
	unsigned node;

	for (node = 0; node < job->parallelism; node++) {
		task = describe_task(workflow, job, node);
		json_push(items, task);
		if (globals()->json == JSON_FORM_NONE)
			continue;
		if (describe_document(&document, source, workflow, job, node, err) < 0)
			return err->code;
		json_put(task, "document", document);
	}
	return 0;
}

static int
describe_tasks(struct json *items, const struct input *source, struct err *err)
{
	const struct plan_workflow *workflow;
	size_t w, j;

	for (w = 0; w < source->plan->workflow_count; w++) {
		workflow = &source->plan->workflows[w];
		for (j = 0; j < workflow->job_count; j++)
			if (workflow->jobs[j].type == PLAN_JOB_BUILD &&
			    push_nodes(items, source, workflow, &workflow->jobs[j], err) < 0)
				return err->code;
	}
	return 0;
}

static int
config_tasks(int argc, char **argv)
{
	static const struct column columns[] = {
		{"WORKFLOW", "workflow"},
		{"JOB", "job"},
		{"NODE", "node_index"},
		{"EXECUTOR", "executor"},
		{"CLASS", "resource_class"},
		{"REQUIRES", "requires"},
		{NULL, NULL},
	};
	struct input source;
	struct err err = ERR_INIT;
	struct json *document, *items;
	int status;

	status = config_compile(&source, &config_tasks_command, FEATURE_ALL, argc, argv);
	if (status == EXIT_OK && source.plan != NULL) {
		document = json_new_object();
		items = json_new_array();
		json_put(document, "items", items);
		status = describe_tasks(items, &source, &err) < 0
				 ? say_error(&err)
				 : table_print(document, items, columns);
		json_free(document);
	}
	input_release(&source);
	return status;
}

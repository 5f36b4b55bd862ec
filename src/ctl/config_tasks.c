/*
 * config_tasks.c - "config tasks": the tasks that a config comes to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/err.h"
#include "compile/compile.h"
#include "compile/plan.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/config.h"
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

static struct json *
describe_tasks(const struct plan *plan)
{
	struct json *items = json_new_array();
	const struct plan_workflow *workflow;
	size_t w, j;
	unsigned node;

	for (w = 0; w < plan->workflow_count; w++) {
		workflow = &plan->workflows[w];
		for (j = 0; j < workflow->job_count; j++) {
			if (workflow->jobs[j].type != PLAN_JOB_BUILD)
				continue;
			for (node = 0; node < workflow->jobs[j].parallelism; node++)
				json_push(items, describe_task(workflow, &workflow->jobs[j], node));
		}
	}
	return items;
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
	struct json *document;
	int status;

	status = config_compile(&source, &config_tasks_command, FEATURE_CARRIED_OUT, argc, argv);
	if (status == EXIT_OK && source.plan != NULL) {
		document = json_new_object();
		json_put(document, "items", describe_tasks(source.plan));
		status = table_print(document, json_get(document, "items"), columns);
		json_free(document);
	}
	input_release(&source);
	return status;
}

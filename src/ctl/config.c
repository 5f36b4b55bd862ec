/*
 * config.c - "config validate", "config process", "config tasks": the compiler by itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "compile/compile.h"
#include "compile/plan.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "ctl/input.h"
#include "ctl/table.h"
#include "format/json.h"
#include "loop/loop.h"
#include "runner/exit.h"

static int config_validate(int argc, char **argv);
static int config_process(int argc, char **argv);
static int config_tasks(int argc, char **argv);

static const struct option validate_options[] = {
	INPUT_OPTIONS,
	{"all", 0, NULL, "accept what the language has and this version cannot run yet"},
	{NULL, 0, NULL, NULL},
};

static const struct option config_options[] = {INPUT_OPTIONS, {NULL, 0, NULL, NULL}};

const struct command config_validate_command = {"config validate", "[FILE|-]",
						"say what is wrong with a config", validate_options,
						config_validate};
const struct command config_process_command = {"config process", "[FILE|-]",
					       "print a config with everything expanded",
					       config_options, config_process};
const struct command config_tasks_command = {"config tasks", "[FILE|-]",
					     "list the tasks that a config comes to",
					     config_options, config_tasks};

struct config {
	struct input source;
	bool all;
};

static int
set_config(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct config *config = arg;

	if (!text_eq(option->name, "all"))
		return input_set(&config->source, option, value, err);
	config->all = true;
	return 0;
}

/* Read the words, the config, and compile: EXIT_OK, or the status to end with. */
static int
prepare(struct config *config, const struct command *command, int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct loop *loop;
	int count, status;

	status = args_read(command, argc, argv, &count, set_config, config);
	if (status == ARGS_GO)
		status = args_count(command, count, 0, 1);
	if (status != ARGS_GO)
		return status;
	if (count == 1)
		config->source.file = argv[0];
	if (loop_new(&loop, &err) < 0)
		return say_error(&err);
	if (input_read(&config->source, loop, &err) < 0)
		status = say_error(&err);
	else
		status = input_compile(&config->source,
				       config->all ? FEATURE_ALL : FEATURE_CARRIED_OUT);
	loop_free(loop);
	return status;
}

static int
config_validate(int argc, char **argv)
{
	struct config config = {0};
	int status;

	input_init(&config.source);
	status = prepare(&config, &config_validate_command, argc, argv);
	if (config.source.plan != NULL)
		say_note("config '%s' is valid", config.source.path);
	input_release(&config.source);
	return status;
}

static int
config_process(int argc, char **argv)
{
	struct config config = {0};
	struct buffer text = BUFFER_INIT;
	int status;

	input_init(&config.source);
	status = prepare(&config, &config_process_command, argc, argv);
	if (config.source.plan != NULL) {
		plan_process(config.source.plan, &text);
		status = say_result(&text);
		buffer_release(&text);
	}
	input_release(&config.source);
	return status;
}

/* --- tasks ------------------------------------------------------------------------------------ */

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
	struct config config = {0};
	struct json *document;
	int status;

	input_init(&config.source);
	status = prepare(&config, &config_tasks_command, argc, argv);
	if (config.source.plan != NULL) {
		document = json_new_object();
		json_put(document, "items", describe_tasks(config.source.plan));
		status = table_print(document, json_get(document, "items"), columns);
		json_free(document);
	}
	input_release(&config.source);
	return status;
}

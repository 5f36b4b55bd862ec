/*
 * task.c - "task list", "task show": each attempt of a job by itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "ctl/table.h"
#include "format/json.h"

static int task_list(int argc, char **argv);
static int task_show(int argc, char **argv);

static const struct option list_options[] = {
	{"job", 0, "ID", "only tasks of this job"},
	{"pipeline", 0, "ID", "only tasks of this pipeline"},
	{"state", 0, "STATE", "only tasks in this state: queued, leased, ended"},
	{"limit", 0, "N", "at most so many (default 50)"},
	{NULL, 0, NULL, NULL},
};

const struct command task_list_command = {"task list", NULL, "list tasks, newest first",
					  list_options, task_list};
const struct command task_show_command = {
	"task show", "ID", "show a task, its steps and its history", NULL, task_show};

static const struct column task_columns[] = {
	{"TASK", "id"},		 {"JOB", "job.name"},	     {"NODE", "node_index"},
	{"ATTEMPT", "attempt"},	 {"STATE", "outcome|state"}, {"AGENT", "agent.name"},
	{"QUEUED", "queued_at"}, {"REASON", "reason"},	     {NULL, NULL},
};

static const struct column task_lines[] = {
	{"Task", "id"},
	{"Job", "job.name"},
	{"Job number", "job.number"},
	{"Node", "node_index"},
	{"Attempt", "attempt"},
	{"Lease", "epoch"},
	{"State", "state"},
	{"Outcome", "outcome"},
	{"Reason", "reason"},
	{"Agent", "agent.name"},
	{"Queued", "queued_at"},
	{"Leased", "leased_at"},
	{"Started", "started_at"},
	{"Stopped", "stopped_at"},
	{"Kept until", "kept_until"},
	{NULL, NULL},
};

static const struct column step_columns[] = {
	{"STEP", "index"},     {"NAME", "name"},  {"STATE", "outcome|state"},
	{"EXIT", "exit_code"}, {"MS", "wall_ms"}, {"OUTPUT", "output_bytes"},
	{NULL, NULL},
};

static const struct column history_columns[] = {
	{"TIME", "time"},
	{"STATE", "state"},
	{"REASON", "reason"},
	{NULL, NULL},
};

struct list_choice {
	const char *job, *pipeline, *state, *limit;
};

static int
set_list(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct list_choice *choice = arg;
	uint64_t number;

	if (text_eq(option->name, "job"))
		choice->job = value;
	else if (text_eq(option->name, "pipeline"))
		choice->pipeline = value;
	else if (text_eq(option->name, "state"))
		choice->state = value;
	else if (text_parse_u64(value, 1000, &number, err) < 0)
		return err_wrap(err, "option '--limit'");
	else
		choice->limit = value;
	return 0;
}

static int
task_list(int argc, char **argv)
{
	struct list_choice choice = {.limit = "50"};
	LOCAL_FREE char *path = NULL;
	struct err err = ERR_INIT;
	struct json *answer = NULL;
	struct api *api = NULL;
	int count, status;

	status = args_read(&task_list_command, argc, argv, &count, set_list, &choice);
	if (status == ARGS_GO)
		status = args_count(&task_list_command, count, 0, 0);
	if (status != ARGS_GO)
		return status;
	path = api_path("/api/runner/v1/tasks?limit=%s%p%s%p%s%p%s", choice.limit,
			choice.job != NULL ? "&job=" : "", choice.job != NULL ? choice.job : "",
			choice.pipeline != NULL ? "&pipeline=" : "",
			choice.pipeline != NULL ? choice.pipeline : "",
			choice.state != NULL ? "&state=" : "",
			choice.state != NULL ? choice.state : "");
	if (api_open(&api, &err) < 0 || api_get(api, path, &answer, &err) < 0)
		status = say_error(&err);
	else
		status = table_print(answer, json_get(answer, "items"), task_columns);
	json_free(answer);
	api_close(api);
	return status;
}

static int
print_task(const struct json *task)
{
	struct buffer text = BUFFER_INIT;
	int status;

	if (globals()->json != JSON_FORM_NONE)
		return say_json(task);
	table_write_one(&text, task, task_lines);
	if (json_count(json_get(task, "steps")) > 0) {
		buffer_puts(&text, "\n");
		table_write(&text, json_get(task, "steps"), step_columns);
	}
	if (json_count(json_get(task, "history")) > 0) {
		buffer_puts(&text, "\n");
		table_write(&text, json_get(task, "history"), history_columns);
	}
	status = say_result(&text);
	buffer_release(&text);
	return status;
}

static int
task_show(int argc, char **argv)
{
	LOCAL_FREE char *path = NULL;
	struct err err = ERR_INIT;
	struct json *task = NULL;
	struct api *api = NULL;
	int count, status;

	status = args_read(&task_show_command, argc, argv, &count, NULL, NULL);
	if (status == ARGS_GO)
		status = args_count(&task_show_command, count, 1, 1);
	if (status != ARGS_GO)
		return status;
	path = api_path("/api/runner/v1/tasks/%s", argv[0]);
	if (api_open(&api, &err) < 0 || api_get(api, path, &task, &err) < 0)
		status = say_error(&err);
	else
		status = print_task(task);
	json_free(task);
	api_close(api);
	return status;
}

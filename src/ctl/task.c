/*
 * task.c - "task list", "task show": each attempt of a job by itself.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>

#include "base/buffer.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/show.h"
#include "ctl/table.h"

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
	{"EXIT", "exit_code"}, {"TIME", "wall_ms"}, {"USER", "user_us"},
	{"SYSTEM", "system_us"}, {"MEMORY", "peak_bytes|max_rss_bytes"},
	{"READ", "read_bytes"}, {"WRITTEN", "write_bytes"}, {"OUTPUT", "output_bytes"},
	{NULL, NULL},
};

static const struct column history_columns[] = {
	{"TIME", "time"},
	{"STATE", "state"},
	{"REASON", "reason"},
	{NULL, NULL},
};

static int
task_list(int argc, char **argv)
{
	struct buffer path = BUFFER_INIT;
	int count, status;

	buffer_puts(&path, "/api/runner/v1/tasks");
	status = args_read(&task_list_command, argc, argv, &count, show_option, &path);
	if (status == ARGS_GO)
		status = args_count(&task_list_command, count, 0, 0);
	if (status == ARGS_GO)
		status = show_list(buffer_take_text(&path), task_columns);
	buffer_release(&path);
	return status;
}

static int
task_show(int argc, char **argv)
{
	const struct show_part parts[] = {
		{"steps", NULL, step_columns}, {"history", NULL, history_columns}, {NULL, NULL, NULL}};
	int status = args_read_operands(&task_show_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	return show_thing(api_path("/api/runner/v1/tasks/%s", argv[0]), task_lines, parts);
}

/*
 * workflow.c - "workflow list", "workflow show", "workflow cancel".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>

#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "ctl/show.h"
#include "ctl/table.h"
#include "runner/exit.h"

static int workflow_list(int argc, char **argv);
static int workflow_show(int argc, char **argv);
static int workflow_cancel(int argc, char **argv);

const struct command workflow_list_command = {"workflow list", "PIPELINE",
					      "list a pipeline's workflows", NULL, workflow_list};
const struct command workflow_show_command = {"workflow show", "ID", "show a workflow and its jobs",
					      NULL, workflow_show};
const struct command workflow_cancel_command = {"workflow cancel", "ID", "cancel a workflow's jobs",
						NULL, workflow_cancel};

static const struct column workflow_columns[] = {
	{"WORKFLOW", "id"},	   {"NAME", "name"},	      {"STATUS", "status"},
	{"CREATED", "created_at"}, {"STOPPED", "stopped_at"}, {NULL, NULL},
};

static const struct column workflow_lines[] = {
	{"Workflow", "name"},	     {"Id", "id"},
	{"Status", "status"},	     {"Pipeline", "pipeline_number"},
	{"Project", "project_slug"}, {"Created", "created_at"},
	{"Stopped", "stopped_at"},   {NULL, NULL},
};

static const struct column job_columns[] = {
	{"NUMBER", "job_number"},
	{"JOB", "name"},
	{"TYPE", "type"},
	{"STATUS", "status"},
	{"STARTED", "started_at"},
	{"STOPPED", "stopped_at"},
	{NULL, NULL},
};

static int
workflow_list(int argc, char **argv)
{
	int status = args_read_operands(&workflow_list_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	return show_list(api_path("/api/v2/pipeline/%s/workflow", argv[0]), workflow_columns);
}

static int
workflow_show(int argc, char **argv)
{
	struct show_part parts[] = {{"jobs", NULL, job_columns}, {NULL, NULL, NULL}};
	int status = args_read_operands(&workflow_show_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	parts[0].path = api_path("/api/v2/workflow/%s/job", argv[0]);
	return show_thing(api_path("/api/v2/workflow/%s", argv[0]), workflow_lines, parts);
}

static int
workflow_cancel(int argc, char **argv)
{
	int status = args_read_operands(&workflow_cancel_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	status = show_call("POST", api_path("/api/v2/workflow/%s/cancel", argv[0]));
	if (status == EXIT_OK)
		say_note("workflow %s is being canceled", argv[0]);
	return status;
}

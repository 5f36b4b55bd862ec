/*
 * workflow.c - "workflow list", "workflow show", "workflow cancel".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "ctl/table.h"
#include "format/json.h"
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

/* The one operand of each of the three. */
static int
read_id(const struct command *command, int argc, char **argv)
{
	int count, status;

	status = args_read(command, argc, argv, &count, NULL, NULL);
	return status == ARGS_GO ? args_count(command, count, 1, 1) : status;
}

static int
workflow_list(int argc, char **argv)
{
	LOCAL_FREE char *path = NULL;
	struct err err = ERR_INIT;
	struct json *answer = NULL;
	struct api *api = NULL;
	int status = read_id(&workflow_list_command, argc, argv);

	if (status != ARGS_GO)
		return status;
	path = api_path("/api/v2/pipeline/%s/workflow", argv[0]);
	if (api_open(&api, &err) < 0 || api_get(api, path, &answer, &err) < 0)
		status = say_error(&err);
	else
		status = table_print(answer, json_get(answer, "items"), workflow_columns);
	json_free(answer);
	api_close(api);
	return status;
}

/* The workflow and, behind it, its jobs; as JSON one document with both. */
static int
print_workflow(struct json *workflow, const struct json *jobs)
{
	struct buffer text = BUFFER_INIT;
	int status;

	if (globals()->json != JSON_FORM_NONE) {
		json_put(workflow, "jobs", json_ref(json_get(jobs, "items")));
		return say_json(workflow);
	}
	table_write_one(&text, workflow, workflow_lines);
	buffer_puts(&text, "\n");
	table_write(&text, json_get(jobs, "items"), job_columns);
	status = say_result(&text);
	buffer_release(&text);
	return status;
}

static int
workflow_show(int argc, char **argv)
{
	LOCAL_FREE char *path = NULL;
	LOCAL_FREE char *jobs_path = NULL;
	struct err err = ERR_INIT;
	struct json *workflow = NULL, *jobs = NULL;
	struct api *api = NULL;
	int status = read_id(&workflow_show_command, argc, argv);

	if (status != ARGS_GO)
		return status;
	path = api_path("/api/v2/workflow/%s", argv[0]);
	jobs_path = api_path("/api/v2/workflow/%s/job", argv[0]);
	if (api_open(&api, &err) < 0 || api_get(api, path, &workflow, &err) < 0 ||
	    api_get(api, jobs_path, &jobs, &err) < 0)
		status = say_error(&err);
	else
		status = print_workflow(workflow, jobs);
	json_free(workflow);
	json_free(jobs);
	api_close(api);
	return status;
}

static int
workflow_cancel(int argc, char **argv)
{
	LOCAL_FREE char *path = NULL;
	struct err err = ERR_INIT;
	struct api *api = NULL;
	int status = read_id(&workflow_cancel_command, argc, argv);

	if (status != ARGS_GO)
		return status;
	path = api_path("/api/v2/workflow/%s/cancel", argv[0]);
	if (api_open(&api, &err) < 0 || api_call(api, "POST", path, NULL, NULL, &err) < 0) {
		status = say_error(&err);
	} else {
		say_note("workflow %s is being canceled", argv[0]);
		status = EXIT_OK;
	}
	api_close(api);
	return status;
}

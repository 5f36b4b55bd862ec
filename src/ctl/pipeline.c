/*
 * pipeline.c - "pipeline list", "pipeline show", "pipeline watch", "pipeline cancel".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/project.h"
#include "ctl/say.h"
#include "ctl/show.h"
#include "ctl/table.h"
#include "ctl/watching.h"
#include "loop/loop.h"
#include "runner/exit.h"

static int pipeline_list(int argc, char **argv);
static int pipeline_show(int argc, char **argv);
static int pipeline_watch(int argc, char **argv);
static int pipeline_cancel(int argc, char **argv);

static const struct option list_options[] = {
	{"branch", 0, "NAME", "only pipelines of this branch"},
	{NULL, 0, NULL, NULL},
};

const struct command pipeline_list_command = {"pipeline list", NULL,
					      "list a project's pipelines, newest first",
					      list_options, pipeline_list};
const struct command pipeline_show_command = {
	"pipeline show", "ID", "show a pipeline and its workflows", NULL, pipeline_show};
const struct command pipeline_watch_command = {
	"pipeline watch", "ID", "show a pipeline's jobs and their output until it has ended", NULL,
	pipeline_watch};
const struct command pipeline_cancel_command = {
	"pipeline cancel", "ID", "cancel all jobs of a pipeline", NULL, pipeline_cancel};

static const struct column pipeline_columns[] = {
	{"NUMBER", "number"},	    {"PIPELINE", "id"},
	{"STATE", "outcome|state"}, {"BRANCH", "vcs.branch|vcs.tag"},
	{"CREATED", "created_at"},  {NULL, NULL},
};

static const struct column pipeline_lines[] = {
	{"Pipeline", "number"},	     {"Id", "id"},
	{"Project", "project_slug"}, {"State", "state"},
	{"Outcome", "outcome"},	     {"Branch", "vcs.branch"},
	{"Tag", "vcs.tag"},	     {"Revision", "vcs.revision"},
	{"Created", "created_at"},   {NULL, NULL},
};

static const struct column workflow_columns[] = {
	{"WORKFLOW", "id"},	   {"NAME", "name"}, {"STATUS", "status"},
	{"STOPPED", "stopped_at"}, {NULL, NULL},
};

/* --- list ----------------------------------------------------------------------------------- */

static int
set_branch(void *arg, const struct option *option, const char *value, struct err *err)
{
	(void)option;
	(void)err;
	*(const char **)arg = value;
	return 0;
}

static int
fetch_list(struct json **out, struct api *api, const void *arg, struct err *err)
{
	const char *branch = arg;
	LOCAL_FREE char *slug = NULL;
	LOCAL_FREE char *path = NULL;

	if (project_slug(&slug, api_loop(api), err) < 0)
		return err->code;
	path = api_path("/api/v2/project/%s/pipeline%p%s", slug, branch != NULL ? "?branch=" : "",
			branch != NULL ? branch : "");
	return api_get(api, path, out, err);
}

static int
pipeline_list(int argc, char **argv)
{
	const char *branch = NULL;
	int count, status;

	status = args_read(&pipeline_list_command, argc, argv, &count, set_branch, &branch);
	if (status == ARGS_GO)
		status = args_count(&pipeline_list_command, count, 0, 0);
	return status == ARGS_GO ? show_fetched(fetch_list, branch, pipeline_columns) : status;
}

/* --- show ------------------------------------------------------------------------------------- */

static int
pipeline_show(int argc, char **argv)
{
	struct show_part parts[] = {{"workflows", NULL, workflow_columns}, {NULL, NULL, NULL}};
	int status = args_read_operands(&pipeline_show_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	parts[0].path = api_path("/api/v2/pipeline/%s/workflow", argv[0]);
	return show_thing(api_path("/api/v2/pipeline/%s", argv[0]), pipeline_lines, parts);
}

/* --- watch, cancel -----------------------------------------------------------------------------
 */

static int
pipeline_watch(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct api *api = NULL;
	int status = args_read_operands(&pipeline_watch_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	if (api_open(&api, &err) < 0)
		status = say_error(&err);
	else
		status = watching_run(api, argv[0]);
	api_close(api);
	return status;
}

static int
pipeline_cancel(int argc, char **argv)
{
	int status = args_read_operands(&pipeline_cancel_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	status = show_call("POST", api_path("/api/v2/pipeline/%s/cancel", argv[0]));
	if (status == EXIT_OK)
		say_note("pipeline %s is being canceled", argv[0]);
	return status;
}

/*
 * schedule.c - "schedule list", "schedule remove": the workflows that a hub's clock starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "ctl/table.h"
#include "format/json.h"
#include "runner/exit.h"

static int schedule_list(int argc, char **argv);
static int schedule_remove(int argc, char **argv);

const struct command schedule_list_command = {
	"schedule list", NULL, "list the workflows that a clock starts", NULL, schedule_list};
const struct command schedule_remove_command = {
	"schedule remove", "ID", "start a branch's workflows by the clock no more", NULL, schedule_remove};

static const struct column columns[] = {
	{"SCHEDULE", "id"},	{"PROJECT", "project_slug"}, {"BRANCH", "branch"},
	{"WORKFLOW", "workflow"}, {"CRON", "cron"},	     {"NEXT", "next_at"},
	{"ERROR", "error"},	{NULL, NULL},
};

static int
schedule_list(int argc, char **argv)
{
	const char *project = globals()->project;
	LOCAL_FREE char *path = NULL;
	struct err err = ERR_INIT;
	struct json *answer = NULL;
	struct api *api = NULL;
	int count, status = args_read(&schedule_list_command, argc, argv, &count, NULL, NULL);

	if (status == ARGS_GO)
		status = args_count(&schedule_list_command, count, 0, 0);
	if (status != ARGS_GO)
		return status;
	path = project != NULL ? api_path("/api/runner/v1/schedules?project=%s", project)
			       : api_path("/api/runner/v1/schedules");
	if (api_open(&api, &err) < 0 || api_get(api, path, &answer, &err) < 0)
		status = say_error(&err);
	else
		status = table_print(answer, json_get(answer, "items"), columns);
	json_free(answer);
	api_close(api);
	return status;
}

static int
schedule_remove(int argc, char **argv)
{
	LOCAL_FREE char *path = NULL;
	struct err err = ERR_INIT;
	struct api *api = NULL;
	int count, status = args_read(&schedule_remove_command, argc, argv, &count, NULL, NULL);

	if (status == ARGS_GO)
		status = args_count(&schedule_remove_command, count, 1, 1);
	if (status != ARGS_GO)
		return status;
	path = api_path("/api/runner/v1/schedules/%s", argv[0]);
	status = EXIT_OK;
	if (api_open(&api, &err) < 0 || api_call(api, "DELETE", path, NULL, NULL, &err) < 0)
		status = say_error(&err);
	else
		say_note("the schedules of that branch are removed");
	api_close(api);
	return status;
}

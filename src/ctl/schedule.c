/*
 * schedule.c - "schedule list", "schedule remove": the workflows that a hub's clock starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stddef.h>

#include "base/buffer.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "ctl/show.h"
#include "ctl/table.h"
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
	struct buffer path = BUFFER_INIT;
	int status = args_read_operands(&schedule_list_command, argc, argv, 0);

	if (status != ARGS_GO)
		return status;
	buffer_puts(&path, "/api/runner/v1/schedules");
	show_ask(&path, "project", globals()->project);
	return show_list(buffer_take_text(&path), columns);
}

static int
schedule_remove(int argc, char **argv)
{
	int status = args_read_operands(&schedule_remove_command, argc, argv, 1);

	if (status != ARGS_GO)
		return status;
	status = show_call("DELETE", api_path("/api/runner/v1/schedules/%s", argv[0]));
	if (status == EXIT_OK)
		say_note("the schedules of that branch are removed");
	return status;
}

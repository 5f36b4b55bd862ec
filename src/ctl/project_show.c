/*
 * project_show.c - "project list", "project show": the projects a hub knows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/pages.h"
#include "ctl/project.h"
#include "ctl/say.h"
#include "ctl/show.h"
#include "ctl/table.h"
#include "format/json.h"

static int project_list(int argc, char **argv);
static int project_show(int argc, char **argv);

const struct command project_list_command = {"project list", NULL, "list the projects", NULL,
					     project_list};
const struct command project_show_command = {"project show", "[SLUG]", "show a project", NULL,
					     project_show};

static const struct column project_columns[] = {
	{"PROJECT", "slug"},
	{"PIPELINES", "last_pipeline"},
	{"ID", "id"},
	{NULL, NULL},
};

static int
fetch_projects(struct json **out, struct api *api, const void *arg, struct err *err)
{
	(void)arg;
	return pages_get(out, api, "/api/runner/v1/projects", err);
}

static int
project_list(int argc, char **argv)
{
	int status = args_read_operands(&project_list_command, argc, argv, 0);

	return status == ARGS_GO ? show_fetched(fetch_projects, NULL, project_columns) : status;
}

static int
get_project(struct json **out, struct api *api, const char *asked, struct err *err)
{
	LOCAL_FREE char *slug = NULL;
	LOCAL_FREE char *path = NULL;

	if (asked != NULL)
		slug = mem_strdup(asked);
	else if (project_slug(&slug, api_loop(api), err) < 0)
		return err->code;
	path = api_path("/api/v2/project/%s", slug);
	return api_get(api, path, out, err);
}

static int
project_show(int argc, char **argv)
{
	struct err err = ERR_INIT;
	struct json *project = NULL;
	struct api *api = NULL;
	int count, status;

	status = args_read(&project_show_command, argc, argv, &count, NULL, NULL);
	if (status == ARGS_GO)
		status = args_count(&project_show_command, count, 0, 1);
	if (status != ARGS_GO)
		return status;
	if (api_open(&api, &err) < 0 ||
	    get_project(&project, api, count == 1 ? argv[0] : NULL, &err) < 0)
		status = say_error(&err);
	else
		status = table_print_one(project, project_columns);
	json_free(project);
	api_close(api);
	return status;
}

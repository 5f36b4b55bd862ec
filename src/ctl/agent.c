/*
 * agent.c - "agent list": who works for this hub.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "ctl/table.h"
#include "format/json.h"

static int agent_list(int argc, char **argv);

static const struct option list_options[] = {
	{"namespace", 0, "NS", "only agents that serve a class of this namespace"},
	{"resource-class", 0, "NS/NAME", "only agents that serve this class"},
	{NULL, 0, NULL, NULL},
};

const struct command agent_list_command = {
	"agent list", NULL, "list the agents and what they serve", list_options, agent_list};

static const struct column agent_columns[] = {
	{"AGENT", "name"},	{"CLASS", "resource_class"},	    {"HOST", "hostname"},
	{"VERSION", "version"}, {"LAST CONTACT", "last_connected"}, {NULL, NULL},
};

struct list_choice {
	const char *namespace, *resource_class;
};

static int
set_list(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct list_choice *choice = arg;

	(void)err;
	if (text_eq(option->name, "namespace"))
		choice->namespace = value;
	else
		choice->resource_class = value;
	return 0;
}

static int
agent_list(int argc, char **argv)
{
	struct list_choice choice = {0};
	LOCAL_FREE char *path = NULL;
	struct err err = ERR_INIT;
	struct json *answer = NULL;
	struct api *api = NULL;
	int count, status;

	status = args_read(&agent_list_command, argc, argv, &count, set_list, &choice);
	if (status == ARGS_GO)
		status = args_count(&agent_list_command, count, 0, 0);
	if (status != ARGS_GO)
		return status;
	path = choice.resource_class != NULL
		       ? api_path("/api/v3/runner?resource-class=%s", choice.resource_class)
	       : choice.namespace != NULL
		       ? api_path("/api/v3/runner?namespace=%s", choice.namespace)
		       : api_path("/api/v3/runner");
	if (api_open(&api, &err) < 0 || api_get(api, path, &answer, &err) < 0)
		status = say_error(&err);
	else
		status = table_print(answer, json_get(answer, "items"), agent_columns);
	json_free(answer);
	api_close(api);
	return status;
}

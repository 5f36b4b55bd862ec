/*
 * agent.c - "agent list|show|pause|resume|drain|remove": who works for this hub, and who is to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

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
#include "runner/exit.h"

static int agent_list(int argc, char **argv);
static int agent_show(int argc, char **argv);
static int agent_pause(int argc, char **argv);
static int agent_resume(int argc, char **argv);
static int agent_drain(int argc, char **argv);
static int agent_remove(int argc, char **argv);

static const struct option list_options[] = {
	{"namespace", 0, "NS", "only agents that serve a class of this namespace"},
	{"resource-class", 0, "NS/NAME", "only agents that serve this class"},
	{NULL, 0, NULL, NULL},
};

const struct command agent_list_command = {
	"agent list", NULL, "list the agents and what they serve", list_options, agent_list};

static const struct option no_options[] = {{NULL, 0, NULL, NULL}};

const struct command agent_show_command = {"agent show", "AGENT", "show an agent and its tasks", no_options,
					   agent_show};
const struct command agent_pause_command = {
	"agent pause", "AGENT", "give an agent no more tasks, those it has go on", no_options, agent_pause};
const struct command agent_resume_command = {"agent resume", "AGENT", "give an agent tasks again", no_options,
					     agent_resume};
const struct command agent_drain_command = {
	"agent drain", "AGENT", "give an agent no more tasks and let it end when it has none", no_options, agent_drain};
const struct command agent_remove_command = {"agent remove", "AGENT", "forget an agent that is gone", no_options,
					     agent_remove};

static const struct column agent_columns[] = {
	{"AGENT", "name"},	{"CLASS", "resource_class"},	    {"HOST", "hostname"},
	{"VERSION", "version"}, {"STATE", "state"}, {"LAST CONTACT", "last_connected"},
	{NULL, NULL},
};

static const struct column agent_lines[] = {
	{"Agent", "name"},
	{"Id", "id"},
	{"State", "state"},
	{"By", "state_by"},
	{"Since", "state_since"},
	{"Takes nothing", "held"},
	{"Connected", "connected"},
	{"Version", "version"},
	{"System", "os"},
	{"Processor", "arch"},
	{"Resource classes", "resource_classes"},
	{"Slots", "slots"},
	{"Slots taken", "slots_taken"},
	{"First contact", "first_connected"},
	{"Last contact", "last_connected"},
	{"Last task", "last_used"},
	{NULL, NULL},
};

static const struct column paused_columns[] = {{"PAUSED", "resource_class"}, {"WHY", "message"}, {NULL, NULL}};

static const struct column task_columns[] = {
	{"TASK", "id"}, {"JOB", "job"}, {"NODE", "node_index"}, {"PIPELINE", "pipeline_number"}, {NULL, NULL},
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

/* --- one agent ------------------------------------------------------------------------------- */

static int
no_option(void *arg, const struct option *option, const char *value, struct err *err)
{
	(void)arg;
	(void)value;
	return err_set(err, ERR_INPUT, "there is no option '--%s'", option->name);
}

/* The path of the agent that has this id, or alone has this name; the caller frees. Fails: ERR_GONE, ERR_INPUT. */
static int
find_agent(char **path, struct api *api, const char *text, struct err *err)
{
	const struct json *items, *found = NULL;
	struct json *answer = NULL;
	size_t i, n = 0;
	int rc = 0;

	if (api_get(api, "/api/runner/v1/agents", &answer, err) < 0) {
		json_free(answer);
		return err->code;
	}
	items = json_get(answer, "items");
	for (i = 0; i < json_count(items); i++) {
		const struct json *item = json_at(items, i);
		const char *name = json_get_str(item, "name"), *id = json_get_str(item, "id");

		if ((name != NULL && text_eq(name, text)) || (id != NULL && text_eq(id, text))) {
			found = item;
			n++;
		}
	}
	if (n == 0)
		rc = err_set(err, ERR_GONE, "there is no agent '%.200s'", text);
	else if (n > 1 && err_set(err, ERR_INPUT, "there are %zu agents '%.200s'", n, text) < 0)
		rc = err_hint(err, "give its id: runnerctl agent list --json");
	else
		*path = api_path("/api/runner/v1/agents/%s", json_get_str(found, "id"));
	json_free(answer);
	return rc;
}

/* Ask method of the agent's path, with more behind it. The answer is the caller's; ARGS_GO or an exit status. */
static int
ask_agent(struct json **out, const struct command *command, int argc, char **argv, const char *method,
	  const char *more)
{
	LOCAL_FREE char *path = NULL;
	struct buffer whole = BUFFER_INIT;
	struct err err = ERR_INIT;
	struct api *api = NULL;
	int count, status;

	status = args_read(command, argc, argv, &count, no_option, NULL);
	if (status == ARGS_GO)
		status = args_count(command, count, 1, 1);
	if (status != ARGS_GO)
		return status;
	if (api_open(&api, &err) < 0 || find_agent(&path, api, argv[0], &err) < 0) {
		status = say_error(&err);
	} else {
		buffer_printf(&whole, "%s%s", path, more);
		if (api_call(api, method, buffer_text(&whole), NULL, out, &err) < 0)
			status = say_error(&err);
	}
	buffer_release(&whole);
	api_close(api);
	return status;
}

static int
agent_show(int argc, char **argv)
{
	struct buffer text = BUFFER_INIT;
	struct json *answer = NULL;
	int status = ask_agent(&answer, &agent_show_command, argc, argv, "GET", "");

	if (status == ARGS_GO && globals()->json != JSON_FORM_NONE) {
		status = say_json(answer);
	} else if (status == ARGS_GO) {
		table_write_one(&text, answer, agent_lines);
		if (json_count(json_get(answer, "paused")) > 0) {
			buffer_puts(&text, "\n");
			table_write(&text, json_get(answer, "paused"), paused_columns);
		}
		if (json_count(json_get(answer, "tasks")) > 0) {
			buffer_puts(&text, "\n");
			table_write(&text, json_get(answer, "tasks"), task_columns);
		}
		status = say_result(&text);
	}
	buffer_release(&text);
	json_free(answer);
	return status;
}

/* What it is now goes to standard error, or as a document to standard output. */
static int
stand(const struct command *command, int argc, char **argv, const char *verb)
{
	struct json *answer = NULL;
	int status = ask_agent(&answer, command, argc, argv, "POST", verb);

	if (status == ARGS_GO) {
		status = EXIT_OK;
		if (globals()->json != JSON_FORM_NONE)
			status = say_json(answer);
		else
			say_note("agent '%s' is %s; it has %lld tasks", argv[0], json_get_str(answer, "state"),
				 (long long)json_get_int(answer, "slots_taken", 0));
	}
	json_free(answer);
	return status;
}

static int
agent_pause(int argc, char **argv)
{
	return stand(&agent_pause_command, argc, argv, "/pause");
}

static int
agent_resume(int argc, char **argv)
{
	return stand(&agent_resume_command, argc, argv, "/resume");
}

static int
agent_drain(int argc, char **argv)
{
	return stand(&agent_drain_command, argc, argv, "/drain");
}

static int
agent_remove(int argc, char **argv)
{
	struct json *answer = NULL;
	int status = ask_agent(&answer, &agent_remove_command, argc, argv, "DELETE", "");

	if (status == ARGS_GO) {
		say_note("agent '%s' is forgotten", argv[0]);
		status = EXIT_OK;
	}
	json_free(answer);
	return status;
}

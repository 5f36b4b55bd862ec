/*
 * agent.c - "agent list|show|pause|resume|drain|remove": who works for this hub, and who is to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/say.h"
#include "ctl/show.h"
#include "ctl/table.h"
#include "format/json.h"
#include "loop/loop.h"
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
static const struct option drain_options[] = {
	{"wait", 0, NULL, "until it has no tasks"},
	{NULL, 0, NULL, NULL},
};
const struct command agent_pause_command = {
	"agent pause", "AGENT", "give an agent no more tasks, those it has go on", no_options, agent_pause};
const struct command agent_resume_command = {"agent resume", "AGENT", "give an agent tasks again", no_options,
					     agent_resume};
const struct command agent_drain_command = {
	"agent drain", "AGENT", "give an agent no more tasks and let it end when it has none", drain_options, agent_drain};
const struct command agent_remove_command = {"agent remove", "AGENT", "forget an agent that is gone", no_options,
					     agent_remove};

enum { DRAIN_LOOK_MS = 500 };

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

static int
agent_list(int argc, char **argv)
{
	struct buffer path = BUFFER_INIT;
	int count, status;

	buffer_puts(&path, "/api/v3/runner");
	status = args_read(&agent_list_command, argc, argv, &count, show_option, &path);
	if (status == ARGS_GO)
		status = args_count(&agent_list_command, count, 0, 0);
	if (status == ARGS_GO)
		status = show_list(buffer_take_text(&path), agent_columns);
	buffer_release(&path);
	return status;
}

/* --- one agent ------------------------------------------------------------------------------- */

/* --wait is the only option that any of them has. */
static int
set_wait(void *arg, const struct option *option, const char *value, struct err *err)
{
	(void)option;
	(void)value;
	(void)err;
	*(bool *)arg = true;
	return 0;
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

/* A conversation about one agent. */
struct talk {
	struct api *api;
	char *path;	     /* of the agent */
	struct json *answer; /* the last */
};

static void
talk_release(struct talk *talk)
{
	json_free(talk->answer);
	free(talk->path);
	api_close(talk->api);
}

/* ARGS_GO, or an exit status; talk_release() in any case. */
static int
talk_ask(struct talk *talk, const char *method, const char *more)
{
	struct buffer whole = BUFFER_INIT;
	struct err err = ERR_INIT;
	int status = ARGS_GO;

	json_free(talk->answer);
	talk->answer = NULL;
	buffer_printf(&whole, "%s%s", talk->path, more);
	if (api_call(talk->api, method, buffer_text(&whole), NULL, &talk->answer, &err) < 0)
		status = say_error(&err);
	buffer_release(&whole);
	return status;
}

/* Find the agent that the command line names, and ask. wait is set by --wait; NULL: there is no such option. */
static int
talk_begin(struct talk *talk, const struct command *command, int argc, char **argv, const char *method,
	   const char *more, bool *wait)
{
	struct err err = ERR_INIT;
	int count, status;

	*talk = (struct talk){NULL, NULL, NULL};
	status = args_read(command, argc, argv, &count, set_wait, wait);
	if (status == ARGS_GO)
		status = args_count(command, count, 1, 1);
	if (status != ARGS_GO)
		return status;
	if (api_open(&talk->api, &err) < 0 || find_agent(&talk->path, talk->api, argv[0], &err) < 0)
		return say_error(&err);
	return talk_ask(talk, method, more);
}

static int
agent_show(int argc, char **argv)
{
	struct buffer text = BUFFER_INIT;
	struct talk talk;
	int status = talk_begin(&talk, &agent_show_command, argc, argv, "GET", "", NULL);
	const struct json *answer = talk.answer;

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
	talk_release(&talk);
	return status;
}

/* What it is now goes to standard error, or as a document to standard output. */
static int
say_standing(const struct talk *talk, const char *name)
{
	if (globals()->json != JSON_FORM_NONE)
		return say_json(talk->answer);
	say_note("agent '%s' is %s; it has %lld tasks", name, json_get_str(talk->answer, "state"),
		 (long long)json_get_int(talk->answer, "slots_taken", 0));
	return EXIT_OK;
}

static int
stand(const struct command *command, int argc, char **argv, const char *verb)
{
	struct talk talk;
	int status = talk_begin(&talk, command, argc, argv, "POST", verb, NULL);

	if (status == ARGS_GO)
		status = say_standing(&talk, argv[0]);
	talk_release(&talk);
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

static void
on_look(void *arg)
{
	loop_stop(arg);
}

/* Until it has no tasks. ARGS_GO, or an exit status: also when a person lets it have tasks again. */
static int
wait_drained(struct talk *talk, const char *name)
{
	struct loop *loop = api_loop(talk->api);
	struct timer timer;
	int status = ARGS_GO;

	timer_init(&timer, loop, on_look, loop);
	while (status == ARGS_GO && json_get_int(talk->answer, "slots_taken", 0) > 0) {
		if (text_eq(json_get_str(talk->answer, "state"), "active")) {
			say_note("agent '%s' was resumed while it drained", name);
			status = EXIT_NO;
			break;
		}
		timer_start_ms(&timer, DRAIN_LOOK_MS);
		loop_run(loop);
		status = talk_ask(talk, "GET", "");
	}
	timer_release(&timer);
	return status;
}

static int
agent_drain(int argc, char **argv)
{
	struct talk talk;
	bool wait = false;
	int status = talk_begin(&talk, &agent_drain_command, argc, argv, "POST", "/drain", &wait);

	if (status == ARGS_GO && wait && json_get_int(talk.answer, "slots_taken", 0) > 0) {
		say_note("agent '%s' is draining; waiting for %lld tasks", argv[0],
			 (long long)json_get_int(talk.answer, "slots_taken", 0));
		status = wait_drained(&talk, argv[0]);
	}
	if (status == ARGS_GO)
		status = say_standing(&talk, argv[0]);
	talk_release(&talk);
	return status;
}

static int
agent_remove(int argc, char **argv)
{
	struct talk talk;
	int status = talk_begin(&talk, &agent_remove_command, argc, argv, "DELETE", "", NULL);

	if (status == ARGS_GO) {
		say_note("agent '%s' is forgotten", argv[0]);
		status = EXIT_OK;
	}
	talk_release(&talk);
	return status;
}

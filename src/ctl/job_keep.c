/*
 * job_keep.c - "job keep": a job's task stays, when it fails, for people to enter.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/job.h"
#include "ctl/job_task.h"
#include "ctl/say.h"
#include "format/json.h"
#include "runner/exit.h"
#include "runner/session.h"

static int job_keep(int argc, char **argv);

static const struct option keep_options[] = {
	{"for", 0, "TIME", "for so long from its end on, or from now (default 2h)"},
	{"release", 0, NULL, "do not keep it (any longer)"},
	{"last-failed", 0, NULL, "the project's job that failed last"},
	{"attempt", 0, "N", "where it ran more than once: this attempt (default: the last)"},
	{"node", 0, "N", "where it runs on several nodes: this one"},
	{NULL, 0, NULL, NULL},
};

const struct command job_keep_command = {
	"job keep", "JOB", "keep a job's task when it has failed, to be entered by attach", keep_options,
	job_keep};

enum { KEEP_MS = 2 * 3600 * 1000 };

struct wish {
	struct job_ref ref;
	struct task_choice choice;
	uint64_t ms;
	bool release;
};

static int
set_keep(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct wish *wish = arg;

	if (text_eq(option->name, "node"))
		return task_choice_set(&wish->choice, value, err);
	if (text_eq(option->name, "release")) {
		wish->release = true;
		return 0;
	}
	if (!text_eq(option->name, "for"))
		return job_ref_set(&wish->ref, option, value, err);
	if (text_parse_duration_ms(value, &wish->ms, err) < 0)
		return err_wrap(err, "option '--for'");
	if (wish->ms < 1000 || wish->ms > SESSION_KEEP_MOST_S * 1000ull)
		return err_set(err, ERR_INPUT, "option '--for': from 1s to 168h");
	return 0;
}

static int
ask(const struct wish *wish, struct api *api, char job[256], struct json **answer, struct err *err)
{
	struct json *body = wish->release ? NULL : json_new_object();
	LOCAL_FREE char *path = NULL;
	char task[ID_TEXT_BYTES];
	int rc = job_task_find(task, job, 256, api, &wish->ref, &wish->choice, err);

	path = rc == 0 ? api_path("/api/runner/v1/tasks/%s/keep", task) : NULL;
	if (body != NULL)
		json_put_int(body, "seconds", (int64_t)(wish->ms / 1000));
	if (rc == 0)
		rc = api_call(api, wish->release ? "DELETE" : "PUT", path, body, answer, err);
	json_free(body);
	return rc;
}

static void
say(const struct wish *wish, const char *job, const struct json *answer)
{
	const char *until = json_get_str(answer, "kept_until");
	char room[24];

	if (wish->release)
		say_note("job '%s' is not kept", job);
	else if (until != NULL)
		say_note("job '%s' is kept until %s: runnerctl attach", job, until);
	else
		say_note("job '%s' will be kept for %s unless it succeeds", job,
			 text_duration(room, wish->ms));
}

static int
job_keep(int argc, char **argv)
{
	struct wish wish = {.ms = KEEP_MS};
	struct json *answer = NULL;
	struct err err = ERR_INIT;
	struct api *api = NULL;
	char job[256];
	int count, status;

	status = args_read(&job_keep_command, argc, argv, &count, set_keep, &wish);
	if (status == ARGS_GO)
		status = job_ref_check(&job_keep_command, &wish.ref, count, argv);
	if (status != ARGS_GO)
		return status;
	if (api_open(&api, &err) < 0 || ask(&wish, api, job, &answer, &err) < 0) {
		status = say_error(&err);
	} else {
		status = EXIT_OK;
		say(&wish, job, answer);
	}
	json_free(answer);
	api_close(api);
	return status;
}

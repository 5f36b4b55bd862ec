/*
 * why.c - "why": in a sentence, why a job waits, or why this host claims no task.
 *
 * Of a job the hub is asked, of the host the agent that runs on it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/clean.h"
#include "ctl/commands.h"
#include "ctl/job.h"
#include "ctl/say.h"
#include "ctl/top.h"
#include "format/json.h"
#include "runner/exit.h"

enum { SENTENCE_BYTES = 2048 };

static int why(int argc, char **argv);

static const struct option why_options[] = {
	{"last-failed", 0, NULL, "the project's job that failed last"},
	{"run-dir", 0, "DIR", "without a job: ask the runnerd of this run directory"},
	{NULL, 0, NULL, NULL},
};

const struct command why_command = {
	"why", "[JOB]", "say why a job waits, or why this host claims none", why_options, why};

struct choice {
	struct job_ref ref;
	const char *run_dir;
};

static int
set_choice(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct choice *choice = arg;

	if (text_eq(option->name, "run-dir")) {
		choice->run_dir = value;
		return 0;
	}
	return job_ref_set(&choice->ref, option, value, err);
}

/* {"message"}; all of it with --json. */
static int
print_why(const struct json *answer)
{
	const char *message = json_get_str(answer, "message");
	struct buffer text = BUFFER_INIT;
	char clean[SENTENCE_BYTES];
	int status;

	if (globals()->json != JSON_FORM_NONE)
		return say_json(answer);
	if (message == NULL)
		message = "it does not say: its program is older than this one";
	clean_text(clean, sizeof(clean), message, strlen(message));
	buffer_printf(&text, "%s\n", clean);
	status = say_result(&text);
	buffer_release(&text);
	return status;
}

static int
why_host(const char *run_dir)
{
	struct top_source source;
	struct err err = ERR_INIT;
	struct json *state = NULL;
	int status;

	if (top_source_open_agent(&source, run_dir, &err) < 0) {
		if (run_dir == NULL)
			(void)err_hint(&err, "name its run directory with --run-dir, or a job: runnerctl why JOB");
		return say_error(&err);
	}
	status = top_source_ask(&source, &state, &err) < 0 ? say_error(&err)
							   : print_why(json_get(state, "claiming"));
	json_free(state);
	top_source_close(&source);
	return status;
}

static int
why_job(const struct job_ref *ref)
{
	struct err err = ERR_INIT;
	struct json *found = NULL, *answer = NULL;
	LOCAL_FREE char *path = NULL;
	struct api *api = NULL;
	int status;

	if (api_open(&api, &err) < 0 || job_find(&found, api, ref, &err) < 0) {
		status = say_error(&err);
	} else {
		path = api_path("/api/runner/v1/jobs/%s/why", json_get_str(found, "id"));
		status = api_get(api, path, &answer, &err) < 0 ? say_error(&err) : print_why(answer);
	}
	json_free(found);
	json_free(answer);
	api_close(api);
	return status;
}

static int
why(int argc, char **argv)
{
	struct choice choice = {.run_dir = NULL};
	struct err err = ERR_INIT;
	int count, status;

	status = args_read(&why_command, argc, argv, &count, set_choice, &choice);
	if (status != ARGS_GO)
		return status;
	if (count == 0 && !choice.ref.last_failed)
		return why_host(choice.run_dir);
	if (choice.run_dir != NULL) {
		(void)!err_set(&err, ERR_INPUT, "option '--run-dir' is for this host, a job is the hub's: one of them");
		return say_usage(&why_command, &err);
	}
	status = job_ref_check(&why_command, &choice.ref, count, argv);
	return status != ARGS_GO ? status : why_job(&choice.ref);
}

/*
 * why.c - "why": in a sentence, why a job waits.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/job.h"
#include "ctl/say.h"
#include "format/json.h"
#include "runner/exit.h"

static int why(int argc, char **argv);

static const struct option why_options[] = {
	{"last-failed", 0, NULL, "the project's job that failed last"},
	{NULL, 0, NULL, NULL},
};

const struct command why_command = {"why", "JOB", "say why a job waits", why_options, why};

static int
set_ref(void *arg, const struct option *option, const char *value, struct err *err)
{
	return job_ref_set(arg, option, value, err);
}

static int
print_why(const struct json *answer)
{
	const char *message = json_get_str(answer, "message");
	struct buffer text = BUFFER_INIT;
	int status;

	if (globals()->json != JSON_FORM_NONE)
		return say_json(answer);
	buffer_printf(&text, "%s\n", message != NULL ? message : "");
	status = say_result(&text);
	buffer_release(&text);
	return status;
}

static int
why(int argc, char **argv)
{
	struct job_ref ref = {0};
	struct err err = ERR_INIT;
	struct json *found = NULL, *answer = NULL;
	LOCAL_FREE char *path = NULL;
	struct api *api = NULL;
	int count, status;

	status = args_read(&why_command, argc, argv, &count, set_ref, &ref);
	if (status == ARGS_GO)
		status = job_ref_check(&why_command, &ref, count, argv);
	if (status != ARGS_GO)
		return status;
	if (api_open(&api, &err) < 0 || job_find(&found, api, &ref, &err) < 0) {
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

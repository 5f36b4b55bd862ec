/*
 * workflow_decide.c - "workflow approve", "workflow rerun", "job rerun": what a person decides of jobs.
 *
 * A job of a workflow is named by its name, its number or its id.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/job.h"
#include "ctl/say.h"
#include "format/json.h"
#include "runner/exit.h"

enum { JOBS_MOST = 100 };

static int workflow_approve(int argc, char **argv);
static int workflow_rerun(int argc, char **argv);
static int job_rerun(int argc, char **argv);

static const struct option approve_options[] = {
	{"job", 0, "JOB", "this approval (default: the one that waits)"},
	{NULL, 0, NULL, NULL},
};

static const struct option rerun_options[] = {
	{"from-failed", 0, NULL, "only what did not succeed"},
	{"failed-tests", 0, NULL, "the same, and 'circleci tests run' runs what failed before"},
	{"job", 0, "JOB", "only this job, and what did not succeed behind it; may be repeated"},
	{NULL, 0, NULL, NULL},
};

static const struct option job_options[] = {
	{"last-failed", 0, NULL, "the project's job that failed last"},
	{NULL, 0, NULL, NULL},
};

const struct command workflow_approve_command = {"workflow approve", "ID", "let an approval job succeed",
						 approve_options, workflow_approve};
const struct command workflow_rerun_command = {"workflow rerun", "ID", "run a workflow's jobs again",
					       rerun_options, workflow_rerun};
const struct command job_rerun_command = {"job rerun", "JOB", "run a job again", job_options, job_rerun};

struct decision {
	const char *workflow;
	bool from_failed, failed_tests;
	const char *jobs[JOBS_MOST]; /* as typed */
	size_t job_count;
};

static int
set_decision(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct decision *decision = arg;

	if (text_eq(option->name, "from-failed")) {
		decision->from_failed = true;
		return 0;
	}
	if (text_eq(option->name, "failed-tests")) {
		decision->failed_tests = true;
		return 0;
	}
	if (decision->job_count == JOBS_MOST)
		return err_set(err, ERR_INPUT, "option '--job' can be given %d times", JOBS_MOST);
	decision->jobs[decision->job_count++] = value;
	return 0;
}

static int
read_decision(const struct command *command, struct decision *decision, int argc, char **argv)
{
	int count, status = args_read(command, argc, argv, &count, set_decision, decision);

	if (status == ARGS_GO)
		status = args_count(command, count, 1, 1);
	if (status == ARGS_GO)
		decision->workflow = argv[0];
	return status;
}

/* --- jobs of a workflow -------------------------------------------------------------------- */

static bool
is_named(const struct json *job, const char *name)
{
	char number[24];

	(void)snprintf(number, sizeof(number), "%lld", (long long)json_get_int(job, "job_number", 0));
	return text_eq(json_get_str(job, "name"), name) || text_eq(json_get_str(job, "id"), name) ||
	       (json_get_int(job, "job_number", 0) > 0 && text_eq(number, name));
}

static const struct json *
find_job(const struct json *jobs, const char *name)
{
	size_t i;

	for (i = 0; i < json_count(jobs); i++)
		if (is_named(json_at(jobs, i), name))
			return json_at(jobs, i);
	return NULL;
}

static int
refuse_name(const char *workflow, const char *name, struct err *err)
{
	if (err_set(err, ERR_GONE, "workflow %s has no job '%s'", workflow, name) < 0)
		err_hint(err, "runnerctl workflow show ID lists its jobs");
	return err->code;
}

/* The workflow's jobs; the caller frees. */
static int
read_jobs(struct json **out, struct api *api, const char *workflow, struct err *err)
{
	LOCAL_FREE char *path = api_path("/api/v2/workflow/%s/job", workflow);

	return api_get(api, path, out, err);
}

/* --- approve ---------------------------------------------------------------------------------- */

/* The one that waits; NULL where there is none or more than one. */
static const struct json *
find_waiting(const struct json *jobs, struct err *err)
{
	const struct json *found = NULL;
	size_t i;

	for (i = 0; i < json_count(jobs); i++) {
		const struct json *job = json_at(jobs, i);

		if (!text_eq(json_get_str(job, "status"), "on_hold"))
			continue;
		if (found != NULL && err_set(err, ERR_INPUT, "both '%s' and '%s' wait for an approval",
					     json_get_str(found, "name"), json_get_str(job, "name")) < 0) {
			err_hint(err, "name the one that is meant with --job JOB");
			return NULL;
		}
		found = job;
	}
	if (found == NULL)
		err->code = err_set(err, ERR_GONE, "no job of the workflow waits for an approval");
	return found;
}

static int
approve(struct api *api, const struct decision *decision, struct err *err)
{
	LOCAL_FREE char *path = NULL;
	const struct json *job, *items;
	struct json *jobs = NULL;
	int rc = read_jobs(&jobs, api, decision->workflow, err);

	if (rc < 0)
		return rc;
	items = json_get(jobs, "items");
	if (decision->job_count == 0) {
		job = find_waiting(items, err);
	} else {
		job = find_job(items, decision->jobs[0]);
		if (job == NULL)
			(void)refuse_name(decision->workflow, decision->jobs[0], err);
	}
	if (job != NULL) {
		path = api_path("/api/v2/workflow/%s/approve/%s", decision->workflow,
				json_get_str(job, "id"));
		rc = api_call(api, "POST", path, NULL, NULL, err);
	}
	if (job != NULL && rc == 0)
		say_note("job '%s' is approved", json_get_str(job, "name"));
	json_free(jobs);
	return job == NULL ? err->code : rc;
}

static int
workflow_approve(int argc, char **argv)
{
	struct decision decision = {0};
	struct err err = ERR_INIT;
	struct api *api = NULL;
	int status = read_decision(&workflow_approve_command, &decision, argc, argv);

	if (status != ARGS_GO)
		return status;
	status = EXIT_OK;
	if (api_open(&api, &err) < 0 || approve(api, &decision, &err) < 0)
		status = say_error(&err);
	api_close(api);
	return status;
}

/* --- rerun ------------------------------------------------------------------------------------ */

static int
put_jobs(struct json *body, struct api *api, const struct decision *decision, struct err *err)
{
	struct json *jobs = NULL, *ids;
	const struct json *job;
	size_t i;
	int rc;

	if (decision->job_count == 0)
		return 0;
	rc = read_jobs(&jobs, api, decision->workflow, err);
	if (rc < 0)
		return rc;
	ids = json_new_array();
	for (i = 0; rc == 0 && i < decision->job_count; i++) {
		job = find_job(json_get(jobs, "items"), decision->jobs[i]);
		if (job == NULL)
			rc = refuse_name(decision->workflow, decision->jobs[i], err);
		else
			json_push(ids, json_new_string(json_get_str(job, "id")));
	}
	json_put(body, "jobs", ids);
	json_free(jobs);
	return rc;
}

static int
rerun(struct api *api, const struct decision *decision, struct err *err)
{
	LOCAL_FREE char *path = api_path("/api/v2/workflow/%s/rerun", decision->workflow);
	struct json *body = json_new_object();
	int rc;

	if (decision->from_failed)
		json_put_bool(body, "from_failed", true);
	if (decision->failed_tests)
		json_put_bool(body, "failed_tests", true);
	rc = put_jobs(body, api, decision, err);
	if (rc == 0)
		rc = api_call(api, "POST", path, body, NULL, err);
	json_free(body);
	return rc;
}

static int
workflow_rerun(int argc, char **argv)
{
	struct decision decision = {0};
	struct err err = ERR_INIT;
	struct api *api = NULL;
	int status = read_decision(&workflow_rerun_command, &decision, argc, argv);

	if (status != ARGS_GO)
		return status;
	if ((decision.from_failed || decision.failed_tests) && decision.job_count > 0) {
		if (err_set(&err, ERR_INPUT, "'--%s' and '--job' exclude each other",
			    decision.from_failed ? "from-failed" : "failed-tests") < 0)
			(void)say_error(&err);
		return EXIT_USAGE;
	}
	if (api_open(&api, &err) < 0 || rerun(api, &decision, &err) < 0) {
		status = say_error(&err);
	} else {
		say_note("workflow %s runs again", decision.workflow);
		status = EXIT_OK;
	}
	api_close(api);
	return status;
}

static int
set_ref(void *arg, const struct option *option, const char *value, struct err *err)
{
	return job_ref_set(arg, option, value, err);
}

static int
job_rerun(int argc, char **argv)
{
	struct decision decision = {.job_count = 1};
	struct job_ref ref = {0};
	struct err err = ERR_INIT;
	struct json *found = NULL;
	struct api *api = NULL;
	int count, status;

	status = args_read(&job_rerun_command, argc, argv, &count, set_ref, &ref);
	if (status == ARGS_GO)
		status = job_ref_check(&job_rerun_command, &ref, count, argv);
	if (status != ARGS_GO)
		return status;
	status = EXIT_OK;
	if (api_open(&api, &err) == 0 && job_find(&found, api, &ref, &err) == 0) {
		decision.workflow = json_get_str(json_get(found, "workflow"), "id");
		decision.jobs[0] = json_get_str(found, "id");
		if (rerun(api, &decision, &err) == 0)
			say_note("job '%s' runs again", json_get_str(found, "name"));
	}
	if (err.code != 0)
		status = say_error(&err);
	json_free(found);
	api_close(api);
	return status;
}

/*
 * job.c - "job list", "job show", "job cancel".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/job.h"

#include <stdlib.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/project.h"
#include "ctl/say.h"
#include "ctl/show.h"
#include "ctl/table.h"
#include "format/json.h"
#include "runner/exit.h"

static int job_list(int argc, char **argv);
static int job_show(int argc, char **argv);
static int job_cancel(int argc, char **argv);

static const struct option list_options[] = {
	{"pipeline", 0, "ID", "only jobs of this pipeline"},
	{"workflow", 0, "ID", "only jobs of this workflow"},
	{"state", 0, "STATE", "only jobs in this state"},
	{"limit", 0, "N", "at most so many (default 50)"},
	{NULL, 0, NULL, NULL},
};

static const struct option job_options[] = {
	{"last-failed", 0, NULL, "the project's job that failed last"},
	{"attempt", 0, "N", "where it ran more than once: this attempt (default: the last)"},
	{NULL, 0, NULL, NULL},
};

const struct command job_list_command = {"job list", NULL, "list jobs, newest first", list_options,
					 job_list};
const struct command job_show_command = {"job show", "JOB", "show a job, its tasks and their steps",
					 job_options, job_show};
const struct command job_cancel_command = {"job cancel", "JOB", "cancel a job", job_options,
					   job_cancel};

static const struct column job_columns[] = {
	{"NUMBER", "number"},
	{"WORKFLOW", "workflow.name"},
	{"JOB", "name"},
	{"STATE", "outcome|state"},
	{"CLASS", "resource_class"},
	{"CREATED", "created_at"},
	{"WAITING", "waiting|reason"},
	{NULL, NULL},
};

static const struct column job_lines[] = {
	{"Job", "name"},
	{"Number", "number"},
	{"Id", "id"},
	{"Workflow", "workflow.name"},
	{"Pipeline", "pipeline.number"},
	{"Project", "project_slug"},
	{"Resource class", "resource_class"},
	{"State", "state"},
	{"Outcome", "outcome"},
	{"Reason", "reason"},
	{"Waiting", "waiting"},
	{"Created", "created_at"},
	{"Started", "started_at"},
	{"Stopped", "stopped_at"},
	{NULL, NULL},
};

static const struct column step_columns[] = {
	{"STEP", "index"},	    {"NAME", "name"},	   {"KIND", "kind"},
	{"STATE", "outcome|state"}, {"EXIT", "exit_code"}, {"TIME", "wall_ms"},
	{"OUTPUT", "output_bytes"}, {NULL, NULL},
};

/* --- which job ------------------------------------------------------------------------ */

int
job_ref_set(struct job_ref *ref, const struct option *option, const char *value, struct err *err)
{
	if (text_eq(option->name, "last-failed")) {
		ref->last_failed = true;
		return 0;
	}
	if (text_parse_u64(value, 1000000, &ref->attempt, err) < 0)
		return err_wrap(err, "option '--attempt'");
	return 0;
}

static int
set_ref(void *arg, const struct option *option, const char *value, struct err *err)
{
	return job_ref_set(arg, option, value, err);
}

int
job_ref_check(const struct command *command, struct job_ref *ref, int count, char **operands)
{
	if (ref->last_failed)
		return args_count(command, count, 0, 0);
	if (count == 1)
		ref->text = operands[0];
	return args_count(command, count, 1, 1);
}

static bool
is_uuid(const char *text)
{
	struct id id;

	return id_parse(&id, text);
}

int
job_find(struct json **out, struct api *api, const struct job_ref *ref, struct err *err)
{
	LOCAL_FREE char *slug = NULL;
	LOCAL_FREE char *path = NULL;
	char attempt[24];
	const char *text = ref->last_failed ? "last-failed" : ref->text;

	*out = NULL;
	/* An id says by itself which project it is of. */
	if (!is_uuid(text) && project_slug(&slug, api_loop(api), err) < 0)
		return err->code;
	(void)snprintf(attempt, sizeof(attempt), "%llu", (unsigned long long)ref->attempt);
	path = api_path("/api/runner/v1/jobs/find?ref=%s%p%s%p%p", text,
			slug != NULL ? "&project=" : "", slug != NULL ? slug : "",
			ref->attempt > 0 ? "&attempt=" : "", ref->attempt > 0 ? attempt : "");
	return api_get(api, path, out, err);
}

/* --- job list ------------------------------------------------------------------------- */

static int
job_list(int argc, char **argv)
{
	struct buffer path = BUFFER_INIT;
	int count, status;

	buffer_puts(&path, "/api/runner/v1/jobs");
	status = args_read(&job_list_command, argc, argv, &count, show_option, &path);
	if (status == ARGS_GO)
		status = args_count(&job_list_command, count, 0, 0);
	if (status == ARGS_GO) {
		show_ask(&path, "project", globals()->project);
		status = show_list(buffer_take_text(&path), job_columns);
	}
	buffer_release(&path);
	return status;
}

/* --- job show, job cancel ------------------------------------------------------------- */

/* What a task has used: that of its steps. Several may have had their peak at a time: no less than this. */
static void
put_use(struct buffer *out, const struct json *steps)
{
	uint64_t cpu_us = 0, peak = 0;
	char took[24], most[24];
	const struct json *step;
	int64_t bytes;
	size_t i;

	for (i = 0; i < json_count(steps); i++) {
		step = json_at(steps, i);
		cpu_us += (uint64_t)json_get_int(step, "user_us", 0) +
			  (uint64_t)json_get_int(step, "system_us", 0);
		bytes = json_get_int(step, "peak_bytes", 0);
		if (bytes <= 0)
			bytes = json_get_int(step, "max_rss_bytes", 0);
		if (bytes > 0 && (uint64_t)bytes > peak)
			peak = (uint64_t)bytes;
	}
	if (peak > 0)
		buffer_printf(out, "; CPU %s, memory at most %s", text_duration(took, cpu_us / 1000),
			      text_bytes(most, peak));
}

static int
print_job(const struct json *job)
{
	const struct json *tasks = json_get(job, "tasks"), *task;
	struct buffer text = BUFFER_INIT;
	size_t i;
	int status;

	if (globals()->json != JSON_FORM_NONE)
		return say_json(job);
	table_write_one(&text, job, job_lines);
	for (i = 0; i < json_count(tasks); i++) {
		task = json_at(tasks, i);
		buffer_printf(&text, "\nTask %s (attempt %lld, node %lld): %s",
			      json_get_str(task, "id") != NULL ? json_get_str(task, "id") : "",
			      (long long)json_get_int(task, "attempt", 1),
			      (long long)json_get_int(task, "node_index", 0),
			      json_get_str(task, "outcome") != NULL ? json_get_str(task, "outcome")
			      : json_get_str(task, "state") != NULL ? json_get_str(task, "state")
								    : "");
		put_use(&text, json_get(task, "steps"));
		buffer_puts(&text, "\n");
		if (json_count(json_get(task, "steps")) > 0)
			table_write(&text, json_get(task, "steps"), step_columns);
	}
	status = say_result(&text);
	buffer_release(&text);
	return status;
}

static int
job_show(int argc, char **argv)
{
	struct job_ref ref = {0};
	struct err err = ERR_INIT;
	struct json *found = NULL, *job = NULL;
	LOCAL_FREE char *path = NULL;
	struct api *api = NULL;
	int count, status;

	status = args_read(&job_show_command, argc, argv, &count, set_ref, &ref);
	if (status == ARGS_GO)
		status = job_ref_check(&job_show_command, &ref, count, argv);
	if (status != ARGS_GO)
		return status;
	if (api_open(&api, &err) < 0 || job_find(&found, api, &ref, &err) < 0) {
		status = say_error(&err);
	} else {
		path = api_path("/api/runner/v1/jobs/%s", json_get_str(found, "id"));
		status = api_get(api, path, &job, &err) < 0 ? say_error(&err) : print_job(job);
	}
	json_free(found);
	json_free(job);
	api_close(api);
	return status;
}

static int
job_cancel(int argc, char **argv)
{
	struct job_ref ref = {0};
	struct err err = ERR_INIT;
	struct json *found = NULL;
	LOCAL_FREE char *path = NULL;
	struct api *api = NULL;
	int count, status;

	status = args_read(&job_cancel_command, argc, argv, &count, set_ref, &ref);
	if (status == ARGS_GO)
		status = job_ref_check(&job_cancel_command, &ref, count, argv);
	if (status != ARGS_GO)
		return status;
	if (api_open(&api, &err) < 0 || job_find(&found, api, &ref, &err) < 0) {
		status = say_error(&err);
	} else {
		path = api_path("/api/v2/jobs/%s/cancel", json_get_str(found, "id"));
		status = api_call(api, "POST", path, NULL, NULL, &err) < 0 ? say_error(&err)
									   : EXIT_OK;
		if (status == EXIT_OK)
			say_note("job '%s' is being canceled", json_get_str(found, "name"));
	}
	json_free(found);
	api_close(api);
	return status;
}

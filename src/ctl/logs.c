/*
 * logs.c - "logs": what a job's steps printed, or print.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/job.h"
#include "ctl/outlet.h"
#include "ctl/records.h"
#include "ctl/say.h"
#include "format/json.h"
#include "loop/loop.h"
#include "runner/exit.h"

static int logs(int argc, char **argv);

static const struct option logs_options[] = {
	{"follow", 'f', NULL, "go on until the job has ended"},
	{"step", 0, "STEP", "only this step: its number or its name"},
	{"last-failed", 0, NULL, "of the project's job that failed last"},
	{"attempt", 0, "N", "where the job ran more than once: this attempt (default: the last)"},
	{NULL, 0, NULL, NULL},
};

const struct command logs_command = {"logs", "JOB", "print a job's output", logs_options, logs};

struct logs {
	struct job_ref ref;
	bool follow;
	const char *step;
	struct api *api;
	struct outlet outlet;
	struct records records;
	struct api_stream stream;
	bool ended;
	int rc;
	struct err err;
};

static int
set_logs(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct logs *logs = arg;

	if (text_eq(option->name, "follow"))
		logs->follow = true;
	else if (text_eq(option->name, "step"))
		logs->step = value;
	else
		return job_ref_set(&logs->ref, option, value, err);
	return 0;
}

/* --- one task's output ------------------------------------------------------------------------ */

static bool
take_record(void *arg, const struct output_record *record, const void *bytes)
{
	struct logs *logs = arg;

	if (outlet_is_full(&logs->outlet))
		return false;
	outlet_put(&logs->outlet, bytes, record->raw_len);
	return true;
}

static void
feed(struct logs *logs, const void *bytes, size_t len)
{
	if (logs->rc == 0)
		logs->rc = records_feed(&logs->records, bytes, len, &logs->err);
	if (logs->rc < 0)
		loop_stop(api_loop(logs->api));
	else if (records_is_stopped(&logs->records))
		api_stream_pause(&logs->stream);
	else
		api_stream_resume(&logs->stream);
}

static void
on_data(void *arg, const void *bytes, size_t len)
{
	feed(arg, bytes, len);
}

static void
on_ended(void *arg, const struct err *err)
{
	struct logs *logs = arg;

	logs->ended = true;
	if (err != NULL) {
		logs->err = *err;
		logs->rc = err->code;
	}
	loop_stop(api_loop(logs->api));
}

static void
on_room(void *arg)
{
	feed(arg, NULL, 0);
}

static int
print_task(struct logs *logs, const char *task, const char *step, struct err *err)
{
	LOCAL_FREE char *path =
		api_path("/api/runner/v1/tasks/%s/output?%p%p%p%s", task,
			 logs->follow ? "follow=1" : "", logs->follow && step != NULL ? "&" : "",
			 step != NULL ? "step=" : "", step != NULL ? step : "");
	bool never = false;

	logs->ended = false;
	if (records_init(&logs->records, take_record, logs, err) < 0)
		return err->code;
	if (api_stream_start(&logs->stream, logs->api, path, RUNNER_OUTPUT_TYPE, on_data, on_ended,
			     logs, err) < 0) {
		records_release(&logs->records);
		return err->code;
	}
	while (logs->rc == 0 && !(logs->ended && logs->records.held.len == 0))
		loop_run(api_loop(logs->api));
	api_stream_stop(&logs->stream);
	outlet_finish(&logs->outlet, &never);
	records_release(&logs->records);
	if (logs->rc < 0)
		*err = logs->err;
	return logs->rc;
}

/* --- which task, which step ----------------------------------------------------------------------
 */

/* The third part of WORKFLOW/JOB/NODE; -1: none. */
static int64_t
wanted_node(const struct logs *logs)
{
	const char *slash = logs->ref.text != NULL ? strchr(logs->ref.text, '/') : NULL;
	struct err ignored = ERR_INIT;
	uint64_t node;

	slash = slash != NULL ? strrchr(slash + 1, '/') : NULL;
	if (slash == NULL || text_parse_u64(slash + 1, 10000, &node, &ignored) < 0)
		return -1;
	return (int64_t)node;
}

static int64_t
wanted_attempt(const struct logs *logs, const struct json *tasks)
{
	int64_t last = 0;
	size_t i;

	if (logs->ref.attempt > 0)
		return (int64_t)logs->ref.attempt;
	for (i = 0; i < json_count(tasks); i++)
		if (json_get_int(json_at(tasks, i), "attempt", 1) > last)
			last = json_get_int(json_at(tasks, i), "attempt", 1);
	return last;
}

/* The step's number as text, for the name or number that was typed. */
static int
find_step(char room[24], const struct logs *logs, const struct json *task, struct err *err)
{
	const struct json *steps = json_get(task, "steps"), *step;
	struct err ignored = ERR_INIT;
	uint64_t number;
	size_t i;

	for (i = 0; i < json_count(steps); i++) {
		step = json_at(steps, i);
		if (!text_eq(json_get_str(step, "name"), logs->step))
			continue;
		(void)snprintf(room, 24, "%lld", (long long)json_get_int(step, "index", 0));
		return 0;
	}
	if (text_parse_u64(logs->step, 100000, &number, &ignored) == 0) {
		(void)snprintf(room, 24, "%llu", (unsigned long long)number);
		return 0;
	}
	if (err_set(err, ERR_GONE, "the job has no step '%s' (yet)", logs->step) < 0)
		err_hint(err, "runnerctl job show JOB lists its steps");
	return err->code;
}

static int
print_tasks(struct logs *logs, const struct json *job, struct err *err)
{
	const struct json *tasks = json_get(job, "tasks"), *task;
	int64_t attempt = wanted_attempt(logs, tasks), node = wanted_node(logs), index;
	char step[24];
	size_t i, printed = 0;

	for (i = 0; i < json_count(tasks); i++) {
		task = json_at(tasks, i);
		index = json_get_int(task, "node_index", 0);
		if (json_get_int(task, "attempt", 1) != attempt || (node >= 0 && index != node))
			continue;
		if (node < 0 && json_get_int(task, "node_total", json_count(tasks) > 1 ? 2 : 1) > 1)
			say_note("--- node %lld", (long long)index);
		if (logs->step != NULL && find_step(step, logs, task, err) < 0)
			return err->code;
		if (print_task(logs, json_get_str(task, "id"), logs->step != NULL ? step : NULL,
			       err) < 0)
			return err->code;
		printed++;
	}
	if (printed == 0)
		return err_set(err, ERR_GONE, "job '%s' has not run%s", json_get_str(job, "name"),
			       logs->ref.attempt > 0 ? " so often" : " yet");
	return 0;
}

static int
print_job(struct logs *logs, struct err *err)
{
	LOCAL_FREE char *path = NULL;
	struct json *found = NULL, *job = NULL;
	int rc;

	rc = job_find(&found, logs->api, &logs->ref, err);
	if (rc == 0) {
		path = api_path("/api/runner/v1/jobs/%s", json_get_str(found, "id"));
		rc = api_get(logs->api, path, &job, err);
	}
	if (rc == 0)
		rc = print_tasks(logs, job, err);
	json_free(found);
	json_free(job);
	return rc;
}

static int
logs(int argc, char **argv)
{
	struct logs *it = MEM_NEW(struct logs);
	struct err err = ERR_INIT;
	int count, status;

	status = args_read(&logs_command, argc, argv, &count, set_logs, it);
	if (status == ARGS_GO)
		status = job_ref_check(&logs_command, &it->ref, count, argv);
	if (status == ARGS_GO) {
		status = EXIT_OK;
		if (api_open(&it->api, &err) < 0) {
			status = say_error(&err);
		} else {
			outlet_init(&it->outlet, api_loop(it->api), STDOUT_FILENO, on_room, it);
			if (print_job(it, &err) < 0)
				status = say_error(&err);
			outlet_release(&it->outlet);
		}
		api_close(it->api);
	}
	free(it);
	return status;
}

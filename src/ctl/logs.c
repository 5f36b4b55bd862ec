/*
 * logs.c - "logs": what a job's steps printed, or print.
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
#include "ctl/grep.h"
#include "ctl/job.h"
#include "ctl/printout.h"
#include "ctl/say.h"
#include "format/json.h"
#include "runner/exit.h"

static int logs(int argc, char **argv);

static const struct option logs_options[] = {
	{"follow", 'f', NULL, "go on until the job has ended"},
	{"step", 0, "STEP", "only this step: its number or its name"},
	{"since-line", 0, "N", "of the step: from this line on; -N: the last N whole lines"},
	{"grep", 0, "RE",
	 "only lines in which this regular expression is found, with their numbers"},
	{"ignore-case", 'i', NULL, "with --grep: a letter stands for its other case, too"},
	{"timestamps", 0, NULL, "begin each line with the time it was printed"},
	{"last-failed", 0, NULL, "of the project's job that failed last"},
	{"attempt", 0, "N", "where the job ran more than once: this attempt (default: the last)"},
	{NULL, 0, NULL, NULL},
};

const struct command logs_command = {"logs", "JOB", "print a job's output", logs_options, logs};

struct logs {
	struct job_ref ref;
	const char *step;
	struct printout_options print;
	struct grep_options grep; /* pattern NULL: all is printed */
	uint64_t found;
};

/* A line's number, or -N. */
static int
read_line(int64_t *out, const char *value, struct err *err)
{
	bool is_last = value[0] == '-';
	uint64_t number;
	int rc = text_parse_u64(is_last ? value + 1 : value, INT64_MAX - 1, &number, err);

	if (rc == 0 && number == 0)
		rc = err_set(err, ERR_INPUT, "lines are counted from 1");
	if (rc < 0)
		return err_wrap(err, "--since-line");
	*out = is_last ? -(int64_t)number : (int64_t)number;
	return 0;
}

static int
set_logs(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct logs *logs = arg;

	if (text_eq(option->name, "follow"))
		logs->print.follow = true;
	else if (text_eq(option->name, "step"))
		logs->step = value;
	else if (text_eq(option->name, "since-line"))
		return read_line(&logs->print.since_line, value, err);
	else if (text_eq(option->name, "grep"))
		logs->grep.pattern = value;
	else if (text_eq(option->name, "ignore-case"))
		logs->grep.ignore_case = true;
	else if (text_eq(option->name, "timestamps"))
		logs->print.timestamps = logs->grep.timestamps = true;
	else
		return job_ref_set(&logs->ref, option, value, err);
	return 0;
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

/* Is it the step's name, or else its number? */
static bool
is_step(const struct json *step, const char *name, uint64_t number)
{
	return name != NULL ? text_eq(json_get_str(step, "name"), name)
			    : json_get_int(step, "index", 0) == (int64_t)number;
}

static const struct json *
look_up_step(const struct json *task, const char *name, uint64_t number)
{
	const struct json *steps = json_get(task, "steps");
	size_t i;

	for (i = 0; i < json_count(steps); i++)
		if (is_step(json_at(steps, i), name, number))
			return json_at(steps, i);
	return NULL;
}

/* The step's number as text, for the name or number that was typed. One that has not begun can be
 * waited for by its number. */
static int
find_step(char room[24], const struct logs *logs, const struct json *task, struct err *err)
{
	const struct json *step = look_up_step(task, logs->step, 0);
	bool may_come = logs->print.follow && !text_eq(json_get_str(task, "state"), "ended");
	struct err ignored = ERR_INIT;
	uint64_t number = 0;

	if (step != NULL)
		number = (uint64_t)json_get_int(step, "index", 0);
	else if (text_parse_u64(logs->step, 100000, &number, &ignored) < 0 ||
		 (!may_come && look_up_step(task, NULL, number) == NULL)) {
		if (err_set(err, ERR_GONE, "the job has no step '%s' (yet)", logs->step) < 0)
			err_hint(err, "runnerctl job show JOB lists its steps");
		return err->code;
	}
	(void)snprintf(room, 24, "%llu", (unsigned long long)number);
	return 0;
}

static int
print_task(struct logs *logs, const struct json *task, const char *step, struct err *err)
{
	if (logs->grep.pattern != NULL) {
		logs->grep.task = task;
		logs->grep.step = step;
		return grep_run(&logs->grep, &logs->found, err);
	}
	logs->print.task = json_get_str(task, "id");
	logs->print.step = step;
	return printout_run(&logs->print, err);
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
		if (print_task(logs, task, logs->step != NULL ? step : NULL, err) < 0)
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

	rc = job_find(&found, logs->print.api, &logs->ref, err);
	if (rc == 0) {
		path = api_path("/api/runner/v1/jobs/%s", json_get_str(found, "id"));
		rc = api_get(logs->print.api, path, &job, err);
	}
	if (rc == 0)
		rc = print_tasks(logs, job, err);
	json_free(found);
	json_free(job);
	return rc;
}

static int
check_choice(const struct logs *logs, struct err *err)
{
	if (logs->print.since_line != 0 && logs->step == NULL)
		return err_set(err, ERR_INPUT, "lines are of a step: give --step, too");
	if (logs->grep.pattern == NULL && logs->grep.ignore_case)
		return err_set(err, ERR_INPUT, "--ignore-case is of what --grep searches for");
	if (logs->grep.pattern != NULL && (logs->print.follow || logs->print.since_line != 0))
		return err_set(
			err, ERR_INPUT,
			"--grep searches all that is there now: it goes with neither --follow "
			"nor --since-line");
	return 0;
}

static int
logs(int argc, char **argv)
{
	struct logs it = {.print = {.follow = false}};
	struct err err = ERR_INIT;
	int count, status;

	status = args_read(&logs_command, argc, argv, &count, set_logs, &it);
	if (status == ARGS_GO)
		status = job_ref_check(&logs_command, &it.ref, count, argv);
	if (status != ARGS_GO)
		return status;
	if (check_choice(&it, &err) < 0)
		return say_usage(&logs_command, &err);
	status = EXIT_OK;
	if (api_open(&it.print.api, &err) < 0)
		return say_error(&err);
	it.grep.api = it.print.api;
	if (print_job(&it, &err) < 0)
		status = say_error(&err);
	/* As with grep(1), "found nothing" is told from "could not look". */
	if (it.grep.pattern != NULL && status != EXIT_OK)
		status = EXIT_REFUSED;
	else if (it.grep.pattern != NULL && it.found == 0)
		status = EXIT_NO;
	api_close(it.print.api);
	return status;
}

/*
 * test.c - "test list", "test slow", "test flaky": what jobs have said of their tests.
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
#include "ctl/pages.h"
#include "ctl/project.h"
#include "ctl/show.h"
#include "ctl/table.h"
#include "format/json.h"
#include "runner/exit.h"

static int test_list(int argc, char **argv);
static int test_slow(int argc, char **argv);
static int test_flaky(int argc, char **argv);

static const struct option list_options[] = {
	{"failed", 0, NULL, "only those that failed, with their messages"},
	{"last-failed", 0, NULL, "of the project's job that failed last"},
	{"attempt", 0, "N",
	 "where it ran more than once: this attempt (default: the last with tests)"},
	{NULL, 0, NULL, NULL},
};

static const struct option history_options[] = {
	{"branch", 0, "BRANCH", "only pipelines of this branch (default: of all)"},
	{"last", 0, "N", "of the last N pipelines that have tests (default 20, at most 100)"},
	{"limit", 0, "N", "at most so many (default 50)"},
	{NULL, 0, NULL, NULL},
};

const struct command test_list_command = {"test list", "JOB", "list a job's tests", list_options,
					  test_list};
const struct command test_slow_command = {"test slow", NULL, "list the tests that take longest",
					  history_options, test_slow};
const struct command test_flaky_command = {
	"test flaky", NULL, "list the tests that failed and passed on the same revision",
	history_options, test_flaky};

/* --- of a job -----------------------------------------------------------------------------------
 */

struct list_choice {
	struct job_ref ref;
	bool failed;
};

static int
set_list(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct list_choice *choice = arg;

	if (text_eq(option->name, "failed")) {
		choice->failed = true;
		return 0;
	}
	return job_ref_set(&choice->ref, option, value, err);
}

static int
fetch_tests(struct json **out, struct api *api, const void *arg, struct err *err)
{
	const struct list_choice *choice = arg;
	LOCAL_FREE char *path = NULL;
	struct json *job = NULL;
	char attempt[24];

	if (job_find(&job, api, &choice->ref, err) < 0)
		return err->code;
	(void)snprintf(attempt, sizeof(attempt), "%llu", (unsigned long long)choice->ref.attempt);
	path = api_path("/api/runner/v1/jobs/%s/tests?attempt=%p%p", json_get_str(job, "id"),
			attempt, choice->failed ? "&result=failure" : "");
	json_free(job);
	return pages_get(out, api, path, err);
}

static int
test_list(int argc, char **argv)
{
	static const struct column columns[] = {
		{"NODE", "node_index"},	    {"RESULT", "result"}, {"MS", "run_time_ms"},
		{"FILE", "file|classname"}, {"TEST", "name"},	  {NULL, NULL},
	};
	static const struct column failed_columns[] = {
		{"NODE", "node_index"}, {"MS", "run_time_ms"},	{"FILE", "file|classname"},
		{"TEST", "name"},	{"MESSAGE", "message"}, {NULL, NULL},
	};
	struct list_choice choice = {.failed = false};
	int count, status = args_read(&test_list_command, argc, argv, &count, set_list, &choice);

	if (status == ARGS_GO)
		status = job_ref_check(&test_list_command, &choice.ref, count, argv);
	if (status != ARGS_GO)
		return status;
	return show_fetched(fetch_tests, &choice, choice.failed ? failed_columns : columns);
}

/* --- of many
 * --------------------------------------------------------------------------------------- */

struct history_choice {
	const char *which; /* "slow", "flaky" */
	const char *branch, *last, *limit;
};

static int
set_history(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct history_choice *choice = arg;
	bool is_last = text_eq(option->name, "last");
	uint64_t number;

	if (text_eq(option->name, "branch")) {
		choice->branch = value;
		return 0;
	}
	if (text_parse_u64(value, is_last ? 100 : 1000, &number, err) < 0)
		return err_wrap(err, "option '--%s'", option->name);
	if (number == 0)
		return err_set(err, ERR_INPUT, "option '--%s' must be 1 or more", option->name);
	if (is_last)
		choice->last = value;
	else
		choice->limit = value;
	return 0;
}

static int
fetch_history(struct json **out, struct api *api, const void *arg, struct err *err)
{
	const struct history_choice *choice = arg;
	LOCAL_FREE char *slug = NULL;
	LOCAL_FREE char *path = NULL;

	if (project_slug(&slug, api_loop(api), err) < 0)
		return err->code;
	path = api_path("/api/runner/v1/projects/%s/tests/%p?branch=%s&last=%p&limit=%p", slug,
			choice->which, choice->branch != NULL ? choice->branch : "",
			choice->last != NULL ? choice->last : "20",
			choice->limit != NULL ? choice->limit : "50");
	return api_get(api, path, out, err);
}

static int
show_history(const struct command *command, const char *which, const struct column *columns,
	     int argc, char **argv)
{
	struct history_choice choice = {.which = which};
	int count, status = args_read(command, argc, argv, &count, set_history, &choice);

	if (status == ARGS_GO)
		status = args_count(command, count, 0, 0);
	return status == ARGS_GO ? show_fetched(fetch_history, &choice, columns) : status;
}

static int
test_slow(int argc, char **argv)
{
	static const struct column columns[] = {
		{"MEAN MS", "mean_ms"},	    {"MAX MS", "max_ms"}, {"RUNS", "runs"}, {"JOB", "job"},
		{"FILE", "file|classname"}, {"TEST", "name"},	  {NULL, NULL},
	};

	return show_history(&test_slow_command, "slow", columns, argc, argv);
}

static int
test_flaky(int argc, char **argv)
{
	static const struct column columns[] = {
		{"FLAKED", "flaked"}, {"FAILED", "failures"},	  {"RUNS", "runs"},
		{"JOB", "job"},	      {"FILE", "file|classname"}, {"TEST", "name"},
		{NULL, NULL},
	};

	return show_history(&test_flaky_command, "flaky", columns, argc, argv);
}

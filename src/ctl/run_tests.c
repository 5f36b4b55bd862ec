/*
 * run_tests.c - the tests of a run: summed up at its end, their times kept for the next one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/run_tests.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/clean.h"
#include "ctl/say.h"
#include "format/json.h"
#include "task/timings_file.h"

enum { NAME_BYTES = 200 };

/* --- summed up
 * -------------------------------------------------------------------------------------- */

/* The first of those that failed in a job, as far as there is room for them. */
static int
put_failures(struct buffer *out, int64_t *shown, struct api *api, const struct json *run,
	     struct err *err)
{
	const struct json *job = json_get(run, "job"), *items;
	LOCAL_FREE char *path = api_path("/api/runner/v1/jobs/%s/tests?result=failure&limit=%p",
					 json_get_str(job, "id"), "10");
	struct json *tests;
	size_t i;
	int rc = api_get(api, path, &tests, err);

	if (rc < 0)
		return rc;
	items = json_get(tests, "items");
	for (i = 0; i < json_count(items) && *shown < RUN_TESTS_FAILURES_SHOWN; i++, ++*shown) {
		const char *name = json_get_str(json_at(items, i), "name");
		char clean[NAME_BYTES];

		clean_text(clean, sizeof(clean), name, strlen(name));
		buffer_printf(out, "%s%s (%s)", *shown == 0 ? ": " : "\n  ", clean,
			      json_get_str(job, "name"));
	}
	json_free(tests);
	return 0;
}

static bool
is_new_job(const struct json *runs, size_t at)
{
	const char *id = json_get_str(json_get(json_at(runs, at), "job"), "id");
	size_t i;

	for (i = 0; i < at; i++)
		if (text_eq(json_get_str(json_get(json_at(runs, i), "job"), "id"), id))
			return false;
	return true;
}

static int
describe(struct buffer *out, struct api *api, const struct json *sum, struct err *err)
{
	const struct json *runs = json_get(sum, "items");
	int64_t tests = json_get_int(sum, "tests", 0), failed = json_get_int(sum, "failures", 0);
	int64_t skipped = json_get_int(sum, "skipped", 0), shown = 0;
	size_t i;
	int rc = 0;

	buffer_printf(out, "%lld test%s, %lld failed", (long long)tests, tests == 1 ? "" : "s",
		      (long long)failed);
	if (skipped > 0)
		buffer_printf(out, ", %lld skipped", (long long)skipped);
	for (i = 0; rc == 0 && failed > 0 && i < json_count(runs); i++)
		if (is_new_job(runs, i) && shown < RUN_TESTS_FAILURES_SHOWN)
			rc = put_failures(out, &shown, api, json_at(runs, i), err);
	if (shown > 0 && failed > shown)
		buffer_printf(out, "\n  and %lld more", (long long)(failed - shown));
	buffer_puts(out, "\n");
	return rc;
}

int
run_tests_tell(struct json **out, struct api *api, const char *pipeline, struct err *err)
{
	LOCAL_FREE char *path = api_path("/api/runner/v1/pipelines/%s/tests", pipeline);
	struct buffer text = BUFFER_INIT;
	int rc = api_get(api, path, out, err);

	if (rc < 0)
		return err_wrap(err, "asking for the tests");
	if (json_get_int(*out, "tests", 0) == 0 ||
	    (globals()->quiet && json_get_int(*out, "failures", 0) == 0))
		return 0;
	rc = describe(&text, api, *out, err);
	if (rc == 0 && globals()->json == JSON_FORM_NONE)
		(void)say_result(&text);
	else if (rc == 0)
		say_text(&text);
	buffer_release(&text);
	return rc;
}

/* --- kept
 * ---------------------------------------------------------------------------------------------- */

static int
read_lines(struct buffer *out, struct api *api, const char *job, struct err *err)
{
	struct json *page = NULL;
	char *token = mem_strdup(""), *path;
	const char *lines;
	int rc = 0;

	while (rc == 0 && token != NULL) {
		path = api_path("/api/runner/v1/jobs/%s/tests/lines?page-token=%s", job, token);
		rc = api_get(api, path, &page, err);
		free(path);
		free(token);
		token = NULL;
		if (rc < 0)
			break;
		lines = json_get_str(page, "lines");
		buffer_puts(out, lines != NULL ? lines : "");
		if (json_get_str(page, "next_page_token") != NULL)
			token = mem_strdup(json_get_str(page, "next_page_token"));
		json_free(page);
	}
	free(token);
	return rc;
}

/* Under its name when all of it is there. */
static int
write_file(const char *dir, const char *name, const struct buffer *bytes, struct err *err)
{
	LOCAL_FREE char *path = mem_printf("%s/" TIMINGS_FILE_DIR "/%s", dir, name);
	LOCAL_FREE char *fresh = mem_printf("%s.%d", path, (int)getpid());
	FILE *file;
	bool ok;

	*strrchr(path, '/') = '\0';
	if ((mkdir(dir, 0700) != 0 && errno != EEXIST) ||
	    (mkdir(path, 0700) != 0 && errno != EEXIST))
		return err_sys(err, "cannot make directory '%s'", path);
	path[strlen(path)] = '/';
	file = fopen(fresh, "wxe");
	if (file == NULL)
		return err_sys(err, "cannot write '%s'", fresh);
	ok = fwrite(bytes->data, 1, bytes->len, file) == bytes->len;
	ok = fclose(file) == 0 && ok;
	if (ok && rename(fresh, path) == 0)
		return 0;
	if (err_sys(err, "cannot write '%s'", path) < 0)
		(void)unlink(fresh);
	return err->code;
}

static int
keep_job(const struct json *job, struct api *api, const char *project, const char *dir,
	 struct err *err)
{
	char name[TIMINGS_FILE_NAME_BYTES];
	struct buffer lines = BUFFER_INIT;
	int rc = read_lines(&lines, api, json_get_str(job, "id"), err);

	if (rc == 0)
		rc = write_file(dir, timings_file_name(name, project, json_get_str(job, "name")),
				&lines, err);
	buffer_release(&lines);
	return rc;
}

static bool
has_tests(const struct json *runs, const char *job)
{
	size_t i;

	for (i = 0; i < json_count(runs); i++)
		if (text_eq(json_get_str(json_get(json_at(runs, i), "job"), "id"), job))
			return true;
	return false;
}

int
run_tests_keep(const struct json *tests, struct api *api, const char *pipeline, const char *project,
	       const char *dir, struct err *err)
{
	LOCAL_FREE char *path = api_path("/api/runner/v1/jobs?pipeline=%s&limit=1000", pipeline);
	const struct json *runs = json_get(tests, "items"), *jobs;
	struct json *answer;
	size_t i, gone;
	int rc;

	if (json_count(runs) == 0)
		return 0;
	rc = api_get(api, path, &answer, err);
	if (rc < 0)
		return err_wrap(err, "keeping the times of tests");
	jobs = json_get(answer, "items");
	for (i = 0; rc == 0 && i < json_count(jobs); i++) {
		const struct json *job = json_at(jobs, i);

		if (text_eq(json_get_str(job, "outcome"), "success") &&
		    has_tests(runs, json_get_str(job, "id")))
			rc = keep_job(job, api, project, dir, err);
	}
	json_free(answer);
	if (rc == 0)
		rc = timings_file_sweep(
			dir, time(NULL) - TIMINGS_FILE_KEEP_DAYS * (time_t)(24 * 60 * 60), &gone,
			err);
	return rc < 0 ? err_wrap(err, "keeping the times of tests") : 0;
}

/*
 * run_result.c - what "run --json" prints when all has ended.
 *
 * The names are those of the API and of "run --dry-run --json": an item is a job of a workflow.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/run_result.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/pages.h"
#include "ctl/table.h"
#include "format/json.h"

enum { JOBS_MOST = 1000 }; /* as many as the API lists */

/* Members as they are. */
static void
copy(struct json *to, const struct json *from, const char *const *keys)
{
	struct json *value;

	for (; *keys != NULL; keys++) {
		value = json_get(from, *keys);
		json_put(to, *keys, value != NULL ? json_ref(value) : json_new_null());
	}
}

static struct json *
describe_steps(const struct json *steps)
{
	static const char *const keys[] = {
		"index",   "attempt",	   "name",	 "kind",	  "outcome",	"reason",
		"exit_code", "signal",	   "wall_ms",	 "user_us",	  "system_us",	"max_rss_bytes",
		"peak_bytes", "read_bytes", "write_bytes", "output_bytes", "started_at", "stopped_at",
		NULL};
	struct json *list = json_new_array(), *step;
	size_t i;

	for (i = 0; i < json_count(steps); i++) {
		step = json_new_object();
		copy(step, json_at(steps, i), keys);
		json_push(list, step);
	}
	return list;
}

static struct json *
describe_tasks(const struct json *tasks)
{
	static const char *const keys[] = {"node_index", "attempt",    "outcome", "reason",
					   "started_at", "stopped_at", NULL};
	struct json *list = json_new_array(), *task;
	size_t i;

	for (i = 0; i < json_count(tasks); i++) {
		task = json_new_object();
		copy(task, json_at(tasks, i), keys);
		json_put(task, "steps", describe_steps(json_get(json_at(tasks, i), "steps")));
		json_push(list, task);
	}
	return list;
}

/* The names of the jobs that it requires, by their ids. */
static struct json *
describe_requires(const struct json *job, const struct json *jobs)
{
	const struct json *ids = json_get(job, "requires");
	struct json *names = json_new_array();
	size_t i, j;

	for (i = 0; i < json_count(ids); i++)
		for (j = 0; j < json_count(jobs); j++)
			if (text_eq(json_get_str(json_at(jobs, j), "id"),
				    json_str(json_at(ids, i))))
				json_push(names,
					  json_new_string(json_get_str(json_at(jobs, j), "name")));
	return names;
}

/* What pages_get() has brought under these names alone. */
static struct json *
describe_items(const struct json *answer, const char *const *keys)
{
	const struct json *items = json_get(answer, "items");
	struct json *list = json_new_array(), *item;
	size_t i;

	for (i = 0; i < json_count(items); i++) {
		item = json_new_object();
		copy(item, json_at(items, i), keys);
		json_push(list, item);
	}
	return list;
}

static int
describe_artifacts(struct json *item, struct api *api, const char *job, struct err *err)
{
	static const char *const keys[] = {"path",	 "name",   "node_index",
					   "size_bytes", "sha256", NULL};
	LOCAL_FREE char *path = api_path("/api/runner/v1/jobs/%s/artifacts", job);
	struct json *answer;

	if (pages_get(&answer, api, path, err) < 0)
		return err->code;
	json_put(item, "artifacts", describe_items(answer, keys));
	json_free(answer);
	return 0;
}

static int
describe_job(struct json *items, struct api *api, const struct json *job, const struct json *jobs,
	     struct err *err)
{
	static const char *const keys[] = {"number",	     "type",	   "outcome",	 "reason",
					   "resource_class", "started_at", "stopped_at", NULL};
	LOCAL_FREE char *path = api_path("/api/runner/v1/jobs/%s", json_get_str(job, "id"));
	struct json *whole, *item;

	if (api_get(api, path, &whole, err) < 0)
		return err->code;
	item = json_new_object();
	json_put_str(item, "workflow", json_get_str(json_get(job, "workflow"), "name"));
	json_put_str(item, "job", json_get_str(job, "name"));
	json_put_int(item, "node_total", json_get_int(job, "parallelism", 1));
	copy(item, job, keys);
	json_put(item, "requires", describe_requires(job, jobs));
	json_put(item, "tasks", describe_tasks(json_get(whole, "tasks")));
	json_push(items, item);
	json_free(whole);
	return describe_artifacts(item, api, json_get_str(job, "id"), err);
}

static int
describe_workflows(struct json *result, struct api *api, const char *pipeline, struct err *err)
{
	static const char *const keys[] = {"name", "status", "created_at", "stopped_at", NULL};
	LOCAL_FREE char *path = api_path("/api/v2/pipeline/%s/workflow", pipeline);
	struct json *answer;

	if (pages_get(&answer, api, path, err) < 0)
		return err->code;
	json_put(result, "workflows", describe_items(answer, keys));
	json_free(answer);
	return 0;
}

/* How many jobs ended how: "success", "failed", and so on. */
static void
count_outcomes(struct json *result, const struct json *items)
{
	struct json *counts = json_new_object();
	const char *outcome;
	size_t i;

	for (i = 0; i < json_count(items); i++) {
		outcome = json_get_str(json_at(items, i), "outcome");
		if (outcome != NULL)
			json_put_int(counts, outcome, json_get_int(counts, outcome, 0) + 1);
	}
	json_put(result, "jobs", counts);
}

/* The hub lists the newest first: here they stand in the order of the config. */
static int
describe_jobs(struct json *result, struct api *api, const char *pipeline, struct err *err)
{
	LOCAL_FREE char *path = api_path("/api/runner/v1/jobs?pipeline=%s&limit=1000", pipeline);
	struct json *items = json_new_array(), *answer;
	const struct json *jobs;
	size_t i;
	int rc;

	json_put(result, "items", items);
	rc = api_get(api, path, &answer, err);
	if (rc < 0)
		return rc;
	jobs = json_get(answer, "items");
	for (i = json_count(jobs); rc == 0 && i > 0; i--)
		rc = describe_job(items, api, json_at(jobs, i - 1), jobs, err);
	json_put_bool(result, "is_cut", json_count(jobs) == JOBS_MOST);
	count_outcomes(result, items);
	json_free(answer);
	return rc;
}

/* All of them together. */
static int
describe_tests(struct json *result, struct api *api, const char *pipeline, struct err *err)
{
	static const char *const keys[] = {"tests", "failures", "skipped", "flaky", NULL};
	LOCAL_FREE char *path = api_path("/api/runner/v1/pipelines/%s/tests", pipeline);
	struct json *answer, *counts;

	if (api_get(api, path, &answer, err) < 0)
		return err->code;
	counts = json_new_object();
	copy(counts, answer, keys);
	json_put(result, "tests", counts);
	json_free(answer);
	return 0;
}

static bool
has_succeeded(const struct json *workflows)
{
	size_t i;

	for (i = 0; i < json_count(workflows); i++)
		if (!text_eq(json_get_str(json_at(workflows, i), "status"), "success"))
			return false;
	return true;
}

int
run_result_make(struct json **out, struct api *api, const char *pipeline, struct err *err)
{
	struct json *result = json_new_object();

	json_put_int(result, "version", RUN_RESULT_VERSION);
	json_put_str(result, "pipeline", pipeline);
	if (describe_workflows(result, api, pipeline, err) < 0 ||
	    describe_jobs(result, api, pipeline, err) < 0 ||
	    describe_tests(result, api, pipeline, err) < 0) {
		json_free(result);
		return err_wrap(err, "asking what became of the jobs");
	}
	json_put_bool(result, "success", has_succeeded(json_get(result, "workflows")));
	*out = result;
	return 0;
}

int
run_result_print(const struct json *result)
{
	return table_print(result, json_get(result, "items"), NULL);
}

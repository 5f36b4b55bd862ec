/*
 * artifact.c - "artifact list", "artifact get": what jobs have stored.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/artifact.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/download.h"
#include "ctl/job.h"
#include "ctl/pages.h"
#include "ctl/project.h"
#include "ctl/say.h"
#include "ctl/show.h"
#include "ctl/table.h"
#include "format/json.h"
#include "runner/exit.h"

static int artifact_list(int argc, char **argv);
static int artifact_get(int argc, char **argv);

#define JOB_OPTIONS                                                                                \
	{"latest", 0, NULL, "JOB is a job's name: of the last that succeeded"},                    \
		{"branch", 0, "BRANCH", "with --latest: on this branch"},                          \
		{"last-failed", 0, NULL, "of the project's job that failed last"},                 \
		{"attempt", 0, "N",                                                                \
		 "where the job ran more than once: its last attempt alone has them"},             \
	{                                                                                          \
		"node", 0, "N", "of a job with several nodes: only of this one"                    \
	}

static const struct option list_options[] = {JOB_OPTIONS, {NULL, 0, NULL, NULL}};

static const struct option get_options[] = {
	JOB_OPTIONS,
	{"into", 0, "DIR", "write them below this directory (default: here)"},
	{NULL, 0, NULL, NULL},
};

const struct command artifact_list_command = {"artifact list", "JOB", "list what a job has stored",
					      list_options, artifact_list};
const struct command artifact_get_command = {"artifact get", "JOB [PATTERN]...",
					     "fetch what a job has stored", get_options,
					     artifact_get};

static const struct column columns[] = {{"NODE", "node_index"},
					{"SIZE", "size_bytes"},
					{"CREATED", "created_at"},
					{"PATH", "path"},
					{NULL, NULL}};

struct choice {
	struct job_ref ref;
	bool latest;
	const char *branch, *into;
	int64_t node; /* -1: all */
};

static int
set_choice(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct choice *choice = arg;
	uint64_t node;

	if (text_eq(option->name, "latest"))
		choice->latest = true;
	else if (text_eq(option->name, "branch"))
		choice->branch = value;
	else if (text_eq(option->name, "into"))
		choice->into = value;
	else if (!text_eq(option->name, "node"))
		return job_ref_set(&choice->ref, option, value, err);
	else if (text_parse_u64(value, 10000, &node, err) < 0)
		return err_wrap(err, "option '--node'");
	else
		choice->node = (int64_t)node;
	return 0;
}

/* --- which job ------------------------------------------------------------------------------- */

static int
find_latest(struct json **out, struct api *api, const struct choice *choice, struct err *err)
{
	LOCAL_FREE char *slug = NULL;
	LOCAL_FREE char *path = NULL;

	if (project_slug(&slug, api_loop(api), err) < 0)
		return err->code;
	path = api_path("/api/runner/v1/jobs/find?project=%p&latest=%s%p%s", slug, choice->ref.text,
			choice->branch != NULL ? "&branch=" : "",
			choice->branch != NULL ? choice->branch : "");
	return api_get(api, path, out, err);
}

/* As a whole, or as the name of a directory. */
static bool
fits(const char *path, const char *pattern)
{
	size_t len = strlen(pattern);

	return fnmatch(pattern, path, 0) == 0 || (strncmp(path, pattern, len) == 0 && len > 0 &&
						  (path[len] == '/' || path[len - 1] == '/'));
}

/* From any part of its name on: whoever stores 'dist' need not know that it is 'project/dist'. */
static bool
fits_somewhere(const char *path, const char *pattern)
{
	while (!fits(path, pattern)) {
		path = strchr(path, '/');
		if (path == NULL)
			return false;
		path++;
	}
	return true;
}

static bool
is_wanted(const struct json *artifact, const struct choice *choice, int count, char **patterns)
{
	const char *path = json_get_str(artifact, "path");
	int i;

	if (path == NULL ||
	    (choice->node >= 0 && json_get_int(artifact, "node_index", 0) != choice->node))
		return false;
	for (i = 0; i < count; i++)
		if (fits_somewhere(path, patterns[i]))
			return true;
	return count == 0;
}

/* The artifacts of the job that is meant, those that are wanted. */
static int
find_artifacts(struct json **out, struct api *api, const struct choice *choice, int count,
	       char **patterns, struct err *err)
{
	struct json *job = NULL, *all = NULL, *items;
	LOCAL_FREE char *path = NULL;
	size_t i;
	int rc = choice->latest ? find_latest(&job, api, choice, err)
				: job_find(&job, api, &choice->ref, err);

	if (rc == 0) {
		path = api_path("/api/runner/v1/jobs/%s/artifacts", json_get_str(job, "id"));
		rc = pages_get(&all, api, path, err);
	}
	json_free(job);
	if (rc < 0)
		return rc;
	items = json_new_array();
	for (i = 0; i < json_count(json_get(all, "items")); i++) {
		struct json *item = json_at(json_get(all, "items"), i);

		if (is_wanted(item, choice, count, patterns))
			json_push(items, json_ref(item));
	}
	json_free(all);
	*out = json_new_object();
	json_put(*out, "items", items);
	return 0;
}

/* The first operand is the job. ARGS_GO or an exit status. */
static int
read_words(const struct command *command, int argc, char **argv, int most, struct choice *choice,
	   int *count)
{
	struct err err = ERR_INIT;
	int status = args_read(command, argc, argv, count, set_choice, choice);

	if (status != ARGS_GO)
		return status;
	if (choice->ref.last_failed)
		return args_count(command, *count, 0, most - 1);
	status = args_count(command, *count, 1, most);
	if (status != ARGS_GO)
		return status;
	choice->ref.text = argv[0];
	if (choice->branch == NULL || choice->latest)
		return ARGS_GO;
	(void)!err_set(&err, ERR_INPUT, "option '--branch' goes with '--latest'");
	return say_usage(command, &err);
}

/* --- list ------------------------------------------------------------------------------------ */

static int
fetch_list(struct json **out, struct api *api, const void *choice, struct err *err)
{
	return find_artifacts(out, api, choice, 0, NULL, err);
}

static int
artifact_list(int argc, char **argv)
{
	struct choice choice = {.node = -1};
	int count, status;

	status = read_words(&artifact_list_command, argc, argv, 1, &choice, &count);
	return status == ARGS_GO ? show_fetched(fetch_list, &choice, columns) : status;
}

/* --- get ------------------------------------------------------------------------------------- */

static int
say_sum(const struct downloads_sum *sum, const char *dir)
{
	char bytes[24], took[24];

	say_note("%llu file%s, %s, in %s: %s", (unsigned long long)sum->files,
		 sum->files == 1 ? "" : "s", text_bytes(bytes, sum->bytes), dir,
		 text_duration(took, sum->took_ms));
	return sum->failed > 0 ? EXIT_NO : EXIT_OK;
}

static bool
has_nodes(const struct json *items)
{
	size_t i;

	for (i = 0; i < json_count(items); i++)
		if (json_get_int(json_at(items, i), "node_index", 0) > 0)
			return true;
	return false;
}

static void
add_all(struct downloads *downloads, const struct json *items, const char *below, bool by_node)
{
	size_t i;

	for (i = 0; i < json_count(items); i++) {
		struct buffer place = BUFFER_INIT;

		buffer_puts(&place, below);
		if (by_node)
			buffer_printf(&place, "%s%lld", below[0] != '\0' ? "/" : "",
				      (long long)json_get_int(json_at(items, i), "node_index", 0));
		downloads_add(downloads, json_at(items, i), buffer_text(&place));
		buffer_release(&place);
	}
}

static int
get_all(struct api *api, const struct json *items, const struct choice *choice, struct err *err)
{
	const char *dir = choice->into != NULL ? choice->into : ".";
	struct downloads *downloads;
	struct downloads_sum sum;
	int status;

	if (json_count(items) == 0) {
		(void)!err_set(err, ERR_GONE, "the job has stored nothing of that name");
		(void)err_hint(err, "runnerctl artifact list JOB shows what it has stored");
		return say_error(err);
	}
	if (downloads_new(&downloads, api, dir, err) < 0)
		return say_error(err);
	add_all(downloads, items, "", choice->node < 0 && has_nodes(items));
	downloads_run(downloads, &sum);
	status = say_sum(&sum, dir);
	downloads_free(downloads);
	return status;
}

static int
artifact_get(int argc, char **argv)
{
	struct choice choice = {.node = -1};
	struct err err = ERR_INIT;
	struct json *found = NULL;
	struct api *api = NULL;
	int count, status, used;

	status = read_words(&artifact_get_command, argc, argv, 1000, &choice, &count);
	if (status != ARGS_GO)
		return status;
	used = choice.ref.last_failed ? 0 : 1;
	if (api_open(&api, &err) < 0 ||
	    find_artifacts(&found, api, &choice, count - used, argv + used, &err) < 0)
		status = say_error(&err);
	else
		status = get_all(api, json_get(found, "items"), &choice, &err);
	json_free(found);
	api_close(api);
	return status;
}

/* --- of a whole run -------------------------------------------------------------------------- */

static bool
has_workflows(const struct json *jobs)
{
	const char *first = json_get_str(json_get(json_at(jobs, 0), "workflow"), "id");
	size_t i;

	for (i = 1; i < json_count(jobs); i++)
		if (!text_eq(json_get_str(json_get(json_at(jobs, i), "workflow"), "id"), first))
			return true;
	return false;
}

static int
add_job(struct downloads *downloads, struct api *api, const struct json *job, bool by_workflow,
	struct err *err)
{
	const char *workflow = json_get_str(json_get(job, "workflow"), "name"),
		   *name = json_get_str(job, "name");
	LOCAL_FREE char *path =
		api_path("/api/runner/v1/jobs/%s/artifacts", json_get_str(job, "id"));
	LOCAL_FREE char *below =
		api_path("%p%p%p", by_workflow && workflow != NULL ? workflow : "",
			 by_workflow && workflow != NULL ? "/" : "", name != NULL ? name : "");
	struct json *artifacts = NULL;
	int rc = pages_get(&artifacts, api, path, err);

	if (rc == 0)
		add_all(downloads, json_get(artifacts, "items"), below,
			json_get_int(job, "parallelism", 1) > 1);
	json_free(artifacts);
	return rc;
}

int
artifacts_land(struct api *api, const char *pipeline, const char *dir, struct err *err)
{
	LOCAL_FREE char *path = api_path("/api/runner/v1/jobs?pipeline=%s&limit=1000", pipeline);
	struct downloads *downloads = NULL;
	struct json *jobs = NULL, *items;
	struct downloads_sum sum;
	size_t i;
	int rc = downloads_new(&downloads, api, dir, err);

	if (rc == 0)
		rc = api_get(api, path, &jobs, err);
	items = json_get(jobs, "items");
	for (i = 0; rc == 0 && i < json_count(items); i++)
		rc = add_job(downloads, api, json_at(items, i), has_workflows(items), err);
	if (rc == 0)
		downloads_run(downloads, &sum);
	if (rc == 0 && say_sum(&sum, dir) != EXIT_OK)
		rc = err_set(err, ERR_HOST, "%llu artifacts did not come",
			     (unsigned long long)sum.failed);
	downloads_free(downloads);
	json_free(jobs);
	return rc;
}

/*
 * pipeline_run.c - "pipeline run": a config as a pipeline of a hub.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/compile.h"
#include "compile/diag.h"
#include "ctl/api.h"
#include "ctl/args.h"
#include "ctl/commands.h"
#include "ctl/parameters.h"
#include "ctl/project.h"
#include "ctl/say.h"
#include "ctl/input.h"
#include "ctl/watching.h"
#include "format/json.h"
#include "runner/exit.h"

static int pipeline_run(int argc, char **argv);

static const struct option run_options[] = {
	{"config", 'c', "FILE", "the config (default: .circleci/config.yml)"},
	{"repo", 0, "URL", "what checkout steps clone (default: the git remote 'origin')"},
	{"branch", 0, "NAME", "the branch that is built (default: the one checked out)"},
	{"tag", 0, "NAME", "the tag that is built"},
	{"revision", 0, "SHA", "the commit that is built (default: the branch's or tag's)"},
	{"workflow", 0, "NAME", "only this workflow; may be given more than once"},
	{"parameter", 0, "NAME=VALUE",
	 "a pipeline parameter; true, false and whole numbers have their types"},
	{"pipeline-parameters", 0, "YAML|FILE", "pipeline parameters, as a YAML mapping"},
	{"follow", 'f', NULL, "show its jobs until it has ended; exit 0 when all succeeded"},
	{NULL, 0, NULL, NULL},
};

const struct command pipeline_run_command = {
	"pipeline run", NULL, "run a config as a pipeline of the hub", run_options, pipeline_run};

enum { WORKFLOWS_MOST = 64 };

struct pipeline_run {
	struct input source;
	const char *repo, *revision;
	const char *workflows[WORKFLOWS_MOST];
	size_t workflow_count;
	bool follow;
};

static int
set_run(void *arg, const struct option *option, const char *value, struct err *err)
{
	struct pipeline_run *run = arg;

	if (text_eq(option->name, "config"))
		run->source.file = value;
	else if (text_eq(option->name, "repo"))
		run->repo = value;
	else if (text_eq(option->name, "revision"))
		run->revision = value;
	else if (text_eq(option->name, "follow"))
		run->follow = true;
	else if (!text_eq(option->name, "workflow"))
		return input_set(&run->source, option, value, err);
	else if (run->workflow_count == WORKFLOWS_MOST)
		return err_set(err, ERR_LIMIT, "at most %d workflows can be named", WORKFLOWS_MOST);
	else
		run->workflows[run->workflow_count++] = value;
	return 0;
}

/* --- the request ---------------------------------------------------------------------------- */

/* A branch, tag or commit that is named is what is built; else what is checked out here, its commit
 * included. */
static struct json *
describe_checkout(const struct pipeline_run *run)
{
	struct json *checkout = json_new_object();
	const struct project *project = &run->source.project;
	bool named = run->source.branch != NULL || run->source.tag != NULL || run->revision != NULL;

	json_put_str(checkout, "branch", named ? run->source.branch : project->branch);
	json_put_str(checkout, "tag", run->source.tag);
	json_put_str(checkout, "revision", named ? run->revision : project->revision);
	json_put_str(checkout, "repository", run->repo != NULL ? run->repo : project->remote);
	if (run->repo == NULL)
		project_put_default(project, checkout);
	return checkout;
}

static struct json *
describe(const struct pipeline_run *run)
{
	struct json *body = json_new_object(), *config = json_new_object(), *names;
	size_t i;

	json_put(config, "content", json_new_stringn(run->source.bytes, run->source.len));
	json_put_str(config, "path", run->source.path);
	json_put(body, "config", config);
	json_put(body, "checkout", describe_checkout(run));
	json_put(body, "parameters", parameters_describe(&run->source, true));
	if (json_count(run->source.orbs) > 0)
		json_put(body, "orbs", json_ref(run->source.orbs));
	if (run->workflow_count > 0) {
		names = json_new_array();
		for (i = 0; i < run->workflow_count; i++)
			json_push(names, json_new_string(run->workflows[i]));
		json_put(body, "workflows", names);
	}
	return body;
}

/*
 * The orbs that the config takes from this machine go along with it. What is wrong with the config
 * is the hub's to say, which may have other orbs and other values; but an orb that is not what the
 * lock file has goes nowhere.
 */
static int
gather_orbs(struct pipeline_run *run, struct err *err)
{
	struct diags *diags;
	size_t i;
	int rc = 0;

	run->source.orbs = json_new_array();
	(void)input_compile(&run->source, FEATURE_ALL, &diags);
	for (i = 0; i < diags_count(diags) && rc == 0; i++)
		if (text_eq(diags_at(diags, i)->code, "E_ORB_LOCK"))
			rc = err_set(err, ERR_INPUT, "%s", diags_at(diags, i)->message);
	if (rc < 0)
		err_hint(err, "runnerctl config validate says where, and what to do");
	diags_free(diags);
	return rc;
}

/* --- the answer ----------------------------------------------------------------------------- */

static void
print_waiting(const struct json *answer)
{
	const struct json *list = json_get(answer, "waiting");
	size_t i;

	for (i = 0; i < json_count(list); i++)
		if (json_get_str(json_at(list, i), "message") != NULL)
			say_note("%s", json_get_str(json_at(list, i), "message"));
}

/* Where no workflow is selected there is a message in place of a pipeline. */
static int
report(const struct pipeline_run *run, struct api *api, const struct json *answer)
{
	struct buffer text = BUFFER_INIT;
	const char *id = json_get_str(answer, "id"), *message = json_get_str(answer, "message");
	int status = EXIT_OK;

	watching_print_diagnostics(answer);
	print_waiting(answer);
	if (globals()->json != JSON_FORM_NONE && !run->follow)
		return say_json(answer);
	if (id == NULL) {
		say_note("%s", message != NULL ? message : "no pipeline was made");
		return EXIT_OK;
	}
	if (run->follow) {
		say_note("pipeline %lld: %s", (long long)json_get_int(answer, "number", 0), id);
		return watching_run(api, id);
	}
	buffer_printf(&text, "%s\n", id);
	status = say_result(&text);
	buffer_release(&text);
	return status;
}

static int
submit(struct pipeline_run *run, struct api *api)
{
	LOCAL_FREE char *slug = NULL;
	LOCAL_FREE char *path = NULL;
	struct err err = ERR_INIT;
	struct json *body, *answer = NULL;
	int status;

	if (globals()->project == NULL && run->source.project.slug != NULL)
		slug = mem_strdup(run->source.project.slug);
	else if (project_slug(&slug, api_loop(api), &err) < 0)
		return say_error(&err);
	path = api_path("/api/v2/project/%s/pipeline/run", slug);
	body = describe(run);
	if (api_call(api, "POST", path, body, &answer, &err) < 0) {
		watching_print_diagnostics(answer);
		status = say_error(&err);
	} else {
		status = report(run, api, answer);
	}
	json_free(body);
	json_free(answer);
	return status;
}

static int
pipeline_run(int argc, char **argv)
{
	struct pipeline_run run = {0};
	struct err err = ERR_INIT;
	struct api *api = NULL;
	int count, status;

	input_init(&run.source);
	status = args_read(&pipeline_run_command, argc, argv, &count, set_run, &run);
	if (status == ARGS_GO)
		status = args_count(&pipeline_run_command, count, 0, 0);
	if (status == ARGS_GO) {
		if (api_open(&api, &err) < 0 || input_read(&run.source, api_loop(api), &err) < 0 ||
		    gather_orbs(&run, &err) < 0)
			status = say_error(&err);
		else
			status = submit(&run, api);
	}
	json_free(run.source.orbs);
	api_close(api);
	input_release(&run.source);
	return status;
}

/*
 * views_v2.c - rows as CircleCI's API v2 shows them, with its status words.
 *
 * Ours are finer: a status is worked out of state and outcome, never stored.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/views.h"

#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/digest.h"
#include "format/json.h"
#include "hub/model.h"
#include "hub/secrets.h"
#include "hub/settings.h"

/* --- status words ------------------------------------------------------------------------- */

static const char *
ended_status(enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_SUCCESS:
	case OUTCOME_SKIPPED:
		return "success";
	case OUTCOME_NONE:
	case OUTCOME_FAILED:
		return "failed";
	case OUTCOME_CANCELED:
		return "canceled";
	case OUTCOME_TIMEDOUT:
		return "timedout";
	case OUTCOME_INFRA_FAIL:
		return "infrastructure_fail";
	case OUTCOME_NOT_RUN:
		return "not_run";
	case OUTCOME_UNAUTHORIZED:
		return "unauthorized";
	case OUTCOME_COUNT:
		break;
	}
	UNREACHABLE();
}

const char *
view_v2_workflow_status(const struct workflow_row *row)
{
	switch (row->state) {
	case WORKFLOW_RUNNING:
		return "running";
	case WORKFLOW_FAILING:
		return "failing";
	case WORKFLOW_ON_HOLD:
		return "on_hold";
	case WORKFLOW_ENDED:
		/* A workflow knows fewer ends than a job. */
		if (row->outcome == OUTCOME_TIMEDOUT || row->outcome == OUTCOME_INFRA_FAIL)
			return "failed";
		return ended_status(row->outcome);
	case WORKFLOW_STATE_COUNT:
		break;
	}
	UNREACHABLE();
}

const char *
view_v2_job_status(const struct job_row *row)
{
	switch (row->state) {
	case JOB_BLOCKED:
		return "blocked";
	case JOB_ON_HOLD:
		return "on_hold";
	case JOB_QUEUED:
		return "queued";
	case JOB_RUNNING:
		return "running";
	case JOB_ENDED:
		return ended_status(row->outcome);
	case JOB_STATE_COUNT:
		break;
	}
	UNREACHABLE();
}

const char *
view_v2_task_status(const struct task_row *row)
{
	switch (row->state) {
	case HUB_QUEUED:
		return "queued";
	case HUB_LEASED:
		return row->started_ms != 0 ? "running" : "not_running";
	case HUB_ENDED:
		return ended_status(row->outcome);
	case HUB_STATE_COUNT:
		break;
	}
	UNREACHABLE();
}

/* --- people --------------------------------------------------------------------------------- */

void
view_person_id(struct id *out, const char *login)
{
	unsigned char digest[DIGEST_BYTES];

	digest_sha256(digest, login, strlen(login));
	memcpy(out->bytes, digest, ID_BYTES);
	/* RFC 9562, 5.8: version 8, made by a rule of our own. */
	out->bytes[6] = (out->bytes[6] & 0x0f) | 0x80;
	out->bytes[8] = (out->bytes[8] & 0x3f) | 0x80;
}

struct json *
view_v2_person(const char *login)
{
	struct json *person = json_new_object();
	struct id id;

	view_person_id(&id, login);
	view_put_id(person, "id", &id);
	json_put_str(person, "login", login);
	json_put_str(person, "name", login);
	return person;
}

static void
put_person(struct json *object, const char *key, const char *login)
{
	struct id id;

	if (login == NULL || login[0] == '\0')
		return;
	view_person_id(&id, login);
	view_put_id(object, key, &id);
}

/* --- pipelines and workflows -------------------------------------------------------------------- */

static const char *
provider_of(const char *slug)
{
	if (text_starts(slug, "gh/"))
		return "GitHub";
	if (text_starts(slug, "bb/"))
		return "Bitbucket";
	return "Git";
}

static void
put_vcs(struct json *pipeline, const struct pipeline_row *row)
{
	struct json *vcs;

	if (row->branch == NULL && row->tag == NULL && row->revision == NULL && row->repository == NULL)
		return;
	vcs = json_new_object();
	json_put_str(vcs, "provider_name", provider_of(row->project_slug));
	json_put_str(vcs, "origin_repository_url", row->repository);
	json_put_str(vcs, "target_repository_url", row->repository);
	json_put_str(vcs, "revision", row->revision);
	if (row->branch != NULL)
		json_put_str(vcs, "branch", row->branch);
	if (row->tag != NULL)
		json_put_str(vcs, "tag", row->tag);
	json_put(pipeline, "vcs", vcs);
}

static struct json *
trigger_of(const struct pipeline_row *row)
{
	struct json *trigger = json_new_object(), *actor = json_new_object();

	json_put_str(trigger, "type", row->trigger != NULL ? row->trigger : "api");
	json_put_time(trigger, "received_at", row->created_ms);
	json_put_str(actor, "login", row->actor != NULL ? row->actor : "");
	json_put(actor, "avatar_url", json_new_null());
	json_put(trigger, "actor", actor);
	return trigger;
}

/* One that does not compile is not made: only what continues it can be wrong. */
static const char *
pipeline_state_of(const struct pipeline_row *row)
{
	if (row->errors != NULL)
		return "errored";
	return row->setup == SETUP_PENDING ? "setup" : "created";
}

static struct json *
errors_of(const struct pipeline_row *row)
{
	struct err err = ERR_INIT;
	struct json *errors;

	if (row->errors == NULL || json_parse(&errors, row->errors, strlen(row->errors), &err) < 0)
		return json_new_array();
	return errors;
}

struct json *
view_v2_pipeline(const struct pipeline_row *row)
{
	struct json *pipeline = json_new_object();

	view_put_id(pipeline, "id", &row->id);
	json_put_int(pipeline, "number", row->number);
	json_put_str(pipeline, "project_slug", row->project_slug);
	json_put_str(pipeline, "state", pipeline_state_of(row));
	json_put_time(pipeline, "created_at", row->created_ms);
	json_put_time(pipeline, "updated_at", row->ended_ms != 0 ? row->ended_ms : row->created_ms);
	json_put(pipeline, "errors", errors_of(row));
	json_put(pipeline, "trigger", trigger_of(row));
	put_vcs(pipeline, row);
	return pipeline;
}

struct json *
view_v2_workflow(const struct workflow_row *row)
{
	struct json *workflow = json_new_object();

	view_put_id(workflow, "id", &row->id);
	json_put_str(workflow, "name", row->name);
	view_put_id(workflow, "pipeline_id", &row->pipeline);
	json_put_int(workflow, "pipeline_number", row->pipeline_number);
	json_put_str(workflow, "project_slug", row->project_slug);
	json_put_str(workflow, "status", view_v2_workflow_status(row));
	put_person(workflow, "started_by", row->actor);
	json_put_time(workflow, "created_at", row->created_ms);
	json_put_time(workflow, "stopped_at", row->ended_ms);
	put_person(workflow, "canceled_by", row->canceled_by);
	return workflow;
}

/* --- jobs ------------------------------------------------------------------------------------------ */

struct json *
view_v2_workflow_job(const struct job_row *row)
{
	struct json *job = json_new_object(), *ids = json_new_array();
	const char *at = row->requires;
	char room[ID_TEXT_BYTES];
	unsigned statuses;
	struct id id;

	while (at != NULL && job_requires_next(&at, &id, &statuses))
		json_push(ids, json_new_string(id_text(room, &id)));
	view_put_id(job, "id", &row->id);
	json_put_str(job, "name", row->name);
	json_put_str(job, "project_slug", row->project_slug);
	json_put_str(job, "status", view_v2_job_status(row));
	json_put_str(job, "type", row->type);
	json_put(job, "dependencies", ids);
	json_put_time(job, "started_at", row->started_ms);
	json_put_time(job, "stopped_at", row->ended_ms);
	if (row->number > 0)
		json_put_int(job, "job_number", row->number);
	if (text_eq(row->type, "approval")) {
		view_put_id(job, "approval_request_id", &row->id);
		if (row->outcome == OUTCOME_SUCCESS)
			put_person(job, "approved_by", row->by);
	}
	if (row->outcome == OUTCOME_CANCELED)
		put_person(job, "canceled_by", row->by);
	return job;
}

static struct json *
named(const char *key, const char *text)
{
	struct json *object = json_new_object();

	json_put_str(object, key, text);
	return object;
}

/* "gh/org/repo": the part between two slashes, or the last one. */
static char *
slug_part(const char *slug, unsigned part)
{
	while (part > 0 && slug != NULL) {
		slug = strchr(slug, '/');
		slug = slug != NULL ? slug + 1 : NULL;
		part--;
	}
	return slug != NULL ? mem_strndup(slug, strcspn(slug, "/")) : mem_strdup("");
}

static struct json *
project_of(const struct job_row *row, struct model *model)
{
	struct project *project = model_project_find(model, row->project_slug);
	struct json *object = json_new_object();
	char *name = slug_part(row->project_slug, 2);

	if (project != NULL)
		view_put_id(object, "id", &project->row.id);
	json_put_str(object, "slug", row->project_slug);
	json_put_str(object, "name", name);
	json_put_str(object, "external_url", "");
	free(name);
	return object;
}

struct json *
view_v2_runs(const struct task_row *tasks, size_t count)
{
	struct json *runs = json_new_array(), *run;
	uint32_t last = 0;
	size_t i;

	for (i = 0; i < count; i++)
		if (tasks[i].attempt > last)
			last = tasks[i].attempt;
	for (i = 0; i < count; i++) {
		if (tasks[i].attempt != last)
			continue;
		run = json_new_object();
		json_put_int(run, "index", tasks[i].node_index);
		json_put_str(run, "status", view_v2_task_status(&tasks[i]));
		json_push(runs, run);
	}
	return runs;
}

static void
put_web_url(struct json *job, const struct job_row *row, const struct settings *settings)
{
	char room[ID_TEXT_BYTES];
	char *url;

	/* Where the job can be read; relative to the hub where its own address is not stated. */
	url = mem_printf("%s/api/runner/v1/jobs/%s",
			 settings->public_url != NULL ? settings->public_url : "",
			 id_text(room, &row->id));
	json_put_str(job, "web_url", url);
	free(url);
}

struct json *
view_v2_job(const struct job_row *row, const struct settings *settings, struct model *model)
{
	struct json *job = json_new_object(), *part = json_new_object();
	char *organization = slug_part(row->project_slug, 1);

	view_put_id(job, "id", &row->id);
	json_put_int(job, "number", row->number);
	json_put_str(job, "name", row->name);
	json_put_str(job, "status", view_v2_job_status(row));
	put_web_url(job, row, settings);
	json_put(job, "project", project_of(row, model));
	json_put(job, "organization", named("name", organization));
	view_put_id(part, "id", &row->pipeline);
	json_put(job, "pipeline", part);
	part = named("name", row->workflow_name);
	view_put_id(part, "id", &row->workflow);
	json_put(job, "latest_workflow", part);
	json_put(job, "executor", named("resource_class", row->resource_class));
	json_put_int(job, "parallelism", row->parallelism);
	json_put(job, "contexts", json_new_array());
	json_put(job, "messages", json_new_array());
	json_put_time(job, "created_at", row->created_ms);
	json_put_time(job, "queued_at", row->queued_ms);
	json_put_time(job, "started_at", row->started_ms);
	json_put_time(job, "stopped_at", row->ended_ms);
	if (row->started_ms != 0 && row->ended_ms != 0)
		json_put_int(job, "duration", row->ended_ms - row->started_ms);
	else
		json_put(job, "duration", json_new_null());
	free(organization);
	return job;
}

/* --- projects ------------------------------------------------------------------------------------ */

/* Clients take no null here. */
struct json *
view_v2_test(const struct test_row *row)
{
	struct json *json = json_new_object();

	json_put_str(json, "name", row->test.name);
	json_put_str(json, "classname", row->test.classname);
	json_put_str(json, "file", row->test.file);
	json_put_str(json, "source", row->test.source);
	json_put_str(json, "result", test_result_name(row->test.result));
	json_put(json, "run_time", json_new_real((double)row->test.run_time_us / 1e6));
	json_put_str(json, "message", row->test.message);
	return json;
}

struct json *
view_v2_project(const struct project_row *row)
{
	char owner[HUB_NAME_BYTES];
	struct json *json = json_new_object(), *vcs = json_new_object();
	char *organization = slug_part(row->slug, 1), *name = slug_part(row->slug, 2);
	struct id id;

	secrets_owner_of(owner, row->slug);
	view_person_id(&id, owner);
	view_put_id(json, "id", &row->id);
	json_put_str(json, "slug", row->slug);
	json_put_str(json, "name", name);
	json_put_str(json, "organization_name", organization);
	json_put_str(json, "organization_slug", owner);
	view_put_id(json, "organization_id", &id);
	/* Pipelines bring their repository along: a project has none of its own. */
	json_put_str(vcs, "vcs_url", NULL);
	json_put_str(vcs, "provider", provider_of(row->slug));
	json_put_str(vcs, "default_branch", row->default_branch);
	json_put(json, "vcs_info", vcs);
	json_put_int(json, "last_pipeline", row->last_pipeline);
	free(organization);
	free(name);
	return json;
}

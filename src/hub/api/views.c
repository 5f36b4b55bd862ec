/*
 * views.c - rows as people read them: our own shapes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/views.h"

#include "base/text.h"
#include "format/json.h"
#include "hub/rows.h"
#include "task/event.h"
#include "task/names.h"

void
view_put_text(struct json *object, const char *key, const char *text)
{
	json_put_str(object, key, text != NULL && text[0] != '\0' ? text : NULL);
}

void
view_put_id(struct json *object, const char *key, const struct id *id)
{
	char room[ID_TEXT_BYTES];

	json_put_str(object, key, id_text(room, id));
}

/* What has not ended has no outcome. */
static void
put_outcome(struct json *object, enum outcome outcome, const char *reason)
{
	json_put_str(object, "outcome", outcome != OUTCOME_NONE ? outcome_name(outcome) : NULL);
	view_put_text(object, "reason", reason);
}

static struct json *
requires_of(const struct job_row *row)
{
	struct json *ids = json_new_array();
	const char *at = row->requires;
	char room[ID_TEXT_BYTES];
	unsigned statuses;
	struct id id;

	while (at != NULL && job_requires_next(&at, &id, &statuses))
		json_push(ids, json_new_string(id_text(room, &id)));
	return ids;
}

static void
put_number(struct json *object, const char *key, int64_t number)
{
	if (number > 0)
		json_put_int(object, key, number);
	else
		json_put(object, key, json_new_null());
}

struct json *
view_job(const struct job_row *row, const char *waiting)
{
	struct json *job = json_new_object(), *part = json_new_object();

	view_put_id(job, "id", &row->id);
	put_number(job, "number", row->number);
	json_put_str(job, "name", row->name);
	json_put_str(job, "type", row->type);
	view_put_id(part, "id", &row->workflow);
	view_put_text(part, "name", row->workflow_name);
	json_put(job, "workflow", part);
	part = json_new_object();
	view_put_id(part, "id", &row->pipeline);
	json_put_int(part, "number", row->pipeline_number);
	json_put(job, "pipeline", part);
	view_put_text(job, "project_slug", row->project_slug);
	json_put_str(job, "state", job_state_name(row->state));
	put_outcome(job, row->outcome, row->reason);
	view_put_text(job, "by", row->by);
	view_put_text(job, "resource_class", row->resource_class);
	json_put_int(job, "parallelism", row->parallelism);
	json_put_time(job, "created_at", row->created_ms);
	json_put_time(job, "queued_at", row->queued_ms);
	json_put_time(job, "started_at", row->started_ms);
	json_put_time(job, "stopped_at", row->ended_ms);
	json_put(job, "requires", requires_of(row));
	json_put_str(job, "waiting", row->state == JOB_ENDED ? NULL : waiting);
	return job;
}

struct json *
view_task(const struct task_row *row)
{
	struct json *task = json_new_object(), *part = json_new_object();

	view_put_id(task, "id", &row->id);
	view_put_id(part, "id", &row->job);
	put_number(part, "number", row->job_number);
	view_put_text(part, "name", row->job_name);
	json_put(task, "job", part);
	json_put_int(task, "attempt", row->attempt);
	json_put_int(task, "epoch", row->epoch);
	json_put_int(task, "node_index", row->node_index);
	json_put_str(task, "state", hub_state_name(row->state));
	json_put_str(task, "phase", row->state == HUB_LEASED ? task_state_name(row->phase) : NULL);
	put_outcome(task, row->outcome, row->reason);
	if (row->agent_name[0] != '\0') {
		part = json_new_object();
		json_put_str(part, "name", row->agent_name);
		json_put(task, "agent", part);
	} else {
		json_put(task, "agent", json_new_null());
	}
	json_put_time(task, "queued_at", row->queued_ms);
	json_put_time(task, "leased_at", row->leased_ms);
	json_put_time(task, "started_at", row->started_ms);
	json_put_time(task, "stopped_at", row->ended_ms);
	json_put_bool(task, "output_deleted", row->output_deleted);
	return task;
}

struct json *
view_step(const struct step_row *row)
{
	struct json *step = json_new_object();

	json_put_int(step, "index", row->step);
	json_put_int(step, "attempt", row->attempt);
	json_put_str(step, "name", row->name);
	json_put_str(step, "kind", row->kind);
	json_put_str(step, "state", step_state_name(row->state));
	put_outcome(step, row->outcome, row->reason);
	if (row->state == STEP_ENDED && row->exit_code != EVENT_NO_EXIT_CODE)
		json_put_int(step, "exit_code", row->exit_code);
	else
		json_put(step, "exit_code", json_new_null());
	put_number(step, "signal", row->signal);
	json_put_int(step, "output_bytes", (int64_t)row->output_bytes);
	json_put_int(step, "wall_ms", (int64_t)row->wall_ms);
	json_put_int(step, "user_us", (int64_t)row->user_us);
	json_put_int(step, "system_us", (int64_t)row->system_us);
	json_put_int(step, "max_rss_bytes", (int64_t)row->max_rss_bytes);
	put_number(step, "peak_bytes", (int64_t)row->peak_bytes);
	json_put_int(step, "read_bytes", (int64_t)row->read_bytes);
	json_put_int(step, "write_bytes", (int64_t)row->write_bytes);
	json_put_time(step, "started_at", row->started_ms);
	json_put_time(step, "stopped_at", row->ended_ms);
	return step;
}

struct json *
view_test(const struct test_row *row)
{
	struct json *json = json_new_object();

	json_put_str(json, "name", row->test.name);
	view_put_text(json, "classname", row->test.classname);
	view_put_text(json, "file", row->test.file);
	view_put_text(json, "source", row->test.source);
	json_put_int(json, "node_index", row->node_index);
	json_put_str(json, "result", test_result_name(row->test.result));
	json_put_bool(json, "flaky", row->test.flaky);
	json_put(json, "run_time_ms", json_new_real((double)row->test.run_time_us / 1000));
	view_put_text(json, "message", row->test.message);
	return json;
}

struct json *
view_test_run(const struct test_run_row *row)
{
	struct json *json = json_new_object(), *job = json_new_object();

	view_put_id(job, "id", &row->job);
	json_put_int(job, "number", row->job_number);
	json_put_str(job, "name", row->job_name);
	json_put(json, "job", job);
	json_put_str(json, "workflow", row->workflow_name);
	json_put_int(json, "attempt", row->attempt);
	json_put_int(json, "node_index", row->node_index);
	json_put_int(json, "tests", row->total);
	json_put_int(json, "failures", row->failures);
	json_put_int(json, "skipped", row->skipped);
	json_put_int(json, "flaky", row->flaky);
	return json;
}

struct json *
view_history(const struct history_row *row)
{
	struct json *line = json_new_object();

	json_put_int(line, "seq", row->seq);
	json_put_time(line, "time", row->time_ms);
	json_put_str(line, "state", row->state);
	view_put_text(line, "reason", row->reason);
	return line;
}

struct json *
view_agent(const struct agent_row *row, const char *resource_class)
{
	struct json *agent = json_new_object();

	json_put_str(agent, "resource_class", resource_class);
	json_put_str(agent, "hostname", row->name);
	json_put_str(agent, "name", row->name);
	json_put_time(agent, "first_connected", row->first_ms);
	json_put_time(agent, "last_connected", row->last_ms);
	json_put_time(agent, "last_used", row->used_ms);
	json_put_str(agent, "version", row->version);
	/* Not CircleCI's. */
	view_put_id(agent, "id", &row->id);
	json_put_str(agent, "os", row->os);
	json_put_str(agent, "arch", row->arch);
	json_put_int(agent, "slots", row->slots);
	json_put_str(agent, "state", agent_standing_name(row->standing));
	return agent;
}

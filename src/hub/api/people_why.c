/*
 * people_why.c - GET /jobs/{id}/why: why a job is where it is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "format/json.h"
#include "hub/api/people.h"
#include "hub/api/views.h"
#include "hub/hub.h"
#include "hub/scheduler.h"
#include "hub/serial.h"
#include "hub/why.h"

static void
add_job(struct json *list, const struct job *job)
{
	struct json *item = json_new_object();

	view_put_id(item, "id", &job->row.id);
	if (job->row.number > 0)
		json_put_int(item, "number", job->row.number);
	else
		json_put(item, "number", json_new_null());
	json_put_str(item, "name", job->row.name);
	json_put_int(item, "pipeline_number", job->row.pipeline_number);
	json_put_str(item, "state", job_state_name(job->row.state));
	json_push(list, item);
}

/* The jobs whose end it waits for. */
static struct json *
waits_for(const struct job *job, enum why_reason reason)
{
	struct json *list = json_new_array();
	size_t i;

	if (reason == WHY_SERIAL && serial_holder(job) != NULL)
		add_job(list, serial_holder(job));
	for (i = 0; reason == WHY_REQUIRES && i < job->require_count; i++)
		if (schedule_requirement(&job->requires[i]) == VERDICT_WAIT)
			add_job(list, job->requires[i].job);
	return list;
}

/* job NULL: the store alone has it. */
static struct json *
view_why(const struct job_row *row, const struct job *job)
{
	struct json *view = json_new_object();
	struct why why;

	if (job != NULL)
		why_job(&why, job);
	else
		why_ended(&why, row);
	view_put_id(view, "id", &row->id);
	json_put_str(view, "name", row->name);
	json_put_str(view, "state", job_state_name(job != NULL ? job->row.state : row->state));
	json_put_str(view, "reason", why_reason_name(why.reason));
	json_put_str(view, "message", buffer_text(&why.text));
	json_put(view, "waits_for", job != NULL ? waits_for(job, why.reason) : json_new_array());
	view_put_text(view, "resource_class", row->resource_class);
	json_put_int(view, "tasks_before", why.before);
	json_put_int(view, "agents", why.agents);
	json_put_int(view, "slots", why.slots);
	json_put_int(view, "slots_taken", why.taken);
	why_release(&why);
	return view;
}

static void
on_job(void *arg, struct store_op *op)
{
	struct call *call = arg;

	if (people_found(call, op, "job"))
		call_reply_json(call, 200, view_why(&op->jobs[0], model_job(&call->hub->model, &op->jobs[0].id)));
}

static void
get_why(struct call *call)
{
	people_read_job(call, on_job);
}

const struct route people_why_routes[] = {
	{"GET", "/api/runner/v1/jobs/{id}/why", WHO_PERSON, get_why},
	{NULL, NULL, WHO_ANYONE, NULL},
};

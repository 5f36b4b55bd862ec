/*
 * people_v2.c - CircleCI's API v2: me, pipelines, workflows, jobs, and accepted them.
 *
 * A page token is the position behind which the next page begins.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "hub/actions.h"
#include "hub/api/people.h"
#include "hub/api/views.h"
#include "hub/hub.h"

/* What cannot be canceled any more has ended; that the request is sent again is no error. */
static const char accepted[] = "Accepted.", has_ended[] = "It has ended already.";

/* A list's reply; the page behind it begins at position next. */
static void
reply_page(struct call *call, const struct store_op *op, struct json *items, int64_t next)
{
	call_reply_json(call, 200, people_page(items, op->more ? next : -1));
}

static int64_t
behind(const struct store_op *op)
{
	return (int64_t)(op->query.skip + op->count);
}

static void
reply_accepted(struct call *call)
{
	call_reply_json_after_commit(call, 202, people_message(accepted));
}

/* What an action's result, err included, says of a pipeline or workflow that was to be canceled. */
static void
reply_canceled(struct call *call, int result, struct err *err)
{
	if (result == 0)
		reply_accepted(call);
	else if (err->code == ERR_GONE)
		call_reply_json_after_commit(call, 202, people_message(has_ended));
	else
		call_reply_err(call, err);
}

static void
get_me(struct call *call)
{
	call_reply_json(call, 200, view_v2_person(call->login));
}

/* --- pipelines -------------------------------------------------------------------------------- */

static void
on_pipelines(void *arg, struct store_op *op)
{
	struct json *items = json_new_array();
	size_t i;

	for (i = 0; i < op->count; i++)
		json_push(items, view_v2_pipeline(&op->pipelines[i]));
	reply_page(arg, op, items, op->count > 0 ? op->pipelines[op->count - 1].number : 0);
}

static void
list_pipelines(struct call *call)
{
	char slug[PEOPLE_SLUG_BYTES];
	const char *branch = call_query(call, "branch");
	struct store_op *op;
	int64_t before;

	if (!people_slug(call, call->vars[0], slug) ||
	    !people_number(call, "page-token", 0, INT64_MAX, &before))
		return;
	op = people_list(STORE_LIST_PIPELINES, PEOPLE_PAGE);
	op->query.project_slug = slug;
	op->query.branch = branch != NULL && branch[0] != '\0' ? branch : NULL;
	op->query.before = before;
	people_read(call, op, on_pipelines);
}

static void
on_pipeline(void *arg, struct store_op *op)
{
	if (people_found(arg, op, "pipeline"))
		call_reply_json(arg, 200, view_v2_pipeline(&op->pipelines[0]));
}

static void
get_pipeline(struct call *call)
{
	struct id id;

	if (call_var_id(call, 0, &id))
		people_read(call, people_one(STORE_LIST_PIPELINES, &id), on_pipeline);
}

static void
on_config(void *arg, struct store_op *op)
{
	struct call *call = arg;
	struct json *config;

	if (!op->found) {
		people_not_found(call, "pipeline");
		return;
	}
	config = json_new_object();
	json_put_str(config, "source", op->pipelines[0].config);
	json_put_str(config, "compiled", op->pipelines[0].compiled);
	if (op->pipelines[0].setup_config != NULL) {
		json_put_str(config, "setup-config", op->pipelines[0].setup_config);
		json_put_str(config, "compiled-setup-config", op->pipelines[0].setup_compiled);
	}
	call_reply_json(call, 200, config);
}

static void
get_config(struct call *call)
{
	struct store_op *op;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return;
	op = store_op_new(STORE_GET_PIPELINE);
	op->id = id;
	people_read(call, op, on_config);
}

static void
on_pipeline_to_cancel(void *arg, struct store_op *op)
{
	if (people_found(arg, op, "pipeline"))
		call_reply_json(arg, 202, people_message(has_ended));
}

static void
cancel_pipeline(struct call *call)
{
	struct pipeline *pipeline;
	struct err err = ERR_INIT;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return;
	pipeline = model_pipeline(&call->hub->model, &id);
	if (pipeline == NULL)
		people_read(call, people_one(STORE_LIST_PIPELINES, &id), on_pipeline_to_cancel);
	else
		reply_canceled(call, pipeline_cancel(pipeline, call->login, &err), &err);
}

/* --- workflows ----------------------------------------------------------------------------------
 */

static void
on_workflows(void *arg, struct store_op *op)
{
	struct json *items = json_new_array();
	size_t i;

	for (i = 0; i < op->count; i++)
		json_push(items, view_v2_workflow(&op->workflows[i]));
	reply_page(arg, op, items, behind(op));
}

static void
on_pipeline_of_none(void *arg, struct store_op *op)
{
	if (people_found(arg, op, "pipeline"))
		reply_page(arg, op, json_new_array(), 0);
}

/* An empty list: is there such a pipeline? */
static void
on_workflows_or_none(void *arg, struct store_op *op)
{
	struct id id = op->query.pipeline;

	if (op->count > 0)
		on_workflows(arg, op);
	else
		people_read(arg, people_one(STORE_LIST_PIPELINES, &id), on_pipeline_of_none);
}

static void
list_workflows(struct call *call)
{
	struct store_op *op;
	struct id id;
	int64_t from;

	if (!call_var_id(call, 0, &id) || !people_number(call, "page-token", 0, INT32_MAX, &from))
		return;
	op = people_list(STORE_LIST_WORKFLOWS, PEOPLE_PAGE);
	op->query.by_pipeline = true;
	op->query.pipeline = id;
	op->query.skip = (size_t)from;
	people_read(call, op, on_workflows_or_none);
}

static void
on_workflow(void *arg, struct store_op *op)
{
	if (people_found(arg, op, "workflow"))
		call_reply_json(arg, 200, view_v2_workflow(&op->workflows[0]));
}

static void
get_workflow(struct call *call)
{
	struct id id;

	if (call_var_id(call, 0, &id))
		people_read(call, people_one(STORE_LIST_WORKFLOWS, &id), on_workflow);
}

static void
on_workflow_to_cancel(void *arg, struct store_op *op)
{
	if (people_found(arg, op, "workflow"))
		call_reply_json(arg, 202, people_message(has_ended));
}

static void
cancel_workflow(struct call *call)
{
	struct workflow *workflow;
	struct err err = ERR_INIT;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return;
	workflow = model_workflow(&call->hub->model, &id);
	if (workflow == NULL)
		people_read(call, people_one(STORE_LIST_WORKFLOWS, &id), on_workflow_to_cancel);
	else
		reply_canceled(call, workflow_cancel(workflow, call->login, &err), &err);
}

/* --- jobs
 * ------------------------------------------------------------------------------------------ */

static void
on_jobs(void *arg, struct store_op *op)
{
	struct json *items = json_new_array();
	size_t i;

	for (i = 0; i < op->count; i++)
		json_push(items, view_v2_workflow_job(&op->jobs[i]));
	reply_page(arg, op, items, behind(op));
}

static void
on_workflow_of_none(void *arg, struct store_op *op)
{
	if (people_found(arg, op, "workflow"))
		reply_page(arg, op, json_new_array(), 0);
}

static void
on_jobs_or_none(void *arg, struct store_op *op)
{
	struct id id = op->query.workflow;

	if (op->count > 0)
		on_jobs(arg, op);
	else
		people_read(arg, people_one(STORE_LIST_WORKFLOWS, &id), on_workflow_of_none);
}

static void
list_workflow_jobs(struct call *call)
{
	struct store_op *op;
	struct id id;
	int64_t from;

	if (!call_var_id(call, 0, &id) || !people_number(call, "page-token", 0, INT32_MAX, &from))
		return;
	/* A page is large: most callers do not ask for the next one. */
	op = people_list(STORE_LIST_JOBS, PEOPLE_LIST_MOST);
	op->query.by_workflow = true;
	op->query.workflow = id;
	op->query.skip = (size_t)from;
	people_read(call, op, on_jobs_or_none);
}

/* The project's job of that number, to on_rows. */
static void
read_numbered(struct call *call, store_done_fn *on_rows)
{
	char slug[PEOPLE_SLUG_BYTES];
	struct err err = ERR_INIT;
	struct store_op *op;
	uint64_t number;

	if (!people_slug(call, call->vars[0], slug))
		return;
	if (text_parse_u64(call->vars[1], INT64_MAX, &number, &err) < 0 || number == 0) {
		call_reply_message(call, 400, "a job's number is a positive integer, not '%s'",
				   call->vars[1]);
		return;
	}
	op = people_list(STORE_LIST_JOBS, 1);
	op->query.project_slug = slug;
	op->query.number = (int64_t)number;
	people_read(call, op, on_rows);
}

/* The job while its tasks are read. */
struct job_details {
	struct call *call;
	struct json *job;
};

static void
on_details(void *arg, struct store_op *op)
{
	struct job_details *details = arg;

	json_put(details->job, "parallel_runs", view_v2_runs(op->tasks, op->count));
	call_reply_json(details->call, 200, details->job);
	free(details);
}

static void
on_numbered(void *arg, struct store_op *op)
{
	struct call *call = arg;
	struct job_details *details;
	struct store_op *tasks;

	if (!people_found(call, op, "job"))
		return;
	details = MEM_NEW(struct job_details);
	details->call = call;
	details->job = view_v2_job(&op->jobs[0], &call->hub->settings, &call->hub->model);
	tasks = people_list(STORE_LIST_TASKS, 0);
	tasks->query.by_job = true;
	tasks->query.job = op->jobs[0].id;
	store_submit(call->hub->store, tasks, on_details, details);
}

static void
get_numbered(struct call *call)
{
	read_numbered(call, on_numbered);
}

static void
cancel_job(struct call *call, const struct id *id)
{
	struct job *job = model_job(&call->hub->model, id);
	struct err err = ERR_INIT;

	if (job == NULL || (job_cancel(job, call->login, &err) < 0 && err.code == ERR_GONE))
		call_reply_json_after_commit(call, 200, people_message(has_ended));
	else if (err.code != 0)
		call_reply_err(call, &err);
	else
		call_reply_json_after_commit(call, 200,
					     people_message("Job canceled successfully."));
}

static void
on_job_to_cancel(void *arg, struct store_op *op)
{
	struct call *call = arg;
	struct id id;

	if (!people_found(call, op, "job"))
		return;
	id = op->jobs[0].id;
	cancel_job(call, &id);
}

static void
cancel_numbered(struct call *call)
{
	read_numbered(call, on_job_to_cancel);
}

static void
cancel_by_id(struct call *call)
{
	people_read_job(call, on_job_to_cancel);
}

/* --- approvals
 * ----------------------------------------------------------------------------------------- */

/* Said again, the first answer holds. */
static void
reply_approved(struct call *call, const struct job_row *row)
{
	if (row->outcome == OUTCOME_SUCCESS && text_eq(row->type, "approval"))
		reply_accepted(call);
	else
		call_reply_message(call, 409, "job '%s' does not wait for an approval", row->name);
}

static void
on_approved(void *arg, struct store_op *op)
{
	struct call *call = arg;
	struct id workflow;

	if (!call_var_id(call, 0, &workflow))
		return;
	if (op->count == 0 || !id_eq(&op->jobs[0].workflow, &workflow))
		people_not_found(call, "approval in this workflow");
	else
		reply_approved(call, &op->jobs[0]);
}

static void
approve(struct call *call)
{
	struct id workflow, id;
	struct err err = ERR_INIT;
	struct job *job;

	if (!call_var_id(call, 0, &workflow) || !call_var_id(call, 1, &id))
		return;
	job = model_job(&call->hub->model, &id);
	if (job == NULL || !id_eq(&job->workflow->row.id, &workflow))
		people_read(call, people_one(STORE_LIST_JOBS, &id), on_approved);
	else if (job_approve(job, call->login, &err) == 0)
		reply_accepted(call);
	else
		reply_approved(call, &job->row);
}

const struct route people_v2_routes[] = {
	{"GET", "/api/v2/me", WHO_PERSON, get_me},
	{"GET", "/api/v2/project/{slug}/pipeline", WHO_PERSON, list_pipelines},
	{"GET", "/api/v2/pipeline/{id}", WHO_PERSON, get_pipeline},
	{"GET", "/api/v2/pipeline/{id}/config", WHO_PERSON, get_config},
	{"GET", "/api/v2/pipeline/{id}/workflow", WHO_PERSON, list_workflows},
	{"POST", "/api/v2/pipeline/{id}/cancel", WHO_PERSON, cancel_pipeline},
	{"GET", "/api/v2/workflow/{id}", WHO_PERSON, get_workflow},
	{"GET", "/api/v2/workflow/{id}/job", WHO_PERSON, list_workflow_jobs},
	{"POST", "/api/v2/workflow/{id}/cancel", WHO_PERSON, cancel_workflow},
	{"POST", "/api/v2/workflow/{id}/approve/{approval}", WHO_PERSON, approve},
	{"GET", "/api/v2/project/{slug}/job/{number}", WHO_PERSON, get_numbered},
	{"POST", "/api/v2/project/{slug}/job/{number}/cancel", WHO_PERSON, cancel_numbered},
	{"POST", "/api/v2/jobs/{id}/cancel", WHO_PERSON, cancel_by_id},
	{NULL, NULL, WHO_ANYONE, NULL},
};

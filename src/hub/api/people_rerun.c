/*
 * people_rerun.c - "workflow/{id}/rerun": jobs of a workflow once more.
 *
 * A pipeline that has ended is the store's alone: it is brought back first.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "format/json.h"
#include "hub/api/people.h"
#include "hub/api/views.h"
#include "hub/hub.h"
#include "hub/rerun.h"

/* What is asked for, while the pipeline is read. */
struct asking {
	struct call *call;
	struct id workflow;
	struct rerun rerun;
	struct id *jobs;
};

static void
asking_free(struct asking *asking)
{
	free(asking->jobs);
	free(asking);
}

static int
read_flag(const struct json *body, const char *key, bool *out, struct err *err)
{
	const struct json *member = json_get(body, key);

	*out = false;
	if (member == NULL || json_is_null(member))
		return 0;
	if (!json_is_bool(member))
		return err_set(err, ERR_INPUT, "member '%s' must be true or false", key);
	*out = json_bool_value(member);
	return 0;
}

static int
read_jobs(struct asking *asking, const struct json *list, struct err *err)
{
	size_t i;

	if (list == NULL || json_is_null(list))
		return 0;
	if (!json_is_array(list) || json_count(list) == 0 || json_count(list) > MODEL_JOBS_MOST)
		return err_set(err, ERR_INPUT, "member 'jobs' must be an array of 1 to %d ids",
			       MODEL_JOBS_MOST);
	asking->jobs = MEM_NEW_ARRAY(struct id, json_count(list));
	for (i = 0; i < json_count(list); i++) {
		const struct json *item = json_at(list, i);

		if (!json_is_string(item) || !id_parse(&asking->jobs[i], json_str(item)))
			return err_set(err, ERR_INPUT, "member 'jobs' must hold ids of jobs");
	}
	asking->rerun.jobs = asking->jobs;
	asking->rerun.job_count = i;
	return 0;
}

static int
read_asking(struct asking *asking, const struct json *body, struct err *err)
{
	bool ssh, sparse;

	if (read_flag(body, "from_failed", &asking->rerun.from_failed, err) < 0 ||
	    read_flag(body, "failed_tests", &asking->rerun.failed_tests, err) < 0 ||
	    read_flag(body, "enable_ssh", &ssh, err) < 0 ||
	    read_flag(body, "sparse_tree", &sparse, err) < 0 ||
	    read_jobs(asking, json_get(body, "jobs"), err) < 0)
		return err->code;
	if (ssh)
		return err_set(err, ERR_INPUT, "'enable_ssh' is not supported");
	if ((asking->rerun.from_failed || asking->rerun.failed_tests) &&
	    asking->rerun.job_count > 0)
		return err_set(err, ERR_INPUT, "'from_failed' and 'jobs' exclude each other");
	return 0;
}

static void
rerun(struct asking *asking, struct workflow *workflow)
{
	struct call *call = asking->call;
	struct err err = ERR_INIT;
	struct json *answer;

	if (workflow_rerun(workflow, &asking->rerun, call->login, &err) == 0) {
		answer = people_message("Accepted.");
		view_put_id(answer, "workflow_id", &asking->workflow);
		call_reply_json_after_commit(call, 202, answer);
	} else if (err.code == ERR_AGAIN || err.code == ERR_LIMIT) {
		call_reply_message(call, 409, "%s", err.text);
	} else {
		call_reply_err(call, &err);
	}
}

static void
on_revived(void *arg, struct store_op *op)
{
	struct asking *asking = arg;
	struct model *model = &asking->call->hub->model;
	struct workflow *workflow;
	struct err err = ERR_INIT;

	asking->call->hub->revivals--;
	if (model_revive(model, op->snapshot, &err) < 0) {
		call_reply_err(asking->call, &err);
		asking_free(asking);
		return;
	}
	workflow = model_workflow(model, &asking->workflow);
	if (workflow == NULL) {
		people_not_found(asking->call, "workflow");
	} else {
		struct pipeline *pipeline = workflow->pipeline;

		/* Where nothing comes of it, the pin's end lets it go again. */
		pipeline_pin(pipeline);
		rerun(asking, workflow);
		pipeline_unpin(pipeline);
	}
	asking_free(asking);
}

static void
on_workflow(void *arg, struct store_op *op)
{
	struct asking *asking = arg;
	struct store_op *load;

	if (!people_found(asking->call, op, "workflow")) {
		asking_free(asking);
		return;
	}
	load = store_op_new(STORE_LOAD_PIPELINE);
	load->id = op->workflows[0].pipeline;
	asking->call->hub->revivals++;
	store_submit(asking->call->hub->store, load, on_revived, asking);
}

static void
find_workflow(struct asking *asking)
{
	struct workflow *workflow = model_workflow(&asking->call->hub->model, &asking->workflow);

	if (workflow != NULL) {
		rerun(asking, workflow);
		asking_free(asking);
		return;
	}
	store_submit(asking->call->hub->store, people_one(STORE_LIST_WORKFLOWS, &asking->workflow),
		     on_workflow, asking);
}

static void
rerun_workflow(struct call *call)
{
	struct asking *asking = MEM_NEW(struct asking);
	struct err err = ERR_INIT;
	struct json *body;

	asking->call = call;
	if (!call_var_id(call, 0, &asking->workflow)) {
		asking_free(asking);
		return;
	}
	if (call_body(call, &body, &err) < 0) {
		call_reply_err(call, &err);
		asking_free(asking);
		return;
	}
	if (read_asking(asking, body, &err) < 0) {
		call_reply_err(call, &err);
		asking_free(asking);
	} else {
		find_workflow(asking);
	}
	json_free(body);
}

const struct route people_rerun_routes[] = {
	{"POST", "/api/v2/workflow/{id}/rerun", WHO_PERSON, rerun_workflow},
	{NULL, NULL, WHO_ANYONE, NULL},
};

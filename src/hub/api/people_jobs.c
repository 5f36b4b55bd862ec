/*
 * people_jobs.c - our own API: the hub's state, jobs and tasks, and which job a person means.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "hub/api/kept.h"
#include "hub/api/people.h"
#include "hub/api/views.h"
#include "hub/hub.h"
#include "runner/protocol.h"
#include "task/names.h"

enum { ANY_NODE = -1, LAST_ATTEMPT = 0 };

static void
get_status(struct call *call)
{
	const struct model_counts *counts = &call->hub->model.counts;
	struct json *status = json_new_object();

	json_put_str(status, "version", PACKAGE_VERSION);
	json_put_int(status, "protocol", RUNNER_PROTOCOL);
	json_put_int(status, "pipelines_active", counts->pipelines_active);
	json_put_int(status, "tasks_queued", counts->tasks_queued);
	json_put_int(status, "tasks_running", counts->tasks_running);
	json_put_int(status, "agents", counts->agents);
	call_reply_json(call, 200, status);
}

/* --- a job, with its tasks and their steps ------------------------------------------------------ */

/* The job while its tasks are read. */
struct job_reading {
	struct call *call;
	struct json *job;
	bool find; /* one attempt, perhaps one node, is meant */
	int64_t attempt, node;
};

/* Steps lie in the order of their tasks; *next is the first one behind those of the task. */
static struct json *
steps_of(const struct store_op *op, const struct task_row *task, size_t *next)
{
	struct json *steps = json_new_array();

	while (*next < op->step_count && id_eq(&op->steps[*next].task, &task->id))
		json_push(steps, view_step(&op->steps[(*next)++]));
	return steps;
}

static bool
is_meant(const struct job_reading *reading, const struct task_row *task)
{
	if (!reading->find)
		return true;
	return task->attempt == reading->attempt &&
	       (reading->node == ANY_NODE || task->node_index == reading->node);
}

static struct json *
tasks_meant(const struct job_reading *reading, const struct store_op *op)
{
	struct json *tasks = json_new_array(), *task, *steps;
	size_t i, next = 0;

	for (i = 0; i < op->count; i++) {
		steps = steps_of(op, &op->tasks[i], &next);
		if (!is_meant(reading, &op->tasks[i])) {
			json_free(steps);
			continue;
		}
		task = view_task(&op->tasks[i]);
		kept_put_view(reading->call->hub, task, &op->tasks[i].id);
		json_put(task, "steps", steps);
		json_push(tasks, task);
	}
	return tasks;
}

static bool
is_particular(const struct job_reading *reading)
{
	return reading->find && (reading->attempt != LAST_ATTEMPT || reading->node != ANY_NODE);
}

static void
on_tasks_of_job(void *arg, struct store_op *op)
{
	struct job_reading *reading = arg;
	bool particular = is_particular(reading);
	struct json *tasks;
	size_t i;

	if (reading->attempt == LAST_ATTEMPT)
		for (i = 0; i < op->count; i++)
			if (op->tasks[i].attempt > reading->attempt)
				reading->attempt = op->tasks[i].attempt;
	tasks = tasks_meant(reading, op);
	if (particular && json_count(tasks) == 0) {
		call_reply_message(reading->call, 404, "the job has no such attempt or node");
		json_free(tasks);
		json_free(reading->job);
	} else {
		json_put(reading->job, "tasks", tasks);
		call_reply_json(reading->call, 200, reading->job);
	}
	free(reading);
}

/* The job is found: read its tasks, then answer. */
static void
show_job(struct call *call, const struct job_row *row, bool find, int64_t attempt, int64_t node)
{
	struct job_reading *reading = MEM_NEW(struct job_reading);
	struct store_op *op = people_list(STORE_LIST_TASKS, 0);

	reading->call = call;
	reading->job = view_job(row, people_waiting(call, &row->id));
	reading->find = find;
	reading->attempt = attempt;
	reading->node = node;
	op->query.by_job = true;
	op->query.job = row->id;
	op->query.with_steps = true;
	store_submit(call->hub->store, op, on_tasks_of_job, reading);
}

static void
on_job(void *arg, struct store_op *op)
{
	if (people_found(arg, op, "job"))
		show_job(arg, &op->jobs[0], false, LAST_ATTEMPT, ANY_NODE);
}

static void
get_job(struct call *call)
{
	people_read_job(call, on_job);
}

/* --- which job is meant ----------------------------------------------------------------------------- */

struct finding {
	struct call *call;
	char slug[PEOPLE_SLUG_BYTES];
	char *workflow, *name; /* of WORKFLOW/JOB; NULL otherwise */
	int64_t attempt, node;
};

static void
finding_free(struct finding *finding)
{
	free(finding->workflow);
	free(finding->name);
	free(finding);
}

static struct store_op *
find_in_project(const struct finding *finding)
{
	struct store_op *op = people_list(STORE_LIST_JOBS, 1);

	op->query.project_slug = finding->slug;
	return op;
}

static void on_found(void *arg, struct store_op *op);

static void
find_by_name(struct finding *finding)
{
	struct store_op *op = find_in_project(finding);

	op->query.workflow_name = finding->workflow;
	op->query.name = finding->name;
	store_submit(finding->call->hub->store, op, on_found, finding);
}

/* "JOB/NODE": no job has the whole as its name (one from an orb has a slash, too). */
static bool
take_node(struct finding *finding)
{
	char *slash = finding->name != NULL ? strrchr(finding->name, '/') : NULL;
	struct err err = ERR_INIT;
	uint64_t node;

	if (finding->node != ANY_NODE || slash == NULL || slash == finding->name ||
	    text_parse_u64(slash + 1, INT32_MAX, &node, &err) < 0)
		return false;
	*slash = '\0';
	finding->node = (int64_t)node;
	return true;
}

static void
on_found(void *arg, struct store_op *op)
{
	struct finding *finding = arg;

	if (op->count == 0 && take_node(finding)) {
		find_by_name(finding);
		return;
	}
	if (people_found(finding->call, op, "job in this project"))
		show_job(finding->call, &op->jobs[0], true, finding->attempt, finding->node);
	finding_free(finding);
}

static void
find_by_id(struct finding *finding, const struct id *id)
{
	store_submit(finding->call->hub->store, people_one(STORE_LIST_JOBS, id), on_found, finding);
}

/* In the project. False: ref is none of the forms. */
static bool
find_by_ref(struct finding *finding, const char *ref)
{
	const char *slash = strchr(ref, '/');
	struct err err = ERR_INIT;
	struct store_op *op;
	uint64_t number;

	if (text_eq(ref, "last-failed")) {
		op = find_in_project(finding);
		op->query.failed_only = true;
	} else if (text_parse_u64(ref, INT64_MAX, &number, &err) == 0 && number > 0) {
		op = find_in_project(finding);
		op->query.number = (int64_t)number;
	} else if (slash != NULL && slash != ref && slash[1] != '\0') {
		finding->workflow = mem_strndup(ref, (size_t)(slash - ref));
		finding->name = mem_strdup(slash + 1);
		find_by_name(finding);
		return true;
	} else {
		return false;
	}
	store_submit(finding->call->hub->store, op, on_found, finding);
	return true;
}

/* The last of that name that succeeded, perhaps on a branch. */
static void
find_latest(struct finding *finding, const char *name)
{
	struct store_op *op = find_in_project(finding);

	op->query.name = name;
	op->query.branch = call_query(finding->call, "branch");
	op->query.green_only = true;
	store_submit(finding->call->hub->store, op, on_found, finding);
}

static void
find_job(struct call *call)
{
	const char *ref = call_query(call, "ref"), *latest = call_query(call, "latest");
	struct finding *finding;
	int64_t attempt;
	struct id id;

	if (latest != NULL && latest[0] != '\0')
		ref = latest;
	if (ref == NULL || ref[0] == '\0') {
		call_reply_message(call, 400, "parameter 'ref' is missing: which job is meant");
		return;
	}
	if (!people_number(call, "attempt", LAST_ATTEMPT, INT32_MAX, &attempt))
		return;
	finding = MEM_NEW(struct finding);
	finding->call = call;
	finding->attempt = attempt;
	finding->node = ANY_NODE;
	if (latest == NULL && id_parse(&id, ref)) {
		find_by_id(finding, &id);
		return;
	}
	if (!people_slug(call, call_query(call, "project"), finding->slug)) {
		finding_free(finding);
	} else if (latest != NULL) {
		find_latest(finding, latest);
	} else if (!find_by_ref(finding, ref)) {
		call_reply_message(call, 400,
				   "a job is written as its number, its id, WORKFLOW/JOB, "
				   "WORKFLOW/JOB/NODE or last-failed");
		finding_free(finding);
	}
}

/* --- lists --------------------------------------------------------------------------------------------- */

static void
reply_items(struct call *call, struct json *items)
{
	struct json *list = json_new_object();

	json_put(list, "items", items);
	call_reply_json(call, 200, list);
}

static void
on_jobs(void *arg, struct store_op *op)
{
	struct call *call = arg;
	struct json *items = json_new_array();
	size_t i;

	for (i = 0; i < op->count; i++)
		json_push(items, view_job(&op->jobs[i], people_waiting(call, &op->jobs[i].id)));
	reply_items(call, items);
}

static void
list_jobs(struct call *call)
{
	const char *project = call_query(call, "project"), *state = call_query(call, "state");
	struct store_query query = {.state = -1};
	char slug[PEOPLE_SLUG_BYTES];
	enum job_state wanted;
	struct store_op *op;
	int64_t limit;

	if (project != NULL && project[0] != '\0') {
		if (!people_slug(call, project, slug))
			return;
		query.project_slug = slug;
	}
	if (!people_id(call, "pipeline", &query.by_pipeline, &query.pipeline) ||
	    !people_id(call, "workflow", &query.by_workflow, &query.workflow) ||
	    !people_number(call, "limit", PEOPLE_PAGE, PEOPLE_LIST_MOST, &limit))
		return;
	if (state != NULL && state[0] != '\0') {
		if (!job_state_parse(&wanted, state)) {
			call_reply_message(call, 400, "there is no job state '%.40s'", state);
			return;
		}
		query.state = (int)wanted;
	}
	query.limit = limit > 0 ? (size_t)limit : PEOPLE_PAGE;
	op = people_list(STORE_LIST_JOBS, 0);
	op->query = query;
	people_read(call, op, on_jobs);
}

static void
on_tasks(void *arg, struct store_op *op)
{
	struct json *items = json_new_array();
	size_t i;

	for (i = 0; i < op->count; i++)
		json_push(items, view_task(&op->tasks[i]));
	reply_items(arg, items);
}

static void
list_tasks(struct call *call)
{
	const char *state = call_query(call, "state");
	struct store_query query = {.state = -1};
	enum hub_state wanted;
	struct store_op *op;
	int64_t limit;

	if (!people_id(call, "job", &query.by_job, &query.job) ||
	    !people_id(call, "pipeline", &query.by_pipeline, &query.pipeline) ||
	    !people_number(call, "limit", PEOPLE_PAGE, PEOPLE_LIST_MOST, &limit))
		return;
	if (state != NULL && state[0] != '\0') {
		if (!hub_state_parse(&wanted, state)) {
			call_reply_message(call, 400, "there is no task state '%.40s'", state);
			return;
		}
		query.state = (int)wanted;
	}
	query.limit = limit > 0 ? (size_t)limit : PEOPLE_PAGE;
	op = people_list(STORE_LIST_TASKS, 0);
	op->query = query;
	people_read(call, op, on_tasks);
}

/* --- a task ----------------------------------------------------------------------------------------------- */

/* The task while its history is read. */
struct task_reading {
	struct call *call;
	struct json *task;
};

static void
on_history(void *arg, struct store_op *op)
{
	struct task_reading *reading = arg;
	struct json *history = json_new_array();
	size_t i;

	for (i = 0; i < op->count; i++)
		json_push(history, view_history(&op->histories[i]));
	json_put(reading->task, "history", history);
	call_reply_json(reading->call, 200, reading->task);
	free(reading);
}

static void
on_task(void *arg, struct store_op *op)
{
	struct call *call = arg;
	struct task_reading *reading;
	struct store_op *history;
	size_t next = 0;

	if (!people_found(call, op, "task"))
		return;
	reading = MEM_NEW(struct task_reading);
	reading->call = call;
	reading->task = view_task(&op->tasks[0]);
	kept_put_view(call->hub, reading->task, &op->tasks[0].id);
	json_put(reading->task, "steps", steps_of(op, &op->tasks[0], &next));
	history = people_list(STORE_LIST_HISTORY, 0);
	history->query.by_task = true;
	history->query.task = op->tasks[0].id;
	store_submit(call->hub->store, history, on_history, reading);
}

static void
get_task(struct call *call)
{
	struct store_op *op;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return;
	op = people_one(STORE_LIST_TASKS, &id);
	op->query.with_steps = true;
	people_read(call, op, on_task);
}

const struct route people_job_routes[] = {
	{"GET", "/api/runner/v1/status", WHO_PERSON, get_status},
	{"GET", "/api/runner/v1/jobs", WHO_PERSON, list_jobs},
	{"GET", "/api/runner/v1/jobs/find", WHO_PERSON, find_job},
	{"GET", "/api/runner/v1/jobs/{id}", WHO_PERSON, get_job},
	{"GET", "/api/runner/v1/tasks", WHO_PERSON, list_tasks},
	{"GET", "/api/runner/v1/tasks/{id}", WHO_PERSON, get_task},
	{NULL, NULL, WHO_ANYONE, NULL},
};

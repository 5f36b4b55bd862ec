/*
 * agent_tests.c - POST /api/v3/runner/tests...: what a task found of tests, and what is known of
 * its job's.
 *
 * The lines were made by the job itself: each is checked here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "format/json.h"
#include "http/server.h"
#include "hub/api/agent.h"
#include "hub/api/test_lines.h"
#include "hub/hub.h"
#include "hub/store/store.h"

/* The task of the call, while it is leased and its job active. */
static const struct task *
task_of(struct call *call)
{
	return model_task(&call->hub->model, &call->task);
}

/* --- what it found
 * -------------------------------------------------------------------------------- */

static void
describe_run(struct test_run_row *run, const struct task *task, struct arena *arena)
{
	const struct job *job = task->job;
	const struct pipeline *pipeline = job->workflow->pipeline;
	const char *branch = pipeline->row.branch;

	run->task = task->row.id;
	run->job = job->row.id;
	run->pipeline = pipeline->row.id;
	run->project = pipeline->row.project;
	run->branch = arena_strdup(arena, branch != NULL ? branch : "");
	run->job_name = arena_strdup(arena, job->row.name);
	run->pipeline_number = pipeline->row.number;
	run->pipeline_created_ms = pipeline->row.created_ms;
	run->attempt = task->row.attempt;
	run->node_index = task->row.node_index;
}

/* {"step": 3, "first": 0} */
static int
read_head(struct store_tests *tests, const char *line, size_t len, struct err *err)
{
	struct json *json;
	int64_t step, first;
	int rc = json_parse(&json, line, len, err);

	if (rc < 0)
		return rc;
	rc = json_need_int(json, "step", 0, RUNNER_TASK_STEPS_MOST, &step, err);
	if (rc == 0)
		rc = json_need_int(json, "first", 0, TESTS_OF_TASK_MOST, &first, err);
	json_free(json);
	if (rc < 0)
		return rc;
	tests->step = (uint32_t)step;
	tests->first = (uint32_t)first;
	return 0;
}

static int
read_case(struct test_case *out, struct arena *arena, const char *line, size_t len, struct err *err)
{
	struct json *hold;
	int rc = test_case_parse(out, &hold, line, len, err);

	if (rc < 0)
		return rc;
	out->name = arena_strdup(arena, out->name);
	out->classname = arena_strdup(arena, out->classname);
	out->file = arena_strdup(arena, out->file);
	out->source = arena_strdup(arena, out->source);
	out->message = arena_strdup(arena, out->message);
	json_free(hold);
	return 0;
}

static size_t
count_lines(const char *at, const char *end)
{
	size_t count = 0;

	while (at < end && (at = memchr(at, '\n', (size_t)(end - at))) != NULL) {
		count++;
		at++;
	}
	return count;
}

/* The first line is the head, each that follows a test. */
static int
read_lines(struct store_tests *tests, struct arena *arena, const char *at, size_t len,
	   struct err *err)
{
	const char *end = at + len, *newline;
	size_t number = 1;
	int rc = 0;

	tests->cases = ARENA_NEW_ARRAY(arena, struct test_case, count_lines(at, end) + 1);
	for (; rc == 0 && at < end; at = newline + 1, number++) {
		newline = memchr(at, '\n', (size_t)(end - at));
		if (newline == NULL)
			return err_set(err, ERR_INPUT, "line %zu has no end", number);
		if (number == 1)
			rc = read_head(tests, at, (size_t)(newline - at), err);
		else
			rc = read_case(&tests->cases[tests->count++], arena, at,
				       (size_t)(newline - at), err);
		if (rc < 0)
			return err_wrap(err, "line %zu", number);
	}
	if (number == 1)
		return err_set(err, ERR_INPUT, "the body is empty");
	if (tests->first + tests->count > TESTS_OF_TASK_MOST)
		return err_set(err, ERR_LIMIT, "a task has at most %d tests", TESTS_OF_TASK_MOST);
	return 0;
}

static void
on_stored(void *arg, struct store_op *op)
{
	struct call *call = arg;
	struct json *reply;

	if (!op->found) {
		call_reply_message(call, 413, "a task has at most %d tests", TESTS_OF_TASK_MOST);
		return;
	}
	reply = json_new_object();
	json_put_int(reply, "tests", (int64_t)(op->tests_found.first + op->tests_found.count));
	call_reply_json(call, 200, reply);
}

void
handle_tests(struct call *call)
{
	struct store_op *op = store_op_new(STORE_ADD_TESTS);
	struct err err = ERR_INIT;
	size_t len;
	const char *body = http_request_body(call->request, &len);
	int rc;

	describe_run(&op->tests_found.run, task_of(call), &op->arena);
	if (len > TEST_BATCH_MOST_BYTES + TEST_LINE_MOST_BYTES)
		rc = err_set(&err, ERR_LIMIT, "the body has %zu bytes, %d are allowed", len,
			     TEST_BATCH_MOST_BYTES + TEST_LINE_MOST_BYTES);
	else
		rc = read_lines(&op->tests_found, &op->arena, body, len, &err);
	if (rc == 0) {
		store_submit(call->hub->store, op, on_stored, call);
		return;
	}
	store_op_free(op);
	call_reply_err(call, &err);
}

/* --- what is known
 * --------------------------------------------------------------------------------- */

/* The page's token in the body. False, and the reply is sent, when there is none such. */
static bool
read_page(struct call *call, struct store_test_query *query)
{
	struct err err = ERR_INIT;
	struct json *body;
	bool ok;

	if (call_body(call, &body, &err) < 0) {
		call_reply_err(call, &err);
		return false;
	}
	ok = test_lines_read_token(query, json_get_str(body, "page_token"));
	json_free(body);
	if (!ok)
		call_reply_message(call, 400, "there is no such page");
	return ok;
}

/* Of the latest run of this job that succeeded. */
void
handle_timings(struct call *call)
{
	struct store_op *op = store_op_new(STORE_LIST_TESTS);
	const struct job *job = task_of(call)->job;
	const struct pipeline *pipeline = job->workflow->pipeline;

	op->test_query.of = STORE_TESTS_TIMED;
	op->test_query.project = pipeline->row.project;
	op->test_query.job_name = job->row.name;
	op->test_query.branch = pipeline->row.branch;
	op->test_query.default_branch = pipeline->project->row.default_branch;
	if (!read_page(call, &op->test_query))
		store_op_free(op);
	else
		test_lines_submit(call, op);
}

/* Of the attempt before, where the job runs again for these alone. */
void
handle_failed_tests(struct call *call)
{
	struct store_op *op = store_op_new(STORE_LIST_TESTS);
	const struct job *job = task_of(call)->job;

	op->test_query.of = STORE_TESTS_OF_JOB;
	op->test_query.attempt = job->row.failed_tests_of;
	op->test_query.failed_only = true;
	if (job->row.failed_tests_of == 0) {
		call_reply_message(call, 404, "the job does not run for failed tests alone");
		store_op_free(op);
	} else if (!read_page(call, &op->test_query)) {
		store_op_free(op);
	} else {
		op->test_query.id = job->row.id; /* whatever the token says */
		test_lines_submit(call, op);
	}
}

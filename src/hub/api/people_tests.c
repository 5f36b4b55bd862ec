/*
 * people_tests.c - the tests of jobs, as CircleCI's two APIs have them and as ours does.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "hub/api/people.h"
#include "hub/api/test_lines.h"
#include "hub/api/views.h"
#include "hub/hub.h"

enum { TESTS_PAGE = 1000 };

/* --- CircleCI's: of a job by its number ------------------------------------------------------------ */

/* The request while its job is looked for. */
struct asking {
	struct call *call;
	store_done_fn *answer;
	int64_t from;
};

static void
on_v2_tests(void *arg, struct store_op *op)
{
	struct json *items = json_new_array();
	size_t i;

	for (i = 0; i < op->count; i++)
		json_push(items, view_v2_test(&op->tests[i]));
	call_reply_json(arg, 200, people_page(items, op->more ? op->next_page : -1));
}

static void
on_v1_tests(void *arg, struct store_op *op)
{
	struct json *answer = json_new_object(), *items = json_new_array();
	size_t i;

	for (i = 0; i < op->count; i++)
		json_push(items, view_v2_test(&op->tests[i]));
	json_put(answer, "tests", items);
	json_put(answer, "exceptions", json_new_array());
	call_reply_json(arg, 200, answer);
}

static void
on_job(void *arg, struct store_op *op)
{
	struct asking *asking = arg;
	struct store_op *list;

	if (op->count == 0) {
		people_not_found(asking->call, "job in this project");
	} else {
		list = store_op_new(STORE_LIST_TESTS);
		list->test_query.of = STORE_TESTS_OF_JOB;
		list->test_query.id = op->jobs[0].id;
		list->test_query.with_messages = true;
		list->test_query.from = asking->from;
		list->test_query.limit = asking->answer == on_v2_tests ? TESTS_PAGE : 0;
		store_submit(asking->call->hub->store, list, asking->answer, asking->call);
	}
	free(asking);
}

static void
ask_by_number(struct call *call, store_done_fn *answer)
{
	char slug[PEOPLE_SLUG_BYTES];
	struct err err = ERR_INIT;
	struct asking *asking;
	struct store_op *op;
	uint64_t number;
	int64_t from;

	if (!people_slug(call, call->vars[0], slug) ||
	    !people_number(call, "page-token", 0, INT64_MAX, &from))
		return;
	if (text_parse_u64(call->vars[1], INT64_MAX, &number, &err) < 0 || number == 0) {
		people_not_found(call, "job in this project");
		return;
	}
	asking = MEM_NEW(struct asking);
	asking->call = call;
	asking->answer = answer;
	asking->from = from;
	op = people_list(STORE_LIST_JOBS, 1);
	op->query.project_slug = slug;
	op->query.number = (int64_t)number;
	store_submit(call->hub->store, op, on_job, asking);
}

static void
list_v2_tests(struct call *call)
{
	ask_by_number(call, on_v2_tests);
}

static void
list_v1_tests(struct call *call)
{
	ask_by_number(call, on_v1_tests);
}

/* --- ours: of a job by its id ------------------------------------------------------------------------ */

static void
on_tests(void *arg, struct store_op *op)
{
	struct json *items = json_new_array(), *answer;
	size_t i;

	for (i = 0; i < op->count; i++)
		json_push(items, view_test(&op->tests[i]));
	answer = people_page(items, op->more ? op->next_page : -1);
	json_put_int(answer, "attempt", op->test_query.attempt);
	call_reply_json(arg, 200, answer);
}

static void
list_tests(struct call *call)
{
	const char *result = call_query(call, "result");
	struct store_test_query query = {.of = STORE_TESTS_OF_JOB, .with_messages = true};
	struct store_op *op;
	int64_t attempt, limit;

	if (!call_var_id(call, 0, &query.id) ||
	    !people_number(call, "attempt", 0, INT32_MAX, &attempt) ||
	    !people_number(call, "limit", TESTS_PAGE, TESTS_PAGE, &limit) ||
	    !people_number(call, "page-token", 0, INT64_MAX, &query.from))
		return;
	if (result != NULL && result[0] != '\0' && !text_eq(result, "failure")) {
		call_reply_message(call, 400, "parameter 'result' can be 'failure' alone");
		return;
	}
	query.failed_only = text_eq(result, "failure");
	query.attempt = (uint32_t)attempt;
	query.limit = limit > 0 ? (size_t)limit : TESTS_PAGE;
	op = store_op_new(STORE_LIST_TESTS);
	op->test_query = query;
	store_submit(call->hub->store, op, on_tests, call);
}

static void
list_lines(struct call *call)
{
	struct store_op *op = store_op_new(STORE_LIST_TESTS);
	struct id id;

	if (!call_var_id(call, 0, &id)) {
		store_op_free(op);
		return;
	}
	if (!test_lines_read_token(&op->test_query, call_query(call, "page-token"))) {
		call_reply_message(call, 400, "there is no such page");
		store_op_free(op);
		return;
	}
	op->test_query.of = STORE_TESTS_OF_JOB;
	op->test_query.id = id;
	test_lines_submit(call, op);
}

/* --- of a pipeline, summed up --------------------------------------------------------------------------- */

/* Attempts before the last one of a job do not count. */
static bool
is_last_attempt(const struct store_op *op, size_t at)
{
	size_t i;

	for (i = 0; i < op->count; i++)
		if (id_eq(&op->test_runs[i].job, &op->test_runs[at].job) &&
		    op->test_runs[i].attempt > op->test_runs[at].attempt)
			return false;
	return true;
}

static void
on_runs(void *arg, struct store_op *op)
{
	struct json *answer = json_new_object(), *runs = json_new_array();
	int64_t total = 0, failures = 0, skipped = 0, flaky = 0;
	size_t i;

	for (i = 0; i < op->count; i++) {
		const struct test_run_row *run = &op->test_runs[i];

		if (!is_last_attempt(op, i))
			continue;
		total += run->total;
		failures += run->failures;
		skipped += run->skipped;
		flaky += run->flaky;
		json_push(runs, view_test_run(run));
	}
	json_put_int(answer, "tests", total);
	json_put_int(answer, "failures", failures);
	json_put_int(answer, "skipped", skipped);
	json_put_int(answer, "flaky", flaky);
	json_put(answer, "items", runs);
	call_reply_json(arg, 200, answer);
}

static void
sum_tests(struct call *call)
{
	struct store_op *op;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return;
	op = store_op_new(STORE_LIST_TEST_RUNS);
	op->test_run_query.by_pipeline = true;
	op->test_run_query.pipeline = id;
	store_submit(call->hub->store, op, on_runs, call);
}

const struct route people_test_routes[] = {
	{"GET", "/api/v2/project/{slug}/{number}/tests", WHO_PERSON, list_v2_tests},
	{"GET", "/api/v1.1/project/{slug}/{number}/tests", WHO_PERSON, list_v1_tests},
	{"GET", "/api/runner/v1/jobs/{id}/tests", WHO_PERSON, list_tests},
	{"GET", "/api/runner/v1/jobs/{id}/tests/lines", WHO_PERSON, list_lines},
	{"GET", "/api/runner/v1/pipelines/{id}/tests", WHO_PERSON, sum_tests},
	{NULL, NULL, WHO_ANYONE, NULL},
};

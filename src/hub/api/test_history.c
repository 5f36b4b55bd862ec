/*
 * test_history.c - tests over the last pipelines of a branch: which are slow, which are flaky.
 *
 * The store gives some thousand results at a time, so that others wait neither there nor here; they
 * are added up in the loop, and only those that are shown get their names. A test is flaky that
 * failed and passed on one revision in the same job, in runs of their own or within one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "hub/api/people.h"
#include "hub/api/views.h"
#include "hub/hub.h"

enum {
	PIPELINES_MOST = 100,
	PIPELINES_USUAL = 20,
	SHOWN_MOST = 1000,
	SHOWN_USUAL = 50,
	ENTRIES_MOST = 500000, /* tests of jobs; those that come later are not counted */
};

/* One task's. */
struct run {
	struct test_run_row row;
	size_t revision, job; /* index of the first run of the same */
};

struct entry_key {
	int64_t test;
	uint64_t job;
};

/* A test in jobs of one name. */
struct entry {
	struct entry_key key;
	uint32_t runs, failures, flaked;
	uint64_t sum_us, most_us;
	size_t revision, last; /* what it was last seen on; the run in which it last failed */
	uint32_t passed_here, failed_here; /* on that revision */
	UT_hash_handle hh;
};

typedef void history_answer_fn(struct call *call, const struct store_op *names,
			       struct entry *const *shown, size_t count, const struct run *runs);

struct history {
	struct call *call;
	history_answer_fn *answer;
	bool is_flaky; /* what is asked for: else what is slow */
	size_t limit;
	struct arena arena;
	struct run *runs;
	size_t run_count, run;
	struct entry *entries;
	struct entry **shown;
	size_t shown_count;
};

static void
history_free(struct history *history)
{
	struct entry *entry, *next;

	HASH_ITER (hh, history->entries, entry, next) {
		HASH_DEL(history->entries, entry);
		free(entry);
	}
	free(history->shown);
	free(history->runs);
	arena_release(&history->arena);
	free(history);
}

/* --- adding up ----------------------------------------------------------------------------------
 */

/* All of a revision have been seen. */
static void
leave_revision(struct entry *entry)
{
	if (entry->passed_here > 0)
		entry->flaked += entry->failed_here;
	entry->passed_here = entry->failed_here = 0;
}

static struct entry *
entry_of(struct history *history, int64_t test, size_t job)
{
	struct entry_key key = {test, job};
	struct entry *entry;

	HASH_FIND(hh, history->entries, &key, sizeof(key), entry);
	if (entry != NULL || HASH_COUNT(history->entries) >= ENTRIES_MOST)
		return entry;
	entry = MEM_NEW(struct entry);
	entry->key = key;
	HASH_ADD(hh, history->entries, key, sizeof(key), entry);
	return entry;
}

static void
add(struct history *history, const struct test_case *test, int64_t id)
{
	const struct run *run = &history->runs[history->run];
	struct entry *entry = entry_of(history, id, run->job);

	if (entry == NULL || test->result == TEST_SKIPPED)
		return;
	if (entry->revision != run->revision)
		leave_revision(entry);
	entry->revision = run->revision;
	entry->runs++;
	entry->sum_us += test->run_time_us;
	if (test->run_time_us > entry->most_us)
		entry->most_us = test->run_time_us;
	entry->flaked += test->flaky;
	if (test->result == TEST_SUCCESS)
		entry->passed_here++;
	if (test->result == TEST_FAILURE) {
		entry->failures++;
		entry->failed_here++;
	}
	if (test->result == TEST_FAILURE || test->flaky)
		entry->last = history->run;
}

/* --- the end
 * -------------------------------------------------------------------------------------- */

static uint64_t
mean_us(const struct entry *entry)
{
	return entry->runs > 0 ? entry->sum_us / entry->runs : 0;
}

static int
by_time(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;

	if (mean_us(x) != mean_us(y))
		return mean_us(x) > mean_us(y) ? -1 : 1;
	return x->key.test < y->key.test ? -1 : x->key.test > y->key.test;
}

static int
by_flakes(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;

	if (x->flaked != y->flaked)
		return x->flaked > y->flaked ? -1 : 1;
	return x->key.test < y->key.test ? -1 : x->key.test > y->key.test;
}

static void
on_names(void *arg, struct store_op *op)
{
	struct history *history = arg;

	history->answer(history->call, op, history->shown, history->shown_count, history->runs);
	history_free(history);
}

static void
choose_shown(struct history *history)
{
	struct entry *entry, *next;
	size_t n = 0;

	history->shown = MEM_NEW_ARRAY(struct entry *, HASH_COUNT(history->entries) + 1);
	HASH_ITER (hh, history->entries, entry, next) {
		leave_revision(entry);
		if (entry->runs > 0 && (!history->is_flaky || entry->flaked > 0))
			history->shown[n++] = entry;
	}
	qsort(history->shown, n, sizeof(struct entry *), history->is_flaky ? by_flakes : by_time);
	history->shown_count = n < history->limit ? n : history->limit;
}

static void
name_shown(struct history *history)
{
	struct store_op *op = store_op_new(STORE_NAME_TESTS);
	int64_t *ids;
	size_t i;

	choose_shown(history);
	ids = ARENA_NEW_ARRAY(&op->arena, int64_t, history->shown_count + 1);
	for (i = 0; i < history->shown_count; i++)
		ids[i] = history->shown[i]->key.test;
	op->test_query.ids = ids;
	op->test_query.id_count = history->shown_count;
	store_submit(history->call->hub->store, op, on_names, history);
}

/* --- reading, piece by piece
 * ------------------------------------------------------------------------ */

static void read_run(struct history *history, int64_t from);

static void
on_results(void *arg, struct store_op *op)
{
	struct history *history = arg;
	size_t i;

	for (i = 0; i < op->count; i++)
		add(history, &op->tests[i].test, op->tests[i].id);
	if (op->more) {
		read_run(history, op->next_page);
	} else {
		history->run++;
		read_run(history, 0);
	}
}

static void
read_run(struct history *history, int64_t from)
{
	struct store_op *op;

	if (history->run == history->run_count) {
		name_shown(history);
		return;
	}
	op = store_op_new(STORE_LIST_TESTS);
	op->test_query.of = STORE_TESTS_OF_TASK;
	op->test_query.id = history->runs[history->run].row.task;
	op->test_query.numbers_only = true;
	op->test_query.from = from;
	store_submit(history->call->hub->store, op, on_results, history);
}

/* Runs of one revision lie together; one without a revision is alone. */
static int
by_revision(const void *a, const void *b)
{
	const struct run *x = a, *y = b;
	const char *left = x->row.revision, *right = y->row.revision;
	int order = left == NULL || right == NULL ? (left != NULL) - (right != NULL)
						  : strcmp(left, right);

	if (order != 0)
		return order;
	return x->row.pipeline_number < y->row.pipeline_number
		       ? -1
		       : x->row.pipeline_number > y->row.pipeline_number;
}

static void
number_runs(struct history *history)
{
	struct run *runs = history->runs;
	size_t i, k;

	for (i = 0; i < history->run_count; i++) {
		runs[i].revision = i + 1; /* 0: none */
		if (i > 0 && runs[i].row.revision != NULL &&
		    text_eq(runs[i].row.revision, runs[i - 1].row.revision))
			runs[i].revision = runs[i - 1].revision;
		for (k = 0; !text_eq(runs[k].row.job_name, runs[i].row.job_name); k++)
			;
		runs[i].job = k;
	}
}

static void
on_runs(void *arg, struct store_op *op)
{
	struct history *history = arg;
	size_t i;

	history->runs = MEM_NEW_ARRAY(struct run, op->count + 1);
	history->run_count = op->count;
	for (i = 0; i < op->count; i++) {
		struct test_run_row *row = &history->runs[i].row;

		*row = op->test_runs[i];
		row->branch = arena_strdup(&history->arena, row->branch);
		row->job_name = arena_strdup(&history->arena, row->job_name);
		row->workflow_name = arena_strdup(&history->arena, row->workflow_name);
		if (row->revision != NULL)
			row->revision = arena_strdup(&history->arena, row->revision);
	}
	qsort(history->runs, history->run_count, sizeof(*history->runs), by_revision);
	number_runs(history);
	read_run(history, 0);
}

/* False: the reply was sent. */
static bool
read_asked(struct call *call, struct project **project, int64_t *last, int64_t *limit)
{
	if (!people_number(call, "last", PIPELINES_USUAL, PIPELINES_MOST, last) ||
	    !people_number(call, "limit", SHOWN_USUAL, SHOWN_MOST, limit))
		return false;
	*project = people_project(call, call->vars[0]);
	return *project != NULL;
}

static void
begin(struct call *call, history_answer_fn *answer, bool is_flaky)
{
	const char *branch = call_query(call, "branch");
	struct history *history;
	struct project *project;
	struct store_op *op;
	int64_t last, limit;

	if (!read_asked(call, &project, &last, &limit))
		return;
	history = MEM_NEW(struct history);
	arena_init(&history->arena, 0);
	history->call = call;
	history->answer = answer;
	history->is_flaky = is_flaky;
	history->limit = limit > 0 ? (size_t)limit : SHOWN_USUAL;
	op = store_op_new(STORE_LIST_TEST_RUNS);
	op->test_run_query.project = project->row.id;
	op->test_run_query.branch = branch != NULL && branch[0] != '\0' ? branch : NULL;
	op->test_run_query.last = last > 0 ? (size_t)last : PIPELINES_USUAL;
	store_submit(call->hub->store, op, on_runs, history);
}

/* --- ours
 * --------------------------------------------------------------------------------------------- */

static void
answer_ours(struct call *call, const struct store_op *names, struct entry *const *shown,
	    size_t count, const struct run *runs)
{
	struct json *items = json_new_array(), *answer = json_new_object(), *item;
	size_t i;

	for (i = 0; i < count; i++) {
		const struct test_case *test = &names->tests[i].test;

		item = json_new_object();
		json_put_str(item, "name", test->name);
		view_put_text(item, "classname", test->classname);
		view_put_text(item, "file", test->file);
		view_put_text(item, "source", test->source);
		json_put_str(item, "job", runs[shown[i]->key.job].row.job_name);
		json_put_int(item, "runs", shown[i]->runs);
		json_put_int(item, "failures", shown[i]->failures);
		json_put_int(item, "flaked", shown[i]->flaked);
		json_put(item, "mean_ms", json_new_real((double)mean_us(shown[i]) / 1000));
		json_put(item, "max_ms", json_new_real((double)shown[i]->most_us / 1000));
		json_push(items, item);
	}
	json_put(answer, "items", items);
	call_reply_json(call, 200, answer);
}

static void
list_slow(struct call *call)
{
	begin(call, answer_ours, false);
}

static void
list_flaky(struct call *call)
{
	begin(call, answer_ours, true);
}

/* --- CircleCI's: names with dashes, and with underscores for clients that read those
 * ---------------------- */

static void
put_both(struct json *object, const char *dashed, struct json *value)
{
	char plain[40];
	size_t i;

	for (i = 0; dashed[i] != '\0' && i < sizeof(plain) - 1; i++)
		plain[i] = dashed[i] == '-' ? '_' : dashed[i];
	plain[i] = '\0';
	json_put(object, plain, json_ref(value));
	json_put(object, dashed, value);
}

static struct json *
view_flaky(const struct test_case *test, const struct entry *entry, const struct test_run_row *run)
{
	struct json *item = json_new_object();
	char id[ID_TEXT_BYTES], time[32];

	put_both(item, "test-name", json_new_string(test->name));
	view_put_text(item, "classname", test->classname);
	view_put_text(item, "file", test->file);
	view_put_text(item, "source", test->source);
	put_both(item, "job-name", json_new_string(run->job_name));
	put_both(item, "job-number", json_new_int(run->job_number));
	put_both(item, "pipeline-number", json_new_int(run->pipeline_number));
	put_both(item, "workflow-name", json_new_string(run->workflow_name));
	put_both(item, "workflow-id", json_new_string(id_text(id, &run->workflow)));
	put_both(item, "workflow-created-at", json_new_string(text_time(time, run->created_ms)));
	put_both(item, "times-flaked", json_new_int(entry->flaked));
	return item;
}

static void
answer_insights(struct call *call, const struct store_op *names, struct entry *const *shown,
		size_t count, const struct run *runs)
{
	struct json *answer = json_new_object(), *items = json_new_array();
	size_t i;

	for (i = 0; i < count; i++)
		json_push(items,
			  view_flaky(&names->tests[i].test, shown[i], &runs[shown[i]->last].row));
	put_both(answer, "flaky-tests", items);
	put_both(answer, "total-flaky-tests", json_new_int((int64_t)count));
	call_reply_json(call, 200, answer);
}

static void
list_insights(struct call *call)
{
	begin(call, answer_insights, true);
}

const struct route test_history_routes[] = {
	{"GET", "/api/v2/insights/{slug}/flaky-tests", WHO_PERSON, list_insights},
	{"GET", "/api/runner/v1/projects/{slug}/tests/slow", WHO_PERSON, list_slow},
	{"GET", "/api/runner/v1/projects/{slug}/tests/flaky", WHO_PERSON, list_flaky},
	{NULL, NULL, WHO_ANYONE, NULL},
};

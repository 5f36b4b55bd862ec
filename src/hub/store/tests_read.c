/*
 * tests_read.c - tests for those who ask: a task's, a job's, the latest that say how long each
 * takes.
 *
 * A page begins at a number that holds the node and the place in its task.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/err.h"
#include "hub/store/columns.h"
#include "hub/store/store_internal.h"

enum { NODE_SHIFT = 32 };

/* A task of the attempt that is listed. */
struct node {
	struct id task;
	uint32_t index;
};

/* --- which job, and which attempt of it ----------------------------------------------------------
 */

/* branch NULL: on any. */
static int
find_timed_on(struct db *db, struct store_test_query *query, const char *branch, bool *found,
	      struct err *err)
{
	static const char on_branch[] =
		"SELECT u.job FROM test_run u JOIN job j ON j.id = u.job WHERE u.project = ?"
		" AND u.job_name = ? AND j.outcome = ? AND u.branch = ?"
		" ORDER BY u.pipeline_number DESC LIMIT 1";
	static const char on_any[] =
		"SELECT u.job FROM test_run u JOIN job j ON j.id = u.job WHERE u.project = ?"
		" AND u.job_name = ? AND j.outcome = ? ORDER BY u.pipeline_number DESC LIMIT 1";
	sqlite3_stmt *stmt;
	int rc, at = 1;

	if (db_kept(db, branch != NULL ? on_branch : on_any, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &query->project);
	db_bind_text(stmt, &at, query->job_name);
	db_bind_int(stmt, &at, OUTCOME_SUCCESS);
	if (branch != NULL)
		db_bind_text(stmt, &at, branch);
	rc = db_row(db, stmt, err);
	*found = rc > 0;
	at = 0;
	if (rc > 0)
		db_read_id(stmt, &at, &query->id);
	sqlite3_reset(stmt);
	return rc < 0 ? rc : 0;
}

/* A later page goes on with the job that was found for the first: it was said, and may be anything.
 */
static int
check_timed(struct db *db, const struct store_test_query *query, bool *found, struct err *err)
{
	static const char sql[] =
		"SELECT 1 FROM test_run WHERE job = ? AND project = ? AND job_name = ?";
	sqlite3_stmt *stmt;
	int rc, at = 1;

	if (db_kept(db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &query->id);
	db_bind_id(stmt, &at, &query->project);
	db_bind_text(stmt, &at, query->job_name);
	rc = db_row(db, stmt, err);
	*found = rc > 0;
	sqlite3_reset(stmt);
	return rc < 0 ? rc : 0;
}

static int
find_timed(struct db *db, struct store_test_query *query, bool *found, struct err *err)
{
	/* Where nobody has said which branch is the repository's default it has one of two names. */
	const bool is_said = query->default_branch != NULL;
	const char *const branches[] = {query->branch, is_said ? query->default_branch : "main",
					is_said ? NULL : "master"};
	size_t i;

	if (query->from > 0)
		return check_timed(db, query, found, err);
	for (i = 0; i < sizeof(branches) / sizeof(branches[0]); i++) {
		if (branches[i] == NULL)
			continue;
		if (find_timed_on(db, query, branches[i], found, err) < 0)
			return err->code;
		if (*found)
			return 0;
	}
	return find_timed_on(db, query, NULL, found, err);
}

static int
find_attempt(struct db *db, struct store_test_query *query, struct err *err)
{
	static const char last[] = "SELECT max(attempt) FROM test_run WHERE job = ?";
	static const char fullest[] = "SELECT attempt FROM test_run WHERE job = ? GROUP BY attempt"
				      " ORDER BY sum(total) DESC, attempt DESC LIMIT 1";
	sqlite3_stmt *stmt;
	int rc, at = 1;

	if (query->attempt > 0)
		return 0;
	if (db_kept(db, query->of == STORE_TESTS_TIMED ? fullest : last, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &query->id);
	rc = db_row(db, stmt, err);
	query->attempt = rc > 0 ? (uint32_t)sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_reset(stmt);
	return rc < 0 ? rc : 0;
}

/* --- tests
 * ------------------------------------------------------------------------------------------- */

static void
read_test(sqlite3_stmt *stmt, struct store_op *op, struct test_row *row)
{
	const struct store_test_query *query = &op->test_query;
	const char **texts[] = {&row->test.name, &row->test.classname, &row->test.file,
				&row->test.source, &row->test.message};
	int i, at = 0;

	row->place = (uint32_t)db_read_int(stmt, &at);
	row->id = db_read_int(stmt, &at);
	row->test.result = (enum test_result)db_read_int(stmt, &at);
	row->test.flaky = db_read_int(stmt, &at) != 0;
	row->test.run_time_us = (uint64_t)db_read_int(stmt, &at);
	for (i = 0; i < 5; i++)
		*texts[i] = query->numbers_only || (i == 4 && !query->with_messages)
				    ? NULL
				    : db_read_text(stmt, &at, &op->arena);
	for (i = 0; i < 5; i++)
		if (*texts[i] == NULL)
			*texts[i] = "";
}

static const char *
select_of(const struct store_test_query *query)
{
	static const char numbers[] =
		"SELECT place, test, result, flaky, run_time_us FROM test_result r"
		" WHERE task = ? AND place >= ? ORDER BY place";
	static const char all[] =
		"SELECT r.place, r.test, r.result, r.flaky, r.run_time_us, t.name, t.classname,"
		" t.file, t.source, r.message FROM test_result r JOIN test t ON t.id = r.test"
		" WHERE r.task = ? AND r.place >= ? ORDER BY r.place";
	static const char failed[] =
		"SELECT r.place, r.test, r.result, r.flaky, r.run_time_us, t.name, t.classname,"
		" t.file, t.source, r.message FROM test_result r JOIN test t ON t.id = r.test"
		" WHERE r.task = ? AND r.place >= ? AND r.result = 1 ORDER BY r.place";
	_Static_assert(TEST_FAILURE == 1, "the statement says so");

	return query->numbers_only ? numbers : query->failed_only ? failed : all;
}

/* Those of a node from a place on, as far as the page goes. */
static int
list_node(struct disk *disk, struct store_op *op, const struct node *node, int64_t from,
	  struct rows *rows, struct err *err)
{
	struct test_row *row;
	sqlite3_stmt *stmt;
	int rc, at = 1;

	if (db_kept(&disk->db, select_of(&op->test_query), &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &node->task);
	db_bind_int(stmt, &at, from);
	while ((rc = db_row(&disk->db, stmt, err)) > 0) {
		if (rows->count == op->test_query.limit) {
			op->more = true;
			op->next_page =
				(int64_t)node->index << NODE_SHIFT | sqlite3_column_int64(stmt, 0);
			break;
		}
		row = rows_add(rows, &op->arena, sizeof(*row));
		row->node_index = node->index;
		read_test(stmt, op, row);
	}
	sqlite3_reset(stmt);
	return rc < 0 ? rc : 0;
}

/* The tasks of the attempt, from the page's node on. */
static int
list_nodes(struct disk *disk, struct store_op *op, struct rows *nodes, struct err *err)
{
	static const char sql[] = "SELECT task, node_index FROM test_run WHERE job = ?"
				  " AND attempt = ? AND node_index >= ? ORDER BY node_index";
	const struct store_test_query *query = &op->test_query;
	struct node *node;
	sqlite3_stmt *stmt;
	int rc, at = 1;

	if (db_kept(&disk->db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &query->id);
	db_bind_int(stmt, &at, query->attempt);
	db_bind_int(stmt, &at, query->from >> NODE_SHIFT);
	while ((rc = db_row(&disk->db, stmt, err)) > 0) {
		at = 0;
		node = rows_add(nodes, &op->arena, sizeof(*node));
		db_read_id(stmt, &at, &node->task);
		node->index = (uint32_t)db_read_int(stmt, &at);
	}
	return rc;
}

static int
list_task(struct disk *disk, struct store_op *op, struct rows *rows, struct err *err)
{
	const struct node node = {.task = op->test_query.id};

	return list_node(disk, op, &node, op->test_query.from, rows, err);
}

static int
list_job(struct disk *disk, struct store_op *op, struct rows *rows, struct err *err)
{
	struct store_test_query *query = &op->test_query;
	struct rows nodes = {NULL, 0, 0};
	bool found = true;
	int64_t from;
	size_t i;

	if (query->of == STORE_TESTS_TIMED && find_timed(&disk->db, query, &found, err) < 0)
		return err->code;
	if (!found)
		return 0;
	if (find_attempt(&disk->db, query, err) < 0 || list_nodes(disk, op, &nodes, err) < 0)
		return err->code;
	for (i = 0; i < nodes.count && !op->more; i++) {
		const struct node *node = (const struct node *)nodes.items + i;

		from = query->from >> NODE_SHIFT == node->index ? query->from & UINT32_MAX : 0;
		if (list_node(disk, op, node, from, rows, err) < 0)
			return err->code;
	}
	return 0;
}

int
disk_list_tests(struct disk *disk, struct store_op *op, struct err *err)
{
	struct store_test_query *query = &op->test_query;
	struct rows rows = {NULL, 0, 0};
	int rc;

	if (query->limit == 0 || query->limit > STORE_TESTS_MOST)
		query->limit = STORE_TESTS_MOST;
	rc = query->of == STORE_TESTS_OF_TASK ? list_task(disk, op, &rows, err)
					      : list_job(disk, op, &rows, err);
	op->tests = rows.items;
	op->count = rows.count;
	op->found = rows.count > 0;
	return rc;
}

int
disk_name_tests(struct disk *disk, struct store_op *op, struct err *err)
{
	static const char sql[] = "SELECT name, classname, file, source FROM test WHERE id = ?";
	const struct store_test_query *query = &op->test_query;
	struct test_case *test;
	sqlite3_stmt *stmt;
	size_t i;
	int rc, at;

	op->tests = ARENA_NEW_ARRAY(&op->arena, struct test_row, query->id_count + 1);
	op->count = query->id_count;
	for (i = 0; i < query->id_count; i++) {
		test = &op->tests[i].test;
		op->tests[i].id = query->ids[i];
		*test = (struct test_case){"", "", "", "", "", TEST_SUCCESS, false, 0};
		at = 1;
		if (db_kept(&disk->db, sql, &stmt, err) < 0)
			return err->code;
		db_bind_int(stmt, &at, query->ids[i]);
		rc = db_row(&disk->db, stmt, err);
		at = 0;
		if (rc > 0) {
			test->name = db_read_text(stmt, &at, &op->arena);
			test->classname = db_read_text(stmt, &at, &op->arena);
			test->file = db_read_text(stmt, &at, &op->arena);
			test->source = db_read_text(stmt, &at, &op->arena);
		}
		sqlite3_reset(stmt);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* --- sums
 * -----------------------------------------------------------------------------------------------
 */

#define RUN_SELECT                                                                                 \
	"SELECT u.task, u.job, u.pipeline, u.project, u.branch, u.job_name, u.pipeline_number,"    \
	" u.attempt, u.node_index, u.total, u.failures, u.skipped, u.flaky, w.name, p.revision,"   \
	" w.id, j.number, w.created_ms FROM test_run u JOIN job j ON j.id = u.job"                 \
	" JOIN workflow w ON w.id = j.workflow JOIN pipeline p ON p.id = u.pipeline "
#define RUN_ORDER                                                                                  \
	" ORDER BY u.pipeline_number DESC, w.position, j.position, u.attempt, u.node_index"

static void
read_run(sqlite3_stmt *stmt, struct arena *arena, struct test_run_row *row)
{
	int at = 0;

	db_read_id(stmt, &at, &row->task);
	db_read_id(stmt, &at, &row->job);
	db_read_id(stmt, &at, &row->pipeline);
	db_read_id(stmt, &at, &row->project);
	row->branch = db_read_text(stmt, &at, arena);
	row->job_name = db_read_text(stmt, &at, arena);
	row->pipeline_number = db_read_int(stmt, &at);
	row->attempt = (uint32_t)db_read_int(stmt, &at);
	row->node_index = (uint32_t)db_read_int(stmt, &at);
	row->total = (uint32_t)db_read_int(stmt, &at);
	row->failures = (uint32_t)db_read_int(stmt, &at);
	row->skipped = (uint32_t)db_read_int(stmt, &at);
	row->flaky = (uint32_t)db_read_int(stmt, &at);
	row->workflow_name = db_read_text(stmt, &at, arena);
	row->revision = db_read_text(stmt, &at, arena);
	db_read_id(stmt, &at, &row->workflow);
	row->job_number = db_read_int(stmt, &at);
	row->created_ms = db_read_int(stmt, &at);
}

static const char *
run_select_of(const struct store_test_run_query *query)
{
	static const char of_pipeline[] = RUN_SELECT "WHERE u.pipeline = ?" RUN_ORDER;
	static const char of_branch[] = RUN_SELECT
		"WHERE u.project = ?1 AND u.branch = ?2 AND u.pipeline_number IN"
		" (SELECT DISTINCT pipeline_number FROM test_run WHERE project = ?1 AND branch = ?2"
		" ORDER BY pipeline_number DESC LIMIT ?3)" RUN_ORDER;
	static const char of_all[] = RUN_SELECT
		"WHERE u.project = ?1 AND u.pipeline_number IN (SELECT DISTINCT pipeline_number"
		" FROM test_run WHERE project = ?1 ORDER BY pipeline_number DESC LIMIT "
		"?2)" RUN_ORDER;

	return query->by_pipeline ? of_pipeline : query->branch != NULL ? of_branch : of_all;
}

int
disk_list_test_runs(struct disk *disk, struct store_op *op, struct err *err)
{
	const struct store_test_run_query *query = &op->test_run_query;
	struct rows rows = {NULL, 0, 0};
	sqlite3_stmt *stmt;
	int rc, at = 1;

	if (db_kept(&disk->db, run_select_of(query), &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, query->by_pipeline ? &query->pipeline : &query->project);
	if (!query->by_pipeline && query->branch != NULL)
		db_bind_text(stmt, &at, query->branch);
	if (!query->by_pipeline)
		db_bind_int(stmt, &at, (int64_t)query->last);
	while ((rc = db_row(&disk->db, stmt, err)) > 0) {
		if (rows.count == STORE_TESTS_MOST) {
			op->more = true;
			sqlite3_reset(stmt);
			rc = 0;
			break;
		}
		read_run(stmt, &op->arena,
			 rows_add(&rows, &op->arena, sizeof(struct test_run_row)));
	}
	op->test_runs = rows.items;
	op->count = rows.count;
	op->found = rows.count > 0;
	return rc;
}

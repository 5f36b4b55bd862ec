/*
 * tests.c - the tests that tasks have found, into the database.
 *
 * A test's four texts are the same in every run: they are one row, found by their digest, and a
 * result is three numbers more. What a project names is in the digest, so that no project can make
 * another's test. The sweeper deletes one when all pipelines are younger than the last that had it
 * (seen_day).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "format/digest.h"
#include "hub/store/store_internal.h"

enum { TEST_DIGEST_BYTES = 16, RESULT_BYTES = 48 /* of a row, about, without its message */, DAY_MS = 24 * 60 * 60 * 1000 };

/* --- the test -----------------------------------------------------------------------------------
 */

static void
digest_of(unsigned char digest[DIGEST_BYTES], const struct id *project,
	  const struct test_case *test, struct buffer *text)
{
	const char *const texts[] = {test->name, test->classname, test->file, test->source};
	size_t i;

	buffer_clear(text);
	buffer_putn(text, project->bytes, ID_BYTES);
	for (i = 0; i < 4; i++)
		buffer_putn(text, texts[i], strlen(texts[i]) + 1);
	digest_sha256(digest, text->data, text->len);
}

/* 0 where it is not there; seen_day is 0 then. */
static int
find_test(struct db *db, const unsigned char *digest, int64_t *id, int64_t *seen_day,
	  struct err *err)
{
	static const char sql[] = "SELECT id, seen_day FROM test WHERE digest = ?";
	sqlite3_stmt *stmt;
	int rc, at = 1;

	if (db_kept(db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_blob(stmt, &at, digest, TEST_DIGEST_BYTES);
	rc = db_row(db, stmt, err);
	*id = rc > 0 ? sqlite3_column_int64(stmt, 0) : 0;
	*seen_day = rc > 0 ? sqlite3_column_int64(stmt, 1) : 0;
	sqlite3_reset(stmt);
	return rc < 0 ? rc : 0;
}

static int
add_test(struct db *db, const unsigned char *digest, const struct test_case *test, int64_t day,
	 int64_t *id, struct err *err)
{
	static const char sql[] = "INSERT INTO test VALUES (NULL, ?, ?, ?, ?, ?, ?)";
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_blob(stmt, &at, digest, TEST_DIGEST_BYTES);
	db_bind_text(stmt, &at, test->name);
	db_bind_text(stmt, &at, test->classname);
	db_bind_text(stmt, &at, test->file);
	db_bind_text(stmt, &at, test->source);
	db_bind_int(stmt, &at, day);
	if (db_run(db, stmt, err) < 0)
		return err->code;
	*id = sqlite3_last_insert_rowid(db->handle);
	return 0;
}

/* Once a day of pipelines, and so rarely written. */
static int
see_test(struct db *db, int64_t id, int64_t day, struct err *err)
{
	static const char sql[] = "UPDATE test SET seen_day = ? WHERE id = ?";
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_int(stmt, &at, day);
	db_bind_int(stmt, &at, id);
	return db_run(db, stmt, err);
}

static int
test_id(struct db *db, const struct test_run_row *run, const struct test_case *test,
	struct buffer *text, int64_t *id, struct err *err)
{
	const int64_t day = run->pipeline_created_ms / DAY_MS;
	unsigned char digest[DIGEST_BYTES];
	int64_t seen_day;

	digest_of(digest, &run->project, test, text);
	if (find_test(db, digest, id, &seen_day, err) < 0)
		return err->code;
	if (*id == 0)
		return add_test(db, digest, test, day, id, err);
	return seen_day < day ? see_test(db, *id, day, err) : 0;
}

/* --- its result
 * ----------------------------------------------------------------------------------- */

/* *is_new: it was not there. */
static int
add_result(struct db *db, const struct id *task, int64_t place, int64_t id,
	   const struct test_case *test, bool *is_new, struct err *err)
{
	static const char sql[] = "INSERT OR IGNORE INTO test_result VALUES (?, ?, ?, ?, ?, ?, ?)";
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, task);
	db_bind_int(stmt, &at, place);
	db_bind_int(stmt, &at, id);
	db_bind_int(stmt, &at, test->result);
	db_bind_int(stmt, &at, test->flaky);
	db_bind_int(stmt, &at, (int64_t)test->run_time_us);
	db_bind_text(stmt, &at, test->message[0] != '\0' ? test->message : NULL);
	if (db_run(db, stmt, err) < 0)
		return err->code;
	*is_new = sqlite3_changes(db->handle) > 0;
	return 0;
}

static void
count(struct test_run_row *sum, const struct test_case *test)
{
	sum->total++;
	sum->failures += test->result == TEST_FAILURE;
	sum->skipped += test->result == TEST_SKIPPED;
	sum->flaky += test->flaky;
	sum->bytes += RESULT_BYTES + strlen(test->message);
}

static int
add_cases(struct db *db, const struct store_tests *tests, struct test_run_row *sum, struct err *err)
{
	struct buffer text = BUFFER_INIT;
	bool is_new = false;
	int64_t id = 0;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < tests->count; i++) {
		rc = test_id(db, &tests->run, &tests->cases[i], &text, &id, err);
		if (rc == 0)
			rc = add_result(db, &tests->run.task,
					store_test_place(tests->step, tests->first + (uint32_t)i),
					id, &tests->cases[i], &is_new, err);
		if (rc == 0 && is_new)
			count(sum, &tests->cases[i]);
	}
	buffer_release(&text);
	return rc;
}

/* --- the task's sum
 * ----------------------------------------------------------------------------------- */

static int
begin_run(struct db *db, const struct test_run_row *run, struct err *err)
{
	static const char sql[] = "INSERT OR IGNORE INTO test_run VALUES"
				  " (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, 0, 0, 0)";
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &run->task);
	db_bind_id(stmt, &at, &run->job);
	db_bind_id(stmt, &at, &run->pipeline);
	db_bind_id(stmt, &at, &run->project);
	db_bind_text(stmt, &at, run->branch);
	db_bind_text(stmt, &at, run->job_name);
	db_bind_int(stmt, &at, run->pipeline_number);
	db_bind_int(stmt, &at, run->attempt);
	db_bind_int(stmt, &at, run->node_index);
	return db_run(db, stmt, err);
}

static int
add_sum(struct db *db, const struct id *task, const struct test_run_row *sum, struct err *err)
{
	static const char sql[] = "UPDATE test_run SET total = total + ?, failures = failures + ?,"
				  " skipped = skipped + ?, flaky = flaky + ?, bytes = bytes + ?"
				  " WHERE task = ?";
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_int(stmt, &at, sum->total);
	db_bind_int(stmt, &at, sum->failures);
	db_bind_int(stmt, &at, sum->skipped);
	db_bind_int(stmt, &at, sum->flaky);
	db_bind_int(stmt, &at, (int64_t)sum->bytes);
	db_bind_id(stmt, &at, task);
	return db_run(db, stmt, err);
}

/* How many there will be, those that came before not counted twice. */
static int
count_after(struct db *db, const struct store_tests *tests, int64_t *total, struct err *err)
{
	static const char sql[] = "SELECT (SELECT total FROM test_run WHERE task = ?1) -"
				  " (SELECT count(*) FROM test_result WHERE task = ?1 AND place >= "
				  "?2 AND place < ?3)";
	sqlite3_stmt *stmt;
	int rc, at = 1;

	if (db_kept(db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &tests->run.task);
	db_bind_int(stmt, &at, store_test_place(tests->step, tests->first));
	db_bind_int(stmt, &at,
		    store_test_place(tests->step, tests->first + (uint32_t)tests->count));
	rc = db_row(db, stmt, err);
	*total = (rc > 0 ? sqlite3_column_int64(stmt, 0) : 0) + (int64_t)tests->count;
	sqlite3_reset(stmt);
	return rc < 0 ? rc : 0;
}

int
disk_add_tests(struct disk *disk, struct store_op *op, struct err *err)
{
	const struct store_tests *tests = &op->tests_found;
	struct test_run_row sum = {.total = 0};
	struct db *db = &disk->db;
	int64_t total = 0;

	if (begin_run(db, &tests->run, err) < 0 || count_after(db, tests, &total, err) < 0)
		return err->code;
	op->found = total <= TESTS_OF_TASK_MOST;
	if (!op->found)
		return 0;
	disk->numbers.rows += tests->count;
	if (add_cases(db, tests, &sum, err) < 0)
		return err->code;
	return sum.total > 0 ? add_sum(db, &tests->run.task, &sum, err) : 0;
}

/*
 * sweep.c - delete what is older than it is kept, a little at a time.
 *
 * What is to go is marked first, and from that commit on nobody is given it any more; a later operation
 * takes its rows, then its file, then the mark. Killed at any moment, the marks say where to go on, and a file is never without
 * a row: nothing has to be looked for at the start. An operation is bounded in rows and files, so that no commit waits long.
 *
 * A pipeline goes with all that belongs to it, from its leaves to its root. The row of a task's output file
 * stays behind it as "deleted", until the pipeline goes: who asks for the output is told so.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "hub/store/columns.h"
#include "hub/store/store_internal.h"

enum {
	FILES_MOST = 8,	      /* of one operation */
	ROWS_MOST = 2000,     /* of output */
	PIPELINES_MOST = 4,   /* of each one part: see delete_part() */
	TASKS_MOST = 32,
	TESTS_MOST = 500,
};

/* --- ids ----------------------------------------------------------------------------------- */

struct ids {
	struct id list[STORE_SWEEP_PIPELINES_MOST];
	size_t count;
};

/* By a statement that takes one number. */
static int
list_by_number(struct disk *disk, const char *sql, int64_t number, struct ids *out, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1, rc, column;

	if (db_kept(&disk->db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_int(stmt, &at, number);
	while ((rc = db_row(&disk->db, stmt, err)) > 0 && out->count < STORE_SWEEP_PIPELINES_MOST) {
		column = 0;
		db_read_id(stmt, &column, &out->list[out->count++]);
	}
	sqlite3_reset(stmt);
	return rc < 0 ? rc : 0;
}

/* By one that takes an id. */
static int
list_by_id(struct disk *disk, const char *sql, const struct id *id, struct ids *out, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1, rc, column;

	out->count = 0;
	if (db_kept(&disk->db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, id);
	while ((rc = db_row(&disk->db, stmt, err)) > 0 && out->count < STORE_SWEEP_PIPELINES_MOST) {
		column = 0;
		db_read_id(stmt, &column, &out->list[out->count++]);
	}
	sqlite3_reset(stmt);
	return rc < 0 ? rc : 0;
}

/* Rows that the statement, which takes an id and a number, has changed; negative: error. */
static int
run_some(struct disk *disk, const char *sql, const struct id *id, int64_t number, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(&disk->db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, id);
	db_bind_int(stmt, &at, number);
	if (db_run(&disk->db, stmt, err) < 0)
		return err->code;
	return sqlite3_changes(disk->db.handle);
}

/* --- usage --------------------------------------------------------------------------------- */

int
disk_list_usage(struct disk *disk, struct store_op *op, struct err *err)
{
	static const char sql[] =
		"SELECT r.slug, u.kind, u.bytes, u.items FROM usage u JOIN project r ON r.id = u.project"
		" WHERE u.items > 0 ORDER BY r.slug, u.kind";
	struct rows rows = {NULL, 0, 0};
	sqlite3_stmt *stmt;
	int rc;

	if (db_kept(&disk->db, sql, &stmt, err) < 0)
		return err->code;
	while ((rc = db_row(&disk->db, stmt, err)) > 0) {
		struct usage_row *row = rows_add(&rows, &op->arena, sizeof(*row));
		int at = 0;

		row->project_slug = db_read_text(stmt, &at, &op->arena);
		row->usage = (unsigned)db_read_int(stmt, &at);
		row->bytes = (uint64_t)db_read_int(stmt, &at);
		row->items = (uint64_t)db_read_int(stmt, &at);
	}
	sqlite3_reset(stmt);
	op->usages = rows.items;
	op->count = rows.count;
	return rc < 0 ? rc : 0;
}

/* --- output -------------------------------------------------------------------------------- */

static const char going_outputs_sql[] = "SELECT task FROM output_file WHERE state = 1 LIMIT ?";
static const char mark_outputs_sql[] =
	"UPDATE output_file SET state = 1 WHERE task IN"
	" (SELECT task FROM output_file WHERE state = 0 AND made_ms < ?1 ORDER BY made_ms LIMIT ?2)";
static const char delete_rows_sql[] =
	"DELETE FROM output WHERE (task, step, attempt, offset) IN"
	" (SELECT task, step, attempt, offset FROM output WHERE task = ?1 LIMIT ?2)";
static const char deleted_sql[] = "UPDATE output_file SET state = 2 WHERE task = ? RETURNING bytes";

/* Its file has gone: it counts no longer. */
static int
end_output(struct disk *disk, struct store_sweep *sweep, const struct id *task, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1, rc;

	if (db_kept(&disk->db, deleted_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, task);
	while ((rc = db_row(&disk->db, stmt, err)) > 0) {
		at = 0;
		sweep->deleted[KEPT_OUTPUT]++;
		sweep->bytes[KEPT_OUTPUT] += (uint64_t)db_read_int(stmt, &at);
	}
	sqlite3_reset(stmt);
	return rc;
}

static int
unlink_output(struct disk *disk, const struct id *task, struct err *err)
{
	char name[SEGMENT_NAME_BYTES];

	segments_task_name(name, task, false);
	if (unlinkat(disk->segments.dir, name, 0) < 0 && errno != ENOENT)
		return err_sys(err, "cannot remove output file '%s'", name);
	return 0;
}

/* Those that an earlier operation has marked: rows, file, mark. */
static int
delete_outputs(struct disk *disk, struct store_sweep *sweep, struct err *err)
{
	struct ids tasks = {.count = 0};
	int64_t left = ROWS_MOST;
	size_t i;
	int n;

	if (list_by_number(disk, going_outputs_sql, FILES_MOST, &tasks, err) < 0)
		return err->code;
	sweep->is_busy = sweep->is_busy || tasks.count > 0;
	for (i = 0; i < tasks.count && left > 0; i++) {
		n = run_some(disk, delete_rows_sql, &tasks.list[i], left, err);
		if (n < 0)
			return err->code;
		left -= n;
		if (left > 0 && (unlink_output(disk, &tasks.list[i], err) < 0 ||
				 end_output(disk, sweep, &tasks.list[i], err) < 0))
			return err->code;
	}
	return 0;
}

static int
mark_outputs(struct disk *disk, struct store_sweep *sweep, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (sweep->before_ms[KEPT_OUTPUT] == 0)
		return 0;
	if (db_kept(&disk->db, mark_outputs_sql, &stmt, err) < 0)
		return err->code;
	db_bind_int(stmt, &at, sweep->before_ms[KEPT_OUTPUT]);
	db_bind_int(stmt, &at, FILES_MOST);
	if (db_run(&disk->db, stmt, err) < 0)
		return err->code;
	sweep->is_busy = sweep->is_busy || sqlite3_changes(disk->db.handle) > 0;
	return 0;
}

/* Does the statement, which takes an id, give a row. */
static int
has_row(struct db *db, const char *sql, const struct id *id, bool *out, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1, rc;

	if (db_kept(db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, id);
	rc = db_row(db, stmt, err);
	sqlite3_reset(stmt);
	*out = rc > 0;
	return rc < 0 ? rc : 0;
}

int
output_is_deleted(struct db *db, const struct id *task, bool *is_deleted, struct err *err)
{
	static const char sql[] = "SELECT 1 FROM output_file WHERE task = ? AND state <> 0";

	return has_row(db, sql, task, is_deleted, err);
}

int
pipeline_is_going(struct db *db, const struct id *pipeline, bool *is_going, struct err *err)
{
	static const char sql[] = "SELECT 1 FROM pipeline_going WHERE pipeline = ?";

	return has_row(db, sql, pipeline, is_going, err);
}

/* --- blobs --------------------------------------------------------------------------------- */

static const char old_blobs_sql[] =
	"DELETE FROM blob WHERE id IN (SELECT id FROM blob WHERE kind = ? AND state = 1 AND created_ms < ?"
	" ORDER BY created_ms LIMIT 256) RETURNING file, size";
static const char ended_blobs_sql[] =
	"DELETE FROM blob WHERE id IN (SELECT id FROM blob WHERE keep_ms > 0 AND state = 1"
	" AND created_ms + keep_ms < ? LIMIT 256) RETURNING file, size";
static const char blobs_of_job_sql[] =
	"DELETE FROM blob WHERE id IN (SELECT id FROM blob WHERE job = ? AND kind <> 1 LIMIT 256)"
	" RETURNING file, size";

/* Run one of them; how many blobs and bytes went. */
static int
delete_blobs(struct freed *freed, sqlite3_stmt *stmt, uint64_t *count, uint64_t *bytes, struct err *err)
{
	size_t before = freed->count;
	uint64_t bytes_before = freed->bytes;

	if (delete_and_note(freed, stmt, err) < 0)
		return err->code;
	*count += freed->count - before;
	*bytes += freed->bytes - bytes_before;
	return 0;
}

/* Caches whose jobs said how long. */
static int
delete_ended_blobs(struct freed *freed, struct store_sweep *sweep, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(&freed->disk->db, ended_blobs_sql, &stmt, err) < 0)
		return err->code;
	db_bind_int(stmt, &at, sweep->now_ms);
	return delete_blobs(freed, stmt, &sweep->deleted[KEPT_CACHES], &sweep->bytes[KEPT_CACHES], err);
}

static int
delete_old_blobs(struct freed *freed, struct store_sweep *sweep, struct err *err)
{
	sqlite3_stmt *stmt;
	int kind, at;

	for (kind = 0; kind < BLOB_KIND_COUNT; kind++) {
		enum kept_kind kept = (enum kept_kind)(kind + 1);

		if (sweep->before_ms[kept] == 0)
			continue;
		if (db_kept(&freed->disk->db, old_blobs_sql, &stmt, err) < 0)
			return err->code;
		at = 1;
		db_bind_int(stmt, &at, kind);
		db_bind_int(stmt, &at, sweep->before_ms[kept]);
		if (delete_blobs(freed, stmt, &sweep->deleted[kept], &sweep->bytes[kept], err) < 0)
			return err->code;
		sweep->is_busy = sweep->is_busy || sweep->deleted[kept] > 0;
	}
	if (delete_ended_blobs(freed, sweep, err) < 0)
		return err->code;
	sweep->is_busy = sweep->is_busy || sweep->deleted[KEPT_CACHES] > 0;
	return 0;
}

/* What its tasks left, caches aside, which are the project's. How many went, or an error. */
static int
delete_blobs_of_job(struct freed *freed, const struct id *job, struct err *err)
{
	uint64_t count = 0, bytes = 0;
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(&freed->disk->db, blobs_of_job_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, job);
	return delete_blobs(freed, stmt, &count, &bytes, err) < 0 ? err->code : (int)count;
}

/* --- pipelines ----------------------------------------------------------------------------- */

static const char old_pipelines_sql[] =
	"SELECT id FROM pipeline WHERE state = 1 AND ended_ms < ?1 AND id NOT IN"
	" (SELECT pipeline FROM pipeline_going) ORDER BY ended_ms LIMIT 64";
static const char mark_pipeline_sql[] =
	"INSERT OR IGNORE INTO pipeline_going SELECT id FROM pipeline WHERE id = ? AND state = 1"
	" AND NOT EXISTS (SELECT 1 FROM task WHERE pipeline = pipeline.id AND output_open = 1)";
static const char going_pipelines_sql[] = "SELECT pipeline FROM pipeline_going LIMIT ?";
static const char mark_its_outputs_sql[] =
	"UPDATE output_file SET state = 1 WHERE state = 0 AND task IN (SELECT id FROM task WHERE pipeline = ?)";
static const char its_going_outputs_sql[] =
	"SELECT f.task FROM output_file f JOIN task t ON t.id = f.task WHERE t.pipeline = ?"
	" AND f.state <> 2 LIMIT 1";
/* So many that others do not wait long. */
static const char delete_its_tests_sql[] =
	"DELETE FROM test_result WHERE (task, place) IN (SELECT r.task, r.place FROM test_run u"
	" JOIN test_result r ON r.task = u.task WHERE u.pipeline = ? LIMIT 500)";
/* Whose results have gone: they were of pipelines made on that day or before. */
static const char delete_tests_sql[] =
	"DELETE FROM test WHERE id IN (SELECT id FROM test WHERE seen_day <"
	" coalesce((SELECT min(created_ms) FROM pipeline), 1 << 62) / 86400000 LIMIT ?)";
static const char its_tasks_sql[] = "SELECT id FROM task WHERE pipeline = ? LIMIT 32";
static const char its_jobs_sql[] = "SELECT id FROM job WHERE pipeline = ? LIMIT 64";

_Static_assert(TASKS_MOST == 32 && STORE_SWEEP_PIPELINES_MOST == 64, "the statements say so");

static const char *const of_task_sql[] = {
	"DELETE FROM step WHERE task = ?",
	"DELETE FROM history WHERE task = ?",
	"DELETE FROM output WHERE task = ?", /* none is left, but of a task without a file */
	"DELETE FROM output_file WHERE task = ?",
	"DELETE FROM task WHERE id = ?",
	NULL,
};
static const char *const of_job_sql[] = {
	"DELETE FROM job_document WHERE job = ?",
	"DELETE FROM job WHERE id = ?",
	NULL,
};
static const char *const of_pipeline_sql[] = {
	"DELETE FROM workflow WHERE pipeline = ?",
	"DELETE FROM pipeline_config WHERE pipeline = ?",
	"DELETE FROM test_run WHERE pipeline = ?",
	"DELETE FROM pipeline WHERE id = ?",
	"DELETE FROM pipeline_going WHERE pipeline = ?",
	NULL,
};

static int
delete_each(struct disk *disk, const struct ids *ids, const char *const *sql, struct err *err)
{
	size_t i, j;

	for (i = 0; i < ids->count; i++)
		for (j = 0; sql[j] != NULL; j++)
			if (delete_by_id(&disk->db, sql[j], &ids->list[i], err) < 0)
				return err->code;
	return 0;
}

/* The first of them that has blobs yet loses some. How many, or an error. */
static int
delete_blobs_of(struct freed *freed, const struct ids *jobs, struct err *err)
{
	size_t i;
	int n = 0;

	for (i = 0; i < jobs->count && n == 0; i++)
		n = delete_blobs_of_job(freed, &jobs->list[i], err);
	return n;
}

/* One step on its way: outputs, then tests, then tasks, then jobs with their blobs, then the rest. */
static int
delete_part(struct freed *freed, struct store_sweep *sweep, const struct id *pipeline, struct err *err)
{
	struct disk *disk = freed->disk;
	struct ids part = {.count = 0};
	int n;

	if (delete_by_id(&disk->db, mark_its_outputs_sql, pipeline, err) < 0 ||
	    list_by_id(disk, its_going_outputs_sql, pipeline, &part, err) < 0)
		return err->code;
	if (part.count > 0)
		return 0; /* delete_outputs() takes them */
	if (delete_by_id(&disk->db, delete_its_tests_sql, pipeline, err) < 0)
		return err->code;
	if (sqlite3_changes(disk->db.handle) > 0)
		return 0;
	if (list_by_id(disk, its_tasks_sql, pipeline, &part, err) < 0)
		return err->code;
	if (part.count > 0)
		return delete_each(disk, &part, of_task_sql, err);
	if (list_by_id(disk, its_jobs_sql, pipeline, &part, err) < 0)
		return err->code;
	if (part.count > 0) {
		n = delete_blobs_of(freed, &part, err);
		return n != 0 ? (n < 0 ? n : 0) : delete_each(disk, &part, of_job_sql, err);
	}
	part = (struct ids){{*pipeline}, 1};
	sweep->deleted[KEPT_PIPELINES]++;
	return delete_each(disk, &part, of_pipeline_sql, err);
}

static int
delete_pipelines(struct freed *freed, struct store_sweep *sweep, struct err *err)
{
	struct ids going = {.count = 0};
	size_t i;

	if (list_by_number(freed->disk, going_pipelines_sql, PIPELINES_MOST, &going, err) < 0)
		return err->code;
	for (i = 0; i < going.count; i++)
		if (delete_part(freed, sweep, &going.list[i], err) < 0)
			return err->code;
	sweep->is_busy = sweep->is_busy || going.count > 0;
	return 0;
}

/* Names of tests that no result has any more. */
static int
delete_tests(struct disk *disk, struct store_sweep *sweep, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(&disk->db, delete_tests_sql, &stmt, err) < 0)
		return err->code;
	db_bind_int(stmt, &at, TESTS_MOST);
	if (db_run(&disk->db, stmt, err) < 0)
		return err->code;
	sweep->is_busy = sweep->is_busy || sqlite3_changes(disk->db.handle) > 0;
	return 0;
}

static int
mark_pipelines(struct disk *disk, struct store_sweep *sweep, struct err *err)
{
	struct ids found = {.count = 0};
	size_t i;

	for (i = 0; i < sweep->drop_count; i++)
		if (delete_by_id(&disk->db, mark_pipeline_sql, &sweep->drop[i], err) < 0)
			return err->code;
	if (sweep->before_ms[KEPT_PIPELINES] == 0)
		return 0;
	if (list_by_number(disk, old_pipelines_sql, sweep->before_ms[KEPT_PIPELINES], &found, err) < 0)
		return err->code;
	memcpy(sweep->found, found.list, found.count * sizeof(found.list[0]));
	sweep->found_count = found.count;
	return 0;
}

int
disk_sweep(struct disk *disk, struct store_op *op, struct err *err)
{
	struct store_sweep *sweep = &op->sweep;
	struct freed freed = {.disk = disk, .op = op};

	sweep->is_busy = sweep->drop_count > 0;
	if (delete_outputs(disk, sweep, err) < 0)
		return err->code;
	/* No row says "deleted" before its file has gone for good. */
	if (sweep->deleted[KEPT_OUTPUT] > 0 && fsync(disk->segments.dir) < 0)
		return err_sys(err, "cannot sync the output folder");
	if (delete_old_blobs(&freed, sweep, err) < 0 || delete_pipelines(&freed, sweep, err) < 0 ||
	    delete_tests(disk, sweep, err) < 0 ||
	    mark_outputs(disk, sweep, err) < 0 || mark_pipelines(disk, sweep, err) < 0)
		return err->code;
	give_freed(&freed);
	return 0;
}

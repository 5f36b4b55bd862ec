/*
 * blobs.c - rows of blobs: in, out, and which files they leave empty.
 *
 * A name is any bytes, so it is a BLOB in the database, whose order and equality are those of
 * memcmp(3).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "hub/store/columns.h"
#include "hub/store/store_internal.h"

/* --- a row ----------------------------------------------------------------------------------- */

static const char add_blob_sql[] =
	"INSERT OR REPLACE INTO blob VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

int
add_blob(struct db *db, const struct blob_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, add_blob_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->id);
	db_bind_id(stmt, &at, &row->project);
	db_bind_id(stmt, &at, &row->pipeline);
	db_bind_id(stmt, &at, &row->job);
	db_bind_id(stmt, &at, &row->task);
	db_bind_int(stmt, &at, row->kind);
	db_bind_int(stmt, &at, row->state);
	db_bind_int(stmt, &at, row->attempt);
	db_bind_int(stmt, &at, row->node_index);
	db_bind_blob(stmt, &at, row->name, strlen(row->name));
	db_bind_int(stmt, &at, (int64_t)row->size);
	db_bind_blob(stmt, &at, row->digest, sizeof(row->digest));
	db_bind_id(stmt, &at, &row->file);
	db_bind_int(stmt, &at, (int64_t)row->at);
	db_bind_int(stmt, &at, row->created_ms);
	db_bind_int(stmt, &at, row->used_ms);
	db_bind_int(stmt, &at, row->keep_ms);
	return db_run(db, stmt, err);
}

static const char use_blob_sql[] = "UPDATE blob SET used_ms = ? WHERE id = ?";

int
use_blob(struct db *db, const struct blob_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, use_blob_sql, &stmt, err) < 0)
		return err->code;
	db_bind_int(stmt, &at, row->used_ms);
	db_bind_id(stmt, &at, &row->id);
	return db_run(db, stmt, err);
}

void
read_blob(sqlite3_stmt *stmt, struct arena *arena, struct blob_row *row)
{
	const void *bytes;
	size_t len;
	int at = 0;

	db_read_id(stmt, &at, &row->id);
	db_read_id(stmt, &at, &row->project);
	db_read_id(stmt, &at, &row->pipeline);
	db_read_id(stmt, &at, &row->job);
	db_read_id(stmt, &at, &row->task);
	row->kind = (enum blob_kind)db_read_int(stmt, &at);
	row->state = (enum blob_state)db_read_int(stmt, &at);
	row->attempt = (uint32_t)db_read_int(stmt, &at);
	row->node_index = (uint32_t)db_read_int(stmt, &at);
	bytes = db_read_blob(stmt, &at, &len);
	row->name = arena_strndup(arena, bytes == NULL ? "" : bytes, len);
	row->size = (uint64_t)db_read_int(stmt, &at);
	bytes = db_read_blob(stmt, &at, &len);
	if (len == sizeof(row->digest))
		memcpy(row->digest, bytes, len);
	db_read_id(stmt, &at, &row->file);
	row->at = (uint64_t)db_read_int(stmt, &at);
	row->created_ms = db_read_int(stmt, &at);
	row->used_ms = db_read_int(stmt, &at);
	row->keep_ms = db_read_int(stmt, &at);
}

/* --- files that are left empty --------------------------------------------------------------- */

/* Rows of 0 or 1: is there a blob in the file? */
static int
is_file_used(struct disk *disk, const struct id *file, struct err *err)
{
	static const char sql[] = "SELECT 1 FROM blob WHERE file = ? LIMIT 1";
	sqlite3_stmt *stmt;
	int at = 1, rc;

	if (db_kept(&disk->db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, file);
	rc = db_row(&disk->db, stmt, err);
	sqlite3_reset(stmt);
	return rc;
}

/* A blob in it has gone. */
static int
note_file(struct freed *freed, const struct id *file, struct err *err)
{
	int rc = is_file_used(freed->disk, file, err);

	if (rc == 0)
		*(struct id *)rows_add(&freed->rows, &freed->op->arena, sizeof(*file)) = *file;
	return rc < 0 ? rc : 0;
}

void
give_freed(struct freed *freed)
{
	freed->op->freed = freed->rows.items;
	freed->op->freed_count = freed->rows.count;
}

/* Run a DELETE ... RETURNING file, size; each of the files may be empty now. */
int
delete_and_note(struct freed *freed, sqlite3_stmt *stmt, struct err *err)
{
	struct rows files = {NULL, 0, 0};
	int rc, at;
	size_t i;

	while ((rc = db_row(&freed->disk->db, stmt, err)) > 0) {
		at = 0;
		db_read_id(stmt, &at, rows_add(&files, &freed->op->arena, sizeof(struct id)));
		freed->bytes += (uint64_t)db_read_int(stmt, &at);
		freed->count++;
	}
	for (i = 0; rc == 0 && i < files.count; i++)
		rc = note_file(freed, (struct id *)files.items + i, err);
	return rc;
}

/* --- complete, delete ------------------------------------------------------------------------ */

static int
is_cache_taken(struct disk *disk, const struct blob_row *row, struct err *err)
{
	static const char sql[] = "SELECT 1 FROM blob WHERE kind = 1 AND project = ? AND name = ?"
				  " AND state = 1 AND id <> ?";
	sqlite3_stmt *stmt;
	int at = 1, rc;

	if (db_kept(&disk->db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->project);
	db_bind_blob(stmt, &at, row->name, strlen(row->name));
	db_bind_id(stmt, &at, &row->id);
	rc = db_row(&disk->db, stmt, err);
	sqlite3_reset(stmt);
	return rc;
}

/*
 * The kind is no bare '?': an index that holds for kind = 1 alone could serve it or not by its value, for
 * which SQLite makes the statement anew each time that one is bound. It was two thirds of storing a
 * small artifact.
 */
static int
delete_same_name(struct freed *freed, const struct blob_row *row, struct err *err)
{
	static const char sql[] = "DELETE FROM blob WHERE job = ? AND kind = +? AND attempt = ?"
				  " AND node_index = ? AND name = ? AND state = 1 AND id <> ?"
				  " RETURNING file, size";
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(&freed->disk->db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->job);
	db_bind_int(stmt, &at, row->kind);
	db_bind_int(stmt, &at, row->attempt);
	db_bind_int(stmt, &at, row->node_index);
	db_bind_blob(stmt, &at, row->name, strlen(row->name));
	db_bind_id(stmt, &at, &row->id);
	return delete_and_note(freed, stmt, err);
}

static int
delete_one(struct freed *freed, const struct id *id, struct err *err)
{
	static const char sql[] = "DELETE FROM blob WHERE id = ? RETURNING file, size";
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(&freed->disk->db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, id);
	return delete_and_note(freed, stmt, err);
}

static int
complete_one(struct freed *freed, struct blob_row *row, bool *taken, struct err *err)
{
	int rc = 0;

	if (row->kind == BLOB_CACHE) {
		rc = is_cache_taken(freed->disk, row, err);
		*taken = rc > 0;
	} else {
		rc = delete_same_name(freed, row, err);
	}
	if (rc < 0)
		return rc;
	if (*taken) {
		rc = delete_one(freed, &row->id, err);
		return rc == 0 ? note_file(freed, &row->file, err) : rc;
	}
	row->state = BLOB_COMPLETE;
	return add_blob(&freed->disk->db, row, err);
}

int
disk_complete_blobs(struct disk *disk, struct store_op *op, struct err *err)
{
	struct freed freed = {.disk = disk, .op = op};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < op->blobs.count; i++)
		rc = complete_one(&freed, &op->blobs.rows[i], &op->blobs.taken[i], err);
	disk->numbers.rows += op->blobs.count;
	give_freed(&freed);
	return rc;
}

int
disk_delete_blobs(struct disk *disk, struct store_op *op, struct err *err)
{
	struct freed freed = {.disk = disk, .op = op};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < op->blobs.count; i++)
		rc = delete_one(&freed, &op->blobs.rows[i].id, err);
	give_freed(&freed);
	return rc;
}

/* --- questions ------------------------------------------------------------------------------- */

/* The last attempt is the job's, also where it has left nothing. */
#define OF_JOB " AND b.job = ? AND b.attempt = (SELECT max(attempt) FROM task WHERE job = b.job)"

static void
write_query(struct buffer *sql, const struct store_blob_query *query)
{
	buffer_puts(sql, "SELECT " BLOB_COLUMNS " FROM blob b WHERE b.state = 1");
	if (query->kind >= 0)
		buffer_puts(sql, " AND b.kind = ?");
	if (query->by_id)
		buffer_puts(sql, " AND b.id = ?");
	if (query->by_job)
		buffer_puts(sql, OF_JOB);
	if (query->by_job && query->node >= 0)
		buffer_puts(sql, " AND b.node_index = ?");
	if (query->by_task)
		buffer_puts(sql, " AND b.job = (SELECT job FROM task WHERE id = ?) AND b.task = ?");
	if (query->by_project)
		buffer_puts(sql, " AND b.project = ?");
	if (query->by_pipeline)
		buffer_puts(sql, " AND b.pipeline = ?");
	if (query->name != NULL)
		buffer_puts(sql, " AND b.name = ?");
	if (query->prefix != NULL)
		buffer_puts(sql, " AND b.name >= ? AND substr(b.name, 1, ?) = ?");
	if (query->now_ms > 0)
		buffer_puts(sql, " AND (b.keep_ms = 0 OR b.created_ms + b.keep_ms >= ?)");
	buffer_puts(sql, query->by_job || query->by_task
				 ? " ORDER BY b.node_index, b.name"
				 : " ORDER BY b.created_ms DESC, b.rowid DESC");
	buffer_puts(sql, " LIMIT ? OFFSET ?");
}

static void
bind_query(sqlite3_stmt *stmt, const struct store_blob_query *query, size_t limit)
{
	int at = 1;

	if (query->kind >= 0)
		db_bind_int(stmt, &at, query->kind);
	if (query->by_id)
		db_bind_id(stmt, &at, &query->id);
	if (query->by_job)
		db_bind_id(stmt, &at, &query->job);
	if (query->by_job && query->node >= 0)
		db_bind_int(stmt, &at, query->node);
	if (query->by_task) {
		db_bind_id(stmt, &at, &query->task);
		db_bind_id(stmt, &at, &query->task);
	}
	if (query->by_project)
		db_bind_id(stmt, &at, &query->project);
	if (query->by_pipeline)
		db_bind_id(stmt, &at, &query->pipeline);
	if (query->name != NULL)
		db_bind_blob(stmt, &at, query->name, strlen(query->name));
	if (query->prefix != NULL) {
		db_bind_blob(stmt, &at, query->prefix, strlen(query->prefix));
		db_bind_int(stmt, &at, (int64_t)strlen(query->prefix));
		db_bind_blob(stmt, &at, query->prefix, strlen(query->prefix));
	}
	if (query->now_ms > 0)
		db_bind_int(stmt, &at, query->now_ms);
	db_bind_int(stmt, &at, (int64_t)limit + 1);
	db_bind_int(stmt, &at, (int64_t)query->skip);
}

int
disk_list_blobs(struct disk *disk, struct store_op *op, struct err *err)
{
	const struct store_blob_query *query = &op->blob_query;
	size_t limit = query->limit == 0 || query->limit > STORE_LIST_MOST ? STORE_LIST_MOST
									   : query->limit;
	struct rows rows = {NULL, 0, 0};
	struct buffer sql = BUFFER_INIT;
	sqlite3_stmt *stmt;
	int rc;

	write_query(&sql, query);
	rc = db_prepare(&disk->db, buffer_text(&sql), &stmt, err);
	buffer_release(&sql);
	if (rc < 0)
		return rc;
	bind_query(stmt, query, limit);
	while ((rc = db_row(&disk->db, stmt, err)) > 0 && rows.count < limit)
		read_blob(stmt, &op->arena, rows_add(&rows, &op->arena, sizeof(struct blob_row)));
	sqlite3_finalize(stmt);
	op->more = rc > 0;
	op->blob_rows = rows.items;
	op->count = rows.count;
	op->found = rows.count > 0;
	return rc < 0 ? rc : 0;
}

int
disk_find_files(struct disk *disk, struct store_op *op, struct err *err)
{
	struct freed freed = {.disk = disk, .op = op};
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && i < op->files.count; i++)
		rc = note_file(&freed, &op->files.ids[i], err);
	give_freed(&freed);
	return rc;
}

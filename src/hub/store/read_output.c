/*
 * read_output.c - output for those who ask: records of it, and where a line of it begins.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "hub/store/columns.h"
#include "hub/store/store_internal.h"

enum { SEEK_ROWS = 8192 }; /* of one operation: some milliseconds */

/*
 * A row value is compared by the primary key, so that a reader who follows a long
 * output pays for what is new alone. A record holds at most
 * RUNNER_RECORD_RAW_MOST_BYTES: the one that holds "from" cannot begin earlier.
 */
static const char output_sql[] =
	"SELECT " OUTPUT_COLUMNS
	" FROM output WHERE task = ?1 AND (step, attempt, offset) >= (?2, ?3, ?4)"
	" AND NOT (step = ?2 AND attempt = ?3 AND offset + raw_len <= ?5)"
	" ORDER BY step, attempt, offset";

static bool
output_is_wanted(const struct store_output_query *query, const struct output_row *row)
{
	return !query->one_step || row->step == query->step;
}

static int
list_output(struct disk *disk, struct store_op *op, struct rows *rows, struct err *err)
{
	const struct store_output_query *query = &op->output_query;
	uint64_t least = query->from < RUNNER_RECORD_RAW_MOST_BYTES
				 ? 0
				 : query->from - RUNNER_RECORD_RAW_MOST_BYTES;
	size_t most = query->most_bytes, raw = 0;
	sqlite3_stmt *stmt;
	int at = 1, rc;

	if (most == 0 || most > STORE_OUTPUT_READ_MOST_BYTES)
		most = STORE_OUTPUT_READ_MOST_BYTES;
	if (db_kept(&disk->db, output_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &query->task);
	db_bind_int(stmt, &at, query->step);
	db_bind_int(stmt, &at, query->attempt);
	db_bind_int(stmt, &at, (int64_t)least);
	db_bind_int(stmt, &at, (int64_t)query->from);
	while ((rc = db_row(&disk->db, stmt, err)) > 0) {
		struct output_row row;

		memset(&row, 0, sizeof(row));
		read_output(stmt, &op->arena, &row);
		if (!output_is_wanted(query, &row))
			break;
		raw += row.raw_len;
		if (rows->count > 0 &&
		    (op->byte_count + row.frame_len > most ||
		     (query->most_raw_bytes != 0 && raw > query->most_raw_bytes))) {
			op->more = true;
			break;
		}
		*(struct output_row *)rows_add(rows, &op->arena, sizeof(row)) = row;
		op->byte_count += row.frame_len;
	}
	sqlite3_reset(stmt);
	return rc < 0 ? rc : 0;
}

int
disk_read_output(struct disk *disk, struct store_op *op, struct err *err)
{
	struct rows rows = {NULL, 0, 0};
	unsigned char *bytes;
	size_t i, done = 0;
	int rc;

	rc = output_is_deleted(&disk->db, &op->output_query.task, &op->is_deleted, err);
	if (rc < 0 || op->is_deleted)
		return rc;
	rc = list_output(disk, op, &rows, err);
	if (rc < 0)
		return rc;
	op->outputs = rows.items;
	op->count = rows.count;
	op->found = rows.count > 0;
	if (op->output_query.index_only)
		return 0;
	bytes = arena_zalloc(&op->arena, op->byte_count + 1);
	for (i = 0; i < op->count; i++) {
		const struct output_row *row = &op->outputs[i];

		rc = segments_read(&disk->segments, row->segment, &row->task, row->at, bytes + done,
				   row->frame_len, err);
		if (rc < 0)
			return rc;
		done += row->frame_len;
	}
	op->bytes = bytes;
	return 0;
}

/* --- where a line begins ------------------------------------------------------------------ */

static const char last_of_step_sql[] =
	"SELECT attempt, offset + raw_len FROM output WHERE task = ?1 AND step = ?2"
	" AND attempt BETWEEN ?3 AND ?4 ORDER BY attempt DESC, offset DESC LIMIT 1";
static const char first_of_step_sql[] =
	"SELECT attempt, 0 FROM output WHERE task = ?1 AND step = ?2 AND attempt BETWEEN ?3 AND ?4"
	" ORDER BY attempt LIMIT 1";
static const char forth_sql[] =
	"SELECT offset, raw_len, lines FROM output WHERE task = ? AND step = ? AND attempt = ?"
	" AND offset >= ? ORDER BY offset LIMIT ?";
static const char back_sql[] =
	"SELECT offset, raw_len, lines FROM output WHERE task = ? AND step = ? AND attempt = ?"
	" AND offset < ? ORDER BY offset DESC LIMIT ?";

/* An attempt of the step, and where its output ends; both stay as they are when there is none. */
static int
read_end(struct disk *disk, const struct store_seek *seek, const char *sql, uint32_t least,
	 uint32_t most, uint32_t *attempt, uint64_t *size, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1, rc;

	if (db_kept(&disk->db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &seek->task);
	db_bind_int(stmt, &at, seek->step);
	db_bind_int(stmt, &at, least);
	db_bind_int(stmt, &at, most);
	rc = db_row(&disk->db, stmt, err);
	if (rc > 0) {
		at = 0;
		*attempt = (uint32_t)db_read_int(stmt, &at);
		*size = (uint64_t)db_read_int(stmt, &at);
	}
	sqlite3_reset(stmt);
	return rc < 0 ? rc : 0;
}

/* Line 1 needs no newline before it; the last line needs the one that ends it, too. */
static int
seek_begin(struct disk *disk, struct store_seek *seek, struct err *err)
{
	uint32_t least = seek->attempt != 0 ? seek->attempt : 1;
	uint32_t most = seek->attempt != 0 ? seek->attempt : UINT32_MAX;
	uint64_t none;

	seek->is_begun = true;
	if (read_end(disk, seek, first_of_step_sql, 1, UINT32_MAX, &seek->first_attempt, &none,
		     err) < 0 ||
	    read_end(disk, seek, last_of_step_sql, least, most, &seek->attempt, &seek->size, err) <
		    0)
		return err->code;
	seek->offset = seek->line < 0 ? seek->size : 0;
	seek->newlines = seek->line < 0 ? -(uint64_t)seek->line + 1 : (uint64_t)seek->line - 1;
	seek->is_done = seek->size == 0 || seek->line == 0 || seek->line == 1;
	if (seek->line == 0)
		seek->newlines = 0;
	return 0;
}

/* One record on the way. True: the line begins in it. */
static bool
seek_forth(struct store_seek *seek, uint64_t offset, uint32_t raw_len, uint32_t lines)
{
	seek->offset = offset;
	if (lines >= seek->newlines)
		return true;
	seek->newlines -= lines;
	seek->offset += raw_len;
	return false;
}

static bool
seek_back(struct store_seek *seek, uint64_t offset, uint32_t lines)
{
	seek->offset = offset;
	if (lines >= seek->newlines) {
		seek->newlines = lines - seek->newlines + 1;
		return true;
	}
	seek->newlines -= lines;
	return false;
}

static int
seek_rows(struct disk *disk, struct store_seek *seek, size_t *rows, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1, rc = 0;

	if (db_kept(&disk->db, seek->line < 0 ? back_sql : forth_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &seek->task);
	db_bind_int(stmt, &at, seek->step);
	db_bind_int(stmt, &at, seek->attempt);
	db_bind_int(stmt, &at, (int64_t)seek->offset);
	db_bind_int(stmt, &at, SEEK_ROWS);
	while (!seek->is_done && (rc = db_row(&disk->db, stmt, err)) > 0) {
		uint64_t offset;
		uint32_t raw_len, lines;

		at = 0;
		offset = (uint64_t)db_read_int(stmt, &at);
		raw_len = (uint32_t)db_read_int(stmt, &at);
		lines = (uint32_t)db_read_int(stmt, &at);
		seek->is_done = seek->line < 0 ? seek_back(seek, offset, lines)
					       : seek_forth(seek, offset, raw_len, lines);
		(*rows)++;
	}
	sqlite3_reset(stmt);
	return !seek->is_done && rc < 0 ? rc : 0;
}

int
disk_seek_output(struct disk *disk, struct store_op *op, struct err *err)
{
	struct store_seek *seek = &op->seek;
	size_t rows = 0;

	if (!seek->is_begun && seek_begin(disk, seek, err) < 0)
		return err->code;
	op->found = seek->size > 0;
	if (seek->is_done)
		return 0;
	if (seek_rows(disk, seek, &rows, err) < 0)
		return err->code;
	if (seek->is_done || rows == SEEK_ROWS)
		return 0;
	/* The end of the output, or its beginning, was met before the line. */
	seek->is_done = true;
	if (seek->line < 0)
		seek->newlines = 0;
	return 0;
}

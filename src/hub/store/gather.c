/*
 * gather.c - put the frames of ended tasks into files of their own, when idle.
 *
 * A file is complete and synced before an index row points into it, and a segment is
 * unlinked after the commit that moved the last row out of it: a crash at any instant
 * leaves every row pointing at its bytes, and at most a file to write again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "base/err.h"
#include "hub/store/columns.h"
#include "hub/store/store_internal.h"
#include "loop/clock.h"

static const char rows_of_task_sql[] =
	"SELECT " OUTPUT_COLUMNS " FROM output WHERE task = ? ORDER BY step, attempt, offset";
static const char close_task_sql[] = "UPDATE task SET output_open = 0 WHERE id = ?";
static const char add_file_sql[] =
	"INSERT INTO output_file SELECT t.id, p.project, ?2, ?3, 0 FROM task t"
	" JOIN pipeline p ON p.id = t.pipeline WHERE t.id = ?1";

static int
list_rows(struct disk *disk, struct store_op *op, struct rows *rows, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1, rc;

	if (db_kept(&disk->db, rows_of_task_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &op->id);
	while ((rc = db_row(&disk->db, stmt, err)) > 0)
		read_output(stmt, &op->arena,
			    rows_add(rows, &op->arena, sizeof(struct output_row)));
	return rc;
}

static int
copy_bytes(int to, int from, uint64_t at, uint64_t to_at, size_t len, struct err *err)
{
	off_t in = (off_t)at, out = (off_t)to_at;

	while (len > 0) {
		ssize_t n = copy_file_range(from, &in, to, &out, len, 0);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return err_sys(err, "cannot copy output into a task's file");
		if (n == 0)
			return err_set(err, ERR_HOST, "an output segment is shorter than its index says");
		len -= (size_t)n;
	}
	return 0;
}

/* Rows learn their new place here; they are stored in move_rows(). */
static int
write_frames(struct disk *disk, int fd, struct output_row *rows, size_t count, struct err *err)
{
	uint64_t size = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		int from = segments_fd(&disk->segments, rows[i].segment);
		int rc;

		if (from < 0)
			return err_set(err, ERR_HOST, "output segment %u is missing", rows[i].segment);
		rc = copy_bytes(fd, from, rows[i].at, size, rows[i].frame_len, err);
		if (rc < 0)
			return rc;
		rows[i].at = size;
		size += rows[i].frame_len;
	}
	return 0;
}

/* A task's file on its way. */
struct making {
	struct store_op *op;
	struct rows rows;
	int fd; /* -1: there is nothing to write */
};

static int
write_file(struct disk *disk, struct making *making, struct err *err)
{
	char tmp[SEGMENT_NAME_BYTES];

	segments_task_name(tmp, &making->op->id, true);
	making->fd = openat(disk->segments.dir, tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (making->fd < 0)
		return err_sys(err, "cannot make output file '%s'", tmp);
	return write_frames(disk, making->fd, making->rows.items, making->rows.count, err);
}

/* All are written before the first is synced: the first sync pays for the metadata of all. */
static int
finish_file(struct disk *disk, struct making *making, struct err *err)
{
	char tmp[SEGMENT_NAME_BYTES], name[SEGMENT_NAME_BYTES];
	int dir = disk->segments.dir;

	segments_task_name(tmp, &making->op->id, true);
	segments_task_name(name, &making->op->id, false);
	if (fdatasync(making->fd) < 0)
		return err_sys(err, "cannot sync output file '%s'", tmp);
	if (renameat(dir, tmp, dir, name) < 0)
		return err_sys(err, "cannot rename output file '%s'", tmp);
	return 0;
}

/* Its file counts for the task's project from now on, and is as old as this moment. */
static int
add_file(struct disk *disk, const struct id *task, uint64_t bytes, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(&disk->db, add_file_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, task);
	db_bind_int(stmt, &at, (int64_t)bytes);
	db_bind_int(stmt, &at, clock_unix_ms());
	return db_run(&disk->db, stmt, err);
}

static int
move_rows(struct disk *disk, struct store_op *op, struct rows *rows, struct err *err)
{
	struct output_row *row = rows->items;
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < rows->count; i++) {
		uint32_t segment = row[i].segment;

		bytes += row[i].frame_len;
		row[i].segment = 0;
		if (move_output(&disk->db, &row[i], err) < 0)
			return err->code;
		segments_leave(&disk->segments, segment, 1);
	}
	if (rows->count > 0 && add_file(disk, &op->id, bytes, err) < 0)
		return err->code;
	disk->numbers.gathered++;
	return delete_by_id(&disk->db, close_task_sql, &op->id, err);
}

static int
make_files(struct disk *disk, struct making *list, size_t count, struct err *err)
{
	size_t i;
	int rc;

	for (i = 0; i < count; i++) {
		struct making *making = &list[i];

		rc = list_rows(disk, making->op, &making->rows, err);
		/* Gathered before a crash, and asked for again: nothing lies in a segment any more. */
		if (rc == 0 && making->rows.count > 0 &&
		    ((struct output_row *)making->rows.items)->segment == 0)
			making->rows.count = 0;
		if (rc == 0 && making->rows.count > 0)
			rc = write_file(disk, making, err);
		if (rc < 0)
			return rc;
	}
	for (i = 0; i < count; i++)
		if (list[i].fd >= 0 && finish_file(disk, &list[i], err) < 0)
			return err->code;
	if (fsync(disk->segments.dir) < 0)
		return err_sys(err, "cannot sync the output folder");
	return 0;
}

static int
commit_files(struct disk *disk, struct making *list, size_t count, struct err *err)
{
	size_t i;

	if (db_exec(&disk->db, "BEGIN IMMEDIATE", err) < 0)
		return err->code;
	for (i = 0; i < count; i++)
		if (move_rows(disk, list[i].op, &list[i].rows, err) < 0)
			return err->code;
	if (db_exec(&disk->db, "COMMIT", err) < 0)
		return err->code;
	disk->numbers.commits++;
	segments_sweep(&disk->segments);
	return 0;
}

int
disk_gather(struct disk *disk, struct store_op **done, struct err *err)
{
	struct making list[GATHER_BATCH];
	size_t n = 0, i;
	int rc;

	*done = disk->gather;
	while (disk->gather != NULL && n < GATHER_BATCH) {
		list[n++] = (struct making){disk->gather, {NULL, 0, 0}, -1};
		disk->gather = disk->gather->next;
	}
	if (n == 0)
		return 0;
	if (disk->gather == NULL)
		disk->gather_end = &disk->gather;
	disk->gather_count -= n;
	list[n - 1].op->next = NULL;
	rc = make_files(disk, list, n, err);
	for (i = 0; i < n; i++)
		if (list[i].fd >= 0)
			(void)close(list[i].fd);
	return rc < 0 ? rc : commit_files(disk, list, n, err);
}

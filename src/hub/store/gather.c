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

#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "hub/store/columns.h"
#include "hub/store/store_internal.h"

static const char rows_of_task_sql[] =
	"SELECT " OUTPUT_COLUMNS " FROM output WHERE task = ? ORDER BY step, attempt, offset";
static const char close_task_sql[] = "UPDATE task SET output_open = 0 WHERE id = ?";

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

static int
write_file(struct disk *disk, struct store_op *op, struct rows *rows, struct err *err)
{
	int dir = disk->segments.dir;
	char tmp[SEGMENT_NAME_BYTES], name[SEGMENT_NAME_BYTES];
	LOCAL_FD fd = -1;
	int rc;

	segments_task_name(tmp, &op->id, true);
	fd = openat(dir, tmp, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0)
		return err_sys(err, "cannot make output file '%s'", tmp);
	rc = write_frames(disk, fd, rows->items, rows->count, err);
	if (rc < 0)
		return rc;
	if (fdatasync(fd) < 0)
		return err_sys(err, "cannot sync output file '%s'", tmp);
	if (renameat(dir, tmp, dir, segments_task_name(name, &op->id, false)) < 0)
		return err_sys(err, "cannot rename output file '%s'", tmp);
	return 0;
}

static int
move_rows(struct disk *disk, struct store_op *op, struct rows *rows, struct err *err)
{
	struct output_row *row = rows->items;
	size_t i;

	for (i = 0; i < rows->count; i++) {
		uint32_t segment = row[i].segment;

		row[i].segment = 0;
		if (move_output(&disk->db, &row[i], err) < 0)
			return err->code;
		segments_leave(&disk->segments, segment, 1);
	}
	disk->numbers.gathered++;
	return delete_by_id(&disk->db, close_task_sql, &op->id, err);
}

static int
gather_all(struct disk *disk, struct store_op *list, struct rows *rows, struct err *err)
{
	struct store_op *op;
	size_t i;
	int rc;

	for (op = list, i = 0; op != NULL; op = op->next, i++) {
		rc = list_rows(disk, op, &rows[i], err);
		/* Gathered before a crash, and asked for again: nothing lies in a segment any more. */
		if (rc == 0 && rows[i].count > 0 && ((struct output_row *)rows[i].items)->segment == 0)
			rows[i].count = 0;
		if (rc == 0 && rows[i].count > 0)
			rc = write_file(disk, op, &rows[i], err);
		if (rc < 0)
			return rc;
	}
	if (fsync(disk->segments.dir) < 0)
		return err_sys(err, "cannot sync the output folder");
	if (db_exec(&disk->db, "BEGIN IMMEDIATE", err) < 0)
		return err->code;
	for (op = list, i = 0; op != NULL; op = op->next, i++)
		if (move_rows(disk, op, &rows[i], err) < 0)
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
	struct rows rows[GATHER_BATCH] = {{NULL, 0, 0}};
	struct store_op *last;
	size_t n;

	*done = disk->gather;
	if (disk->gather == NULL)
		return 0;
	for (last = disk->gather, n = 1; last->next != NULL && n < GATHER_BATCH; n++)
		last = last->next;
	disk->gather = last->next;
	if (disk->gather == NULL)
		disk->gather_end = &disk->gather;
	last->next = NULL;
	return gather_all(disk, *done, rows, err);
}

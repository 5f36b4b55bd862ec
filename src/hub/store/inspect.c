/*
 * inspect.c - is what the store holds whole: for "runner-hub check".
 *
 * The database by its own integrity check, and every record of output read and compared
 * with the checksum of its index row, one at a time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/digest.h"
#include "hub/store/columns.h"
#include "hub/store/store_internal.h"

enum { FAULTS_TOLD_MOST = 20, READ_BYTES = 256 << 10 };

struct inspection {
	struct disk *disk;
	struct store_inspection *found;
	store_fault_fn *tell;
	void *arg;
};

static void
fault(struct inspection *inspection, const char *text)
{
	if (inspection->found->faults++ < FAULTS_TOLD_MOST)
		inspection->tell(inspection->arg, text);
}

static int
inspect_database(struct inspection *inspection, struct err *err)
{
	sqlite3_stmt *stmt;
	char text[256];
	int rc;

	if (db_prepare(&inspection->disk->db, "PRAGMA integrity_check(20)", &stmt, err) < 0)
		return err->code;
	while ((rc = db_row(&inspection->disk->db, stmt, err)) > 0) {
		(void)snprintf(text, sizeof(text), "%s", (const char *)sqlite3_column_text(stmt, 0));
		if (sqlite3_stricmp(text, "ok") != 0)
			fault(inspection, text);
	}
	sqlite3_finalize(stmt);
	return rc;
}

/* Rows that refer to rows which are not there. */
static int
inspect_references(struct inspection *inspection, struct err *err)
{
	static const struct {
		const char *what, *sql;
	} rules[] = {
		{"pipelines without a project",
		 "SELECT count(*) FROM pipeline WHERE project NOT IN (SELECT id FROM project)"},
		{"workflows without a pipeline",
		 "SELECT count(*) FROM workflow WHERE pipeline NOT IN (SELECT id FROM pipeline)"},
		{"jobs without a workflow",
		 "SELECT count(*) FROM job WHERE workflow NOT IN (SELECT id FROM workflow)"},
		{"tasks without a job", "SELECT count(*) FROM task WHERE job NOT IN (SELECT id FROM job)"},
		{"steps without a task",
		 "SELECT count(*) FROM step WHERE task NOT IN (SELECT id FROM task)"},
		{"records of output without a task",
		 "SELECT count(*) FROM output WHERE task NOT IN (SELECT id FROM task)"},
		{"histories without a task",
		 "SELECT count(*) FROM history WHERE task NOT IN (SELECT id FROM task)"},
		{"files of output without a task",
		 "SELECT count(*) FROM output_file WHERE task NOT IN (SELECT id FROM task)"},
		{"records in files that are deleted",
		 "SELECT count(*) FROM output WHERE task IN (SELECT task FROM output_file WHERE state = 2)"},
		{"totals of usage that differ from what is there",
		 "SELECT count(*) FROM (SELECT project, kind, bytes, items FROM usage WHERE items <> 0 OR bytes <> 0"
		 " EXCEPT SELECT * FROM (SELECT project, 0, sum(bytes), count(*) FROM output_file WHERE state <> 2"
		 " GROUP BY 1 UNION ALL"
		 " SELECT project, kind + 1, sum(size), count(*) FROM blob WHERE state = 1 GROUP BY 1, 2"
		 " UNION ALL SELECT project, 16, sum(bytes), sum(total) FROM test_run GROUP BY 1))"},
	};
	sqlite3_stmt *stmt;
	char text[128];
	size_t i;
	int rc;

	for (i = 0; i < sizeof(rules) / sizeof(rules[0]); i++) {
		if (db_prepare(&inspection->disk->db, rules[i].sql, &stmt, err) < 0)
			return err->code;
		rc = db_row(&inspection->disk->db, stmt, err);
		if (rc > 0 && sqlite3_column_int64(stmt, 0) > 0) {
			(void)snprintf(text, sizeof(text), "%lld %s",
				       (long long)sqlite3_column_int64(stmt, 0), rules[i].what);
			fault(inspection, text);
		}
		sqlite3_finalize(stmt);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
count(struct inspection *inspection, const char *sql, uint64_t *out, struct err *err)
{
	sqlite3_stmt *stmt;
	int rc;

	if (db_prepare(&inspection->disk->db, sql, &stmt, err) < 0)
		return err->code;
	rc = db_row(&inspection->disk->db, stmt, err);
	if (rc > 0)
		*out = (uint64_t)sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return rc < 0 ? rc : 0;
}

static void
inspect_record(struct inspection *inspection, const struct output_row *row, unsigned char *room)
{
	char id[ID_TEXT_BYTES], text[400];
	struct err err = ERR_INIT;

	if (row->frame_len == 0 || row->frame_len > RUNNER_RECORD_FRAME_MOST_BYTES ||
	    row->raw_len > RUNNER_RECORD_RAW_MOST_BYTES) {
		(void)snprintf(err.text, sizeof(err.text), "its lengths cannot be");
	} else if (segments_read(&inspection->disk->segments, row->segment, &row->task, row->at, room,
				 row->frame_len, &err) == 0) {
		if (crc32c(0, room, row->frame_len) == row->frame_crc)
			return;
		(void)snprintf(err.text, sizeof(err.text), "its checksum differs");
	}
	(void)snprintf(text, sizeof(text), "output of task %s, step %u, offset %llu: %.200s",
		       id_text(id, &row->task), row->step, (unsigned long long)row->offset, err.text);
	fault(inspection, text);
}

static int
inspect_output(struct inspection *inspection, struct err *err)
{
	unsigned char *room = MEM_NEW_ARRAY(unsigned char, RUNNER_RECORD_FRAME_MOST_BYTES);
	struct output_row row;
	sqlite3_stmt *stmt;
	int rc;

	rc = db_prepare(&inspection->disk->db,
			"SELECT " OUTPUT_COLUMNS " FROM output ORDER BY task, step, attempt, offset",
			&stmt, err);
	if (rc == 0) {
		while ((rc = db_row(&inspection->disk->db, stmt, err)) > 0) {
			read_output(stmt, NULL, &row);
			inspect_record(inspection, &row, room);
			inspection->found->records++;
			inspection->found->output_bytes += row.frame_len;
		}
		sqlite3_finalize(stmt);
	}
	free(room);
	return rc;
}

/* Of a task whose output is not deleted, or is yet to be gathered. A file without a row is one that nobody would ever remove. */
static int
inspect_file(struct inspection *inspection, const char *name, struct err *err)
{
	static const char sql[] = "SELECT 1 FROM output_file WHERE task = ?1 AND state <> 2 UNION ALL"
				  " SELECT 1 FROM task WHERE id = ?1 AND output_open = 1";
	char id[ID_TEXT_BYTES] = "", text[128];
	sqlite3_stmt *stmt;
	struct id task;
	int at = 1, rc;

	if (strlen(name) != ID_TEXT_BYTES - 1 + strlen(".zst") || !text_ends(name, ".zst"))
		return 0; /* a segment, or what the next start removes */
	memcpy(id, name, ID_TEXT_BYTES - 1);
	if (!id_parse(&task, id))
		return 0;
	if (db_kept(&inspection->disk->db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &task);
	rc = db_row(&inspection->disk->db, stmt, err);
	sqlite3_reset(stmt);
	if (rc == 0) {
		(void)snprintf(text, sizeof(text), "output/%s.zst belongs to no task", id);
		fault(inspection, text);
	}
	return rc < 0 ? rc : 0;
}

static int
inspect_files(struct inspection *inspection, struct err *err)
{
	int fd = openat(inspection->disk->segments.dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;
	int rc = 0;

	if (dir == NULL) {
		rc = err_sys(err, "cannot read the output folder");
		if (fd >= 0)
			(void)close(fd);
		return rc;
	}
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		rc = inspect_file(inspection, entry->d_name, err);
	(void)closedir(dir);
	return rc;
}

/* --- blobs: beside the folder of output ------------------------------------------------------ */

/* The bytes are what they were: 0; else err says what is wrong. */
static int
inspect_bytes(int fd, const struct blob_row *row, unsigned char *room, struct err *err)
{
	struct digest *digest = digest_new();
	unsigned char found[DIGEST_BYTES];
	uint64_t done = 0;
	ssize_t n = 1;

	while (done < row->size && n > 0) {
		uint64_t left = row->size - done;

		n = pread(fd, room, left < READ_BYTES ? (size_t)left : READ_BYTES, (off_t)(row->at + done));
		if (n > 0)
			digest_add(digest, room, (size_t)n);
		done += n > 0 ? (uint64_t)n : 0;
	}
	digest_end(digest, found);
	if (n < 0)
		return err_sys(err, "cannot read it");
	if (done < row->size)
		return err_set(err, ERR_INPUT, "its file ends before it does");
	if (memcmp(found, row->digest, DIGEST_BYTES) != 0)
		return err_set(err, ERR_INPUT, "its digest differs");
	return 0;
}

static void
inspect_blob(struct inspection *inspection, int dir, const struct blob_row *row, unsigned char *room)
{
	char name[ID_TEXT_BYTES], job[ID_TEXT_BYTES], text[400];
	LOCAL_FD fd = openat(dir, id_text(name, &row->file), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	struct err err = ERR_INIT;
	int rc = fd < 0 ? err_sys(&err, "cannot open '%s'", name) : inspect_bytes(fd, row, room, &err);

	inspection->found->blobs++;
	inspection->found->blob_bytes += row->size;
	if (rc == 0)
		return;
	(void)snprintf(text, sizeof(text), "blob %s of job %s: %.200s", id_text(name, &row->id),
		       id_text(job, &row->job), err.text);
	fault(inspection, text);
}

static int
inspect_blobs(struct inspection *inspection, struct err *err)
{
	LOCAL_FD dir = openat(inspection->disk->segments.dir, "../blobs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	unsigned char *room = MEM_NEW_ARRAY(unsigned char, READ_BYTES);
	sqlite3_stmt *stmt;
	int rc;

	rc = db_prepare(&inspection->disk->db, "SELECT " BLOB_COLUMNS " FROM blob b WHERE b.state = 1 ORDER BY b.file, b.at",
			&stmt, err);
	if (rc == 0) {
		while ((rc = db_row(&inspection->disk->db, stmt, err)) > 0) {
			struct blob_row row;
			struct arena arena;

			arena_init(&arena, 0);
			read_blob(stmt, &arena, &row);
			inspect_blob(inspection, dir, &row, room);
			arena_release(&arena);
		}
		sqlite3_finalize(stmt);
	}
	free(room);
	return rc;
}

int
disk_inspect(struct disk *disk, struct store_inspection *found, store_fault_fn *tell, void *arg,
	     struct err *err)
{
	struct inspection inspection = {disk, found, tell, arg};

	*found = (struct store_inspection){0};
	if (inspect_database(&inspection, err) < 0)
		return err->code;
	/* Nothing that lies in a damaged file says more. */
	if (found->faults > 0)
		return 0;
	if (count(&inspection, "SELECT count(*) FROM pipeline", &found->pipelines, err) < 0 ||
	    count(&inspection, "SELECT count(*) FROM task", &found->tasks, err) < 0 ||
	    inspect_references(&inspection, err) < 0 || inspect_files(&inspection, err) < 0)
		return err->code;
	if (inspect_output(&inspection, err) < 0)
		return err->code;
	return inspect_blobs(&inspection, err);
}

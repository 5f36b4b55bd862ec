/*
 * store_internal.h - what the store's own files share: its state on the thread's side.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_STORE_STORE_INTERNAL_H
#define HUB_STORE_STORE_INTERNAL_H

#include <stddef.h>

#include "hub/store/db.h"
#include "hub/store/segment.h"
#include "hub/store/store.h"

enum {
	GATHER_BATCH = 16,	 /* tasks in one idle turn */
	GATHER_IDLE_MS = 250,	 /* nothing was queued for so long: the store is idle */
	GATHER_WAITING_MOST = 4096, /* more tasks wait: gather between commits, too */
};

/* Touched by the store thread only, once it runs. */
struct disk {
	struct db db;
	struct segments segments;
	struct store_op *gather, **gather_end; /* GATHER operations that wait for an idle moment */
	size_t gather_count;
	struct store_numbers numbers;
};

/* A list that grows in an arena. */
struct rows {
	void *items;
	size_t count, room;
};

/* A zeroed item of size bytes at the end. */
void *rows_add(struct rows *rows, struct arena *arena, size_t size);

/* One operation; GATHER only queues itself. */
int disk_run(struct disk *disk, struct store_op *op, struct err *err);
bool store_op_is_write(enum store_op_kind kind);

/* read.c */
int disk_get_document(struct disk *disk, struct store_op *op, struct err *err);
int disk_get_pipeline(struct disk *disk, struct store_op *op, struct err *err);
int disk_get_timetable(struct disk *disk, struct store_op *op, struct err *err);
int disk_list_pipelines(struct disk *disk, struct store_op *op, struct err *err);
int disk_list_workflows(struct disk *disk, struct store_op *op, struct err *err);
int disk_list_jobs(struct disk *disk, struct store_op *op, struct err *err);
int disk_list_tasks(struct disk *disk, struct store_op *op, struct err *err);
int disk_list_history(struct disk *disk, struct store_op *op, struct err *err);
int disk_list_agents(struct disk *disk, struct store_op *op, struct err *err);
int disk_find_pipeline(struct disk *disk, struct store_op *op, const struct id *id, struct err *err);

/* read_output.c */
int disk_read_output(struct disk *disk, struct store_op *op, struct err *err);
int disk_seek_output(struct disk *disk, struct store_op *op, struct err *err);

/* blobs.c */
int disk_complete_blobs(struct disk *disk, struct store_op *op, struct err *err);
int disk_delete_blobs(struct disk *disk, struct store_op *op, struct err *err);
int disk_list_blobs(struct disk *disk, struct store_op *op, struct err *err);
int disk_find_files(struct disk *disk, struct store_op *op, struct err *err);

/* The files of deleted blobs that no other lies in. */
struct freed {
	struct disk *disk;
	struct store_op *op;
	struct rows rows;
	size_t count; /* of blobs that went, and */
	uint64_t bytes;
};
/* Run a DELETE FROM blob ... RETURNING file, size. */
int delete_and_note(struct freed *freed, sqlite3_stmt *stmt, struct err *err);
void give_freed(struct freed *freed);

/* sweep.c */
int disk_sweep(struct disk *disk, struct store_op *op, struct err *err);
int disk_list_usage(struct disk *disk, struct store_op *op, struct err *err);
/* It is being deleted: nothing may begin with it any more. */
int pipeline_is_going(struct db *db, const struct id *pipeline, bool *is_going, struct err *err);
int output_is_deleted(struct db *db, const struct id *task, bool *is_deleted, struct err *err);

/* tests.c, tests_read.c */
enum { TESTS_OF_STEP_BITS = 17 }; /* TESTS_OF_TASK_MOST fit */

/* Where a step's n-th test lies among those of its task. */
static inline int64_t
store_test_place(uint32_t step, uint32_t n)
{
	return (int64_t)step << TESTS_OF_STEP_BITS | n;
}

int disk_add_tests(struct disk *disk, struct store_op *op, struct err *err);
int disk_list_tests(struct disk *disk, struct store_op *op, struct err *err);
int disk_list_test_runs(struct disk *disk, struct store_op *op, struct err *err);
int disk_name_tests(struct disk *disk, struct store_op *op, struct err *err);

/* changes.c */
int disk_list_changes(struct disk *disk, struct store_op *op, struct err *err);

/* inspect.c */
int disk_inspect(struct disk *disk, struct store_inspection *found, store_fault_fn *tell, void *arg,
		 struct err *err);

/* load.c */
int disk_load(struct disk *disk, struct store_snapshot *out, struct err *err);
int disk_load_pipeline(struct disk *disk, struct store_op *op, struct err *err);
int disk_count_segments(struct disk *disk, struct err *err);

/*
 * gather.c: write the files of up to GATHER_BATCH tasks that wait, in a transaction of their own. *done is the list of
 * operations finished; empty when there was nothing to do.
 */
int disk_gather(struct disk *disk, struct store_op **done, struct err *err);

#endif

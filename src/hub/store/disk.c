/*
 * disk.c - what each operation does to the disk: one row an operation.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "hub/store/columns.h"
#include "hub/store/store_internal.h"

void *
rows_add(struct rows *rows, struct arena *arena, size_t size)
{
	if (rows->count == rows->room) {
		size_t room = rows->room == 0 ? 16 : rows->room * 2;
		void *items = arena_zalloc_array(arena, room, size);

		if (rows->count > 0)
			memcpy(items, rows->items, rows->count * size);
		rows->items = items;
		rows->room = room;
	}
	return (char *)rows->items + rows->count++ * size;
}

static int
do_sync(struct disk *disk, struct store_op *op, struct err *err)
{
	(void)op;
	(void)err;
	disk->numbers.syncs++;
	return 0;
}

#define PUT(name, member)                                                        \
	static int do_##name(struct disk *disk, struct store_op *op, struct err *err) \
	{                                                                        \
		disk->numbers.rows++;                                            \
		return name(&disk->db, &op->member, err);                        \
	}

PUT(put_project, project)
PUT(add_pipeline, pipeline)
PUT(put_pipeline, pipeline)
PUT(continue_pipeline, pipeline)
PUT(add_workflow, workflow)
PUT(put_workflow, workflow)
PUT(add_job, job)
PUT(put_job, job)
PUT(put_task, task)
PUT(put_step, step)
PUT(add_history, history)
PUT(put_agent, agent)
PUT(put_class, class)
PUT(put_token, token)
PUT(put_context, context)
PUT(put_orb, orb)
PUT(delete_orb, orb)
PUT(put_timetable, timetable)
PUT(put_variable, variable)
PUT(add_blob, blob)
PUT(use_blob, blob)
PUT(delete_variable, variable)

static int
do_delete_agent(struct disk *disk, struct store_op *op, struct err *err)
{
	static const char sql[] = "DELETE FROM agent WHERE id = ?";

	return delete_by_id(&disk->db, sql, &op->id, err);
}

static int
do_delete_class(struct disk *disk, struct store_op *op, struct err *err)
{
	static const char sql[] = "DELETE FROM class WHERE id = ?";

	return delete_by_id(&disk->db, sql, &op->id, err);
}

static int
do_delete_token(struct disk *disk, struct store_op *op, struct err *err)
{
	static const char sql[] = "DELETE FROM token WHERE id = ?";

	return delete_by_id(&disk->db, sql, &op->id, err);
}

static int
do_delete_timetable(struct disk *disk, struct store_op *op, struct err *err)
{
	static const char sql[] = "DELETE FROM timetable WHERE id = ?";

	return delete_by_id(&disk->db, sql, &op->id, err);
}

static int
do_delete_context(struct disk *disk, struct store_op *op, struct err *err)
{
	return delete_context(&disk->db, &op->id, err);
}

static int
do_put_key_name(struct disk *disk, struct store_op *op, struct err *err)
{
	return put_key_name(&disk->db, op->key_name, err);
}

/* Records lie in the segment as they came; a row's place moves by where they were put. */
static int
do_add_output(struct disk *disk, struct store_op *op, struct err *err)
{
	struct store_output *output = &op->output;
	uint32_t number;
	uint64_t base;
	size_t i;
	int rc;

	rc = segments_append(&disk->segments, output->bytes, output->len, output->count, &number, &base,
			     err);
	if (rc < 0)
		return rc;
	for (i = 0; i < output->count; i++) {
		output->rows[i].segment = number;
		output->rows[i].at += base;
		if (add_output(&disk->db, &output->rows[i], err) < 0)
			return err->code;
	}
	disk->numbers.rows += output->count;
	disk->numbers.output_bytes += output->len;
	return 0;
}

/* The caller puts it aside for an idle moment. */
static int
do_gather(struct disk *disk, struct store_op *op, struct err *err)
{
	(void)disk;
	(void)op;
	(void)err;
	return 0;
}

static const struct {
	int (*run)(struct disk *disk, struct store_op *op, struct err *err);
	bool is_write;
} ops[] = {
	[STORE_SYNC] = {do_sync, false},
	[STORE_PUT_PROJECT] = {do_put_project, true},
	[STORE_ADD_PIPELINE] = {do_add_pipeline, true},
	[STORE_PUT_PIPELINE] = {do_put_pipeline, true},
	[STORE_CONTINUE_PIPELINE] = {do_continue_pipeline, true},
	[STORE_ADD_WORKFLOW] = {do_add_workflow, true},
	[STORE_PUT_WORKFLOW] = {do_put_workflow, true},
	[STORE_ADD_JOB] = {do_add_job, true},
	[STORE_PUT_JOB] = {do_put_job, true},
	[STORE_PUT_TASK] = {do_put_task, true},
	[STORE_PUT_STEP] = {do_put_step, true},
	[STORE_ADD_HISTORY] = {do_add_history, true},
	[STORE_PUT_AGENT] = {do_put_agent, true},
	[STORE_DELETE_AGENT] = {do_delete_agent, true},
	[STORE_PUT_CLASS] = {do_put_class, true},
	[STORE_DELETE_CLASS] = {do_delete_class, true},
	[STORE_PUT_TOKEN] = {do_put_token, true},
	[STORE_DELETE_TOKEN] = {do_delete_token, true},
	[STORE_PUT_ORB] = {do_put_orb, true},
	[STORE_DELETE_ORB] = {do_delete_orb, true},
	[STORE_PUT_TIMETABLE] = {do_put_timetable, true},
	[STORE_DELETE_TIMETABLE] = {do_delete_timetable, true},
	[STORE_PUT_CONTEXT] = {do_put_context, true},
	[STORE_DELETE_CONTEXT] = {do_delete_context, true},
	[STORE_PUT_VARIABLE] = {do_put_variable, true},
	[STORE_DELETE_VARIABLE] = {do_delete_variable, true},
	[STORE_PUT_KEY_NAME] = {do_put_key_name, true},
	[STORE_ADD_OUTPUT] = {do_add_output, true},
	[STORE_ADD_TESTS] = {disk_add_tests, true},
	[STORE_GATHER] = {do_gather, false},
	[STORE_ADD_BLOB] = {do_add_blob, true},
	[STORE_COMPLETE_BLOBS] = {disk_complete_blobs, true},
	[STORE_USE_BLOB] = {do_use_blob, true},
	[STORE_DELETE_BLOBS] = {disk_delete_blobs, true},
	[STORE_LIST_BLOBS] = {disk_list_blobs, false},
	[STORE_FIND_FILES] = {disk_find_files, false},
	[STORE_SWEEP] = {disk_sweep, true},
	[STORE_GET_DOCUMENT] = {disk_get_document, false},
	[STORE_GET_PIPELINE] = {disk_get_pipeline, false},
	[STORE_LOAD_PIPELINE] = {disk_load_pipeline, false},
	[STORE_GET_TIMETABLE] = {disk_get_timetable, false},
	[STORE_LIST_PIPELINES] = {disk_list_pipelines, false},
	[STORE_LIST_WORKFLOWS] = {disk_list_workflows, false},
	[STORE_LIST_JOBS] = {disk_list_jobs, false},
	[STORE_LIST_TASKS] = {disk_list_tasks, false},
	[STORE_LIST_HISTORY] = {disk_list_history, false},
	[STORE_LIST_AGENTS] = {disk_list_agents, false},
	[STORE_LIST_CHANGES] = {disk_list_changes, false},
	[STORE_LIST_TESTS] = {disk_list_tests, false},
	[STORE_LIST_TEST_RUNS] = {disk_list_test_runs, false},
	[STORE_NAME_TESTS] = {disk_name_tests, false},
	[STORE_READ_OUTPUT] = {disk_read_output, false},
	[STORE_SEEK_OUTPUT] = {disk_seek_output, false},
	[STORE_LIST_USAGE] = {disk_list_usage, false},
};
_Static_assert(sizeof(ops) / sizeof(ops[0]) == STORE_OP_COUNT, "an operation has no row");

int
disk_run(struct disk *disk, struct store_op *op, struct err *err)
{
	return ops[op->kind].run(disk, op, err);
}

bool
store_op_is_write(enum store_op_kind kind)
{
	return ops[kind].is_write;
}

/*
 * changes.c - what changed in a pipeline behind a number, in the order of the numbers.
 *
 * Each kind of row is read up to the limit and the four lists are merged; where one list was cut, so is the
 * whole, there: nothing that lies before the last change given is missing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/err.h"
#include "hub/store/columns.h"
#include "hub/store/store_internal.h"

enum kind { KIND_WORKFLOW, KIND_JOB, KIND_TASK, KIND_STEP, KIND_COUNT };

/* A row that changes refer to, kept for the ones behind it. */
struct kept {
	struct id id;
	const void *row;
	struct kept *next;
};

struct changes {
	struct disk *disk;
	struct store_op *op;
	struct rows lists[KIND_COUNT];
	size_t next[KIND_COUNT]; /* to be merged */
	uint64_t cut;		 /* no further than this number */
	struct kept *jobs, *tasks;
};

static void
read_one(enum kind kind, sqlite3_stmt *stmt, struct arena *arena, struct rows *list)
{
	switch (kind) {
	case KIND_WORKFLOW:
		read_workflow(stmt, arena, rows_add(list, arena, sizeof(struct workflow_row)));
		break;
	case KIND_JOB:
		read_job(stmt, arena, rows_add(list, arena, sizeof(struct job_row)));
		break;
	case KIND_TASK:
		read_task(stmt, arena, rows_add(list, arena, sizeof(struct task_row)));
		break;
	case KIND_STEP:
		read_step(stmt, arena, rows_add(list, arena, sizeof(struct step_row)));
		break;
	case KIND_COUNT:
		break;
	}
}

static uint64_t
seq_of(const struct changes *changes, enum kind kind, size_t i)
{
	const void *items = changes->lists[kind].items;

	switch (kind) {
	case KIND_WORKFLOW:
		return ((const struct workflow_row *)items)[i].seq;
	case KIND_JOB:
		return ((const struct job_row *)items)[i].seq;
	case KIND_TASK:
		return ((const struct task_row *)items)[i].seq;
	case KIND_STEP:
		return ((const struct step_row *)items)[i].seq;
	case KIND_COUNT:
		break;
	}
	return 0;
}

static int
list_kind(struct changes *changes, enum kind kind, struct err *err)
{
	static const char *const sql[KIND_COUNT] = {
		[KIND_WORKFLOW] = "SELECT " WORKFLOW_COLUMNS WORKFLOW_FROM
				  "WHERE w.pipeline = ?1 AND w.seq > ?2 ORDER BY w.seq LIMIT ?3",
		[KIND_JOB] = "SELECT " JOB_COLUMNS JOB_FROM
			     "WHERE j.pipeline = ?1 AND j.seq > ?2 ORDER BY j.seq LIMIT ?3",
		[KIND_TASK] = "SELECT " TASK_COLUMNS TASK_FROM
			      "WHERE t.pipeline = ?1 AND t.seq > ?2 ORDER BY t.seq LIMIT ?3",
		[KIND_STEP] = "SELECT " STEP_COLUMNS " FROM step WHERE task IN"
			      " (SELECT id FROM task WHERE pipeline = ?1) AND seq > ?2"
			      " ORDER BY seq LIMIT ?3",
	};
	const struct store_change_query *query = &changes->op->change_query;
	struct rows *list = &changes->lists[kind];
	sqlite3_stmt *stmt;
	int at = 1, rc;

	if (db_kept(&changes->disk->db, sql[kind], &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &query->pipeline);
	db_bind_int(stmt, &at, (int64_t)query->after);
	db_bind_int(stmt, &at, (int64_t)query->limit + 1);
	while ((rc = db_row(&changes->disk->db, stmt, err)) > 0) {
		if (list->count < query->limit) {
			read_one(kind, stmt, &changes->op->arena, list);
			continue;
		}
		changes->op->more = true;
		if (seq_of(changes, kind, list->count - 1) < changes->cut)
			changes->cut = seq_of(changes, kind, list->count - 1);
		rc = 0;
		break;
	}
	sqlite3_reset(stmt);
	return rc < 0 ? rc : 0;
}

/* --- the rows that a change belongs to -------------------------------------------------------- */

static const void *
find_kept(const struct kept *kept, const struct id *id)
{
	for (; kept != NULL; kept = kept->next)
		if (id_eq(&kept->id, id))
			return kept->row;
	return NULL;
}

static void
keep(struct arena *arena, struct kept **list, const struct id *id, const void *row)
{
	struct kept *kept = ARENA_NEW(arena, struct kept);

	*kept = (struct kept){*id, row, *list};
	*list = kept;
}

/* The row of that kind with that id; it must be there. */
static int
get_one(struct changes *changes, enum kind kind, struct kept **list, const struct id *id,
	const void **out, struct err *err)
{
	static const char job_sql[] = "SELECT " JOB_COLUMNS JOB_FROM "WHERE j.id = ?";
	static const char task_sql[] = "SELECT " TASK_COLUMNS TASK_FROM "WHERE t.id = ?";
	struct arena *arena = &changes->op->arena;
	struct rows one = {NULL, 0, 0};
	sqlite3_stmt *stmt;
	int at = 1, rc;

	*out = find_kept(*list, id);
	if (*out != NULL)
		return 0;
	if (db_kept(&changes->disk->db, kind == KIND_JOB ? job_sql : task_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, id);
	rc = db_row(&changes->disk->db, stmt, err);
	if (rc > 0)
		read_one(kind, stmt, arena, &one);
	sqlite3_reset(stmt);
	if (rc < 0)
		return rc;
	if (one.count == 0)
		return err_set(err, ERR_HOST, "a task or step in the database belongs to nothing");
	keep(arena, list, id, one.items);
	*out = one.items;
	return 0;
}

static int
fill_in(struct changes *changes, struct store_change *change, struct err *err)
{
	const void *row;

	if (change->step != NULL) {
		if (get_one(changes, KIND_TASK, &changes->tasks, &change->step->task, &row, err) < 0)
			return err->code;
		change->task = row;
	}
	if (change->task == NULL)
		return 0;
	if (get_one(changes, KIND_JOB, &changes->jobs, &change->task->job, &row, err) < 0)
		return err->code;
	change->job = row;
	return 0;
}

/* --- in the order of the numbers ----------------------------------------------------------------- */

/* The list whose next row has the lowest number; KIND_COUNT: none is left. */
static enum kind
lowest(const struct changes *changes, uint64_t *seq)
{
	enum kind found = KIND_COUNT;
	int kind;

	*seq = changes->cut;
	for (kind = 0; kind < KIND_COUNT; kind++) {
		if (changes->next[kind] == changes->lists[kind].count)
			continue;
		if (seq_of(changes, (enum kind)kind, changes->next[kind]) > *seq)
			continue;
		found = (enum kind)kind;
		*seq = seq_of(changes, found, changes->next[kind]);
	}
	return found;
}

static int
merge(struct changes *changes, struct err *err)
{
	struct store_op *op = changes->op;
	struct store_change *change;
	enum kind kind;
	uint64_t seq;
	size_t i;

	op->changes = ARENA_NEW_ARRAY(&op->arena, struct store_change, op->change_query.limit);
	while ((kind = lowest(changes, &seq)) != KIND_COUNT) {
		if (op->count == op->change_query.limit) {
			op->more = true;
			break;
		}
		change = &op->changes[op->count++];
		i = changes->next[kind]++;
		change->seq = seq;
		if (kind == KIND_WORKFLOW)
			change->workflow = (const struct workflow_row *)changes->lists[kind].items + i;
		else if (kind == KIND_JOB)
			change->job = (const struct job_row *)changes->lists[kind].items + i;
		else if (kind == KIND_TASK)
			change->task = (const struct task_row *)changes->lists[kind].items + i;
		else
			change->step = (const struct step_row *)changes->lists[kind].items + i;
		if (fill_in(changes, change, err) < 0)
			return err->code;
	}
	return 0;
}

int
disk_list_changes(struct disk *disk, struct store_op *op, struct err *err)
{
	struct changes changes = {.disk = disk, .op = op, .cut = UINT64_MAX};
	int kind;

	if (op->change_query.limit == 0 || op->change_query.limit > STORE_LIST_MOST)
		op->change_query.limit = STORE_LIST_MOST;
	if (disk_find_pipeline(disk, op, &op->change_query.pipeline, err) < 0)
		return err->code;
	if (!op->found)
		return 0;
	op->count = 0;
	for (kind = 0; kind < KIND_COUNT; kind++)
		if (list_kind(&changes, (enum kind)kind, err) < 0)
			return err->code;
	return merge(&changes, err);
}

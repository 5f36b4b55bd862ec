/*
 * read.c - lists for those who ask.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "hub/store/columns.h"
#include "hub/store/store_internal.h"

enum { BINDS_MOST = 12 };

/* A SELECT in the making: conditions are added with what they compare to. */
struct select {
	struct buffer sql;
	bool has_where;
	struct {
		const struct id *id;
		const char *text;
		int64_t number;
	} binds[BINDS_MOST];
	int bind_count;
};

static void
condition(struct select *select, const char *text)
{
	buffer_printf(&select->sql, "%s %s", select->has_where ? " AND" : " WHERE", text);
	select->has_where = true;
}

static void
where_id(struct select *select, const char *text, bool wanted, const struct id *id)
{
	if (!wanted)
		return;
	condition(select, text);
	select->binds[select->bind_count++].id = id;
}

static void
where_text(struct select *select, const char *text, const char *value)
{
	if (value == NULL)
		return;
	condition(select, text);
	select->binds[select->bind_count++].text = value;
}

static void
where_number(struct select *select, const char *text, bool wanted, int64_t value)
{
	if (!wanted)
		return;
	condition(select, text);
	select->binds[select->bind_count++].number = value;
}

static int
select_start(struct disk *disk, struct select *select, sqlite3_stmt **stmt, struct err *err)
{
	int i, rc, at = 1;

	assert(select->bind_count <= BINDS_MOST);
	rc = db_prepare(&disk->db, buffer_text(&select->sql), stmt, err);
	for (i = 0; rc == 0 && i < select->bind_count; i++) {
		if (select->binds[i].id != NULL)
			db_bind_id(*stmt, &at, select->binds[i].id);
		else if (select->binds[i].text != NULL)
			db_bind_text(*stmt, &at, select->binds[i].text);
		else
			db_bind_int(*stmt, &at, select->binds[i].number);
	}
	buffer_release(&select->sql);
	return rc;
}

static size_t
limit_of(const struct store_query *query)
{
	if (query->limit == 0 || query->limit > STORE_LIST_MOST)
		return STORE_LIST_MOST;
	return query->limit;
}

/* The order, and one row more than asked for, which tells whether there are more. */
static void
select_order(struct select *select, const char *order, size_t limit, size_t skip)
{
	buffer_printf(&select->sql, " ORDER BY %s LIMIT %zu", order, limit + 1);
	if (skip > 0)
		buffer_printf(&select->sql, " OFFSET %zu", skip);
}

/* Run the SELECT and collect its rows with reader. */
#define LIST(disk, op, select, limit, member, type, reader)                                     \
	do {                                                                                    \
		struct rows rows = {NULL, 0, 0};                                                \
		sqlite3_stmt *stmt;                                                             \
		int rc;                                                                         \
                                                                                                \
		if (select_start(disk, select, &stmt, err) < 0)                                 \
			return err->code;                                                       \
		while ((rc = db_row(&(disk)->db, stmt, err)) > 0) {                             \
			if (rows.count == (limit)) {                                            \
				(op)->more = true;                                              \
				rc = 0;                                                         \
				break;                                                          \
			}                                                                       \
			reader(stmt, &(op)->arena, rows_add(&rows, &(op)->arena, sizeof(type))); \
		}                                                                               \
		sqlite3_finalize(stmt);                                                         \
		if (rc < 0)                                                                     \
			return rc;                                                              \
		(op)->member = rows.items;                                                      \
		(op)->count = rows.count;                                                       \
		(op)->found = rows.count > 0;                                                   \
	} while (0)

int
disk_get_document(struct disk *disk, struct store_op *op, struct err *err)
{
	static const char sql[] = "SELECT document FROM job_document WHERE job = ?";
	sqlite3_stmt *stmt;
	const void *text;
	int rc, at = 1, column = 0;

	if (db_kept(&disk->db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &op->id);
	rc = db_row(&disk->db, stmt, err);
	if (rc > 0) {
		text = db_read_blob(stmt, &column, &op->byte_count);
		op->bytes = (unsigned char *)arena_strndup(&op->arena, text, op->byte_count);
		op->found = true;
	}
	sqlite3_reset(stmt);
	return rc < 0 ? rc : 0;
}

int
disk_get_pipeline(struct disk *disk, struct store_op *op, struct err *err)
{
	sqlite3_stmt *stmt;
	int rc, at = 1;

	if (db_prepare(&disk->db,
		       "SELECT " PIPELINE_COLUMNS ", c.config, c.compiled, c.setup_config, c.setup_compiled,"
		       " c.request" PIPELINE_FROM
		       "LEFT JOIN pipeline_config c ON c.pipeline = p.id WHERE p.id = ?",
		       &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &op->id);
	rc = db_row(&disk->db, stmt, err);
	if (rc > 0) {
		at = sqlite3_column_count(stmt) - 5;
		op->pipelines = ARENA_NEW(&op->arena, struct pipeline_row);
		read_pipeline(stmt, &op->arena, op->pipelines);
		op->pipelines->config = db_read_text(stmt, &at, &op->arena);
		op->pipelines->compiled = db_read_text(stmt, &at, &op->arena);
		op->pipelines->setup_config = db_read_text(stmt, &at, &op->arena);
		op->pipelines->setup_compiled = db_read_text(stmt, &at, &op->arena);
		op->pipelines->request = db_read_text(stmt, &at, &op->arena);
		op->count = 1;
		op->found = true;
	}
	sqlite3_finalize(stmt);
	return rc < 0 ? rc : 0;
}

int
disk_get_timetable(struct disk *disk, struct store_op *op, struct err *err)
{
	sqlite3_stmt *stmt;
	int rc, at = 1;

	if (db_prepare(&disk->db,
		       "SELECT " TIMETABLE_COLUMNS ", config, request FROM timetable WHERE id = ?", &stmt,
		       err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &op->id);
	rc = db_row(&disk->db, stmt, err);
	if (rc > 0) {
		at = sqlite3_column_count(stmt) - 2;
		op->timetables = ARENA_NEW(&op->arena, struct timetable_row);
		read_timetable(stmt, &op->arena, op->timetables);
		op->timetables->config = db_read_text(stmt, &at, &op->arena);
		op->timetables->request = db_read_text(stmt, &at, &op->arena);
		op->count = 1;
		op->found = true;
	}
	sqlite3_finalize(stmt);
	return rc < 0 ? rc : 0;
}

int
disk_find_pipeline(struct disk *disk, struct store_op *op, const struct id *id, struct err *err)
{
	static const char sql[] = "SELECT " PIPELINE_COLUMNS PIPELINE_FROM "WHERE p.id = ?";
	sqlite3_stmt *stmt;
	int rc, at = 1;

	if (db_kept(&disk->db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, id);
	rc = db_row(&disk->db, stmt, err);
	if (rc > 0) {
		op->pipelines = ARENA_NEW(&op->arena, struct pipeline_row);
		read_pipeline(stmt, &op->arena, op->pipelines);
		op->found = true;
	}
	sqlite3_reset(stmt);
	return rc < 0 ? rc : 0;
}

int
disk_list_pipelines(struct disk *disk, struct store_op *op, struct err *err)
{
	const struct store_query *query = &op->query;
	struct select select = {.sql = BUFFER_INIT};
	bool of_project = query->by_project || query->project_slug != NULL;
	size_t limit = limit_of(query);

	buffer_puts(&select.sql, "SELECT " PIPELINE_COLUMNS PIPELINE_FROM);
	where_id(&select, "p.id = ?", query->by_id, &query->id);
	where_id(&select, "p.project = ?", query->by_project, &query->project);
	where_text(&select, "p.project = (SELECT id FROM project WHERE slug = ?)", query->project_slug);
	where_text(&select, "p.branch = ?", query->branch);
	where_number(&select, "p.number = ?", query->number != 0, query->number);
	where_number(&select, of_project ? "p.number < ?" : "p.created_ms < ?", query->before != 0,
		     query->before);
	select_order(&select, of_project ? "p.number DESC" : "p.rowid DESC", limit, op->query.skip);
	LIST(disk, op, &select, limit, pipelines, struct pipeline_row, read_pipeline);
	return 0;
}

int
disk_list_workflows(struct disk *disk, struct store_op *op, struct err *err)
{
	const struct store_query *query = &op->query;
	struct select select = {.sql = BUFFER_INIT};
	size_t limit = limit_of(query);

	buffer_puts(&select.sql, "SELECT " WORKFLOW_COLUMNS WORKFLOW_FROM);
	where_id(&select, "w.id = ?", query->by_id, &query->id);
	where_id(&select, "w.id = ?", query->by_workflow, &query->workflow);
	where_id(&select, "w.pipeline = ?", query->by_pipeline, &query->pipeline);
	where_text(&select, "w.name = ?", query->name);
	select_order(&select, query->by_pipeline ? "w.position" : "w.rowid DESC", limit, op->query.skip);
	LIST(disk, op, &select, limit, workflows, struct workflow_row, read_workflow);
	return 0;
}

int
disk_list_jobs(struct disk *disk, struct store_op *op, struct err *err)
{
	const struct store_query *query = &op->query;
	struct select select = {.sql = BUFFER_INIT};
	size_t limit = limit_of(query);

	buffer_puts(&select.sql, "SELECT " JOB_COLUMNS JOB_FROM);
	where_id(&select, "j.id = ?", query->by_id, &query->id);
	where_id(&select, "j.id = ?", query->by_job, &query->job);
	where_id(&select, "j.workflow = ?", query->by_workflow, &query->workflow);
	where_id(&select, "j.pipeline = ?", query->by_pipeline, &query->pipeline);
	where_id(&select, "p.project = ?", query->by_project, &query->project);
	where_text(&select, "p.project = (SELECT id FROM project WHERE slug = ?)", query->project_slug);
	where_text(&select, "j.name = ?", query->name);
	where_text(&select, "w.name = ?", query->workflow_name);
	where_text(&select, "p.branch = ?", query->branch);
	where_number(&select, "j.number > ?", query->with_number, 0);
	where_number(&select, "j.number = ?", query->number != 0, query->number);
	where_number(&select, "j.state = ?", query->state >= 0, query->state);
	if (query->failed_only) {
		where_number(&select, "j.state = ?", true, JOB_ENDED);
		where_number(&select, "j.outcome != ?", true, OUTCOME_SUCCESS);
		where_number(&select, "j.outcome != ?", true, OUTCOME_NOT_RUN);
	}
	if (query->green_only) {
		where_number(&select, "j.state = ?", true, JOB_ENDED);
		where_number(&select, "j.outcome = ?", true, OUTCOME_SUCCESS);
	}
	select_order(&select, query->by_workflow ? "j.position" : "j.rowid DESC", limit, op->query.skip);
	LIST(disk, op, &select, limit, jobs, struct job_row, read_job);
	return 0;
}

static int
list_steps(struct disk *disk, struct store_op *op, struct err *err)
{
	static const char sql[] =
		"SELECT " STEP_COLUMNS " FROM step WHERE task = ? ORDER BY step, attempt";
	struct rows rows = {NULL, 0, 0};
	sqlite3_stmt *stmt;
	size_t i;
	int at, rc = 0;

	for (i = 0; i < op->count && rc == 0; i++) {
		if (db_kept(&disk->db, sql, &stmt, err) < 0)
			return err->code;
		at = 1;
		db_bind_id(stmt, &at, &op->tasks[i].id);
		while ((rc = db_row(&disk->db, stmt, err)) > 0)
			read_step(stmt, &op->arena,
				  rows_add(&rows, &op->arena, sizeof(struct step_row)));
	}
	op->steps = rows.items;
	op->step_count = rows.count;
	return rc;
}

int
disk_list_tasks(struct disk *disk, struct store_op *op, struct err *err)
{
	const struct store_query *query = &op->query;
	struct select select = {.sql = BUFFER_INIT};
	size_t limit = limit_of(query);

	buffer_puts(&select.sql, "SELECT " TASK_COLUMNS TASK_FROM);
	where_id(&select, "t.id = ?", query->by_id, &query->id);
	where_id(&select, "t.id = ?", query->by_task, &query->task);
	where_id(&select, "t.job = ?", query->by_job, &query->job);
	where_id(&select, "t.pipeline = ?", query->by_pipeline, &query->pipeline);
	where_number(&select, "t.state = ?", query->state >= 0, query->state);
	select_order(&select, query->by_job || query->by_pipeline ? "t.rowid" : "t.rowid DESC", limit, op->query.skip);
	LIST(disk, op, &select, limit, tasks, struct task_row, read_task);
	return query->with_steps ? list_steps(disk, op, err) : 0;
}

int
disk_list_history(struct disk *disk, struct store_op *op, struct err *err)
{
	const struct store_query *query = &op->query;
	struct select select = {.sql = BUFFER_INIT};
	size_t limit = limit_of(query);

	buffer_puts(&select.sql, "SELECT " HISTORY_COLUMNS " FROM history");
	where_id(&select, "task = ?", true, &query->task);
	select_order(&select, "seq", limit, op->query.skip);
	LIST(disk, op, &select, limit, histories, struct history_row, read_history);
	return 0;
}

int
disk_list_agents(struct disk *disk, struct store_op *op, struct err *err)
{
	struct select select = {.sql = BUFFER_INIT};
	size_t limit = limit_of(&op->query);

	buffer_puts(&select.sql, "SELECT " AGENT_COLUMNS " FROM agent");
	where_id(&select, "id = ?", op->query.by_id, &op->query.id);
	select_order(&select, "last_ms DESC", limit, op->query.skip);
	LIST(disk, op, &select, limit, agents, struct agent_row, read_agent);
	return 0;
}

/*
 * load.c - what is active, read once at the start; and one pipeline that is to be active again.
 *
 * A pipeline is active while it has not ended or a task of it has output that is not
 * gathered; with it come all its workflows, jobs, tasks and steps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <string.h>

#include "base/err.h"
#include "hub/store/columns.h"
#include "hub/store/store_internal.h"

/* ?1 is the one pipeline that is meant; NULL: all that are active. */
#define MEANT                                                                    \
	"(SELECT id FROM pipeline WHERE state = 0 AND ?1 IS NULL UNION"          \
	" SELECT pipeline FROM task WHERE output_open = 1 AND ?1 IS NULL UNION"  \
	" SELECT ?1)"

/* With its document while a task of it is with an agent. */
static void
read_active_job(sqlite3_stmt *stmt, struct arena *arena, struct job_row *row)
{
	int at = sqlite3_column_count(stmt) - 1;

	read_job(stmt, arena, row);
	at -= 3;
	row->contexts = db_read_text(stmt, &at, arena);
	row->needs_keys = db_read_int(stmt, &at) != 0;
	row->document_bytes = (uint32_t)db_read_int(stmt, &at);
	row->document = db_read_text(stmt, &at, arena);
}

static void
read_build(sqlite3_stmt *stmt, struct arena *arena, struct build_row *row)
{
	int at = 0;

	row->project_slug = db_read_text(stmt, &at, arena);
	row->branch = db_read_text(stmt, &at, arena);
	row->name = db_read_text(stmt, &at, arena);
	row->number = db_read_int(stmt, &at);
	row->pipeline_number = db_read_int(stmt, &at);
}

/* A position is where the last record of a (step, attempt) ends; nothing else of it counts. */
static void
read_position(sqlite3_stmt *stmt, struct arena *arena, struct output_row *row)
{
	int at = 0;

	(void)arena;
	db_read_id(stmt, &at, &row->task);
	row->step = (uint32_t)db_read_int(stmt, &at);
	row->attempt = (uint32_t)db_read_int(stmt, &at);
	row->offset = (uint64_t)db_read_int(stmt, &at);
}

static int
load_key_name(struct disk *disk, struct store_snapshot *out, struct err *err)
{
	sqlite3_stmt *stmt;
	const void *name;
	size_t len = 0;
	int at = 0, rc;

	if (db_prepare(&disk->db, "SELECT key_name FROM seal", &stmt, err) < 0)
		return err->code;
	rc = db_row(&disk->db, stmt, err);
	if (rc > 0) {
		name = db_read_blob(stmt, &at, &len);
		out->has_key_name = len == sizeof(out->key_name);
		if (out->has_key_name)
			memcpy(out->key_name, name, len);
	}
	sqlite3_finalize(stmt);
	return rc < 0 ? rc : 0;
}

/* All rows of a query into a member of *out; one: the pipeline that ?1 of the query is, or NULL. */
#define LOAD(member, counter, type, reader, one, sql)                                         \
	do {                                                                                  \
		struct rows rows = {NULL, 0, 0};                                              \
		sqlite3_stmt *stmt;                                                           \
		int rc, first = 1;                                                            \
                                                                                              \
		if (db_prepare(&disk->db, sql, &stmt, err) < 0)                               \
			return err->code;                                                     \
		if ((one) != NULL)                                                            \
			db_bind_id(stmt, &first, one);                                        \
		while ((rc = db_row(&disk->db, stmt, err)) > 0)                               \
			reader(stmt, &out->arena, rows_add(&rows, &out->arena, sizeof(type))); \
		sqlite3_finalize(stmt);                                                       \
		if (rc < 0)                                                                   \
			return rc;                                                            \
		out->member = rows.items;                                                     \
		out->counter = rows.count;                                                    \
	} while (0)

/*
 * The pipelines that are active, or the one, with all that belongs to them. The '+' keeps the look-up of a job's tasks off the
 * index of the open ones, which are nearly all of those that are active.
 */
static int
load_pipelines(struct disk *disk, const struct id *one, struct store_snapshot *out, struct err *err)
{
	LOAD(pipelines, pipeline_count, struct pipeline_row, read_pipeline, one,
	     "SELECT " PIPELINE_COLUMNS PIPELINE_FROM "WHERE p.id IN " MEANT " ORDER BY p.rowid");
	LOAD(workflows, workflow_count, struct workflow_row, read_workflow, one,
	     "SELECT " WORKFLOW_COLUMNS WORKFLOW_FROM "WHERE w.pipeline IN " MEANT
	     " ORDER BY w.pipeline, w.position");
	LOAD(jobs, job_count, struct job_row, read_active_job, one,
	     "SELECT " JOB_COLUMNS ", j.contexts, j.needs_keys, j.document_bytes, d.document FROM job j JOIN workflow w ON w.id = j.workflow"
	     " JOIN pipeline p ON p.id = j.pipeline JOIN project r ON r.id = p.project"
	     " LEFT JOIN job_document d ON d.job = j.id AND EXISTS (SELECT 1 FROM task t"
	     " WHERE t.job = j.id AND +t.output_open = 1 AND t.state <> 0)"
	     " WHERE j.pipeline IN " MEANT
	     " ORDER BY j.workflow, j.position");
	LOAD(tasks, task_count, struct task_row, read_task, one,
	     "SELECT " TASK_COLUMNS TASK_FROM "WHERE t.pipeline IN " MEANT " ORDER BY t.rowid");
	LOAD(steps, step_count, struct step_row, read_step, one,
	     "SELECT " STEP_COLUMNS " FROM step WHERE task IN (SELECT id FROM task WHERE pipeline IN " MEANT
	     ") ORDER BY task, step, attempt");
	return 0;
}

int
disk_load_pipeline(struct disk *disk, struct store_op *op, struct err *err)
{
	struct id one = op->id;
	bool is_going;

	if (pipeline_is_going(&disk->db, &one, &is_going, err) < 0)
		return err->code;
	if (is_going)
		memset(&one, 0, sizeof(one)); /* nobody's */
	op->snapshot = arena_zalloc(&op->arena, sizeof(*op->snapshot));
	arena_init(&op->snapshot->arena, 0);
	if (load_pipelines(disk, &one, op->snapshot, err) < 0)
		return err->code;
	op->found = op->snapshot->pipeline_count > 0;
	return 0;
}

int
disk_load(struct disk *disk, struct store_snapshot *out, struct err *err)
{
	const struct id *const all = NULL;

	if (load_pipelines(disk, all, out, err) < 0)
		return err->code;
	LOAD(projects, project_count, struct project_row, read_project, all,
	     "SELECT " PROJECT_COLUMNS " FROM project");
	LOAD(positions, position_count, struct output_row, read_position, all,
	     "SELECT task, step, attempt, max(offset + raw_len) FROM output WHERE task IN"
	     " (SELECT id FROM task WHERE output_open = 1) GROUP BY task, step, attempt");
	LOAD(agents, agent_count, struct agent_row, read_agent, all,
	     "SELECT " AGENT_COLUMNS " FROM agent");
	LOAD(classes, class_count, struct class_row, read_class, all,
	     "SELECT " CLASS_COLUMNS " FROM class");
	LOAD(tokens, token_count, struct token_row, read_token, all,
	     "SELECT " TOKEN_COLUMNS " FROM token");
	LOAD(contexts, context_count, struct context_row, read_context, all,
	     "SELECT " CONTEXT_COLUMNS " FROM context");
	/* p.number is of the row that max() found (sqlite.org/lang_select.html, bare columns). */
	LOAD(builds, build_count, struct build_row, read_build, all,
	     "SELECT r.slug, p.branch, j.name, max(j.number), p.number FROM job j"
	     " JOIN pipeline p ON p.id = j.pipeline JOIN project r ON r.id = p.project"
	     " WHERE p.branch IS NOT NULL AND j.number > 0 AND p.state <> 0 GROUP BY 1, 2, 3");
	LOAD(timetables, timetable_count, struct timetable_row, read_timetable, all,
	     "SELECT " TIMETABLE_COLUMNS " FROM timetable");
	LOAD(blobs, blob_count, struct blob_row, read_blob, all,
	     "SELECT " BLOB_COLUMNS " FROM blob b WHERE b.state = 0");
	LOAD(orbs, orb_count, struct orb_row, read_orb, all, "SELECT " ORB_COLUMNS " FROM orb");
	LOAD(variables, variable_count, struct variable_row, read_variable, all,
	     "SELECT " VARIABLE_COLUMNS " FROM variable ORDER BY owner, name");
	return load_key_name(disk, out, err);
}

int
disk_count_segments(struct disk *disk, struct err *err)
{
	sqlite3_stmt *stmt;
	int rc;

	if (db_prepare(&disk->db,
		       "SELECT segment, count(*) FROM output WHERE segment > 0 AND task IN"
		       " (SELECT id FROM task WHERE output_open = 1) GROUP BY segment",
		       &stmt, err) < 0)
		return err->code;
	while ((rc = db_row(&disk->db, stmt, err)) > 0) {
		rc = segments_count(&disk->segments, (uint32_t)sqlite3_column_int64(stmt, 0),
				    (uint64_t)sqlite3_column_int64(stmt, 1), err);
		if (rc < 0)
			break;
	}
	sqlite3_finalize(stmt);
	return rc < 0 ? rc : segments_clean(&disk->segments, err);
}

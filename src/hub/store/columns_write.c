/*
 * columns_write.c - rows into the database.
 *
 * What never changes is written by add_*() alone; put_*() writes what a life cycle
 * changes. Tasks and steps are small and have one statement for both.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/store/columns.h"

#include "base/err.h"

static const char put_project_sql[] =
	"INSERT INTO project VALUES (?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET"
	" last_pipeline = excluded.last_pipeline, last_job = excluded.last_job,"
	" default_branch = excluded.default_branch";

int
put_project(struct db *db, const struct project_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, put_project_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->id);
	db_bind_text(stmt, &at, row->slug);
	db_bind_int(stmt, &at, row->last_pipeline);
	db_bind_int(stmt, &at, row->last_job);
	db_bind_text(stmt, &at, row->default_branch);
	return db_run(db, stmt, err);
}

static const char add_pipeline_sql[] =
	"INSERT INTO pipeline VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
static const char add_config_sql[] = "INSERT INTO pipeline_config VALUES (?, ?, ?, NULL, NULL, ?)";

int
add_pipeline(struct db *db, const struct pipeline_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, add_pipeline_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->id);
	db_bind_id(stmt, &at, &row->project);
	db_bind_int(stmt, &at, row->number);
	db_bind_int(stmt, &at, row->state);
	db_bind_int(stmt, &at, row->outcome);
	db_bind_int(stmt, &at, row->created_ms);
	db_bind_int(stmt, &at, row->ended_ms);
	db_bind_int(stmt, &at, (int64_t)row->seq);
	db_bind_text(stmt, &at, row->actor);
	db_bind_text(stmt, &at, row->branch);
	db_bind_text(stmt, &at, row->tag);
	db_bind_text(stmt, &at, row->revision);
	db_bind_text(stmt, &at, row->repository);
	db_bind_text(stmt, &at, row->directory);
	db_bind_text(stmt, &at, row->config_path);
	db_bind_int(stmt, &at, row->setup);
	db_bind_text(stmt, &at, row->errors);
	db_bind_text(stmt, &at, row->trigger);
	if (db_run(db, stmt, err) < 0 || db_kept(db, add_config_sql, &stmt, err) < 0)
		return err->code;
	at = 1;
	db_bind_id(stmt, &at, &row->id);
	db_bind_text(stmt, &at, row->config);
	db_bind_text(stmt, &at, row->compiled);
	db_bind_text(stmt, &at, row->request);
	return db_run(db, stmt, err);
}

static const char continue_pipeline_sql[] =
	"UPDATE pipeline_config SET setup_config = config, setup_compiled = compiled, config = ?,"
	" compiled = ? WHERE pipeline = ?";

int
continue_pipeline(struct db *db, const struct pipeline_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, continue_pipeline_sql, &stmt, err) < 0)
		return err->code;
	db_bind_text(stmt, &at, row->config);
	db_bind_text(stmt, &at, row->compiled);
	db_bind_id(stmt, &at, &row->id);
	return db_run(db, stmt, err);
}

static const char put_pipeline_sql[] =
	"UPDATE pipeline SET state = ?, outcome = ?, ended_ms = ?, seq = ?, setup = ?, errors = ?"
	" WHERE id = ?";

int
put_pipeline(struct db *db, const struct pipeline_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, put_pipeline_sql, &stmt, err) < 0)
		return err->code;
	db_bind_int(stmt, &at, row->state);
	db_bind_int(stmt, &at, row->outcome);
	db_bind_int(stmt, &at, row->ended_ms);
	db_bind_int(stmt, &at, (int64_t)row->seq);
	db_bind_int(stmt, &at, row->setup);
	db_bind_text(stmt, &at, row->errors);
	db_bind_id(stmt, &at, &row->id);
	return db_run(db, stmt, err);
}

static const char add_workflow_sql[] = 
	"INSERT INTO workflow VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

int
add_workflow(struct db *db, const struct workflow_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, add_workflow_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->id);
	db_bind_id(stmt, &at, &row->pipeline);
	db_bind_text(stmt, &at, row->name);
	db_bind_int(stmt, &at, row->position);
	db_bind_int(stmt, &at, row->state);
	db_bind_int(stmt, &at, row->outcome);
	db_bind_int(stmt, &at, row->created_ms);
	db_bind_int(stmt, &at, row->ended_ms);
	db_bind_int(stmt, &at, (int64_t)row->seq);
	db_bind_text(stmt, &at, row->canceled_by);
	db_bind_int(stmt, &at, row->reruns);
	db_bind_int(stmt, &at, row->auto_reruns);
	return db_run(db, stmt, err);
}

static const char put_workflow_sql[] =
	"UPDATE workflow SET state = ?, outcome = ?, ended_ms = ?, seq = ?, canceled_by = ?,"
	" reruns = ?, auto_reruns = ? WHERE id = ?";

int
put_workflow(struct db *db, const struct workflow_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, put_workflow_sql, &stmt, err) < 0)
		return err->code;
	db_bind_int(stmt, &at, row->state);
	db_bind_int(stmt, &at, row->outcome);
	db_bind_int(stmt, &at, row->ended_ms);
	db_bind_int(stmt, &at, (int64_t)row->seq);
	db_bind_text(stmt, &at, row->canceled_by);
	db_bind_int(stmt, &at, row->reruns);
	db_bind_int(stmt, &at, row->auto_reruns);
	db_bind_id(stmt, &at, &row->id);
	return db_run(db, stmt, err);
}

static const char add_job_sql[] =
	"INSERT INTO job VALUES"
	" (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
static const char add_document_sql[] = "INSERT INTO job_document VALUES (?, ?)";

static void
bind_job(sqlite3_stmt *stmt, int *at, const struct job_row *row)
{
	db_bind_id(stmt, at, &row->id);
	db_bind_id(stmt, at, &row->workflow);
	db_bind_id(stmt, at, &row->pipeline);
	db_bind_int(stmt, at, row->number);
	db_bind_int(stmt, at, row->position);
	db_bind_text(stmt, at, row->name);
	db_bind_text(stmt, at, row->type);
	db_bind_text(stmt, at, row->requires);
	db_bind_text(stmt, at, row->resource_class);
	db_bind_int(stmt, at, row->parallelism);
	db_bind_int(stmt, at, row->state);
	db_bind_int(stmt, at, row->outcome);
	db_bind_text(stmt, at, row->reason);
	db_bind_text(stmt, at, row->by);
	db_bind_int(stmt, at, row->created_ms);
	db_bind_int(stmt, at, row->queued_ms);
	db_bind_int(stmt, at, row->started_ms);
	db_bind_int(stmt, at, row->ended_ms);
	db_bind_int(stmt, at, (int64_t)row->seq);
	db_bind_text(stmt, at, row->serial_group);
	db_bind_text(stmt, at, row->contexts);
	db_bind_int(stmt, at, row->needs_keys);
	db_bind_int(stmt, at, row->document_bytes);
	db_bind_int(stmt, at, row->failed_tests_of);
	db_bind_int(stmt, at, row->retries);
	db_bind_int(stmt, at, row->retried);
}

int
add_job(struct db *db, const struct job_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, add_job_sql, &stmt, err) < 0)
		return err->code;
	bind_job(stmt, &at, row);
	if (db_run(db, stmt, err) < 0)
		return err->code;
	if (row->document == NULL)
		return 0;
	if (db_kept(db, add_document_sql, &stmt, err) < 0)
		return err->code;
	at = 1;
	db_bind_id(stmt, &at, &row->id);
	db_bind_text(stmt, &at, row->document);
	return db_run(db, stmt, err);
}

static const char put_job_sql[] =
	"UPDATE job SET state = ?, outcome = ?, reason = ?, by = ?, queued_ms = ?, started_ms = ?,"
	" ended_ms = ?, seq = ?, failed_tests_of = ?, retried = ? WHERE id = ?";

int
put_job(struct db *db, const struct job_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, put_job_sql, &stmt, err) < 0)
		return err->code;
	db_bind_int(stmt, &at, row->state);
	db_bind_int(stmt, &at, row->outcome);
	db_bind_text(stmt, &at, row->reason);
	db_bind_text(stmt, &at, row->by);
	db_bind_int(stmt, &at, row->queued_ms);
	db_bind_int(stmt, &at, row->started_ms);
	db_bind_int(stmt, &at, row->ended_ms);
	db_bind_int(stmt, &at, (int64_t)row->seq);
	db_bind_int(stmt, &at, row->failed_tests_of);
	db_bind_int(stmt, &at, row->retried);
	db_bind_id(stmt, &at, &row->id);
	return db_run(db, stmt, err);
}

static const char put_task_sql[] =
	"INSERT INTO task VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
	" ON CONFLICT (id) DO UPDATE SET state = excluded.state, phase = excluded.phase,"
	" outcome = excluded.outcome, reason = excluded.reason, cancel_by = excluded.cancel_by,"
	" epoch = excluded.epoch, returned = excluded.returned, event_seq = excluded.event_seq,"
	" lost = excluded.lost, history_seq = excluded.history_seq, output_open = excluded.output_open,"
	" agent = excluded.agent, claim = excluded.claim, agent_name = excluded.agent_name,"
	" queued_ms = excluded.queued_ms, leased_ms = excluded.leased_ms,"
	" started_ms = excluded.started_ms, ended_ms = excluded.ended_ms, seq = excluded.seq";

int
put_task(struct db *db, const struct task_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, put_task_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->id);
	db_bind_id(stmt, &at, &row->job);
	db_bind_id(stmt, &at, &row->pipeline);
	db_bind_int(stmt, &at, row->attempt);
	db_bind_int(stmt, &at, row->node_index);
	db_bind_int(stmt, &at, row->state);
	db_bind_int(stmt, &at, row->phase);
	db_bind_int(stmt, &at, row->outcome);
	db_bind_text(stmt, &at, row->reason);
	db_bind_text(stmt, &at, row->cancel_by);
	db_bind_int(stmt, &at, row->epoch);
	db_bind_int(stmt, &at, row->returned);
	db_bind_int(stmt, &at, row->event_seq);
	db_bind_int(stmt, &at, row->history_seq);
	db_bind_int(stmt, &at, row->output_open);
	db_bind_id(stmt, &at, &row->agent);
	db_bind_id(stmt, &at, &row->claim);
	db_bind_text(stmt, &at, row->agent_name);
	db_bind_int(stmt, &at, row->queued_ms);
	db_bind_int(stmt, &at, row->leased_ms);
	db_bind_int(stmt, &at, row->started_ms);
	db_bind_int(stmt, &at, row->ended_ms);
	db_bind_int(stmt, &at, (int64_t)row->seq);
	db_bind_int(stmt, &at, row->lost);
	return db_run(db, stmt, err);
}

static const char put_step_sql[] =
	"INSERT OR REPLACE INTO step VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

int
put_step(struct db *db, const struct step_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, put_step_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->task);
	db_bind_int(stmt, &at, row->step);
	db_bind_int(stmt, &at, row->attempt);
	db_bind_text(stmt, &at, row->name);
	db_bind_text(stmt, &at, row->kind);
	db_bind_int(stmt, &at, row->state);
	db_bind_int(stmt, &at, row->outcome);
	db_bind_text(stmt, &at, row->reason);
	db_bind_int(stmt, &at, row->exit_code);
	db_bind_int(stmt, &at, row->signal);
	db_bind_int(stmt, &at, (int64_t)row->output_bytes);
	db_bind_int(stmt, &at, (int64_t)row->wall_ms);
	db_bind_int(stmt, &at, (int64_t)row->user_us);
	db_bind_int(stmt, &at, (int64_t)row->system_us);
	db_bind_int(stmt, &at, (int64_t)row->max_rss_bytes);
	db_bind_int(stmt, &at, row->started_ms);
	db_bind_int(stmt, &at, row->ended_ms);
	db_bind_int(stmt, &at, (int64_t)row->seq);
	db_bind_int(stmt, &at, (int64_t)row->peak_bytes);
	db_bind_int(stmt, &at, (int64_t)row->read_bytes);
	db_bind_int(stmt, &at, (int64_t)row->write_bytes);
	return db_run(db, stmt, err);
}

static const char add_history_sql[] = "INSERT OR REPLACE INTO history VALUES (?, ?, ?, ?, ?)";

int
add_history(struct db *db, const struct history_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, add_history_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->task);
	db_bind_int(stmt, &at, row->seq);
	db_bind_int(stmt, &at, row->time_ms);
	db_bind_text(stmt, &at, row->state);
	db_bind_text(stmt, &at, row->reason);
	return db_run(db, stmt, err);
}

static const char add_output_sql[] =
	"INSERT INTO output VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

int
add_output(struct db *db, const struct output_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, add_output_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->task);
	db_bind_int(stmt, &at, row->step);
	db_bind_int(stmt, &at, row->attempt);
	db_bind_int(stmt, &at, (int64_t)row->offset);
	db_bind_int(stmt, &at, row->raw_len);
	db_bind_int(stmt, &at, row->lines);
	db_bind_int(stmt, &at, row->frame_len);
	db_bind_int(stmt, &at, row->frame_crc);
	db_bind_int(stmt, &at, row->epoch);
	db_bind_int(stmt, &at, row->time_ms);
	db_bind_int(stmt, &at, row->segment);
	db_bind_int(stmt, &at, (int64_t)row->at);
	return db_run(db, stmt, err);
}

static const char move_output_sql[] =
	"UPDATE output SET segment = ?, at = ? WHERE task = ? AND step = ? AND attempt = ? AND offset = ?";

int
move_output(struct db *db, const struct output_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, move_output_sql, &stmt, err) < 0)
		return err->code;
	db_bind_int(stmt, &at, row->segment);
	db_bind_int(stmt, &at, (int64_t)row->at);
	db_bind_id(stmt, &at, &row->task);
	db_bind_int(stmt, &at, row->step);
	db_bind_int(stmt, &at, row->attempt);
	db_bind_int(stmt, &at, (int64_t)row->offset);
	return db_run(db, stmt, err);
}

static const char put_agent_sql[] =
	"INSERT OR REPLACE INTO agent VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

int
put_agent(struct db *db, const struct agent_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, put_agent_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->id);
	db_bind_text(stmt, &at, row->name);
	db_bind_text(stmt, &at, row->version);
	db_bind_text(stmt, &at, row->os);
	db_bind_text(stmt, &at, row->arch);
	db_bind_int(stmt, &at, row->slots);
	db_bind_text(stmt, &at, row->classes);
	db_bind_int(stmt, &at, row->first_ms);
	db_bind_int(stmt, &at, row->last_ms);
	db_bind_int(stmt, &at, row->used_ms);
	db_bind_int(stmt, &at, row->standing);
	db_bind_text(stmt, &at, row->standing_by);
	db_bind_int(stmt, &at, row->standing_ms);
	return db_run(db, stmt, err);
}

static const char put_class_sql[] = "INSERT OR REPLACE INTO class VALUES (?, ?, ?)";

int
put_class(struct db *db, const struct class_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, put_class_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->id);
	db_bind_text(stmt, &at, row->name);
	db_bind_text(stmt, &at, row->description);
	return db_run(db, stmt, err);
}

static const char put_token_sql[] = "INSERT OR REPLACE INTO token VALUES (?, ?, ?, ?, ?, ?)";

int
put_token(struct db *db, const struct token_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, put_token_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->id);
	db_bind_int(stmt, &at, row->kind);
	db_bind_blob(stmt, &at, row->digest, sizeof(row->digest));
	db_bind_text(stmt, &at, row->name);
	db_bind_text(stmt, &at, row->nickname);
	db_bind_int(stmt, &at, row->created_ms);
	return db_run(db, stmt, err);
}

static const char put_context_sql[] = "INSERT INTO context VALUES (?, ?, ?, ?)";

int
put_context(struct db *db, const struct context_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, put_context_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->id);
	db_bind_text(stmt, &at, row->owner);
	db_bind_text(stmt, &at, row->name);
	db_bind_int(stmt, &at, row->created_ms);
	return db_run(db, stmt, err);
}

int
delete_context(struct db *db, const struct id *id, struct err *err)
{
	static const char variables[] = "DELETE FROM variable WHERE owner = ?";
	static const char context[] = "DELETE FROM context WHERE id = ?";
	int rc = delete_by_id(db, variables, id, err);

	return rc < 0 ? rc : delete_by_id(db, context, id, err);
}

static const char put_variable_sql[] = "INSERT OR REPLACE INTO variable VALUES (?, ?, ?, ?, ?)";

int
put_variable(struct db *db, const struct variable_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, put_variable_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->owner);
	db_bind_text(stmt, &at, row->name);
	db_bind_int(stmt, &at, row->created_ms);
	db_bind_int(stmt, &at, row->updated_ms);
	db_bind_blob(stmt, &at, row->sealed, row->sealed_len);
	return db_run(db, stmt, err);
}

static const char delete_variable_sql[] = "DELETE FROM variable WHERE owner = ? AND name = ?";

int
delete_variable(struct db *db, const struct variable_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, delete_variable_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->owner);
	db_bind_text(stmt, &at, row->name);
	return db_run(db, stmt, err);
}

static const char put_key_name_sql[] = "INSERT OR REPLACE INTO seal VALUES (1, ?)";

int
put_key_name(struct db *db, const unsigned char name[HUB_KEY_BYTES], struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, put_key_name_sql, &stmt, err) < 0)
		return err->code;
	db_bind_blob(stmt, &at, name, HUB_KEY_BYTES);
	return db_run(db, stmt, err);
}

static const char put_orb_sql[] = "INSERT OR REPLACE INTO orb VALUES (?, ?, ?)";

int
put_orb(struct db *db, const struct orb_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, put_orb_sql, &stmt, err) < 0)
		return err->code;
	db_bind_text(stmt, &at, row->name);
	db_bind_text(stmt, &at, row->source);
	db_bind_int(stmt, &at, row->created_ms);
	return db_run(db, stmt, err);
}

static const char put_timetable_sql[] =
	"INSERT OR REPLACE INTO timetable VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";

int
put_timetable(struct db *db, const struct timetable_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, put_timetable_sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, &row->id);
	db_bind_text(stmt, &at, row->project_slug);
	db_bind_text(stmt, &at, row->branch);
	db_bind_text(stmt, &at, row->actor);
	db_bind_text(stmt, &at, row->revision);
	db_bind_text(stmt, &at, row->repository);
	db_bind_text(stmt, &at, row->config_path);
	db_bind_text(stmt, &at, row->config);
	db_bind_text(stmt, &at, row->request);
	db_bind_text(stmt, &at, row->entries);
	db_bind_int(stmt, &at, row->created_ms);
	return db_run(db, stmt, err);
}

static const char delete_orb_sql[] = "DELETE FROM orb WHERE name = ?";

int
delete_orb(struct db *db, const struct orb_row *row, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, delete_orb_sql, &stmt, err) < 0)
		return err->code;
	db_bind_text(stmt, &at, row->name);
	return db_run(db, stmt, err);
}

int
delete_by_id(struct db *db, const char *sql, const struct id *id, struct err *err)
{
	sqlite3_stmt *stmt;
	int at = 1;

	if (db_kept(db, sql, &stmt, err) < 0)
		return err->code;
	db_bind_id(stmt, &at, id);
	return db_run(db, stmt, err);
}

/*
 * columns.h - rows to and from the database: one pair of functions a kind.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_STORE_COLUMNS_H
#define HUB_STORE_COLUMNS_H

#include <stddef.h>

#include "hub/key.h"
#include "hub/rows.h"
#include "hub/store/db.h"
#include "hub/store/store.h"

struct arena;

/* What a SELECT names, in the order read_*() takes it. */
#define PROJECT_COLUMNS "id, slug, last_pipeline, last_job, default_branch"
#define PIPELINE_COLUMNS                                                                           \
	"p.id, p.project, p.number, p.state, p.outcome, p.created_ms, p.ended_ms, p.seq, p.actor," \
	" p.branch, p.tag, p.revision, p.repository, p.directory, p.config_path, p.setup," \
	" p.errors, p.trigger_type, r.slug"
#define PIPELINE_FROM " FROM pipeline p JOIN project r ON r.id = p.project "
#define WORKFLOW_COLUMNS                                                                 \
	"w.id, w.pipeline, w.name, w.position, w.state, w.outcome, w.created_ms,"        \
	" w.ended_ms, w.seq, w.canceled_by, w.reruns, w.auto_reruns, r.slug, p.number, p.actor"
#define WORKFLOW_FROM \
	" FROM workflow w JOIN pipeline p ON p.id = w.pipeline JOIN project r ON r.id = p.project "
#define JOB_COLUMNS                                                                        \
	"j.id, j.workflow, j.pipeline, j.number, j.position, j.name, j.type, j.requires,"  \
	" j.resource_class, j.parallelism, j.state, j.outcome, j.reason, j.by,"            \
	" j.created_ms, j.queued_ms, j.started_ms, j.ended_ms, j.seq, j.serial_group,"  \
	" j.failed_tests_of, j.retries, j.retried,"  \
	" w.name, r.slug, p.number"
#define JOB_FROM                                                                            \
	" FROM job j JOIN workflow w ON w.id = j.workflow JOIN pipeline p ON p.id = j.pipeline" \
	" JOIN project r ON r.id = p.project "
#define TASK_COLUMNS                                                                         \
	"t.id, t.job, t.pipeline, t.attempt, t.node_index, t.state, t.phase, t.outcome,"     \
	" t.reason, t.cancel_by, t.epoch, t.returned, t.lost, t.event_seq, t.history_seq,"   \
	" t.output_open, t.agent, t.claim, t.agent_name, t.queued_ms, t.leased_ms,"          \
	" t.started_ms, t.ended_ms, t.seq, j.name, j.number, f.state"
#define TASK_FROM \
	" FROM task t JOIN job j ON j.id = t.job LEFT JOIN output_file f ON f.task = t.id "
#define STEP_COLUMNS                                                                      \
	"task, step, attempt, name, kind, state, outcome, reason, exit_code, signal,"     \
	" output_bytes, wall_ms, user_us, system_us, max_rss_bytes, started_ms, ended_ms, seq,"      \
	" peak_bytes, read_bytes, write_bytes"
#define HISTORY_COLUMNS "task, seq, time_ms, state, reason"
#define OUTPUT_COLUMNS                                                                    \
	"task, step, attempt, offset, raw_len, lines, frame_len, frame_crc, epoch, time_ms, segment, at"
#define AGENT_COLUMNS "id, name, version, os, arch, slots, classes, first_ms, last_ms, used_ms," \
	" standing, standing_by, standing_ms"
#define CLASS_COLUMNS "id, name, description"
#define CONTEXT_COLUMNS "id, owner, name, created_ms"
#define VARIABLE_COLUMNS "owner, name, created_ms, updated_ms, sealed"
#define ORB_COLUMNS "name, source, created_ms"
#define TIMETABLE_COLUMNS                                                          \
	"id, project_slug, branch, actor, revision, repository, config_path, entries,"  \
	" created_ms"
#define BLOB_COLUMNS                                                                              \
	"b.id, b.project, b.pipeline, b.job, b.task, b.kind, b.state, b.attempt, b.node_index,"  \
	" b.name, b.size, b.digest, b.file, b.at, b.created_ms, b.used_ms, b.keep_ms"
#define TOKEN_COLUMNS "id, kind, digest, name, nickname, created_ms"

void read_project(sqlite3_stmt *stmt, struct arena *arena, struct project_row *row);
void read_pipeline(sqlite3_stmt *stmt, struct arena *arena, struct pipeline_row *row);
void read_workflow(sqlite3_stmt *stmt, struct arena *arena, struct workflow_row *row);
void read_job(sqlite3_stmt *stmt, struct arena *arena, struct job_row *row);
void read_task(sqlite3_stmt *stmt, struct arena *arena, struct task_row *row);
void read_step(sqlite3_stmt *stmt, struct arena *arena, struct step_row *row);
void read_history(sqlite3_stmt *stmt, struct arena *arena, struct history_row *row);
void read_output(sqlite3_stmt *stmt, struct arena *arena, struct output_row *row);
void read_agent(sqlite3_stmt *stmt, struct arena *arena, struct agent_row *row);
void read_class(sqlite3_stmt *stmt, struct arena *arena, struct class_row *row);
void read_context(sqlite3_stmt *stmt, struct arena *arena, struct context_row *row);
void read_variable(sqlite3_stmt *stmt, struct arena *arena, struct variable_row *row);
void read_orb(sqlite3_stmt *stmt, struct arena *arena, struct orb_row *row);
void read_timetable(sqlite3_stmt *stmt, struct arena *arena, struct timetable_row *row);
void read_blob(sqlite3_stmt *stmt, struct arena *arena, struct blob_row *row);
void read_token(sqlite3_stmt *stmt, struct arena *arena, struct token_row *row);

int put_project(struct db *db, const struct project_row *row, struct err *err);
int add_pipeline(struct db *db, const struct pipeline_row *row, struct err *err);
int put_pipeline(struct db *db, const struct pipeline_row *row, struct err *err);
/* Its config is what continues it. */
int continue_pipeline(struct db *db, const struct pipeline_row *row, struct err *err);
int add_workflow(struct db *db, const struct workflow_row *row, struct err *err);
int put_workflow(struct db *db, const struct workflow_row *row, struct err *err);
int add_job(struct db *db, const struct job_row *row, struct err *err);
int put_job(struct db *db, const struct job_row *row, struct err *err);
int put_task(struct db *db, const struct task_row *row, struct err *err);
int put_step(struct db *db, const struct step_row *row, struct err *err);
int add_history(struct db *db, const struct history_row *row, struct err *err);
int add_output(struct db *db, const struct output_row *row, struct err *err);
int move_output(struct db *db, const struct output_row *row, struct err *err);
int put_agent(struct db *db, const struct agent_row *row, struct err *err);
int put_class(struct db *db, const struct class_row *row, struct err *err);
int put_token(struct db *db, const struct token_row *row, struct err *err);
int put_context(struct db *db, const struct context_row *row, struct err *err);
/* With its variables. */
int delete_context(struct db *db, const struct id *id, struct err *err);
int put_variable(struct db *db, const struct variable_row *row, struct err *err);
/* By owner and name. */
int delete_variable(struct db *db, const struct variable_row *row, struct err *err);
int put_key_name(struct db *db, const unsigned char name[HUB_KEY_BYTES], struct err *err);
int put_orb(struct db *db, const struct orb_row *row, struct err *err);
int put_timetable(struct db *db, const struct timetable_row *row, struct err *err);
int add_blob(struct db *db, const struct blob_row *row, struct err *err);
/* When it was used last. */
int use_blob(struct db *db, const struct blob_row *row, struct err *err);
/* By name. */
int delete_orb(struct db *db, const struct orb_row *row, struct err *err);
/* sql takes one id. */
int delete_by_id(struct db *db, const char *sql, const struct id *id, struct err *err);

#endif

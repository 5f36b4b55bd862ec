/*
 * columns_read.c - rows from the database, in the column order of columns.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/store/columns.h"

#include <string.h>

#include "base/arena.h"

void
read_project(sqlite3_stmt *stmt, struct arena *arena, struct project_row *row)
{
	int at = 0;

	db_read_id(stmt, &at, &row->id);
	row->slug = db_read_text(stmt, &at, arena);
	row->last_pipeline = db_read_int(stmt, &at);
	row->last_job = db_read_int(stmt, &at);
	row->default_branch = db_read_text(stmt, &at, arena);
}

void
read_pipeline(sqlite3_stmt *stmt, struct arena *arena, struct pipeline_row *row)
{
	int at = 0;

	db_read_id(stmt, &at, &row->id);
	db_read_id(stmt, &at, &row->project);
	row->number = db_read_int(stmt, &at);
	row->state = (enum pipeline_state)db_read_int(stmt, &at);
	row->outcome = (enum outcome)db_read_int(stmt, &at);
	row->created_ms = db_read_int(stmt, &at);
	row->ended_ms = db_read_int(stmt, &at);
	row->seq = (uint64_t)db_read_int(stmt, &at);
	row->actor = db_read_text(stmt, &at, arena);
	row->branch = db_read_text(stmt, &at, arena);
	row->tag = db_read_text(stmt, &at, arena);
	row->revision = db_read_text(stmt, &at, arena);
	row->repository = db_read_text(stmt, &at, arena);
	row->directory = db_read_text(stmt, &at, arena);
	row->config_path = db_read_text(stmt, &at, arena);
	row->setup = (enum pipeline_setup)db_read_int(stmt, &at);
	row->errors = db_read_text(stmt, &at, arena);
	row->trigger = db_read_text(stmt, &at, arena);
	row->project_slug = db_read_text(stmt, &at, arena);
}

void
read_workflow(sqlite3_stmt *stmt, struct arena *arena, struct workflow_row *row)
{
	int at = 0;

	db_read_id(stmt, &at, &row->id);
	db_read_id(stmt, &at, &row->pipeline);
	row->name = db_read_text(stmt, &at, arena);
	row->position = (uint32_t)db_read_int(stmt, &at);
	row->state = (enum workflow_state)db_read_int(stmt, &at);
	row->outcome = (enum outcome)db_read_int(stmt, &at);
	row->created_ms = db_read_int(stmt, &at);
	row->ended_ms = db_read_int(stmt, &at);
	row->seq = (uint64_t)db_read_int(stmt, &at);
	db_read_room(stmt, &at, row->canceled_by, sizeof(row->canceled_by));
	row->reruns = (uint32_t)db_read_int(stmt, &at);
	row->auto_reruns = (uint32_t)db_read_int(stmt, &at);
	row->project_slug = db_read_text(stmt, &at, arena);
	row->pipeline_number = db_read_int(stmt, &at);
	row->actor = db_read_text(stmt, &at, arena);
}

void
read_job(sqlite3_stmt *stmt, struct arena *arena, struct job_row *row)
{
	int at = 0;

	db_read_id(stmt, &at, &row->id);
	db_read_id(stmt, &at, &row->workflow);
	db_read_id(stmt, &at, &row->pipeline);
	row->number = db_read_int(stmt, &at);
	row->position = (uint32_t)db_read_int(stmt, &at);
	row->name = db_read_text(stmt, &at, arena);
	row->type = db_read_text(stmt, &at, arena);
	row->requires = db_read_text(stmt, &at, arena);
	row->resource_class = db_read_text(stmt, &at, arena);
	row->parallelism = (uint32_t)db_read_int(stmt, &at);
	row->state = (enum job_state)db_read_int(stmt, &at);
	row->outcome = (enum outcome)db_read_int(stmt, &at);
	db_read_room(stmt, &at, row->reason, sizeof(row->reason));
	db_read_room(stmt, &at, row->by, sizeof(row->by));
	row->created_ms = db_read_int(stmt, &at);
	row->queued_ms = db_read_int(stmt, &at);
	row->started_ms = db_read_int(stmt, &at);
	row->ended_ms = db_read_int(stmt, &at);
	row->seq = (uint64_t)db_read_int(stmt, &at);
	row->serial_group = db_read_text(stmt, &at, arena);
	row->failed_tests_of = (uint32_t)db_read_int(stmt, &at);
	row->retries = (uint32_t)db_read_int(stmt, &at);
	row->retried = (uint32_t)db_read_int(stmt, &at);
	row->workflow_name = db_read_text(stmt, &at, arena);
	row->project_slug = db_read_text(stmt, &at, arena);
	row->pipeline_number = db_read_int(stmt, &at);
}

void
read_task(sqlite3_stmt *stmt, struct arena *arena, struct task_row *row)
{
	int at = 0;

	db_read_id(stmt, &at, &row->id);
	db_read_id(stmt, &at, &row->job);
	db_read_id(stmt, &at, &row->pipeline);
	row->attempt = (uint32_t)db_read_int(stmt, &at);
	row->node_index = (uint32_t)db_read_int(stmt, &at);
	row->state = (enum hub_state)db_read_int(stmt, &at);
	row->phase = (enum task_state)db_read_int(stmt, &at);
	row->outcome = (enum outcome)db_read_int(stmt, &at);
	db_read_room(stmt, &at, row->reason, sizeof(row->reason));
	db_read_room(stmt, &at, row->cancel_by, sizeof(row->cancel_by));
	row->epoch = (uint32_t)db_read_int(stmt, &at);
	row->returned = (uint32_t)db_read_int(stmt, &at);
	row->lost = (uint32_t)db_read_int(stmt, &at);
	row->event_seq = (uint32_t)db_read_int(stmt, &at);
	row->history_seq = (uint32_t)db_read_int(stmt, &at);
	row->output_open = db_read_int(stmt, &at) != 0;
	db_read_id(stmt, &at, &row->agent);
	db_read_id(stmt, &at, &row->claim);
	db_read_room(stmt, &at, row->agent_name, sizeof(row->agent_name));
	row->queued_ms = db_read_int(stmt, &at);
	row->leased_ms = db_read_int(stmt, &at);
	row->started_ms = db_read_int(stmt, &at);
	row->ended_ms = db_read_int(stmt, &at);
	row->seq = (uint64_t)db_read_int(stmt, &at);
	row->job_name = db_read_text(stmt, &at, arena);
	row->job_number = db_read_int(stmt, &at);
	row->output_deleted = db_read_int(stmt, &at) != 0;
}

void
read_step(sqlite3_stmt *stmt, struct arena *arena, struct step_row *row)
{
	int at = 0;

	(void)arena;
	db_read_id(stmt, &at, &row->task);
	row->step = (uint32_t)db_read_int(stmt, &at);
	row->attempt = (uint32_t)db_read_int(stmt, &at);
	db_read_room(stmt, &at, row->name, sizeof(row->name));
	db_read_room(stmt, &at, row->kind, sizeof(row->kind));
	row->state = (enum step_state)db_read_int(stmt, &at);
	row->outcome = (enum outcome)db_read_int(stmt, &at);
	db_read_room(stmt, &at, row->reason, sizeof(row->reason));
	row->exit_code = (int32_t)db_read_int(stmt, &at);
	row->signal = (int32_t)db_read_int(stmt, &at);
	row->output_bytes = (uint64_t)db_read_int(stmt, &at);
	row->wall_ms = (uint64_t)db_read_int(stmt, &at);
	row->user_us = (uint64_t)db_read_int(stmt, &at);
	row->system_us = (uint64_t)db_read_int(stmt, &at);
	row->max_rss_bytes = (uint64_t)db_read_int(stmt, &at);
	row->started_ms = db_read_int(stmt, &at);
	row->ended_ms = db_read_int(stmt, &at);
	row->seq = (uint64_t)db_read_int(stmt, &at);
	row->peak_bytes = (uint64_t)db_read_int(stmt, &at);
	row->read_bytes = (uint64_t)db_read_int(stmt, &at);
	row->write_bytes = (uint64_t)db_read_int(stmt, &at);
}

void
read_history(sqlite3_stmt *stmt, struct arena *arena, struct history_row *row)
{
	int at = 0;

	(void)arena;
	db_read_id(stmt, &at, &row->task);
	row->seq = (uint32_t)db_read_int(stmt, &at);
	row->time_ms = db_read_int(stmt, &at);
	db_read_room(stmt, &at, row->state, sizeof(row->state));
	db_read_room(stmt, &at, row->reason, sizeof(row->reason));
}

void
read_output(sqlite3_stmt *stmt, struct arena *arena, struct output_row *row)
{
	int at = 0;

	(void)arena;
	db_read_id(stmt, &at, &row->task);
	row->step = (uint32_t)db_read_int(stmt, &at);
	row->attempt = (uint32_t)db_read_int(stmt, &at);
	row->offset = (uint64_t)db_read_int(stmt, &at);
	row->raw_len = (uint32_t)db_read_int(stmt, &at);
	row->lines = (uint32_t)db_read_int(stmt, &at);
	row->frame_len = (uint32_t)db_read_int(stmt, &at);
	row->frame_crc = (uint32_t)db_read_int(stmt, &at);
	row->epoch = (uint32_t)db_read_int(stmt, &at);
	row->time_ms = db_read_int(stmt, &at);
	row->segment = (uint32_t)db_read_int(stmt, &at);
	row->at = (uint64_t)db_read_int(stmt, &at);
}

void
read_agent(sqlite3_stmt *stmt, struct arena *arena, struct agent_row *row)
{
	int at = 0;

	(void)arena;
	db_read_id(stmt, &at, &row->id);
	db_read_room(stmt, &at, row->name, sizeof(row->name));
	db_read_room(stmt, &at, row->version, sizeof(row->version));
	db_read_room(stmt, &at, row->os, sizeof(row->os));
	db_read_room(stmt, &at, row->arch, sizeof(row->arch));
	row->slots = (uint32_t)db_read_int(stmt, &at);
	db_read_room(stmt, &at, row->classes, sizeof(row->classes));
	row->first_ms = db_read_int(stmt, &at);
	row->last_ms = db_read_int(stmt, &at);
	row->used_ms = db_read_int(stmt, &at);
	row->standing = (enum agent_standing)db_read_int(stmt, &at);
	db_read_room(stmt, &at, row->standing_by, sizeof(row->standing_by));
	row->standing_ms = db_read_int(stmt, &at);
}

void
read_class(sqlite3_stmt *stmt, struct arena *arena, struct class_row *row)
{
	int at = 0;

	(void)arena;
	db_read_id(stmt, &at, &row->id);
	db_read_room(stmt, &at, row->name, sizeof(row->name));
	db_read_room(stmt, &at, row->description, sizeof(row->description));
}

void
read_token(sqlite3_stmt *stmt, struct arena *arena, struct token_row *row)
{
	int at = 0;
	const void *digest;

	(void)arena;
	db_read_id(stmt, &at, &row->id);
	row->kind = (enum token_kind)db_read_int(stmt, &at);
	digest = sqlite3_column_blob(stmt, at);
	if (digest != NULL && sqlite3_column_bytes(stmt, at) == DIGEST_BYTES)
		memcpy(row->digest, digest, DIGEST_BYTES);
	at++;
	db_read_room(stmt, &at, row->name, sizeof(row->name));
	db_read_room(stmt, &at, row->nickname, sizeof(row->nickname));
	row->created_ms = db_read_int(stmt, &at);
}

void
read_context(sqlite3_stmt *stmt, struct arena *arena, struct context_row *row)
{
	int at = 0;

	(void)arena;
	db_read_id(stmt, &at, &row->id);
	db_read_room(stmt, &at, row->owner, sizeof(row->owner));
	db_read_room(stmt, &at, row->name, sizeof(row->name));
	row->created_ms = db_read_int(stmt, &at);
}

void
read_variable(sqlite3_stmt *stmt, struct arena *arena, struct variable_row *row)
{
	const void *sealed;
	char *kept;
	int at = 0;

	db_read_id(stmt, &at, &row->owner);
	db_read_room(stmt, &at, row->name, sizeof(row->name));
	row->created_ms = db_read_int(stmt, &at);
	row->updated_ms = db_read_int(stmt, &at);
	sealed = db_read_blob(stmt, &at, &row->sealed_len);
	kept = arena_zalloc(arena, row->sealed_len + 1);
	if (row->sealed_len > 0)
		memcpy(kept, sealed, row->sealed_len);
	row->sealed = (const unsigned char *)kept;
}

void
read_orb(sqlite3_stmt *stmt, struct arena *arena, struct orb_row *row)
{
	int at = 0;

	db_read_room(stmt, &at, row->name, sizeof(row->name));
	row->source = db_read_text(stmt, &at, arena);
	row->created_ms = db_read_int(stmt, &at);
}

void
read_timetable(sqlite3_stmt *stmt, struct arena *arena, struct timetable_row *row)
{
	int at = 0;

	db_read_id(stmt, &at, &row->id);
	row->project_slug = db_read_text(stmt, &at, arena);
	row->branch = db_read_text(stmt, &at, arena);
	row->actor = db_read_text(stmt, &at, arena);
	row->revision = db_read_text(stmt, &at, arena);
	row->repository = db_read_text(stmt, &at, arena);
	row->config_path = db_read_text(stmt, &at, arena);
	row->entries = db_read_text(stmt, &at, arena);
	row->created_ms = db_read_int(stmt, &at);
}

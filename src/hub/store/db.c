/*
 * db.c - the database file: schema, kept statements, and columns to and from C.
 *
 * Tables that are written often keep their rowid, so that what is made together lies
 * together and a commit touches few pages; an id is looked up in its own index, which
 * an update does not change.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/store/db.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/err.h"
#include "base/id.h"

/* What is kept of a project becomes more or less: project, kind, bytes, items. */
#define USAGE_TRIGGER(name, event, values)                                                     \
	"CREATE TRIGGER " name " AFTER " event " BEGIN INSERT INTO usage VALUES (" values ")"      \
	" ON CONFLICT (project, kind) DO UPDATE SET bytes = bytes + excluded.bytes,"               \
	" items = items + excluded.items; END;"

/* What makes version i + 1 of the schema from version i: a step is never changed once it has been released. */
static const char *const schema_steps[] = {
	"CREATE TABLE project (id BLOB PRIMARY KEY, slug TEXT NOT NULL UNIQUE,"
	" last_pipeline INTEGER NOT NULL, last_job INTEGER NOT NULL) STRICT;"
	"CREATE TABLE pipeline (id BLOB PRIMARY KEY, project BLOB NOT NULL, number INTEGER NOT NULL,"
	" state INTEGER NOT NULL, outcome INTEGER NOT NULL, created_ms INTEGER NOT NULL,"
	" ended_ms INTEGER NOT NULL, seq INTEGER NOT NULL, actor TEXT, branch TEXT, tag TEXT,"
	" revision TEXT, repository TEXT, directory TEXT, config_path TEXT) STRICT;"
	"CREATE UNIQUE INDEX pipeline_number ON pipeline (project, number);"
	"CREATE INDEX pipeline_active ON pipeline (state) WHERE state = 0;"
	"CREATE TABLE pipeline_config (pipeline BLOB PRIMARY KEY, config TEXT, compiled TEXT) STRICT;"
	"CREATE TABLE workflow (id BLOB PRIMARY KEY, pipeline BLOB NOT NULL, name TEXT NOT NULL,"
	" position INTEGER NOT NULL, state INTEGER NOT NULL, outcome INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL, seq INTEGER NOT NULL,"
	" canceled_by TEXT NOT NULL) STRICT;"
	"CREATE INDEX workflow_pipeline ON workflow (pipeline);"
	"CREATE TABLE job (id BLOB PRIMARY KEY, workflow BLOB NOT NULL, pipeline BLOB NOT NULL,"
	" number INTEGER NOT NULL, position INTEGER NOT NULL, name TEXT NOT NULL, type TEXT NOT NULL,"
	" requires TEXT NOT NULL, resource_class TEXT, parallelism INTEGER NOT NULL,"
	" state INTEGER NOT NULL, outcome INTEGER NOT NULL, reason TEXT NOT NULL, by TEXT NOT NULL,"
	" created_ms INTEGER NOT NULL, queued_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
	" ended_ms INTEGER NOT NULL, seq INTEGER NOT NULL) STRICT;"
	"CREATE INDEX job_workflow ON job (workflow);"
	"CREATE INDEX job_pipeline ON job (pipeline);"
	"CREATE INDEX job_number ON job (number);"
	"CREATE TABLE job_document (job BLOB PRIMARY KEY, document TEXT NOT NULL) STRICT;"
	"CREATE TABLE task (id BLOB PRIMARY KEY, job BLOB NOT NULL, pipeline BLOB NOT NULL,"
	" attempt INTEGER NOT NULL, node_index INTEGER NOT NULL, state INTEGER NOT NULL,"
	" phase INTEGER NOT NULL, outcome INTEGER NOT NULL, reason TEXT NOT NULL,"
	" cancel_by TEXT NOT NULL, epoch INTEGER NOT NULL, returned INTEGER NOT NULL,"
	" event_seq INTEGER NOT NULL, history_seq INTEGER NOT NULL, output_open INTEGER NOT NULL,"
	" agent BLOB, claim BLOB, agent_name TEXT NOT NULL, queued_ms INTEGER NOT NULL,"
	" leased_ms INTEGER NOT NULL, started_ms INTEGER NOT NULL, ended_ms INTEGER NOT NULL,"
	" seq INTEGER NOT NULL) STRICT;"
	"CREATE INDEX task_job ON task (job);"
	"CREATE INDEX task_pipeline ON task (pipeline);"
	"CREATE INDEX task_open ON task (output_open) WHERE output_open = 1;"
	"CREATE TABLE step (task BLOB NOT NULL, step INTEGER NOT NULL, attempt INTEGER NOT NULL,"
	" name TEXT NOT NULL, kind TEXT NOT NULL, state INTEGER NOT NULL, outcome INTEGER NOT NULL,"
	" reason TEXT NOT NULL, exit_code INTEGER NOT NULL, signal INTEGER NOT NULL,"
	" output_bytes INTEGER NOT NULL, wall_ms INTEGER NOT NULL, user_us INTEGER NOT NULL,"
	" system_us INTEGER NOT NULL, max_rss_bytes INTEGER NOT NULL, started_ms INTEGER NOT NULL,"
	" ended_ms INTEGER NOT NULL, seq INTEGER NOT NULL,"
	" PRIMARY KEY (task, step, attempt)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE history (task BLOB NOT NULL, seq INTEGER NOT NULL, time_ms INTEGER NOT NULL,"
	" state TEXT NOT NULL, reason TEXT NOT NULL, PRIMARY KEY (task, seq)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE output (task BLOB NOT NULL, step INTEGER NOT NULL, attempt INTEGER NOT NULL,"
	" offset INTEGER NOT NULL, raw_len INTEGER NOT NULL, lines INTEGER NOT NULL,"
	" frame_len INTEGER NOT NULL, frame_crc INTEGER NOT NULL, epoch INTEGER NOT NULL,"
	" time_ms INTEGER NOT NULL, segment INTEGER NOT NULL, at INTEGER NOT NULL,"
	" PRIMARY KEY (task, step, attempt, offset)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE agent (id BLOB PRIMARY KEY, name TEXT NOT NULL, version TEXT NOT NULL,"
	" os TEXT NOT NULL, arch TEXT NOT NULL, slots INTEGER NOT NULL, classes TEXT NOT NULL,"
	" first_ms INTEGER NOT NULL, last_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL) STRICT;"
	"CREATE TABLE class (id BLOB PRIMARY KEY, name TEXT NOT NULL UNIQUE,"
	" description TEXT NOT NULL) STRICT;"
	"CREATE TABLE token (id BLOB PRIMARY KEY, kind INTEGER NOT NULL, digest BLOB NOT NULL UNIQUE,"
	" name TEXT NOT NULL, nickname TEXT NOT NULL, created_ms INTEGER NOT NULL) STRICT;"
	"PRAGMA user_version = 1;",
	/* 2: contexts, and variables of contexts and projects; the name of the key they are sealed with. */
	"CREATE TABLE context (id BLOB PRIMARY KEY, owner TEXT NOT NULL, name TEXT NOT NULL,"
	" created_ms INTEGER NOT NULL, UNIQUE (owner, name)) STRICT;"
	"CREATE TABLE variable (owner BLOB NOT NULL, name TEXT NOT NULL, created_ms INTEGER NOT NULL,"
	" updated_ms INTEGER NOT NULL, sealed BLOB NOT NULL,"
	" PRIMARY KEY (owner, name)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE seal (one INTEGER PRIMARY KEY CHECK (one = 1), key_name BLOB NOT NULL) STRICT;"
	"PRAGMA user_version = 2;",
	/* 3: orbs. */
	"CREATE TABLE orb (name TEXT PRIMARY KEY, source TEXT NOT NULL,"
	" created_ms INTEGER NOT NULL) STRICT;"
	"PRAGMA user_version = 3;",
	/* 4: workflows run again, serial groups. */
	"ALTER TABLE workflow ADD COLUMN reruns INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE workflow ADD COLUMN auto_reruns INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE job ADD COLUMN serial_group TEXT;"
	"PRAGMA user_version = 4;",
	/* 5: setup pipelines and what continues them, the times of scheduled workflows. */
	"ALTER TABLE pipeline ADD COLUMN setup INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE pipeline ADD COLUMN errors TEXT;"
	"ALTER TABLE pipeline ADD COLUMN trigger_type TEXT;"
	"ALTER TABLE pipeline_config ADD COLUMN setup_config TEXT;"
	"ALTER TABLE pipeline_config ADD COLUMN setup_compiled TEXT;"
	"ALTER TABLE pipeline_config ADD COLUMN request TEXT;"
	"CREATE TABLE timetable (id BLOB PRIMARY KEY, project_slug TEXT NOT NULL, branch TEXT NOT NULL,"
	" actor TEXT, revision TEXT, repository TEXT, config_path TEXT, config TEXT NOT NULL, request TEXT,"
	" entries TEXT NOT NULL, created_ms INTEGER NOT NULL, UNIQUE (project_slug, branch)) STRICT;"
	"PRAGMA user_version = 5;",
	/* 6: blobs. */
	"CREATE TABLE blob (id BLOB PRIMARY KEY, project BLOB NOT NULL, pipeline BLOB NOT NULL,"
	" job BLOB NOT NULL, task BLOB NOT NULL, kind INTEGER NOT NULL, state INTEGER NOT NULL,"
	" attempt INTEGER NOT NULL, node_index INTEGER NOT NULL, name BLOB NOT NULL,"
	" size INTEGER NOT NULL, digest BLOB NOT NULL, file BLOB NOT NULL, at INTEGER NOT NULL,"
	" created_ms INTEGER NOT NULL, used_ms INTEGER NOT NULL) STRICT;"
	"CREATE INDEX blob_job ON blob (job, kind, attempt, node_index, name);"
	"CREATE INDEX blob_file ON blob (file);"
	"CREATE INDEX blob_cache ON blob (project, name) WHERE kind = 1;"
	"CREATE INDEX blob_open ON blob (state) WHERE state = 0;"
	"PRAGMA user_version = 6;",
	/* 7: what is kept for how long: the files of tasks' output (state 0 kept, 1 being deleted, 2 deleted), pipelines
	 * that are being deleted; and what each project takes (kind: enum kept_kind), which triggers count, so that
	 * nobody who adds or deletes can forget it. */
	"CREATE TABLE output_file (task BLOB PRIMARY KEY, project BLOB NOT NULL, bytes INTEGER NOT NULL,"
	" made_ms INTEGER NOT NULL, state INTEGER NOT NULL) STRICT;"
	"CREATE INDEX output_file_kept ON output_file (made_ms) WHERE state = 0;"
	"CREATE INDEX output_file_going ON output_file (state) WHERE state = 1;"
	"CREATE INDEX pipeline_ended ON pipeline (ended_ms) WHERE state = 1;"
	"CREATE TABLE pipeline_going (pipeline BLOB PRIMARY KEY) STRICT, WITHOUT ROWID;"
	"CREATE INDEX blob_age ON blob (kind, created_ms) WHERE state = 1;"
	"CREATE TABLE usage (project BLOB NOT NULL, kind INTEGER NOT NULL, bytes INTEGER NOT NULL,"
	" items INTEGER NOT NULL, PRIMARY KEY (project, kind)) STRICT, WITHOUT ROWID;"
	USAGE_TRIGGER("output_file_comes", "INSERT ON output_file", "NEW.project, 0, NEW.bytes, 1")
	USAGE_TRIGGER("output_file_goes", "UPDATE OF state ON output_file WHEN NEW.state = 2 AND OLD.state <> 2",
		      "OLD.project, 0, -OLD.bytes, -1")
	USAGE_TRIGGER("blob_comes", "INSERT ON blob WHEN NEW.state = 1",
		      "NEW.project, NEW.kind + 1, NEW.size, 1")
	USAGE_TRIGGER("blob_goes", "DELETE ON blob WHEN OLD.state = 1",
		      "OLD.project, OLD.kind + 1, -OLD.size, -1")
	"INSERT INTO output_file SELECT t.id, p.project, sum(o.frame_len), t.ended_ms, 0 FROM output o"
	" JOIN task t ON t.id = o.task JOIN pipeline p ON p.id = t.pipeline WHERE o.segment = 0 GROUP BY t.id;"
	"INSERT INTO usage SELECT project, kind + 1, sum(size), count(*) FROM blob WHERE state = 1 GROUP BY 1, 2;"
	"PRAGMA user_version = 7;",
	/* 8: what a lease must know of a job without reading its document. */
	"ALTER TABLE job ADD COLUMN contexts TEXT;"
	"ALTER TABLE job ADD COLUMN needs_keys INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE job ADD COLUMN document_bytes INTEGER NOT NULL DEFAULT 0;"
	"UPDATE job SET contexts = json_extract(d.document, '$.contexts'),"
	" needs_keys = EXISTS (SELECT 1 FROM json_each(d.document, '$.steps') s"
	"  WHERE s.value ->> 'kind' IN ('checkout', 'add_ssh_keys')),"
	" document_bytes = length(CAST(d.document AS BLOB)) FROM job_document d WHERE d.job = job.id;"
	"PRAGMA user_version = 8;",
	/* 9: tests. Their names are kept once in a project; digest is of all four texts. */
	"CREATE TABLE test (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, name TEXT NOT NULL,"
	" classname TEXT NOT NULL, file TEXT NOT NULL, source TEXT NOT NULL) STRICT;"
	"CREATE TABLE test_result (task BLOB NOT NULL, place INTEGER NOT NULL, test INTEGER NOT NULL,"
	" result INTEGER NOT NULL, flaky INTEGER NOT NULL, run_time_us INTEGER NOT NULL, message TEXT,"
	" PRIMARY KEY (task, place)) STRICT, WITHOUT ROWID;"
	"CREATE TABLE test_run (task BLOB PRIMARY KEY, job BLOB NOT NULL, pipeline BLOB NOT NULL,"
	" project BLOB NOT NULL, branch TEXT NOT NULL, job_name TEXT NOT NULL,"
	" pipeline_number INTEGER NOT NULL, attempt INTEGER NOT NULL, node_index INTEGER NOT NULL,"
	" total INTEGER NOT NULL, failures INTEGER NOT NULL, skipped INTEGER NOT NULL,"
	" flaky INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
	"CREATE INDEX test_run_job ON test_run (job);"
	"CREATE INDEX test_run_pipeline ON test_run (pipeline);"
	"CREATE INDEX test_run_name ON test_run (project, job_name, branch, pipeline_number);"
	"CREATE INDEX test_run_branch ON test_run (project, branch, pipeline_number);"
	"ALTER TABLE job ADD COLUMN failed_tests_of INTEGER NOT NULL DEFAULT 0;"
	"PRAGMA user_version = 9;",
	/* 10: a test goes when no run that it was found in can be left: seen_day is the latest day on which
	 * a pipeline was made that had it. An index of results by test would say so at once, and be as large as
	 * they are. */
	"ALTER TABLE test ADD COLUMN seen_day INTEGER NOT NULL DEFAULT 0;"
	"UPDATE test SET seen_day = coalesce((SELECT max(created_ms) / 86400000 FROM pipeline), 0);"
	"CREATE INDEX test_seen ON test (seen_day);"
	"CREATE INDEX pipeline_created ON pipeline (created_ms);"
	"PRAGMA user_version = 10;",
	/* 11: agents that a person has paused. */
	"ALTER TABLE agent ADD COLUMN standing INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE agent ADD COLUMN standing_by TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE agent ADD COLUMN standing_ms INTEGER NOT NULL DEFAULT 0;"
	"PRAGMA user_version = 11;",
	/* 12: caches whose job says how long they are kept; what results of tests take (USAGE_TESTS: 16), about: 48
	 * bytes and its message each. */
	"ALTER TABLE blob ADD COLUMN keep_ms INTEGER NOT NULL DEFAULT 0;"
	"CREATE INDEX blob_kept ON blob (created_ms + keep_ms) WHERE keep_ms > 0 AND state = 1;"
	"ALTER TABLE test_run ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;"
	USAGE_TRIGGER("test_run_grows", "UPDATE OF bytes ON test_run",
		      "NEW.project, 16, NEW.bytes - OLD.bytes, NEW.total - OLD.total")
	USAGE_TRIGGER("test_run_goes", "DELETE ON test_run", "OLD.project, 16, -OLD.bytes, -OLD.total")
	"INSERT INTO usage SELECT project, 16, 0, sum(total) FROM test_run GROUP BY 1;"
	"UPDATE test_run SET bytes = (SELECT coalesce(sum(48 + coalesce(length(CAST(message AS BLOB)), 0)), 0)"
	" FROM test_result r WHERE r.task = test_run.task);"
	"PRAGMA user_version = 12;",
	/* 13: the branch that pipelines said to be their repository's default one. */
	("ALTER TABLE project ADD COLUMN default_branch TEXT;"
	 "PRAGMA user_version = 13;"),
	/* 14: leases lost before the task ran, apart from those given back; jobs run again when their host fails. */
	("ALTER TABLE task ADD COLUMN lost INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE job ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE job ADD COLUMN retried INTEGER NOT NULL DEFAULT 0;"
	 "PRAGMA user_version = 14;"),
	/* 15: what a step has used beside processors: 0 for those that ended before. */
	("ALTER TABLE step ADD COLUMN peak_bytes INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE step ADD COLUMN read_bytes INTEGER NOT NULL DEFAULT 0;"
	 "ALTER TABLE step ADD COLUMN write_bytes INTEGER NOT NULL DEFAULT 0;"
	 "PRAGMA user_version = 15;"),
};

enum { DB_SCHEMA = sizeof(schema_steps) / sizeof(schema_steps[0]) };

static int
fail(struct db *db, const char *what, struct err *err)
{
	return err_set(err, ERR_HOST, "%s: %s", what, sqlite3_errmsg(db->handle));
}

int
db_exec(struct db *db, const char *sql, struct err *err)
{
	if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
		return fail(db, "the database refuses a statement", err);
	return 0;
}

static int
read_version(struct db *db, int *version, struct err *err)
{
	sqlite3_stmt *stmt;
	int rc = db_prepare(db, "PRAGMA user_version", &stmt, err);

	if (rc < 0)
		return rc;
	rc = db_row(db, stmt, err);
	*version = rc > 0 ? sqlite3_column_int(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return rc < 0 ? rc : 0;
}

static int
prepare_file(struct db *db, struct err *err)
{
	int version, rc;

	/* One user only: no shared memory file, and a second hub is refused. */
	rc = db_exec(db,
		     "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
		     "PRAGMA synchronous = FULL; PRAGMA recursive_triggers = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16384;"
		     "BEGIN IMMEDIATE; COMMIT;",
		     err);
	if (rc < 0)
		return rc;
	rc = read_version(db, &version, err);
	if (rc < 0)
		return rc;
	if (version > DB_SCHEMA)
		return err_set(err, ERR_INPUT, "it has version %d, this runner-hub reads up to %d", version,
			       DB_SCHEMA);
	if (version == DB_SCHEMA)
		return 0;
	rc = db_exec(db, "BEGIN IMMEDIATE", err);
	for (; rc == 0 && version < DB_SCHEMA; version++)
		rc = db_exec(db, schema_steps[version], err);
	return rc == 0 ? db_exec(db, "COMMIT", err) : rc;
}

int
db_open(struct db *db, const char *path, struct err *err)
{
	int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
	int rc;

	memset(db, 0, sizeof(*db));
	if (sqlite3_open_v2(path, &db->handle, flags, NULL) != SQLITE_OK) {
		rc = fail(db, "cannot open it", err);
		goto failed;
	}
	rc = prepare_file(db, err);
	if (rc < 0)
		goto failed;
	return 0;

failed:
	if (strstr(err->text, "locked") != NULL)
		err_hint(err, "another runner-hub uses this data directory");
	rc = err_wrap(err, "database '%s'", path);
	db_close(db);
	return rc;
}

void
db_close(struct db *db)
{
	size_t i;

	for (i = 0; i < db->kept_count; i++)
		sqlite3_finalize(db->kept[i].stmt);
	db->kept_count = 0;
	sqlite3_close(db->handle);
	db->handle = NULL;
}

int
db_prepare(struct db *db, const char *sql, sqlite3_stmt **out, struct err *err)
{
	if (sqlite3_prepare_v2(db->handle, sql, -1, out, NULL) != SQLITE_OK)
		return fail(db, "the database does not take a statement", err);
	return 0;
}

int
db_kept(struct db *db, const char *sql, sqlite3_stmt **out, struct err *err)
{
	size_t i;

	for (i = 0; i < db->kept_count; i++)
		if (db->kept[i].sql == sql) {
			*out = db->kept[i].stmt;
			sqlite3_reset(*out);
			return 0;
		}
	assert(db->kept_count < DB_KEPT_MOST);
	if (sqlite3_prepare_v3(db->handle, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL) != SQLITE_OK)
		return fail(db, "the database does not take a statement", err);
	db->kept[db->kept_count].sql = sql;
	db->kept[db->kept_count].stmt = *out;
	db->kept_count++;
	return 0;
}

int
db_row(struct db *db, sqlite3_stmt *stmt, struct err *err)
{
	int rc = sqlite3_step(stmt);

	if (rc == SQLITE_ROW)
		return 1;
	if (rc != SQLITE_DONE)
		return fail(db, "the database failed", err);
	sqlite3_reset(stmt);
	return 0;
}

int
db_run(struct db *db, sqlite3_stmt *stmt, struct err *err)
{
	int rc;

	do
		rc = db_row(db, stmt, err);
	while (rc > 0);
	return rc;
}

void
db_bind_id(sqlite3_stmt *stmt, int *at, const struct id *id)
{
	sqlite3_bind_blob(stmt, (*at)++, id->bytes, ID_BYTES, SQLITE_STATIC);
}

void
db_bind_int(sqlite3_stmt *stmt, int *at, int64_t value)
{
	sqlite3_bind_int64(stmt, (*at)++, value);
}

void
db_bind_text(sqlite3_stmt *stmt, int *at, const char *text)
{
	sqlite3_bind_text(stmt, (*at)++, text, -1, SQLITE_STATIC);
}

void
db_bind_blob(sqlite3_stmt *stmt, int *at, const void *bytes, size_t len)
{
	sqlite3_bind_blob64(stmt, (*at)++, bytes, len, SQLITE_STATIC);
}

void
db_read_id(sqlite3_stmt *stmt, int *at, struct id *id)
{
	int col = (*at)++;
	const void *bytes = sqlite3_column_blob(stmt, col);

	memset(id, 0, sizeof(*id));
	if (bytes != NULL && sqlite3_column_bytes(stmt, col) == ID_BYTES)
		memcpy(id->bytes, bytes, ID_BYTES);
}

int64_t
db_read_int(sqlite3_stmt *stmt, int *at)
{
	return sqlite3_column_int64(stmt, (*at)++);
}

const char *
db_read_text(sqlite3_stmt *stmt, int *at, struct arena *arena)
{
	const char *text = (const char *)sqlite3_column_text(stmt, (*at)++);

	return text == NULL ? NULL : arena_strdup(arena, text);
}

void
db_read_room(sqlite3_stmt *stmt, int *at, char *room, size_t size)
{
	const char *text = (const char *)sqlite3_column_text(stmt, (*at)++);

	snprintf(room, size, "%s", text == NULL ? "" : text);
}

const void *
db_read_blob(sqlite3_stmt *stmt, int *at, size_t *len)
{
	int col = (*at)++;
	const void *bytes = sqlite3_column_blob(stmt, col);

	*len = (size_t)sqlite3_column_bytes(stmt, col);
	return bytes;
}

/*
 * db.h - the database file: schema, kept statements, and columns to and from C.
 *
 * For the store's own files. Everything that fails does so with the database's words
 * and is an error of the host: the program ends on it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_STORE_DB_H
#define HUB_STORE_DB_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct id;

enum { DB_KEPT_MOST = 160 };

struct db {
	sqlite3 *handle;
	/* Statements are kept by the address of their text, which is static. */
	struct {
		const char *sql;
		sqlite3_stmt *stmt;
	} kept[DB_KEPT_MOST];
	size_t kept_count;
};

int db_open(struct db *db, const char *path, struct err *err);
void db_close(struct db *db);

/* The statement of a static text, prepared once, reset and without bindings. */
int db_kept(struct db *db, const char *sql, sqlite3_stmt **out, struct err *err);
/* A statement of a text made for the occasion; the caller finalizes it. */
int db_prepare(struct db *db, const char *sql, sqlite3_stmt **out, struct err *err);

/* Run a statement that gives no rows. */
int db_run(struct db *db, sqlite3_stmt *stmt, struct err *err);
int db_exec(struct db *db, const char *sql, struct err *err);
/* 1: a row is there; 0: no more; negative: error. */
int db_row(struct db *db, sqlite3_stmt *stmt, struct err *err);

/* Bind the next column: *at counts from 1 and goes on. Text and bytes are borrowed until the statement has run. */
void db_bind_id(sqlite3_stmt *stmt, int *at, const struct id *id);
void db_bind_int(sqlite3_stmt *stmt, int *at, int64_t value);
void db_bind_text(sqlite3_stmt *stmt, int *at, const char *text); /* NULL binds null */
void db_bind_blob(sqlite3_stmt *stmt, int *at, const void *bytes, size_t len);

/* Read the next column: *at counts from 0 and goes on. */
void db_read_id(sqlite3_stmt *stmt, int *at, struct id *id); /* null reads as zeros */
int64_t db_read_int(sqlite3_stmt *stmt, int *at);
const char *db_read_text(sqlite3_stmt *stmt, int *at, struct arena *arena); /* NULL for null */
/* Borrowed until the statement goes on. */
const void *db_read_blob(sqlite3_stmt *stmt, int *at, size_t *len);
void db_read_room(sqlite3_stmt *stmt, int *at, char *room, size_t size);    /* cut to fit */

#endif

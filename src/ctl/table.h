/*
 * table.h - lists and single things as people read them, or as JSON.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_TABLE_H
#define CTL_TABLE_H

#include <stddef.h>

struct buffer;
struct json;

struct column {
	const char *title; /* "JOB"; NULL ends the list */
	/* Member, or "workflow.name"; "a|b": the first that is there. Whole numbers of members that end in
	 * _bytes, _ms or _us are written as a size or a duration. */
	const char *path;
};

/*
 * Print items (an array): a table, or, with --json, the document itself, or one item a line.
 * document is what --json prints; items is often its member. Returns the exit status.
 */
int
table_print(const struct json *document, const struct json *items, const struct column *columns);

/* One thing: a line a column, "title: value"; with --json the thing itself. Lines without a value
 * are left out. */
int table_print_one(const struct json *thing, const struct column *columns);

/* The same as text, whatever --json says. */
void table_write(struct buffer *out, const struct json *items, const struct column *columns);
void table_write_one(struct buffer *out, const struct json *thing, const struct column *columns);

#endif

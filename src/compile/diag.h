/*
 * diag.h - what is wrong with a config, where, and what to do about it.
 *
 * A compilation adds (diags_add), its caller prints or walks. Sorted by place, equal
 * ones folded into one with a count; at most DIAG_SHOWN_MAX are shown and at most
 * DIAG_KEPT_MAX kept, errors before warnings where it comes to that.
 *
 * Printed form:
 *	config.yml:7:9: error[E_CMD_UNKNOWN]: cannot find a definition for command named 'sya'
 *	    7 |       - sya
 *	      |         ^
 *	  in workflow 'w', job 'build'
 *	  hint: did you mean 'say'?
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_DIAG_H
#define COMPILE_DIAG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { DIAG_SHOWN_MAX = 20, DIAG_KEPT_MAX = 200 };

struct buffer;
struct diags;
struct json;

enum diag_severity { DIAG_ERROR, DIAG_WARNING };

struct diag {
	enum diag_severity severity;
	const char *code; /* "E_TYPE"; warnings "W_..." */
	const char *path;
	uint32_t line;	 /* from 1; 0: the file as a whole */
	uint32_t column; /* from 1, in characters */
	const char *message;
	const char *chain;  /* "workflow 'w', job 'build', command 'say'", or NULL */
	const char *hint;   /* or NULL */
	const char *source; /* the line's text without its end, or what of it is near; or NULL */
	uint32_t source_column; /* where the column is in that, from 1 */
	unsigned count;		/* how often the same was found */
};

/* NULL is fine. */
void diags_free(struct diags *diags);

size_t diags_error_count(const struct diags *diags); /* of distinct ones kept */
size_t diags_count(const struct diags *diags);
/* index < diags_count(); in the order they are printed. */
const struct diag *diags_at(const struct diags *diags, size_t index);

/* Append one as text; colour: with escape sequences. */
void diag_print(const struct diag *diag, struct buffer *out, bool colour);
/* Append up to DIAG_SHOWN_MAX of them, and how many more there are. */
void diags_print(const struct diags *diags, struct buffer *out, bool colour);

/*
 * As an API gives them: an array of {"severity", "code", "path", "line", "column", "message",
 * "chain", "hint", "text" (the source line), "text_column", "count"}, at most DIAG_KEPT_MAX. The
 * caller frees. diag_read() takes one apart again: strings are borrowed from the object, what is
 * not there is "", NULL or 0.
 */
struct json *diags_describe(const struct diags *diags);
void diag_read(struct diag *out, const struct json *object);

/* What a code means, for "config explain CODE"; NULL for one that is not a code. */
const char *diag_explain(const char *code);

/*
 * The fragment of a config that gives it, with what to write instead in a remark; NULL where no few
 * lines do. One that begins with "steps:" is a job's; without "version:" it is of version 2.1.
 */
const char *diag_example(const char *code);

/* The index-th of all codes, sorted; NULL behind the last. */
const char *diag_code(size_t index);

#endif

/*
 * compilation.h - what all stages of one compilation share: memory, files, diagnostics.
 *
 * Memory is one arena with a ceiling. comp_alloc() never returns NULL: when the
 * ceiling is reached, when too many errors are kept or too much work is done, the
 * compilation says so and ends by longjmp(3) to compile(). Nothing but the arena and
 * the diagnostics is held while stages run, so there is nothing to undo on that way.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef COMPILE_COMPILATION_H
#define COMPILE_COMPILATION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "compile/compile.h"
#include "compile/source.h"
#include "format/yaml.h"

enum { COMP_SOURCES_MAX = 64, COMP_WORK_MAX = 3000000, COMP_CANDIDATES_MAX = 30000 };

struct diags;
struct space;

/* Where a diagnostic points. */
struct place {
	uint8_t source;
	uint32_t line;
	uint32_t column;
};

/* Something in the config, and which "<<" of its text is meant (NULL: the whole of it). */
struct spot {
	const struct node *node;
	const char *tag;
};

/* One enclosing thing of the call chain; lives on the C stack between comp_enter and comp_exit. */
struct link {
	const char *kind; /* "workflow", "job", "command", ... */
	const char *name;
	const struct link *up;
};

struct compilation {
	const struct compile_input *input;
	struct arena *arena;
	struct diags *diags;
	struct source sources[COMP_SOURCES_MAX];
	size_t source_count;
	struct yaml_totals totals; /* of all sources */
	unsigned orbs_wanted;	   /* of the caller, had or not */
	const struct link *chain;
	bool is_21;	   /* version 2.1: parameters, "<< >>" and so on */
	bool is_rehearsal; /* of what nothing runs (rehearsal.h): errors are warnings */
	uint64_t work;
	unsigned candidates;   /* names compared for "did you mean" */
	struct spot last_spot; /* a tag that was looked for, and where it is */
	struct place last_place;
	const struct pipeline *pipeline; /* pipeline.h */
	int result;			 /* why it ended early: a negative enum err_code */
	jmp_buf leave;
};

#define COMP_NEW(c, type)	   ((type *)comp_alloc((c), 1, sizeof(type)))
#define COMP_NEW_ARRAY(c, type, n) ((type *)comp_alloc((c), (n), sizeof(type)))

/* Zeroed; never NULL. */
void *comp_alloc(struct compilation *c, size_t n, size_t size) __attribute__((returns_nonnull));
char *comp_strdup(struct compilation *c, const char *text) __attribute__((returns_nonnull));
char *
comp_strndup(struct compilation *c, const char *text, size_t len) __attribute__((returns_nonnull));
char *comp_printf(struct compilation *c, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), returns_nonnull));

/* Room for one more thing of size bytes behind count: items itself, or a copy twice as large. */
void *comp_grow(struct compilation *c, void *items, size_t count, size_t size);

/* Text that grows in the arena; a zeroed struct is an empty one. */
struct draft {
	char *text; /* NUL-terminated once anything was added */
	size_t len;
	size_t room;
};

void draft_add(struct compilation *c, struct draft *draft, const char *bytes, size_t len);
/* The text; "" where nothing was added. */
const char *draft_text(const struct draft *draft);

/*
 * Count n units of work against COMP_WORK_MAX. A unit takes some 15 ns: whatever a config can make
 * happen more than once is to be counted, so that all of it takes no longer than reading a large
 * file.
 */
void comp_work(struct compilation *c, uint64_t n);
/*
 * The same for a subtree that is about to be read, and may have been before; but: a part of it that
 * is counted by itself, or NULL.
 */
void comp_work_tree(struct compilation *c, const struct node *node, const struct node *but);

/* ---- places and diagnostics ---- */

struct place place_of(const struct node *node);
/* Looks through the scalar and its source: for diagnostics, not for every tag. */
struct place place_of_spot(struct compilation *c, const struct spot *spot);
/* Of a byte of the scalar's text, behind the spot; the spot's own where the file has it otherwise.
 */
struct place place_within_spot(struct compilation *c, const struct spot *spot, const char *at);
struct plan_place comp_plan_place(const struct compilation *c, const struct node *node);

/* Codes that begin with W are warnings. hint may be NULL. */
void comp_tell(struct compilation *c, struct place place, const char *code, const char *hint,
	       const char *fmt, ...) __attribute__((format(printf, 5, 6)));
/* comp_tell() for those who must not be left behind: false where there is no room for another
 * error. */
bool comp_note(struct compilation *c, struct place place, const char *code, const char *hint,
	       const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void comp_error(struct compilation *c, const struct node *at, const char *code, const char *hint,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* Tell, then end the compilation with ERR_LIMIT. at may be NULL: the file as a whole. */
_Noreturn void comp_limit(struct compilation *c, const struct node *at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

void comp_enter(struct compilation *c, struct link *link, const char *kind, const char *name);
void comp_exit(struct compilation *c);

/* End the compilation, after telling why. */
_Noreturn void comp_leave(struct compilation *c, int result);

bool comp_has_errors(const struct compilation *c);

/* ---- "did you mean" ---- */

/* Feed candidates one by one; comp_suggest_hint() is NULL where none is near enough. */
struct suggestion {
	unsigned *candidates; /* of the compilation */
	const char *wanted;   /* NULL: too long to be helped */
	const char *best;
	unsigned distance;
};

void comp_suggest_init(struct compilation *c, struct suggestion *suggestion, const char *wanted);
void comp_suggest(struct suggestion *suggestion, const char *candidate);
void comp_suggest_keys(struct suggestion *suggestion, const struct node *map);
const char *comp_suggest_hint(struct compilation *c, const struct suggestion *suggestion);

#endif

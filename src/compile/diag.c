/*
 * diag.c - what is wrong with a config, where, and what to do about it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/diag.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/mem.h"
#include "base/text.h"
#include "compile/diags.h"

enum { DIAG_MEMORY_BYTES = 4 << 20, SOURCE_SHOWN_MAX_BYTES = 200, SOURCE_BEFORE_MAX = 100 };

struct diags {
	struct arena arena;
	struct diag items[DIAG_KEPT_MAX];
	size_t count;
	size_t error_count;
};

struct diags *
diags_new(void)
{
	struct diags *diags = MEM_NEW(struct diags);

	arena_init(&diags->arena, DIAG_MEMORY_BYTES);
	return diags;
}

void
diags_free(struct diags *diags)
{
	if (diags == NULL)
		return;
	arena_release(&diags->arena);
	free(diags);
}

static bool
is_same(const struct diag *a, const struct diag *b)
{
	return a->line == b->line && a->column == b->column && strcmp(a->code, b->code) == 0 &&
	       strcmp(a->path, b->path) == 0 && strcmp(a->message, b->message) == 0;
}

/* Strings are short; where the arena is full all the same, the text is lost, not the diagnostic. */
static const char *
keep(struct diags *diags, const char *text, size_t len)
{
	const char *copy = text == NULL ? NULL : arena_strndup(&diags->arena, text, len);

	return copy != NULL || text == NULL ? copy : "";
}

static const char *
keep_all(struct diags *diags, const char *text)
{
	return keep(diags, text, text == NULL ? 0 : strlen(text));
}

/* A place for one more: at the end, or that of a warning which gives way to an error. */
static struct diag *
find_room(struct diags *diags, enum diag_severity severity)
{
	size_t i;

	if (diags->count < DIAG_KEPT_MAX)
		return &diags->items[diags->count++];
	for (i = 0; severity == DIAG_ERROR && i < diags->count; i++)
		if (diags->items[i].severity == DIAG_WARNING)
			return &diags->items[i];
	return NULL;
}

bool
diags_wants(const struct diags *diags, enum diag_severity severity)
{
	return severity == DIAG_ERROR || diags->count < DIAG_KEPT_MAX;
}

/* Of a long line what is around the column is kept. */
static void
keep_source(struct diags *diags, struct diag *room, size_t len)
{
	const char *from = room->source, *end;

	if (from == NULL)
		return;
	end = from + len;
	while (room->source_column > SOURCE_BEFORE_MAX && from < end) {
		from++;
		if (from < end && (*from & 0xc0) != 0x80)
			room->source_column--;
	}
	len = (size_t)(end - from);
	if (len > SOURCE_SHOWN_MAX_BYTES)
		len = text_utf8_prefix(from, SOURCE_SHOWN_MAX_BYTES);
	room->source = keep(diags, from, len);
}

bool
diags_fold(struct diags *diags, const struct diag *diag)
{
	size_t i;

	for (i = 0; i < diags->count; i++) {
		if (is_same(&diags->items[i], diag)) {
			diags->items[i].count++;
			return true;
		}
	}
	return false;
}

bool
diags_add(struct diags *diags, const struct diag *diag, size_t source_len)
{
	struct diag *room;

	room = find_room(diags, diag->severity);
	if (room == NULL)
		return diag->severity == DIAG_WARNING;
	*room = *diag;
	room->code = keep_all(diags, diag->code);
	room->path = keep_all(diags, diag->path);
	room->message = keep_all(diags, diag->message);
	room->chain = keep_all(diags, diag->chain);
	room->hint = keep_all(diags, diag->hint);
	keep_source(diags, room, source_len);
	room->count = 1;
	if (diag->severity == DIAG_ERROR)
		diags->error_count++;
	return true;
}

static int
order(const void *left, const void *right)
{
	const struct diag *a = left, *b = right;
	int by_path = strcmp(a->path, b->path);

	if (by_path != 0)
		return by_path;
	if (a->line != b->line)
		return a->line < b->line ? -1 : 1;
	if (a->column != b->column)
		return a->column < b->column ? -1 : 1;
	if (a->severity != b->severity)
		return a->severity < b->severity ? -1 : 1;
	if (strcmp(a->code, b->code) != 0)
		return strcmp(a->code, b->code);
	return strcmp(a->message, b->message);
}

void
diags_finish(struct diags *diags)
{
	qsort(diags->items, diags->count, sizeof(diags->items[0]), order);
}

size_t
diags_error_count(const struct diags *diags)
{
	return diags->error_count;
}

size_t
diags_count(const struct diags *diags)
{
	return diags->count;
}

const struct diag *
diags_at(const struct diags *diags, size_t index)
{
	assert(index < diags->count);
	return &diags->items[index];
}

/* --- printing ------------------------------------------------------------------------- */

/* SGR sequences (ECMA-48, 8.3.117); nothing without colour. */
enum paint { PAINT_NONE, PAINT_BOLD, PAINT_RED, PAINT_YELLOW, PAINT_CYAN };

static void
put_painted(struct buffer *out, bool colour, enum paint paint, const char *text)
{
	static const char *const sequences[] = {
		[PAINT_NONE] = "\033[0m",   [PAINT_BOLD] = "\033[1m",
		[PAINT_RED] = "\033[1;31m", [PAINT_YELLOW] = "\033[1;33m",
		[PAINT_CYAN] = "\033[36m",
	};

	if (colour)
		buffer_puts(out, sequences[paint]);
	buffer_puts(out, text);
	if (colour)
		buffer_puts(out, sequences[PAINT_NONE]);
}

/* The line with its number, and a caret below the column; tabs keep their width. */
static void
print_source(const struct diag *diag, struct buffer *out, bool colour)
{
	const char *p = diag->source;
	uint32_t column = 1;

	buffer_printf(out, "%5u | %s\n      | ", diag->line, diag->source);
	for (; *p != '\0' && column < diag->source_column; p++) {
		if ((*p & 0xc0) == 0x80)
			continue;
		buffer_puts(out, *p == '\t' ? "\t" : " ");
		column++;
	}
	put_painted(out, colour, diag->severity == DIAG_ERROR ? PAINT_RED : PAINT_YELLOW, "^");
	buffer_puts(out, "\n");
}

static void
print_code(const struct diag *diag, struct buffer *out, bool colour)
{
	bool is_error = diag->severity == DIAG_ERROR;
	char text[128];

	(void)snprintf(text, sizeof(text), "%s[%s]:", is_error ? "error" : "warning", diag->code);
	put_painted(out, colour, is_error ? PAINT_RED : PAINT_YELLOW, text);
}

void
diag_print(const struct diag *diag, struct buffer *out, bool colour)
{
	put_painted(out, colour, PAINT_BOLD, diag->path);
	if (diag->line > 0)
		buffer_printf(out, ":%u:%u", diag->line, diag->column);
	buffer_puts(out, ": ");
	print_code(diag, out, colour);
	buffer_printf(out, " %s", diag->message);
	if (diag->count > 1)
		buffer_printf(out, " (%u times)", diag->count);
	buffer_puts(out, "\n");
	if (diag->source != NULL && diag->line > 0)
		print_source(diag, out, colour);
	if (diag->chain != NULL)
		buffer_printf(out, "  in %s\n", diag->chain);
	if (diag->hint != NULL) {
		buffer_puts(out, "  ");
		put_painted(out, colour, PAINT_CYAN, "hint:");
		buffer_printf(out, " %s\n", diag->hint);
	}
}

void
diags_print(const struct diags *diags, struct buffer *out, bool colour)
{
	size_t shown = diags->count < DIAG_SHOWN_MAX ? diags->count : DIAG_SHOWN_MAX, left, i;
	size_t errors_shown = 0, warnings_room;

	/* Errors first claim the room, so that no crowd of warnings hides the reason. */
	warnings_room = diags->error_count >= shown ? 0 : shown - diags->error_count;
	for (i = 0; i < diags->count; i++) {
		const struct diag *diag = &diags->items[i];

		if (diag->severity == DIAG_ERROR ? errors_shown == DIAG_SHOWN_MAX
						 : warnings_room == 0)
			continue;
		if (diag->severity == DIAG_ERROR)
			errors_shown++;
		else
			warnings_room--;
		diag_print(diag, out, colour);
	}
	left = diags->count - shown;
	if (left > 0)
		buffer_printf(out, "%zu more not shown\n", left);
}

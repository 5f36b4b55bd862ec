/*
 * compilation.c - what all stages of one compilation share: memory, files, diagnostics.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "compile/compilation.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "base/text.h"
#include "compile/diags.h"

enum {
	MESSAGE_MAX_BYTES = 1000,
	CHAIN_MAX_BYTES = 1000,
	CHAIN_NAME_MAX_BYTES = 300,
	DISTANCE_MAX = 2,
	SUGGESTED_MAX_BYTES = 100,
	NODE_WORK = 4,
	TELL_WORK = 100,
	TELL_WORK_BYTES = 2, /* of the message before it is cut, to one of work */
	TAG_WORK_BYTES = 4,  /* before a tag that is looked for, to one of work */
	COLUMN_WORK_BYTES = 16,
};

static const struct place NOWHERE = {0, 0, 0};

/* What the arena gave; the compilation ends where that is nothing. */
static void *
need_memory(struct compilation *c, void *ptr)
{
	if (ptr == NULL)
		comp_limit(c, NULL, "the config needs more than %zu MiB to compile",
			   c->arena->limit >> 20);
	return ptr;
}

void *
comp_alloc(struct compilation *c, size_t n, size_t size)
{
	return need_memory(c, arena_zalloc_array(c->arena, n, size));
}

char *
comp_strndup(struct compilation *c, const char *text, size_t len)
{
	return need_memory(c, arena_strndup(c->arena, text, len));
}

char *
comp_strdup(struct compilation *c, const char *text)
{
	return comp_strndup(c, text, strlen(text));
}

char *
comp_printf(struct compilation *c, const char *fmt, ...)
{
	va_list ap;
	char *text;

	va_start(ap, fmt);
	text = arena_vprintf(c->arena, fmt, ap);
	va_end(ap);
	return need_memory(c, text);
}

void *
comp_grow(struct compilation *c, void *items, size_t count, size_t size)
{
	void *larger;

	if (count != 0 && (count & (count - 1)) != 0)
		return items; /* room is the next power of two */
	larger = comp_alloc(c, count == 0 ? 1 : count * 2, size);
	if (count > 0)
		memcpy(larger, items, count * size);
	return larger;
}

void
draft_add(struct compilation *c, struct draft *draft, const char *bytes, size_t len)
{
	if (draft->text == NULL || draft->room - draft->len <= len) {
		size_t room = (draft->len + len) * 2 + 32;
		char *larger = comp_alloc(c, room, 1);

		if (draft->len > 0)
			memcpy(larger, draft->text, draft->len);
		draft->text = larger;
		draft->room = room;
	}
	if (len > 0)
		memcpy(draft->text + draft->len, bytes, len);
	draft->len += len;
	draft->text[draft->len] = '\0';
}

const char *
draft_text(const struct draft *draft)
{
	return draft->text != NULL ? draft->text : "";
}

void
comp_work(struct compilation *c, uint64_t n)
{
	c->work += n;
	if (c->work > COMP_WORK_MAX)
		comp_limit(c, NULL, "the config expands to too much: more than %d units of work",
			   COMP_WORK_MAX);
}

void
comp_work_tree(struct compilation *c, const struct node *node, const struct node *but)
{
	uint32_t apart = but != NULL ? but->weight : 0;

	comp_work(c, (uint64_t)NODE_WORK * (node->weight > apart ? node->weight - apart : 1));
}

struct place
place_of(const struct node *node)
{
	return (struct place){node->source, node->line, node->column};
}

struct place
place_of_spot(struct compilation *c, const struct spot *spot)
{
	struct place place = place_of(spot->node);
	const char *p = spot->node->text;
	size_t n = 0;

	if (spot->tag == NULL)
		return place;
	if (c->last_spot.node == spot->node && c->last_spot.tag <= spot->tag) {
		place = c->last_place;
		p = c->last_spot.tag;
	}
	comp_work(c, (uint64_t)(spot->tag - p) / TAG_WORK_BYTES);
	while ((p = strstr(p, "<<")) != NULL && p < spot->tag) {
		n++;
		p += 2;
	}
	comp_work(c, n);
	if (source_find_tag(&c->sources[place.source], n, &place.line, &place.column)) {
		c->last_spot = *spot;
		c->last_place = place;
	}
	return place;
}

struct place
place_within_spot(struct compilation *c, const struct spot *spot, const char *at)
{
	struct place place = place_of_spot(c, spot);
	const char *from = spot->tag != NULL ? spot->tag : spot->node->text;

	if ((uintptr_t)at >= (uintptr_t)from && (uintptr_t)at <= (uintptr_t)from + strlen(from))
		source_go_on(&c->sources[place.source], from, (size_t)(at - from), &place.line,
			     &place.column);
	return place;
}

struct plan_place
comp_plan_place(const struct compilation *c, const struct node *node)
{
	return (struct plan_place){c->sources[node->source].path, node->line, node->column};
}

/* One line: what users write into names and texts may have several. */
static void
make_line(char *message)
{
	char *p;

	for (p = message; *p != '\0'; p++)
		if ((unsigned char)*p < ' ')
			*p = ' ';
	message[text_utf8_prefix(message, (size_t)(p - message))] = '\0';
}

/* "workflow 'w', job 'build'", outermost first; NULL where nothing is entered. */
static const char *
write_chain(const struct link *link, char room[CHAIN_MAX_BYTES])
{
	const struct link *links[64];
	size_t depth = 0, used = 0;

	for (; link != NULL && depth < sizeof(links) / sizeof(links[0]); link = link->up)
		links[depth++] = link;
	if (depth == 0)
		return NULL;
	room[0] = '\0';
	while (depth-- > 0 && used < CHAIN_MAX_BYTES - 1) {
		int n = snprintf(room + used, CHAIN_MAX_BYTES - used, "%s%s '%.*s'",
				 used > 0 ? ", " : "", links[depth]->kind, CHAIN_NAME_MAX_BYTES,
				 links[depth]->name);

		used += n > 0 ? (size_t)n : 0;
	}
	make_line(room);
	return room;
}

static bool __attribute__((format(printf, 5, 0)))
vnote(struct compilation *c, struct place place, const char *code, const char *hint,
      const char *fmt, va_list ap)
{
	struct source *source = &c->sources[place.source];
	char message[MESSAGE_MAX_BYTES], chain[CHAIN_MAX_BYTES];
	size_t source_len = 0;
	uint32_t first = 1;
	int len;
	bool is_warning = code[0] == 'W' || c->is_rehearsal;
	struct diag diag = {.severity = is_warning ? DIAG_WARNING : DIAG_ERROR,
			    .code = code,
			    .path = source->path,
			    .line = place.line,
			    .column = place.column,
			    .message = message,
			    .hint = hint};

	if (!diags_wants(c->diags, diag.severity))
		return true;
	len = vsnprintf(message, sizeof(message), fmt, ap);
	make_line(message);
	/* Looked at by the next comp_work(): what tells that limit comes by here, too. */
	c->work += TELL_WORK + (unsigned)(len > 0 ? len : 0) / TELL_WORK_BYTES;
	if (diags_fold(c->diags, &diag))
		return true;
	c->work += place.column / COLUMN_WORK_BYTES;
	diag.chain = write_chain(c->chain, chain);
	diag.source = source_excerpt(source, place.line, place.column, &source_len, &first);
	diag.source_column = place.column - (first - 1);
	if (diag.source != NULL && !text_is_utf8(diag.source, source_len))
		diag.source = NULL;
	return diags_add(c->diags, &diag, source_len);
}

static void __attribute__((format(printf, 5, 0)))
vtell(struct compilation *c, struct place place, const char *code, const char *hint,
      const char *fmt, va_list ap)
{
	if (!vnote(c, place, code, hint, fmt, ap))
		comp_leave(c, ERR_INPUT);
}

bool
comp_note(struct compilation *c, struct place place, const char *code, const char *hint,
	  const char *fmt, ...)
{
	va_list ap;
	bool is_kept;

	va_start(ap, fmt);
	is_kept = vnote(c, place, code, hint, fmt, ap);
	va_end(ap);
	return is_kept;
}

void
comp_tell(struct compilation *c, struct place place, const char *code, const char *hint,
	  const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vtell(c, place, code, hint, fmt, ap);
	va_end(ap);
}

void
comp_error(struct compilation *c, const struct node *at, const char *code, const char *hint,
	   const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vtell(c, at != NULL ? place_of(at) : NOWHERE, code, hint, fmt, ap);
	va_end(ap);
}

void
comp_limit(struct compilation *c, const struct node *at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vtell(c, at != NULL ? place_of(at) : NOWHERE, "E_LIMIT", NULL, fmt, ap);
	va_end(ap);
	comp_leave(c, ERR_LIMIT);
}

void
comp_enter(struct compilation *c, struct link *link, const char *kind, const char *name)
{
	link->kind = kind;
	link->name = name;
	link->up = c->chain;
	c->chain = link;
}

void
comp_exit(struct compilation *c)
{
	c->chain = c->chain->up;
}

void
comp_leave(struct compilation *c, int result)
{
	c->result = result;
	longjmp(c->leave, 1);
}

bool
comp_has_errors(const struct compilation *c)
{
	return diags_error_count(c->diags) > 0;
}

/* Comparing costs names times length: after COMP_CANDIDATES_MAX no unknown name is helped. */
void
comp_suggest_init(struct compilation *c, struct suggestion *suggestion, const char *wanted)
{
	suggestion->candidates = &c->candidates;
	suggestion->wanted =
		strnlen(wanted, SUGGESTED_MAX_BYTES + 1) > SUGGESTED_MAX_BYTES ? NULL : wanted;
	suggestion->best = NULL;
	suggestion->distance = DISTANCE_MAX + 1;
}

void
comp_suggest(struct suggestion *suggestion, const char *candidate)
{
	unsigned distance;
	size_t len;

	if (candidate == NULL || suggestion->wanted == NULL ||
	    *suggestion->candidates >= COMP_CANDIDATES_MAX)
		return;
	(*suggestion->candidates)++;
	len = strnlen(candidate, SUGGESTED_MAX_BYTES + 1);
	if (len < 3 || len > SUGGESTED_MAX_BYTES)
		return;
	distance = text_distance(suggestion->wanted, candidate, DISTANCE_MAX);
	if (distance > 0 && distance < suggestion->distance && distance < len) {
		suggestion->best = candidate;
		suggestion->distance = distance;
	}
}

void
comp_suggest_keys(struct suggestion *suggestion, const struct node *map)
{
	uint32_t i;

	for (i = 0; map != NULL && map->kind == NODE_MAP && i < map->count; i++)
		comp_suggest(suggestion, map->pairs[i].key->text);
}

const char *
comp_suggest_hint(struct compilation *c, const struct suggestion *suggestion)
{
	if (suggestion->best == NULL)
		return NULL;
	return comp_printf(c, "did you mean '%s'?", suggestion->best);
}

/*
 * mask.c - secrets in a stream of bytes become "****".
 *
 * A span is an occurrence that lies in no other. Spans are found in the order of their ends;
 * one that begins before the last ones swallows them. When a place is reached behind which
 * every occurrence must begin, spans before it are final. Each layer has its own; what is written
 * is of both, as if all secrets were one set.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/mask.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "task/mask_set.h"

enum {
	SPANS_KEPT = 1024, /* room for more is given back after use */
	BACK_TO_SIEVE = 3, /* so little begun is begun again */
	WORK_NODES = 20000,
};

_Static_assert((int)MASK_PIECE_BYTES == (int)MASK_SET_PIECE_BYTES, "a piece is a needle");

struct span {
	uint32_t start, end;
};

struct spans {
	struct span *list;
	size_t count, room;
};

struct mask {
	struct mask_set *sets[MASK_LAYERS]; /* NULL: nothing was added there */
	struct spans spans[MASK_LAYERS], both;
};

struct mask *
mask_new(void)
{
	return MEM_NEW(struct mask);
}

struct mask *
mask_new_of(struct mask_sets *sets, const char *const *shared, size_t shared_count,
	    const char *const *own, size_t own_count)
{
	struct mask *mask = mask_new();

	if (shared_count > 0)
		mask->sets[MASK_SHARED] = mask_set_of(sets, shared, shared_count);
	if (own_count > 0) {
		mask->sets[MASK_OWN] = mask_set_new();
		mask_set_put(mask->sets[MASK_OWN], own, own_count, true);
	}
	return mask;
}

static void
spans_release(struct spans *spans)
{
	free(spans->list);
	memset(spans, 0, sizeof(*spans));
}

void
mask_free(struct mask *mask)
{
	unsigned i;

	if (mask == NULL)
		return;
	for (i = 0; i < MASK_LAYERS; i++) {
		mask_set_release(mask->sets[i]);
		spans_release(&mask->spans[i]);
	}
	spans_release(&mask->both);
	free(mask);
}

static int
refuse(struct err *err)
{
	return err_set(err, ERR_LIMIT, "the secrets to mask are too many or too long");
}

int
mask_add(struct mask *mask, const void *value, size_t len, struct err *err)
{
	struct mask_set **own = &mask->sets[MASK_OWN];

	if (*own == NULL)
		*own = mask_set_new();
	return mask_set_add(*own, value, len) ? 0 : refuse(err);
}

bool
mask_is_empty(const struct mask *mask)
{
	return mask == NULL || (mask_set_is_empty(mask->sets[MASK_SHARED]) &&
				mask_set_is_empty(mask->sets[MASK_OWN]));
}

/* Nothing was done yet, and all of it is little; too much it cannot be. */
static bool
is_light(const struct mask_set *set)
{
	return set->needles.count == 0 && set->waiting.len <= MASK_LIGHT_BYTES;
}

int
mask_work(struct mask *mask, bool *ready, struct err *err)
{
	struct mask_set *set;
	unsigned i;

	*ready = false;
	for (i = 0; i < MASK_LAYERS; i++) {
		set = mask->sets[i];
		if (set == NULL || is_light(set))
			continue;
		if (!mask_set_work(set, WORK_NODES))
			return 0;
		if (set->full)
			return refuse(err);
	}
	*ready = true;
	return 0;
}

static void
work_all(struct mask *mask)
{
	unsigned i;

	for (i = 0; i < MASK_LAYERS; i++)
		while (mask->sets[i] != NULL && !mask_set_work(mask->sets[i], SIZE_MAX))
			;
}

/* --- spans --- */

static void
add_span(struct spans *spans, size_t start, size_t end)
{
	while (spans->count > 0 && spans->list[spans->count - 1].start >= start)
		spans->count--;
	if (spans->count == spans->room) {
		spans->room = spans->room > 0 ? spans->room * 2 : 64;
		spans->list = mem_resize(spans->list, spans->room, sizeof(*spans->list));
	}
	spans->list[spans->count++] = (struct span){(uint32_t)start, (uint32_t)end};
}

/* One text and how far it has been looked at for the secrets of one set. */
struct search {
	const struct mask_set *set;
	struct spans *spans;
	const unsigned char *text;
	size_t len;
	size_t at;		      /* bytes before were stepped through, or passed over */
	struct needle_place place;    /* what is begun there */
	size_t next_short, next_long; /* what the sieves said last */
};

/* Step on while something is begun, which may have been before the text. */
static void
step_on(struct search *search, size_t from)
{
	const struct needles *needles = &search->set->needles;
	struct needle_place place = search->place;
	size_t at = search->at, found;

	while (at < search->len) {
		found = needles_step(needles, &place, search->text[at++]);
		if (found != 0)
			add_span(search->spans, at > found ? at - found : 0, at);
		if (place.depth <= BACK_TO_SIEVE && at > from + place.depth)
			break;
	}
	search->at = at;
	search->place = place;
}

static size_t
ask_sieves(struct search *search, size_t from)
{
	const struct mask_set *set = search->set;

	if (search->next_short < from || from == 0)
		search->next_short = sieve_next(&set->sieve_short, search->text, search->len, from);
	if (search->next_long < from || from == 0)
		search->next_long = sieve_next(&set->sieve_long, search->text, search->len, from);
	return search->next_short < search->next_long ? search->next_short : search->next_long;
}

/* What is begun may have begun before the text. */
static size_t
begun_at(const struct search *search)
{
	return search->at > search->place.depth ? search->at - search->place.depth : 0;
}

/* Find all spans; returns the place at which an occurrence that is not found yet may begin. */
static size_t
find_spans(struct search *search)
{
	size_t from = 0;

	if (search->place.node != 0) {
		step_on(search, 0);
		from = begun_at(search);
	}
	while (search->at < search->len) {
		from = ask_sieves(search, from);
		search->at = from;
		search->place = (struct needle_place){0, 0};
		step_on(search, from);
		from = begun_at(search);
	}
	return from;
}

/* Which of two comes first: it ends first, or lies in the other. */
static bool
is_before(const struct span *one, const struct span *other)
{
	return one->end != other->end ? one->end < other->end : one->start > other->start;
}

/* The spans of both layers, in theirs or in mask->both. */
static const struct spans *
merge_spans(struct mask *mask)
{
	const struct spans *shared = &mask->spans[MASK_SHARED], *own = &mask->spans[MASK_OWN];
	const struct span *next;
	size_t i = 0, j = 0;

	if (own->count == 0)
		return shared;
	if (shared->count == 0)
		return own;
	mask->both.count = 0;
	while (i < shared->count || j < own->count) {
		if (j == own->count ||
		    (i < shared->count && is_before(&shared->list[i], &own->list[j])))
			next = &shared->list[i++];
		else
			next = &own->list[j++];
		add_span(&mask->both, next->start, next->end);
	}
	return &mask->both;
}

/* --- the new text --- */

struct writing {
	const unsigned char *in;
	unsigned char *out;
	size_t taken, written;
};

static void
copy_to(struct writing *writing, size_t to)
{
	if (to == writing->taken)
		return;
	memcpy(writing->out + writing->written, writing->in + writing->taken, to - writing->taken);
	writing->written += to - writing->taken;
	writing->taken = to;
}

static void
cover_to(struct writing *writing, size_t to)
{
	memset(writing->out + writing->written, '*', MASK_STARS);
	writing->written += MASK_STARS;
	writing->taken = to;
}

/* Spans that begin before `open` are final. A run of them is covered when nothing can be added to
 * it. */
static void
write_masked(const struct spans *all, struct writing *writing, size_t open)
{
	const struct span *spans = all->list; /* NULL: there is none */
	size_t count = all->count, i = 0, start, end;

	while (i < count && spans[i].start < open) {
		start = spans[i].start;
		end = spans[i].end;
		for (i++; i < count && spans[i].start < open && spans[i].start < end &&
			  spans[i].start - start < MASK_RUN_BYTES;
		     i++)
			end = spans[i].end;
		copy_to(writing, start);
		if (i < count && spans[i].start < open && spans[i].start < end)
			end = spans[i].start; /* long enough: the next one begins a new run */
		else if (end > open)
			return;
		cover_to(writing, end);
	}
	copy_to(writing, open);
}

/* --- what is begun --- */

static bool
is_carried(const struct mask_set *set, uint32_t build)
{
	return mask_set_is_empty(set) ? build == 0 : !set->stale && build == set->build;
}

bool
mask_is_carried(const struct mask *mask, const struct mask_carry *carry)
{
	return is_carried(mask->sets[MASK_SHARED], carry->of[MASK_SHARED].build) &&
	       is_carried(mask->sets[MASK_OWN], carry->of[MASK_OWN].build);
}

static void
carry_on(struct mask_carry *carry, const struct mask *mask, enum mask_layer layer, uint32_t node)
{
	carry->of[layer].node = node;
	carry->of[layer].build = mask->sets[layer]->build;
}

void
mask_recall(struct mask *mask, const unsigned char *before, size_t len, struct mask_carry *carry)
{
	struct needle_place place;
	unsigned layer;
	size_t i;

	work_all(mask);
	*carry = (struct mask_carry){0};
	for (layer = 0; layer < MASK_LAYERS; layer++) {
		if (mask_set_is_empty(mask->sets[layer]))
			continue;
		place = (struct needle_place){0, 0};
		for (i = 0; i < len; i++)
			(void)needles_step(&mask->sets[layer]->needles, &place, before[i]);
		carry_on(carry, mask, layer, place.node);
	}
}

size_t
mask_carried(const struct mask *mask, const struct mask_carry *carry)
{
	size_t most = 0, depth;
	unsigned layer;

	if (mask_is_empty(mask))
		return 0;
	if (!mask_is_carried(mask, carry))
		return MASK_RECALL_BYTES;
	for (layer = 0; layer < MASK_LAYERS; layer++) {
		if (carry->of[layer].node == 0)
			continue;
		depth = needles_depth(&mask->sets[layer]->needles, carry->of[layer].node);
		if (depth > most)
			most = depth;
	}
	return most;
}

/* --- all of it --- */

/* As find_spans(), of one layer; *node is what is begun before, and then what is at the end. */
static size_t
search_layer(struct mask *mask, enum mask_layer layer, const unsigned char *in, size_t len,
	     uint32_t *node)
{
	const struct mask_set *set = mask->sets[layer];
	struct search search = {.set = set, .spans = &mask->spans[layer], .text = in, .len = len};
	size_t open;

	mask->spans[layer].count = 0;
	if (mask_set_is_empty(set))
		return len;
	search.place = (struct needle_place){*node, needles_depth(&set->needles, *node)};
	open = find_spans(&search);
	*node = search.place.node;
	return open;
}

static void
forget_spans(struct spans *spans)
{
	if (spans->room > SPANS_KEPT)
		spans_release(spans);
}

size_t
mask_apply(struct mask *mask, const unsigned char *in, size_t len, bool release,
	   struct mask_carry *carry, unsigned char *out, size_t *taken)
{
	struct writing writing = {in, out, 0, 0};
	uint32_t node[MASK_LAYERS] = {0};
	size_t open = len, at;
	bool carried;
	unsigned i;

	assert(len < UINT32_MAX);
	work_all(mask);
	carried = mask_is_carried(mask, carry);
	for (i = 0; i < MASK_LAYERS; i++) {
		node[i] = carried ? carry->of[i].node : 0;
		at = search_layer(mask, i, in, len, &node[i]);
		if (at < open)
			open = at;
	}
	write_masked(merge_spans(mask), &writing, release ? len : open);
	*taken = writing.taken;
	for (i = 0; i < MASK_LAYERS; i++) {
		if (writing.taken > 0 && !mask_set_is_empty(mask->sets[i]))
			carry_on(carry, mask, i, release ? node[i] : 0);
		forget_spans(&mask->spans[i]);
	}
	forget_spans(&mask->both);
	return writing.written;
}

void
mask_text(struct mask *mask, char *text)
{
	size_t len = strlen(text), taken;
	struct mask_carry carry = {0};
	unsigned char *room;

	if (mask_is_empty(mask))
		return;
	room = mem_zalloc(1, len + MASK_STARS);
	len = mask_apply(mask, (const unsigned char *)text, len, true, &carry, room, &taken);
	memcpy(text, room, len);
	text[len] = '\0';
	free(room);
}

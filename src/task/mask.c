/*
 * mask.c - secrets in a stream of bytes become "****".
 *
 * A span is an occurrence that lies in no other. Spans are found in the order of their ends;
 * one that begins before the last ones swallows them. When a place is reached behind which
 * every occurrence must begin, spans before it are final.
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
};

_Static_assert((int)MASK_PIECE_BYTES == (int)MASK_SET_PIECE_BYTES, "a piece is a needle");

struct span {
	uint32_t start, end;
};

struct mask {
	struct mask_set *set; /* perhaps of others too */
	struct span *spans;
	size_t span_count, span_room;
};

struct mask *
mask_new(void)
{
	struct mask *mask = MEM_NEW(struct mask);

	mask->set = mask_set_new();
	return mask;
}

int
mask_new_shared(struct mask **out, struct mask_sets *sets, const char *const *values, size_t count,
		struct err *err)
{
	*out = MEM_NEW(struct mask);
	return mask_set_of(&(*out)->set, sets, values, count, err);
}

void
mask_free(struct mask *mask)
{
	if (mask == NULL)
		return;
	mask_set_release(mask->set);
	free(mask->spans);
	free(mask);
}

int
mask_add(struct mask *mask, const void *value, size_t len, struct err *err)
{
	mask->set = mask_set_own(mask->set);
	return mask_set_add(mask->set, value, len, err);
}

bool
mask_is_empty(const struct mask *mask)
{
	return mask == NULL || mask->set->needles.count == 0;
}

/* --- spans --- */

static void
add_span(struct mask *mask, size_t start, size_t end)
{
	while (mask->span_count > 0 && mask->spans[mask->span_count - 1].start >= start)
		mask->span_count--;
	if (mask->span_count == mask->span_room) {
		mask->span_room = mask->span_room > 0 ? mask->span_room * 2 : 64;
		mask->spans = mem_resize(mask->spans, mask->span_room, sizeof(*mask->spans));
	}
	mask->spans[mask->span_count++] = (struct span){(uint32_t)start, (uint32_t)end};
}

/* One text and how far it has been looked at. */
struct search {
	const unsigned char *text;
	size_t len;
	size_t at;		      /* bytes before were stepped through, or passed over */
	uint32_t node;		      /* what is begun there */
	size_t next_short, next_long; /* what the sieves said last */
};

/* Step on while something is begun; *node may have been begun before the text. */
static void
step_on(struct mask *mask, struct search *search, size_t from)
{
	const struct needles *needles = &mask->set->needles;
	uint32_t node = search->node, depth, found;
	size_t at = search->at;

	while (at < search->len) {
		node = needles_step(needles, node, search->text[at++]);
		found = needles->found[node];
		if (found != 0)
			add_span(mask, at > found ? at - found : 0, at);
		depth = needles->depth[node];
		if (depth <= BACK_TO_SIEVE && at > from + depth)
			break;
	}
	search->at = at;
	search->node = node;
}

static size_t
ask_sieves(const struct mask *mask, struct search *search, size_t from)
{
	if (search->next_short < from || from == 0)
		search->next_short =
			sieve_next(&mask->set->sieve_short, search->text, search->len, from);
	if (search->next_long < from || from == 0)
		search->next_long =
			sieve_next(&mask->set->sieve_long, search->text, search->len, from);
	return search->next_short < search->next_long ? search->next_short : search->next_long;
}

/* What is begun may have begun before the text. */
static size_t
begun_at(const struct mask *mask, const struct search *search)
{
	size_t depth = mask->set->needles.depth[search->node];

	return search->at > depth ? search->at - depth : 0;
}

/* Find all spans; returns the place at which an occurrence that is not found yet may begin. */
static size_t
find_spans(struct mask *mask, struct search *search)
{
	size_t from = 0;

	mask->span_count = 0;
	if (search->node != 0) {
		step_on(mask, search, 0);
		from = begun_at(mask, search);
	}
	while (search->at < search->len) {
		from = ask_sieves(mask, search, from);
		search->at = from;
		search->node = 0;
		step_on(mask, search, from);
		from = begun_at(mask, search);
	}
	return from;
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
write_masked(const struct mask *mask, struct writing *writing, size_t open)
{
	const struct span *spans = mask->spans; /* NULL: there is none */
	size_t count = mask->span_count, i = 0, start, end;

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

bool
mask_is_carried(const struct mask *mask, const struct mask_carry *carry)
{
	return !mask->set->stale && carry->build == mask->set->build;
}

void
mask_recall(struct mask *mask, const unsigned char *before, size_t len, struct mask_carry *carry)
{
	uint32_t node = 0;
	size_t i;

	mask_set_build(mask->set);
	for (i = 0; i < len; i++)
		node = needles_step(&mask->set->needles, node, before[i]);
	*carry = (struct mask_carry){node, mask->set->build};
}

size_t
mask_carried(const struct mask *mask, const struct mask_carry *carry)
{
	if (mask_is_empty(mask))
		return 0;
	return mask_is_carried(mask, carry) ? mask->set->needles.depth[carry->node]
					    : MASK_RECALL_BYTES;
}

size_t
mask_apply(struct mask *mask, const unsigned char *in, size_t len, bool release,
	   struct mask_carry *carry, unsigned char *out, size_t *taken)
{
	struct search search = {.text = in, .len = len};
	struct writing writing = {in, out, 0, 0};
	size_t open;

	assert(len < UINT32_MAX);
	if (mask_is_empty(mask)) {
		copy_to(&writing, len);
		*taken = len;
		return len;
	}
	mask_set_build(mask->set);
	if (mask_is_carried(mask, carry))
		search.node = carry->node;
	open = find_spans(mask, &search);
	write_masked(mask, &writing, release ? len : open);
	*taken = writing.taken;
	if (writing.taken > 0)
		*carry = (struct mask_carry){release ? search.node : 0, mask->set->build};
	if (mask->span_room > SPANS_KEPT) {
		free(mask->spans);
		mask->spans = NULL;
		mask->span_count = mask->span_room = 0;
	}
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

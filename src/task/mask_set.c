/*
 * mask_set.c - what finds a set of secrets: made once for all masks that have the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/mask_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/mem.h"
#include "task/secret_forms.h"

struct mask_set *
mask_set_new(void)
{
	struct mask_set *set = MEM_NEW(struct mask_set);

	set->users = 1;
	return set;
}

static void
wipe_waiting(struct mask_set *set)
{
	if (set->waiting.base != NULL)
		explicit_bzero(set->waiting.base, set->waiting.room);
	buffer_release(&set->waiting);
}

void
mask_set_release(struct mask_set *set)
{
	if (set == NULL || --set->users > 0)
		return;
	if (set->shelf != NULL)
		HASH_DEL(set->shelf->by_values, set);
	wipe_waiting(set);
	needles_release(&set->needles);
	sieve_release(&set->sieve_short);
	sieve_release(&set->sieve_long);
	free(set);
}

/* --- one for many --- */

static int
compare(const void *one, const void *other)
{
	return strcmp(*(const char *const *)one, *(const char *const *)other);
}

/* Of the values in their order, each with its NUL. */
static void
digest_values(unsigned char out[DIGEST_BYTES], const char **values, size_t count)
{
	struct digest *digest = digest_new();
	size_t i;

	qsort(values, count, sizeof(*values), compare);
	for (i = 0; i < count; i++)
		if (i == 0 || strcmp(values[i - 1], values[i]) != 0)
			digest_add(digest, values[i], strlen(values[i]) + 1);
	digest_end(digest, out);
}

struct mask_set *
mask_set_of(struct mask_sets *shelf, const char *const *values, size_t count)
{
	const char **sorted = MEM_NEW_ARRAY(const char *, count + 1);
	unsigned char name[DIGEST_BYTES];
	struct mask_set *set;

	if (count > 0)
		memcpy(sorted, values, count * sizeof(*values));
	digest_values(name, sorted, count);
	HASH_FIND(hh, shelf->by_values, name, sizeof(name), set);
	if (set == NULL) {
		set = mask_set_new();
		set->users = 0;
		mask_set_put(set, sorted, count, false);
		set->shelf = shelf;
		memcpy(set->values, name, sizeof(name));
		HASH_ADD(hh, shelf->by_values, values, sizeof(set->values), set);
	}
	set->users++;
	free(sorted);
	return set;
}

/* --- forms --- */

struct adding {
	struct needles *needles;
	bool full;
};

static void
add_piece(struct adding *adding, const unsigned char *bytes, size_t len)
{
	if (!needles_add(adding->needles, bytes, len))
		adding->full = true;
}

/* The last piece ends with the form, and so shares more with the one before. */
static void
on_form(void *arg, const unsigned char *bytes, size_t len)
{
	size_t at = 0;

	for (; len - at > MASK_SET_PIECE_BYTES; at += MASK_SET_PIECE_BYTES - 1)
		add_piece(arg, bytes + at, MASK_SET_PIECE_BYTES);
	if (at > 0)
		at = len - MASK_SET_PIECE_BYTES;
	add_piece(arg, bytes + at, len - at);
}

static bool
add(struct mask_set *set, const void *value, size_t len, bool is_end)
{
	struct adding adding = {&set->needles, false};

	secret_forms(value, len, is_end, on_form, &adding);
	set->stale = true;
	set->linked = false;
	if (adding.full)
		set->full = true;
	return !adding.full;
}

bool
mask_set_add(struct mask_set *set, const void *value, size_t len)
{
	assert(set->shelf == NULL);
	return add(set, value, len, false);
}

/* --- values that wait --- */

/* Room for all at once, so that none is left behind where a shorter one was. */
void
mask_set_put(struct mask_set *set, const char *const *values, size_t count, bool ends)
{
	size_t len = 0, i;
	void *room;

	assert(set->shelf == NULL && set->waiting.base == NULL);
	for (i = 0; i < count; i++)
		len += strlen(values[i]) + 1;
	set->waiting_ends = ends;
	(void)buffer_reserve(&set->waiting, len, &room, NULL);
	for (i = 0; i < count; i++)
		buffer_putn(&set->waiting, values[i], strlen(values[i]) + 1);
	set->stale = true;
}

/* Until about so many nodes have come. */
static void
add_waiting(struct mask_set *set, size_t nodes)
{
	uint32_t before = set->needles.count;
	size_t len;

	while (set->waiting.len > 0 && set->needles.count - before < nodes) {
		len = strlen((const char *)set->waiting.data);
		(void)add(set, set->waiting.data, len, set->waiting_ends);
		buffer_consume(&set->waiting, len + 1);
	}
	if (set->waiting.len == 0)
		wipe_waiting(set);
}

/* --- ready --- */

/* A sieve is made in two passes over the nodes: how many there are, and what they are. */
struct sifting {
	const struct needles *needles;
	struct sieve *sieve;
	unsigned window;
	uint32_t count;
};

/* A longer string has a node where a long window ends, a shorter one its own end. */
static bool
is_sifted(const struct sifting *sifting, uint32_t node)
{
	return sifting->window == SIEVE_LONG || needles_is_end(sifting->needles, node);
}

static void
on_count(void *arg, uint32_t node)
{
	struct sifting *sifting = arg;

	sifting->count += is_sifted(sifting, node);
}

static void
on_sift(void *arg, uint32_t node)
{
	struct sifting *sifting = arg;
	unsigned char bytes[SIEVE_LONG];

	if (!is_sifted(sifting, node))
		return;
	needles_prefix(sifting->needles, node, sifting->window, bytes);
	sieve_add(sifting->sieve, bytes);
}

/* Of one user's alone there may be hundreds, and it is mostly a token or two. */
static void
build_sieve(struct mask_set *set, struct sieve *sieve, unsigned window)
{
	const struct needles *needles = &set->needles;
	struct sifting sifting = {needles, sieve, window, 0};
	uint32_t least = window, most = window == SIEVE_LONG ? window : SIEVE_LONG - 1;

	needles_visit(needles, least, most, on_count, &sifting);
	sieve_release(sieve);
	sieve_init(sieve, window, sifting.count, set->shelf == NULL && window == SIEVE_LONG);
	needles_visit(needles, least, most, on_sift, &sifting);
}

bool
mask_set_work(struct mask_set *set, size_t nodes)
{
	if (!set->stale)
		return true;
	if (set->waiting.len > 0) {
		add_waiting(set, nodes);
	} else if (!set->linked) {
		set->linked = needles_link(&set->needles, nodes);
	} else {
		build_sieve(set, &set->sieve_short, SIEVE_SHORT);
		build_sieve(set, &set->sieve_long, SIEVE_LONG);
		set->stale = false;
		set->build++;
	}
	return !set->stale;
}

bool
mask_set_is_empty(const struct mask_set *set)
{
	return set == NULL || (set->needles.count == 0 && set->waiting.len == 0);
}

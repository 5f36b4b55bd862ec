/*
 * mask_set.c - what finds a set of secrets: made once for all masks that have the same.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/mask_set.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
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
unshelve(struct mask_set *set)
{
	if (set->shelf != NULL)
		HASH_DEL(set->shelf->by_values, set);
	set->shelf = NULL;
}

void
mask_set_release(struct mask_set *set)
{
	if (--set->users > 0)
		return;
	unshelve(set);
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

/* Owns nothing of values, but their order. */
static int
make(struct mask_set **out, struct mask_sets *shelf, const char **values, size_t count,
     struct err *err)
{
	unsigned char name[DIGEST_BYTES];
	struct mask_set *set;
	size_t i;
	int rc = 0;

	digest_values(name, values, count);
	HASH_FIND(hh, shelf->by_values, name, sizeof(name), set);
	if (set != NULL) {
		set->users++;
		*out = set;
		return 0;
	}
	*out = set = mask_set_new();
	for (i = 0; rc == 0 && i < count; i++)
		rc = mask_set_add(set, values[i], strlen(values[i]), err);
	if (rc < 0)
		return rc;
	needles_fit(&set->needles); /* many tasks wait, or print nothing, for long */
	set->shelf = shelf;
	memcpy(set->values, name, sizeof(name));
	HASH_ADD(hh, shelf->by_values, values, sizeof(set->values), set);
	return 0;
}

int
mask_set_of(struct mask_set **out, struct mask_sets *shelf, const char *const *values, size_t count,
	    struct err *err)
{
	const char **sorted = MEM_NEW_ARRAY(const char *, count + 1);
	int rc;

	if (count > 0)
		memcpy(sorted, values, count * sizeof(*values));
	rc = make(out, shelf, sorted, count, err);
	free(sorted);
	return rc;
}

struct mask_set *
mask_set_own(struct mask_set *set)
{
	struct mask_set *own;

	if (set->users == 1) {
		unshelve(set);
		return set;
	}
	own = mask_set_new();
	needles_copy(&own->needles, &set->needles);
	own->build = set->build;
	own->stale = true;
	set->users--;
	return own;
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

int
mask_set_add(struct mask_set *set, const void *value, size_t len, struct err *err)
{
	struct adding adding = {&set->needles, false};

	secret_forms(value, len, on_form, &adding);
	set->stale = true;
	if (adding.full)
		return err_set(err, ERR_LIMIT, "the secrets to mask are too many or too long");
	return 0;
}

/* --- ready --- */

/*
 * A sieve asks for the first bytes alone, and these are nodes: those of depth 8 for strings of so
 * many bytes or more; for shorter ones those of depth 4 above their end.
 */
static bool
begins_at(const struct needles *needles, uint32_t node, unsigned window)
{
	return window == SIEVE_LONG
		       ? needles->depth[node] == SIEVE_LONG
		       : needles->depth[node] < SIEVE_LONG && needles_is_end(needles, node);
}

static void
build_sieve(struct sieve *sieve, const struct needles *needles, unsigned window)
{
	unsigned char bytes[SIEVE_LONG];
	uint32_t node, count = 0;

	for (node = 1; node < needles->count; node++)
		count += begins_at(needles, node, window);
	sieve_release(sieve);
	sieve_init(sieve, window, count);
	for (node = 1; node < needles->count; node++)
		if (begins_at(needles, node, window)) {
			needles_prefix(needles, node, window, bytes);
			sieve_add(sieve, bytes);
		}
}

void
mask_set_build(struct mask_set *set)
{
	if (!set->stale)
		return;
	needles_link(&set->needles);
	build_sieve(&set->sieve_short, &set->needles, SIEVE_SHORT);
	build_sieve(&set->sieve_long, &set->needles, SIEVE_LONG);
	set->stale = false;
	set->build++;
}

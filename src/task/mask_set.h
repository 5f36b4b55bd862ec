/*
 * mask_set.h - what finds a set of secrets: made once for all masks that have the same.
 *
 * mask_set_new() -> mask_set_put() or mask_set_add() for each secret -> mask_set_work(), again
 * after another one. mask_set_of() finds the set of another user instead, and is the way to share
 * it; a shared set does not change.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_MASK_SET_H
#define TASK_MASK_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "base/buffer.h"
#include "format/digest.h"
#include "task/needles.h"
#include "task/sieve.h"

enum {
	/* A longer form of a secret is found by pieces of this size, each sharing a byte with the
	   next. */
	MASK_SET_PIECE_BYTES = NEEDLE_MOST_BYTES,
};

/* The shelf: sets by the digest of their values. All zero is an empty one. */
struct mask_sets {
	struct mask_set *by_values; /* uthash */
};

struct mask_set {
	struct buffer waiting; /* values that are to be added, each with a NUL behind it */
	bool waiting_ends;
	struct needles needles;
	struct sieve sieve_short, sieve_long;
	bool stale;	/* something was added since it was built */
	bool linked;	/* its needles are, since then */
	bool full;	/* something could not be */
	uint32_t build; /* how often it was */
	uint32_t users;
	struct mask_sets *shelf;	    /* where others find it; NULL: it is one user's alone */
	unsigned char values[DIGEST_BYTES]; /* of all its secrets: its name on the shelf */
	UT_hash_handle hh;
};

/* An empty one, of one user. */
struct mask_set *mask_set_new(void);

/* One user less; with the last one its secrets are wiped from memory. NULL is fine. */
void mask_set_release(struct mask_set *set);

/* The set of these values, whatever their order: the one on the shelf, or a new one that is put
 * there. The shelf outlives its sets. */
struct mask_set *mask_set_of(struct mask_sets *shelf, const char *const *values, size_t count);

/* Keep these to add them when it is worked on, to a set that is not shared. Copies are kept, and
 * wiped then. Once at most. ends: they are ends of longer texts (secret_forms.h). */
void mask_set_put(struct mask_set *set, const char *const *values, size_t count, bool ends);

/* One more, in all its forms, to a set that is not shared. False: these came to more than 4 MiB. */
bool mask_set_add(struct mask_set *set, const void *value, size_t len);

/*
 * Make it ready, if it is not, by about so many nodes' work: they take some 40 ns each, and a value
 * is added whole. True when nothing is left to do; then set->full says whether all has found room.
 */
bool mask_set_work(struct mask_set *set, size_t nodes);

/* Has it nothing that could be found? */
bool mask_set_is_empty(const struct mask_set *set); /* NULL is */

#endif

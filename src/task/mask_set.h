/*
 * mask_set.h - what finds a set of secrets: made once for all masks that have the same.
 *
 * mask_set_new() -> mask_set_add() for each secret -> mask_set_build(), again after another one.
 * mask_set_of() finds the set of another user instead, and is the way to share it. A shared set
 * does not change: mask_set_own() is one that may.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_MASK_SET_H
#define TASK_MASK_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <uthash.h>

#include "format/digest.h"
#include "task/needles.h"
#include "task/sieve.h"

struct err;

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
	struct needles needles;
	struct sieve sieve_short, sieve_long;
	bool stale;	/* something was added since it was built */
	uint32_t build; /* how often it was; a copy counts on */
	uint32_t users;
	struct mask_sets *shelf;	    /* where others find it; NULL: it is one user's alone */
	unsigned char values[DIGEST_BYTES]; /* of all its secrets: its name on the shelf */
	UT_hash_handle hh;
};

/* An empty one, of one user. */
struct mask_set *mask_set_new(void);

/* One user less; with the last one its secrets are wiped from memory. */
void mask_set_release(struct mask_set *set);

/*
 * The set of these values, whatever their order: the one on the shelf, or a new one that is put
 * there. The shelf outlives its sets. Fails: ERR_LIMIT as mask_set_add(); *out is what it could
 * cover all the same, its user's alone.
 */
int mask_set_of(struct mask_set **out, struct mask_sets *shelf, const char *const *values,
		size_t count, struct err *err);

/* The user's own in place of set: itself when there is no other user, or else a copy. */
struct mask_set *mask_set_own(struct mask_set *set);

/* One more, in all its forms, to an own set. Fails: ERR_LIMIT when these come to more than 4 MiB.
 */
int mask_set_add(struct mask_set *set, const void *value, size_t len, struct err *err);

/* Make needles and sieves ready, where they are not. */
void mask_set_build(struct mask_set *set);

#endif

/*
 * mask.h - secrets in a stream of bytes become "****".
 *
 * mask_new() or mask_new_of() -> mask_add() for each more, at any time -> mask_apply() on what
 * comes. Where there are many, mask_work() makes them ready before.
 *
 * Where several secrets overlap they are covered whole, with one "****"; those that merely touch
 * get one each. What a stream becomes hangs on its bytes alone, not on how it was cut: mask_apply()
 * takes only what is decided, and nothing of what it took matters for what follows, unless it was
 * told to release it. So a reader that has lost everything but the count of bytes taken goes on
 * with the rest, when mask_recall() has seen the bytes before it.
 *
 * Work is linear in the bytes for any secrets: a sieve (task/sieve.h) names the places to look at,
 * an automaton (task/needles.h) looks. Masks have one of both (task/mask_set.h) for the secrets
 * that they have in common, and each another one for its own. No I/O, no clock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_MASK_H
#define TASK_MASK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct mask;
struct mask_sets;

enum {
	MASK_STARS = 4,
	/* A longer form of a secret is found by pieces of this size, each sharing a byte with the
	   next. */
	MASK_PIECE_BYTES = 4096,
	/* Secrets that overlap on and on get one more "****" each time about so much is covered. */
	MASK_RUN_BYTES = 16384,
	/* mask_apply() takes something of so much, whatever it is. */
	MASK_AHEAD_BYTES = MASK_RUN_BYTES + 3 * MASK_PIECE_BYTES,
	MASK_RECALL_BYTES = MASK_PIECE_BYTES - 1, /* so far back what is begun may have begun */
	MASK_LIGHT_BYTES = 1024, /* values that take no longer than a part of mask_work() */
};

enum mask_layer { MASK_SHARED, MASK_OWN, MASK_LAYERS };

/* What a released beginning of a secret leaves behind; all zero at the beginning of a stream. */
struct mask_carry {
	struct {
		uint32_t node;
		uint32_t build; /* of the set that it is of */
	} of[MASK_LAYERS];
};

struct mask *mask_new(void);

/*
 * A mask of these values, whatever their order: what finds the shared ones is shared with masks of
 * the same, and made once. The own ones are ends of longer texts, signatures of tokens
 * (secret_forms.h). Some work is left for mask_work() or the first mask_apply().
 */
struct mask *mask_new_of(struct mask_sets *sets, const char *const *shared, size_t shared_count,
			 const char *const *own, size_t own_count);
void mask_free(struct mask *mask); /* NULL is fine */

/*
 * Cover this one too, in all its forms (task/secret_forms.h); too short a one is passed over.
 * Fails: ERR_LIMIT when the forms of all that it shares, or of all its own, come to more than 4
 * MiB; what has been added is covered on.
 */
int mask_add(struct mask *mask, const void *value, size_t len, struct err *err);

/*
 * Do what is left to do before the first mask_apply(), which does it at once otherwise, in parts of
 * about a millisecond. *ready: nothing is left, or as little as that. Fails: as mask_add(), at the
 * end; the mask covers what it could take.
 */
int mask_work(struct mask *mask, bool *ready, struct err *err);

/* Has it no secret? Then mask_apply() need not be called. NULL is empty. */
bool mask_is_empty(const struct mask *mask);

/*
 * Write to out (room for len + MASK_STARS bytes: the rest of a secret may be shorter than its mask)
 * what in becomes, and return how much that is.
 * *taken bytes of in are done with; the rest may be the beginning of a secret and is to come again,
 * with more behind it. release takes all: at the end of a stream, or when a reader should not wait
 * longer. A secret whose beginning was released is still covered from there on, by carry.
 */
size_t mask_apply(struct mask *mask, const unsigned char *in, size_t len, bool release,
		  struct mask_carry *carry, unsigned char *out, size_t *taken);

/* Does carry say what is begun? Neither before the first mask_apply() nor after a mask_add(). */
bool mask_is_carried(const struct mask *mask, const struct mask_carry *carry);

/* Make it so from what stands before: len bytes, MASK_RECALL_BYTES or all there are. */
void
mask_recall(struct mask *mask, const unsigned char *before, size_t len, struct mask_carry *carry);

/* Of the bytes that were taken the last so many are what mask_recall() would have to see. */
size_t mask_carried(const struct mask *mask, const struct mask_carry *carry);

/* The same for a text of our own, in its place; it becomes no longer. mask may be NULL. */
void mask_text(struct mask *mask, char *text);

#endif

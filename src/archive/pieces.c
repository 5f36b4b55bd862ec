/*
 * pieces.c - an archive's entries and what they hold, made by one thread while another uses them.
 *
 * A ring. The entry of a first piece is exchanged for the one that was used before, so that it
 * outlives its piece and none is made anew.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/pieces.h"

#include <archive_entry.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"

struct pieces {
	struct piece ring[PIECES_COUNT];
	unsigned char *bytes;	     /* of all */
	struct archive_entry *entry; /* of the user's piece */
	bool used;		     /* it has one */
	pthread_t thread;
	pieces_make_fn *make;
	void *arg;
	struct err err; /* the maker's, once it has ended */
	int rc;
	pthread_mutex_t lock; /* over all that follows */
	pthread_cond_t changed;
	unsigned put, got; /* since the start */
	bool ended, unwanted;
};

static void *
run(void *arg)
{
	struct pieces *pieces = arg;
	int rc = pieces->make(pieces->arg, pieces, &pieces->err);

	(void)pthread_mutex_lock(&pieces->lock);
	pieces->rc = rc;
	pieces->ended = true;
	(void)pthread_cond_signal(&pieces->changed);
	(void)pthread_mutex_unlock(&pieces->lock);
	return NULL;
}

static void
release(struct pieces *pieces)
{
	size_t i;

	for (i = 0; i < PIECES_COUNT; i++)
		archive_entry_free(pieces->ring[i].entry);
	archive_entry_free(pieces->entry);
	(void)pthread_cond_destroy(&pieces->changed);
	(void)pthread_mutex_destroy(&pieces->lock);
	free(pieces->bytes);
	free(pieces);
}

int
pieces_start(struct pieces **out, pieces_make_fn *make, void *arg, struct err *err)
{
	struct pieces *pieces = MEM_NEW(struct pieces);
	size_t i;

	(void)pthread_mutex_init(&pieces->lock, NULL);
	(void)pthread_cond_init(&pieces->changed, NULL);
	pieces->make = make;
	pieces->arg = arg;
	pieces->entry = archive_entry_new();
	pieces->bytes = malloc((size_t)PIECES_COUNT * PIECE_BYTES);
	for (i = 0; i < PIECES_COUNT; i++) {
		pieces->ring[i].entry = archive_entry_new();
		if (pieces->bytes != NULL)
			pieces->ring[i].bytes = pieces->bytes + i * PIECE_BYTES;
	}
	if (pieces->bytes == NULL || pthread_create(&pieces->thread, NULL, run, pieces) != 0) {
		release(pieces);
		return err_set(err, ERR_HOST, "there is no memory for a thread");
	}
	*out = pieces;
	return 0;
}

void
pieces_free(struct pieces *pieces)
{
	if (pieces == NULL)
		return;
	(void)pthread_mutex_lock(&pieces->lock);
	pieces->unwanted = true;
	(void)pthread_cond_signal(&pieces->changed);
	(void)pthread_mutex_unlock(&pieces->lock);
	(void)pthread_join(pieces->thread, NULL);
	release(pieces);
}

/* --- use ---------------------------------------------------------------------------------------
 */

/* Give the piece before back, and wait for another: false at their end. */
static bool
wait_for_piece(struct pieces *pieces)
{
	bool any;

	(void)pthread_mutex_lock(&pieces->lock);
	if (pieces->used && ++pieces->got + PIECES_COUNT / 2 == pieces->put)
		(void)pthread_cond_signal(&pieces->changed);
	if (pieces->got == pieces->put)
		while (!pieces->ended && pieces->put - pieces->got < PIECES_COUNT / 2)
			(void)pthread_cond_wait(&pieces->changed, &pieces->lock);
	any = pieces->got != pieces->put;
	(void)pthread_mutex_unlock(&pieces->lock);
	pieces->used = any;
	return any;
}

int
pieces_next(struct pieces *pieces, const struct piece **piece, struct archive_entry **entry,
	    struct err *err)
{
	struct archive_entry *before = pieces->entry;
	struct piece *next;

	if (!wait_for_piece(pieces)) {
		if (pieces->rc < 0)
			*err = pieces->err;
		return pieces->rc;
	}
	next = &pieces->ring[pieces->got % PIECES_COUNT];
	if (next->first) {
		pieces->entry = next->entry;
		next->entry = before;
	}
	*piece = next;
	*entry = pieces->entry;
	return 1;
}

/* --- making ------------------------------------------------------------------------------------
 */

struct piece *
pieces_room(struct pieces *pieces)
{
	struct piece *piece = &pieces->ring[pieces->put % PIECES_COUNT];
	bool wanted;

	(void)pthread_mutex_lock(&pieces->lock);
	if (pieces->put - pieces->got == PIECES_COUNT)
		while (!pieces->unwanted && pieces->put - pieces->got > PIECES_COUNT / 2)
			(void)pthread_cond_wait(&pieces->changed, &pieces->lock);
	wanted = !pieces->unwanted;
	(void)pthread_mutex_unlock(&pieces->lock);
	if (!wanted)
		return NULL;
	archive_entry_clear(piece->entry);
	piece->first = piece->last = false;
	piece->at = 0;
	piece->len = 0;
	return piece;
}

void
pieces_put(struct pieces *pieces)
{
	(void)pthread_mutex_lock(&pieces->lock);
	if (++pieces->put - pieces->got == PIECES_COUNT / 2)
		(void)pthread_cond_signal(&pieces->changed);
	(void)pthread_mutex_unlock(&pieces->lock);
}

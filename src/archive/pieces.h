/*
 * pieces.h - an archive's entries and what they hold, made by one thread while another uses them.
 *
 * pieces_start() -> pieces_next() until there is no more -> pieces_free(). The maker runs in a
 * thread of its own: pieces_room() -> fill the piece -> pieces_put(), as often as it wants, and
 * its return ends them. So files are read while others are compressed, and an archive is
 * decompressed while files are written. Neither wakes the other for each piece, but when half of
 * the room is full, or empty.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_PIECES_H
#define ARCHIVE_PIECES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct archive_entry;
struct err;
struct pieces;

enum { PIECE_BYTES = 64 * 1024, PIECES_COUNT = 64 /* 4 MiB, touched as far as they are used */ };

/* All pieces of an entry follow one another. */
struct piece {
	struct archive_entry *entry; /* the maker's to fill, in the first one */
	bool first, last;	     /* of its entry */
	int64_t at;		     /* where in the file its bytes lie; holes are between */
	size_t len;
	unsigned char *bytes; /* PIECE_BYTES */
};

/* Runs in the thread. A negative code is what pieces_next() fails with, behind the last piece. */
typedef int pieces_make_fn(void *arg, struct pieces *pieces, struct err *err);

/* Fails: ERR_HOST (no memory, no thread). */
int pieces_start(struct pieces **out, pieces_make_fn *make, void *arg, struct err *err);

/* Waits for the maker, which is told by pieces_room() that nobody wants more. NULL is fine. */
void pieces_free(struct pieces *pieces);

/*
 * 1: the next piece, which is there until the next call, and its entry, which is there until that
 * of another is; 0: there is no more. Fails: as the maker has.
 */
int pieces_next(struct pieces *pieces, const struct piece **piece, struct archive_entry **entry,
		struct err *err);

/* --- for the maker --------------------------------------------------------------------------- */

/*
 * An empty piece with a blank entry; the same again where it was not put. NULL: nobody wants more.
 */
struct piece *pieces_room(struct pieces *pieces);

/* The piece of pieces_room() is complete. */
void pieces_put(struct pieces *pieces);

#endif

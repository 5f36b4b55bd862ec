/*
 * search_piece.h - output in pieces that can be searched side by side.
 *
 * search_cutter_add() record by record gives pieces, search_cutter_end() the last one. A piece
 * belongs to one (step, attempt) and is cut in a record that holds a newline: that record goes to
 * both neighbours, and the one ends behind its first newline, where the other begins. So each line
 * lies whole in one piece, however it was cut into records, and nothing is put together.
 * search_piece_run() searches one in any thread.
 *
 * Only a line that is longer than a piece may be is cut elsewhere.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_SEARCH_PIECE_H
#define HUB_API_SEARCH_PIECE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/err.h"
#include "hub/rows.h"
#include "hub/store/store.h"

struct search_pattern;

enum {
	SEARCH_PIECE_RAW_BYTES = 1 << 20,   /* a piece ends with the next newline beyond this, */
	SEARCH_PIECE_ROWS = 4096,	    /* or so many records, */
	SEARCH_PIECE_MOST_FACTOR = 2,	    /* and anywhere beyond twice as much */
	SEARCH_LINE_MOST_BYTES = 64 * 1024, /* longer: searched in parts of this */
	SEARCH_FOUND_MOST_BYTES =
		256 * 1024,	       /* of one run; the line that passes it is still whole */
	SEARCH_RUN_MOST_MS = 5 * 1000, /* a piece takes some; a pattern this slow is refused */
};

struct search_piece {
	/* Records, and their frames one behind another. */
	struct output_row *rows;
	size_t count, room;
	struct buffer frames;
	size_t raw_len;
	bool begins_behind_newline; /* the first of its first record */
	bool ends_behind_newline;   /* the first of its last record */
	bool begins_in_line, ends_in_line;
	uint64_t first_line; /* the number of the line in which the first record begins */
	/* How far it is searched. */
	bool is_begun, is_over, in_line;
	size_t at; /* in the bytes of the records */
	uint64_t line;
	/* What a run found: JSON lines (doc/api.md). */
	struct buffer found;
};

/* Zeroed, and then it is given the records of a task in their order. */
struct search_cutter {
	struct search_piece *piece; /* NULL: nothing yet */
	uint64_t line;		    /* in which the next record begins */
};

/* Takes a record; its frame is copied. The piece that is whole with it or before it, the caller's,
 * or NULL. */
struct search_piece *
search_cutter_add(struct search_cutter *cutter, const struct output_row *row, const void *frame);
/* The rest, or NULL. The cutter is as new. */
struct search_piece *search_cutter_end(struct search_cutter *cutter);

void search_piece_free(struct search_piece *piece); /* NULL is fine */

/*
 * Search on from where the last run ended, until is_over or found is full (and is the caller's to
 * clear before the next run), or *is_cancelled. Fails: ERR_LIMIT when the pattern costs too much.
 */
int search_piece_run(struct search_piece *piece, const struct search_pattern *pattern,
		     const atomic_bool *is_cancelled, struct err *err);

#endif

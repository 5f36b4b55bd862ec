/*
 * shelter.h - what a task's sealed shelter memfd holds (runner/shelter.h).
 *
 * Agent: shelter_pack() into room, into a memfd, sealed. runner-init: shelter_unpack() of the
 * mapping, then shelter_next() from row to row. No heap on either side; what unpack gives points
 * into the bytes it was given.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef WIRE_SHELTER_H
#define WIRE_SHELTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "runner/shelter.h"

struct shelter_row {
	enum shelter_kind kind;
	unsigned flags;				  /* enum shelter_row_flag */
	uint64_t size_bytes;			  /* MEMORY: the most it holds; 0: the kernel's default */
	const char *paths[SHELTER_PATHS_MOST];	  /* absolute; as many as the kind has */
};

struct shelter_view {
	uint32_t version;
	unsigned flags; /* enum shelter_flag */
	uint32_t rows;
	const char *at, *end; /* of the next row */
};

/* How many paths a row of this kind has, and what the kind is called. */
unsigned shelter_kind_paths(enum shelter_kind kind);
const char *shelter_kind_name(enum shelter_kind kind);

/*
 * Write rows into room[0..size). Returns the bytes written, or 0 with *wrong set to a static clause:
 * a path that is not absolute or too long, a size where the kind has none, too many rows, or no room.
 */
size_t shelter_pack(uint8_t *room, size_t size, unsigned flags, const struct shelter_row *rows,
		    size_t count, const char **wrong);

/* Checks every row. Returns NULL, or what is wrong: a static clause. */
const char *shelter_unpack(struct shelter_view *view, const void *bytes, size_t size);

/* The next row, false behind the last. */
bool shelter_next(struct shelter_view *view, struct shelter_row *row);

#endif

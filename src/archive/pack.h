/*
 * pack.h - files and directories into one archive: tar (pax), compressed with zstd.
 *
 * Modes, times to the nanosecond, links of both kinds, holes and names of any length and any
 * bytes are kept; owners are not: what is unpacked is the unpacking task's. Sockets, FIFOs and
 * devices are passed over. A file that changes meanwhile is kept as it was read, a shorter one
 * filled up with zeros; both are told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_PACK_H
#define ARCHIVE_PACK_H

#include <stdbool.h>
#include <stdint.h>

struct err;
struct pack;
struct place;

/* What was put in. */
struct pack_sum {
	uint64_t files, bytes;	  /* regular files, and what they hold */
	uint64_t archive_bytes;	  /* written */
	unsigned char digest[32]; /* SHA-256 of these */
	uint64_t warnings; /* of things that could not be read; all were told to standard error */
};

/* Write to fd, which stays the caller's, with so many threads. Fails: ERR_HOST. */
int
pack_new(struct pack **out, int fd, unsigned threads, const struct place *place, struct err *err);

/*
 * Add a path as place_resolve() gave it, with all below it. 0 and *found false when there is
 * nothing. Fails: ERR_HOST, ERR_LIMIT (the archive cannot be written), after which only pack_free()
 * is left.
 */
int pack_add(struct pack *pack, const char *absolute, bool *found, struct err *err);

/* Complete the archive. Fails: ERR_HOST, ERR_LIMIT. */
int pack_finish(struct pack *pack, struct pack_sum *sum, struct err *err);
void pack_free(struct pack *pack); /* NULL is fine */

#endif

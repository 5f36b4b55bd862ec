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

#include <stdint.h>

struct err;
struct paths;
struct place;

/* What was put in. */
struct pack_sum {
	uint64_t files, bytes;	  /* regular files, and what they hold */
	uint64_t archive_bytes;	  /* written */
	unsigned char digest[32]; /* SHA-256 of these */
};

/*
 * Pack paths (after paths_settle()) with all below them into fd, which stays the caller's. So many
 * threads compress; one more reads. Fails: ERR_HOST, ERR_LIMIT (the disk is full).
 */
int pack_paths(int fd, unsigned threads, const struct place *place, const struct paths *paths,
	       struct pack_sum *sum, struct err *err);

#endif

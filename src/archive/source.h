/*
 * source.h - what is packed: paths with all below them, read in a thread of its own.
 *
 * Not libarchive's way, which asks six times for holes in a file that has none, and goes to the
 * file's directory and back to open it, twice.
 *
 * What is no file, directory or link is left out, and so is what cannot be read; both are told. An
 * entry says what is the same wherever it is unpacked: no owner, no set-id bits, a name as
 * archive/place.h has it. What has been an entry before, by another name, is a hard link.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_SOURCE_H
#define ARCHIVE_SOURCE_H

struct err;
struct paths;
struct pieces;
struct place;
struct warnings;

struct source {
	const struct place *place;
	const struct paths *paths;
	struct warnings *warnings;
	int format; /* archive_format() of the archive that it is for */
};

/*
 * A pieces_make_fn of a struct source. A file's pieces leave its holes out, and may have fewer
 * bytes than its entry says when it became shorter. Fails: ERR_HOST (no memory).
 */
int source_make(void *arg, struct pieces *pieces, struct err *err);

#endif

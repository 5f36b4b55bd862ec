/*
 * reader.h - what an archive holds, decompressed and read in a thread of its own.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_READER_H
#define ARCHIVE_READER_H

struct err;
struct pieces;

struct reader {
	int fd; /* the archive's, which nobody else reads meanwhile */
};

/*
 * A pieces_make_fn of a struct reader: its entries as they stand there, none of them checked.
 * Fails: ERR_INPUT (it is no archive of ours, or ends too early).
 */
int reader_make(void *arg, struct pieces *pieces, struct err *err);

#endif

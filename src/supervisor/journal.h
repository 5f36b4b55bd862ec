/*
 * journal.h - init.log: what ended, for an agent that was not there to hear it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_JOURNAL_H
#define SUPERVISOR_JOURNAL_H

#include <stdint.h>

struct record;

struct journal {
	int fd;
	uint32_t sequence; /* of the next record, and its place in the file */
};

/* Opens or makes init.log in the directory; goes on behind what is there. Returns 0 or an errno. */
int journal_open(struct journal *journal, int dir_fd);

/* Sets the record's sequence number and writes it. Returns 0 or an errno; then it is not there. */
int journal_append(struct journal *journal, struct record *record);

#endif

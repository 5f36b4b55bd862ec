/*
 * mounts.h - what a task sees of its host: the rows of its shelter, made true one after the other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_MOUNTS_H
#define SUPERVISOR_MOUNTS_H

#include <stdint.h>

#include "wire/shelter.h"

struct home;

/* The row that could not be done: its number from 0, and what it is; paths point into the record. */
struct mounts_fault {
	uint32_t number;
	struct shelter_row row;
};

/*
 * Do what the rows say, in mounts of our own. Rows that are optional, and what is not there to be
 * hidden or shown, are passed over. home: whose all of it is, and what an overlay over it is made by. The record's memory must be writable: a path is cut in it for a while. Returns 0, or an errno with
 * *fault set.
 */
int mounts_make(struct shelter_view view, const struct home *home, struct mounts_fault *fault);

/* No mount of ours reaches the host, and /proc shows our own PID namespace. */
void mounts_begin(void);

#endif

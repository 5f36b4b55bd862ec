/*
 * warnings.h - what a step could not do and went on: told to standard error, the first of them.
 *
 * Any thread may tell one.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_WARNINGS_H
#define ARCHIVE_WARNINGS_H

#include <stdatomic.h>

enum { WARNINGS_TOLD_MOST = 20 };

struct warnings {
	atomic_ullong count; /* told or not */
};

void warnings_tell(struct warnings *warnings, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* How many more there were than were told. */
void warnings_end(struct warnings *warnings);

#endif

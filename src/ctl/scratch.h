/*
 * scratch.h - temporary directories of our own, and what others left behind.
 *
 * scratch_make() -> scratch_remove(). A directory holds a locked file as long as
 * its owner lives, so that one whose owner was killed is known and swept
 * away by the next.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_SCRATCH_H
#define CTL_SCRATCH_H

#include <limits.h>

struct err;

struct scratch {
	char path[PATH_MAX];
	int lock; /* -1: none */
};

/* Mode 0700, below base. Sweeps first what dead owners left there. Fails: ERR_HOST. */
int scratch_make(struct scratch *scratch, const char *base, struct err *err);

/* With all that is in it, write-protected directories too. A zeroed path is fine. */
void scratch_remove(struct scratch *scratch);

/* Let the directory stay with this entry alone: it is nobody's to sweep any more. */
void scratch_keep(struct scratch *scratch, const char *entry);

#endif

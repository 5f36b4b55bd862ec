/*
 * cleanup.h - locals that release themselves when their scope ends.
 *
 * For straight-line code; an object with an undo ladder does not use them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stdlib.h>
#include <unistd.h>

static inline void
cleanup_fd(int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void
cleanup_free(void *ptr)
{
	free(*(void **)ptr);
}

#define LOCAL_FD   __attribute__((cleanup(cleanup_fd))) int
#define LOCAL_FREE __attribute__((cleanup(cleanup_free)))

#endif

/*
 * orphans.h - processes whose parents have gone come to us, and nobody stays.
 *
 * orphans_adopt() once at the beginning; orphans_end() when every child that we
 * started ourselves has been reaped.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_ORPHANS_H
#define CTL_ORPHANS_H

#include <stdint.h>

struct err;
struct loop;

/* Become the parent of every descendant that loses its own (PR_SET_CHILD_SUBREAPER). */
int orphans_adopt(struct err *err);

/*
 * Wait until there is no child left. For patience_ms they may end by themselves, then they are
 * killed, generation by generation. Runs the loop. Fails: ERR_HOST when some do not end even so.
 */
int orphans_end(struct loop *loop, uint64_t patience_ms, struct err *err);

#endif

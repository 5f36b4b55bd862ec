/*
 * search.h - a reply that carries the lines of a task's output in which a pattern is found.
 *
 * The store reads records one read after another; threads search pieces of them side by side
 * (search_piece.h); the loop hands out what they found in its order. A reader that does not read
 * holds up only its own search: what was read ahead and found is bounded.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_SEARCH_H
#define HUB_API_SEARCH_H

struct err;
struct hub;

enum {
	SEARCH_THREADS_MOST = 4, /* and no more than there are processors */
	SEARCHES_MOST = 16,	 /* at a time; each has some megabytes */
};

/* The threads: hub->searchers. Fails: ERR_HOST. */
int search_start_threads(struct hub *hub, struct err *err);

#endif

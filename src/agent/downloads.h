/*
 * downloads.h - which processes of jobs wait for which archive of the hub.
 *
 * A process asks again and again, over the task's control socket, and is told to wait until what it
 * asked for is here, or is not to be had. However many ask for the same, it is brought once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_DOWNLOADS_H
#define AGENT_DOWNLOADS_H

#include <sys/types.h>

#include "agent/download.h"

struct downloads;

enum {
	DOWNLOADS_AT_ONCE = 32,	   /* more wait */
	DOWNLOADS_KEPT_MS = 60000, /* an answer, for a process that does not come for it */
	DOWNLOADS_WHY_BYTES = 512,
};

/* link is borrowed. */
void downloads_new(struct downloads **out, struct loop *loop, struct hub_link *link);
void downloads_free(struct downloads *downloads); /* NULL is fine */
/* The connection is there again. */
void downloads_want(struct downloads *downloads);

/*
 * Process pid asks for what spec names. True: it is over, *end and (for DOWNLOAD_FAILED) why say
 * how; never DOWNLOAD_AGAIN. False: it is to ask again.
 */
bool downloads_ask(struct downloads *downloads, const struct download_spec *spec, pid_t pid,
		   enum download_end *end, char why[DOWNLOADS_WHY_BYTES]);

#endif

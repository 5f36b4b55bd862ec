/*
 * downloads.h - which processes of jobs wait for which archive of the hub.
 *
 * A process asks over the task's control socket and waits there, until what it asked for is here,
 * or is not to be had; then it asks once more. However many ask for the same, it is brought once.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_DOWNLOADS_H
#define AGENT_DOWNLOADS_H

#include "agent/download.h"

struct control_reply;
struct control_request;
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
 * A process asks for what spec names. True: it is over, *end and (for DOWNLOAD_FAILED) why say
 * how; never DOWNLOAD_AGAIN. False: it is to ask again, and reply says so, at once or later.
 */
bool downloads_ask(struct downloads *downloads, const struct download_spec *spec,
		   const struct control_request *request, struct control_reply *reply,
		   enum download_end *end, char why[DOWNLOADS_WHY_BYTES]);

#endif

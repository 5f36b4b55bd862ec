/*
 * returns.h - tasks that this host cannot take, on their way back to the hub.
 *
 * Nothing of them is kept here: what the hub does not hear it finds out by the lease, a minute
 * later. A task that was given back too often already is ended as an infrastructure failure, with
 * the reason, rather than left to its lease.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_RETURNS_H
#define AGENT_RETURNS_H

struct hub_link;
struct json;
struct returns;

enum { RETURNS_REPLY_MS = 30000 };

/* link is borrowed. */
struct returns *returns_new(struct hub_link *link);
void returns_free(struct returns *returns); /* NULL is fine; before the link */

/* document, borrowed for the call, has an id, an epoch and a token. */
void returns_give(struct returns *returns, const struct json *document, const char *reason);

#endif

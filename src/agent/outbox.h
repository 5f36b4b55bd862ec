/*
 * outbox.h - output of all tasks goes to the hub in batches.
 *
 * outbox_new() -> outbox_want() whenever a spool has something to send -> outbox_free().
 * One batch is under way at a time: it is closed at OUTBOX_BATCH_BYTES, and what comes
 * meanwhile is the next. Tasks take turns, each with its share of the batch, so that a
 * noisy one does not hold back the others. The records are the spool's own bytes. The
 * hub's positions trim the spools; where it has less than we thought, we send again
 * from there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_OUTBOX_H
#define AGENT_OUTBOX_H

struct hub_link;
struct loop;
struct outbox;
struct tasks;

enum {
	OUTBOX_BATCH_BYTES = 256 << 10,
	OUTBOX_FRESH_BYTES = 16 << 10, /* a task with no more than that goes first */
	OUTBOX_GAP_MS = 10,	       /* between batches that are not full while output comes */
	OUTBOX_REPLY_MS = 60000,
};

/* on_stored(arg) is called when the hub has stored output: what waits for that may go on. */
struct outbox *outbox_new(struct loop *loop, struct hub_link *link, struct tasks *tasks,
			  void (*on_stored)(void *arg), void *arg);
void outbox_free(struct outbox *outbox); /* NULL is fine */

/* Decide anew: free to be called any time. */
void outbox_want(struct outbox *outbox);
/* The same on a new connection: what failed on an old one is tried at once. */
void outbox_resume(struct outbox *outbox);

#endif

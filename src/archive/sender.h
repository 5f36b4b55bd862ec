/*
 * sender.h - blobs on their way out of a job: files to the hub, over the agent's connection
 * (runner/carrier.h).
 *
 * sender_new() -> sender_add() for each file -> sender_finish() -> sender_free(). Several are on
 * their way at a time, so that none waits for an answer; small ones go many together. What becomes
 * of each is told by done(), in any order, from within these calls.
 *
 * A file is sent as it was announced: what is behind that size is left out, and one that has become
 * shorter is not kept. One that is written to on its way is kept as it was read at some time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_SENDER_H
#define ARCHIVE_SENDER_H

#include <stdint.h>

#include "runner/blob.h"

struct err;
struct sender;

enum {
	SENDER_SMALL_BYTES = 64 << 10,	 /* up to that many a file goes with others */
	SENDER_TOGETHER_BYTES = 1 << 20, /* so many of them together */
	SENDER_TOGETHER_FILES = 512,
};

enum sender_end {
	SENDER_STORED,
	SENDER_TAKEN, /* there was a cache of that name */
	SENDER_REFUSED,
};

/* why: NULL but for SENDER_REFUSED. */
typedef void sender_done_fn(void *arg, const char *name, enum sender_end end, const char *why);
/* Every second that there is something to wait for; bytes: read of files so far. */
typedef void sender_still_fn(void *arg, uint64_t bytes);

struct sender_hooks {
	void *arg;
	sender_done_fn *done;
	sender_still_fn *still; /* NULL: nobody is told */
};

/* Fails: ERR_HOST, ERR_AGAIN (the agent does not answer). */
int sender_new(struct sender **out, enum blob_kind kind, const struct sender_hooks *hooks,
	       struct err *err);

/*
 * Send size bytes of a file under a name; it is read from where it is on (a small artifact:
 * from its beginning). Owns: fd. Waits while as
 * many as may be are on their way. Fails: ERR_AGAIN when the agent does not answer: nothing further
 * can be sent.
 */
int sender_add(struct sender *sender, int fd, const char *name, uint64_t size, struct err *err);

/* Wait for the end of all. Fails as sender_add(). */
int sender_finish(struct sender *sender, struct err *err);
void sender_free(struct sender *sender); /* NULL is fine */

#endif

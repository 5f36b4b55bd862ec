/*
 * upload.h - one blob on its way from a job's pipe to the hub.
 *
 * upload_start() -> on_from for each pipe that the job is to write into -> upload_finish() when it
 * has -> on_end once; or upload_cancel(), and nothing more. The bytes go from the pipe into the
 * connection's frames, with no copy of them kept: what was lost with a connection the job writes
 * again, from the offset that the hub states.
 *
 * Those of a task take turns: UPLOADS_AT_ONCE of it are under way, so that a job which opens many
 * and writes none holds up nobody else; and output goes first on the connection.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_UPLOAD_H
#define AGENT_UPLOAD_H

#include <stdbool.h>
#include <stdint.h>

#include "runner/blob.h"

struct err;
struct hub_link;
struct loop;
struct upload;
struct uploads;

enum {
	UPLOADS_AT_ONCE = 8,
	UPLOAD_RETRY_LEAST_MS = 200,
	UPLOAD_RETRY_MOST_MS = 15000,
};

/* --- those of a host --- */

/* link is borrowed. */
void uploads_new(struct uploads **out, struct loop *loop, struct hub_link *link);
void uploads_free(struct uploads *uploads); /* of which none is left; NULL is fine */
/* The connection is there again. */
void uploads_want(struct uploads *uploads);

/* --- one --- */

enum upload_end {
	UPLOAD_STORED,
	UPLOAD_TAKEN,	/* there is a cache of that name */
	UPLOAD_REFUSED, /* why says more */
	UPLOAD_OTHER,	/* likewise: what came has another digest */
};

struct upload_hooks {
	void *arg;
	/* Write from offset on into pipe, which is the callee's. A pipe of before is dead. */
	void (*on_from)(void *arg, uint64_t offset, int pipe);
	/* It is over, and the handle dead. why NULL but for the last two. */
	void (*on_end)(void *arg, enum upload_end end, const char *why);
};

struct upload_spec {
	const char *token; /* of the task; copied */
	enum blob_kind kind;
	const char *name; /* copied; NULL: records */
	uint64_t size;
	unsigned *turns; /* of the task: how many are under way; outlives them */
};

void upload_start(struct upload **out, struct uploads *uploads, const struct upload_spec *spec,
		  const struct upload_hooks *hooks);
/* The digest of all bytes in hexadecimal, once they are in the pipe. Not of records. */
void upload_finish(struct upload *upload, const char *digest);
/* Forget it, and let the hub do so. NULL is fine. */
void upload_cancel(struct upload *upload);

#endif

/*
 * download.h - one archive of the hub on its way into this host's directory.
 *
 * download_start() -> on_end once, from the loop; or download_cancel(), and nothing more. What the
 * hub has under the name is looked up, its bytes go through a pipe to a child (runner-archive keep)
 * that writes them and checks their digest, and then the file gets its name. After a connection
 * that broke it goes on where it was.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_DOWNLOAD_H
#define AGENT_DOWNLOAD_H

#include <stdbool.h>

#include "runner/blob.h"

struct caches;
struct download;
struct hub_link;
struct loop;

enum { DOWNLOAD_PATIENCE_MS = 60000 /* without a byte or an answer */ };

enum download_end {
	DOWNLOAD_HERE,	 /* the directory has it */
	DOWNLOAD_NONE,	 /* there is no such archive */
	DOWNLOAD_AGAIN,	 /* the task whose token it was is over: ask with another */
	DOWNLOAD_FAILED, /* why says more */
};

struct download_spec {
	struct caches *caches; /* where it comes to; borrowed */
	enum blob_kind kind;
	const char *project, *token, *name; /* copied */
	bool is_prefix;			    /* the newest whose name begins with name */
};

/* why is NULL but for DOWNLOAD_FAILED; the handle is dead. */
typedef void download_end_fn(void *arg, enum download_end end, const char *why);

void download_start(struct download **out, struct loop *loop, struct hub_link *link,
		    const struct download_spec *spec, download_end_fn *on_end, void *arg);
void download_cancel(struct download *download); /* NULL is fine */

/* The connection is there again. */
void download_want(struct download *download);

#endif

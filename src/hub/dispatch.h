/*
 * dispatch.h - requests that agents keep open, and tasks for them.
 *
 * The API makes a struct claim (or heartbeat) for a held request and puts it at its
 * agent; whoever has an answer calls the function in it, which takes it off again.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_DISPATCH_H
#define HUB_DISPATCH_H

#include <stddef.h>

#include "base/id.h"
#include "hub/scheduler.h"

struct claim {
	struct agent *agent;
	struct id id;
	struct offer offer;
	/* All that it gets has been leased to its agent, in its name. */
	void (*granted)(struct claim *claim);
	size_t task_count, bytes; /* leased for it, and of their documents: dispatch_run()'s */
};

/* A claim gets no more tasks beyond this: an agent has the text, what was read of it, and the tasks in
 * memory at once, and asks for more at once. */
enum { CLAIM_REPLY_BYTES = 256 << 10 };

struct heartbeat {
	/* A task of the agent has been canceled. */
	void (*hurry)(struct heartbeat *heartbeat);
};

/* The claim that an offer is of. */
const struct claim *offer_claim(const struct offer *offer);

/* What all claims say that wait and may be given something: count of them; the caller frees the list. */
struct offer **dispatch_offers(struct model *model, size_t *count);

/* Give queued tasks to waiting claims, when model_want_dispatch() was called. */
void dispatch_run(struct model *model);

#endif

/*
 * errand.h - what a process of a task asks of the hub, through the agent's own connection.
 *
 * errands_ask() for each request of the task's processes -> errands_release(), which forgets what
 * is on its way. A process is told when the answer is there; where it has to ask again ("wait",
 * runner/control.h) it is known by its id and by what it asks, so that no other is told. The answer
 * of one that has gone is kept until others need the place.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_ERRAND_H
#define AGENT_ERRAND_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "agent/hub_link.h"
#include "base/buffer.h"

struct control_reply;
struct control_request;
struct errand;
struct task;

enum { ERRANDS_MOST = 16 }; /* of one task at a time; more wait */

/* A body that is not JSON: a head of ours, and what the process has sent, from where it lies. */
struct errand_load {
	const char *content_type;
	char head[64];
	void *map; /* control_map_sealed(); unmapped when the errand is over */
	size_t map_len;
	struct buffer text; /* in the map's place, where it had to be changed; released likewise */
};

/* What can be asked: one row a verb. */
struct errand_kind {
	enum hub_post_kind post;
	bool is_bearer; /* the key goes as the request's bearer token, else describe() puts it into
			   the body */
	/* The body, an object. Fails: the process is told why. */
	int (*describe)(struct json *body, const char *key, const struct control_request *request,
			struct err *err);
	/* In its place. Fails likewise. */
	int (*load)(struct errand_load *load, struct task *task,
		    const struct control_request *request, struct err *err);
	bool repeats; /* it may be sent again: where the hub is away the process waits for it */
	/* What the process is told; err and answer are as hub_done_fn has them. */
	void (*tell)(struct task *task, const struct err *err, const struct hub_answer *answer,
		     struct control_reply *reply);
};

/* The zeroed struct is empty. */
struct errands {
	struct errand *first; /* the oldest */
};

/* Answer a request. kind is static; the key proves to the hub who asks. */
void errands_ask(struct errands *errands, struct hub_link *link, struct task *task,
		 const struct errand_kind *kind, const char *key,
		 const struct control_request *request, struct control_reply *reply);

void errands_release(struct errands *errands);

#endif

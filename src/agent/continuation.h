/*
 * continuation.h - the config that a setup job names for its pipeline, on its way to the hub.
 *
 * continuation_ask() for each request of the task's processes -> continuation_free(), which forgets
 * what is on its way. A process asks again until it is told the end (runner/control.h); it is known
 * by its id, so that no other is told.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CONTINUATION_H
#define AGENT_CONTINUATION_H

struct continuation;
struct control_reply;
struct control_request;
struct hub_link;

/*
 * Answer a CONTROL_VERB_CONTINUE. *at is the task's, NULL at first: what is on its way lies there
 * until the process has heard how it ended. The key proves to the hub which pipeline it is.
 */
void continuation_ask(struct continuation **at, struct hub_link *link, const char *key,
		      const struct control_request *request, struct control_reply *reply);

void continuation_free(struct continuation *continuation); /* NULL is fine */

#endif

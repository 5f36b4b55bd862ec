/*
 * sessions.h - people's terminals in tasks: a person's request and an agent's, joined (doc/sessions.md).
 *
 * A person asks -> the agent's next heartbeat says so (sessions_put_orders()) -> the agent opens its
 * request -> frames go from one to the other until one side ends. Nothing of them is kept; what
 * waits is bounded in each direction, and who does not read stops who writes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_SESSIONS_H
#define HUB_API_SESSIONS_H

#include <stdbool.h>

struct agent;
struct hub;
struct json;

enum {
	SESSIONS_MOST = 1024, /* at a time; each may have some 2 MiB while nobody reads */
	SESSION_ANSWER_MS = 20000, /* a person waits so long for the agent */
};

/* A person waits for this agent, which has not been told. */
bool sessions_wait_for(const struct hub *hub, const struct agent *agent);

/* Those, as the member "sessions" of a heartbeat's answer: told from now on. */
void sessions_put_orders(struct hub *hub, const struct agent *agent, struct json *answer);

/* The hub goes down: people are told. */
void sessions_end_all(struct hub *hub, const char *sentence);

#endif

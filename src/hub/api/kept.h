/*
 * kept.h - failed tasks that agents keep for people to enter, and what people want of that.
 *
 * Agents say with each heartbeat what they keep; nothing of it is stored here: after a restart the
 * next heartbeat says it again. What a person wants goes out with the next answer, and the
 * heartbeat after that says what came of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_KEPT_H
#define HUB_API_KEPT_H

#include <stdbool.h>
#include <stdint.h>

#include <uthash.h>

#include "base/id.h"
#include "hub/rows.h"

struct agent;
struct hub;
struct json;

enum { KEPT_MOST_OF_AGENT = 8192, KEEP_ORDERS_MOST = 256, KEEP_ANSWER_MS = 20000 };

struct kept {
	struct id task, agent;
	char job[HUB_NAME_BYTES];
	int64_t asked_ms; /* a person's wish; 0: none */
	int64_t until_ms; /* Unix time; 0: it has not ended, or not failed */
	bool is_named;	  /* in the heartbeat that is read */
	UT_hash_handle hh;
};

/* That can be entered now; NULL. */
const struct kept *kept_find(const struct hub *hub, const struct id *task);

/* What a heartbeat says of them; answers people who waited for that. */
void kept_note(struct hub *hub, const struct agent *agent, const struct json *heartbeat);

/* The hub ends. */
void kept_forget_all(struct hub *hub);

/*
 * A person wants something of this agent that it was not told of, or that it does not seem to have heard; as the
 * member "keep" of an answer.
 */
bool kept_wait_for(const struct hub *hub, const struct agent *agent);
void kept_put_orders(struct hub *hub, const struct agent *agent, struct json *answer);

/* "kept_until" of a task's view: a time, or null. */
void kept_put_view(const struct hub *hub, struct json *view, const struct id *task);

#endif

/*
 * waiters.h - processes of jobs that wait for one thing, told to ask again when it may be there.
 *
 * waiters_hold() for each that has asked, as often as it asks -> waiters_wake(). What they are told
 * then is theirs to ask for: the thing may have failed, or been for those that came before. One
 * that cannot be held (control.h) asks again by itself, and so does one that was held too long.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_WAITERS_H
#define AGENT_WAITERS_H

#include <stddef.h>

struct control_reply;
struct control_request;
struct waiter;

/* The zeroed struct is empty. */
struct waiters {
	struct waiter *list; /* one a process */
	size_t count, room;
};

void waiters_hold(struct waiters *waiters, const struct control_request *request,
		  struct control_reply *reply);

/* None waits afterwards. */
void waiters_wake(struct waiters *waiters);

void waiters_release(struct waiters *waiters);

#endif

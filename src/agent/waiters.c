/*
 * waiters.c - processes of jobs that wait for one thing, told to ask again when it may be there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/waiters.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/control.h"
#include "base/mem.h"

struct waiter {
	pid_t pid;
	struct control_ticket ticket;
};

/* Its own from before, or a new one. */
static struct waiter *
place_of(struct waiters *waiters, pid_t pid)
{
	size_t i;

	for (i = 0; i < waiters->count; i++)
		if (waiters->list[i].pid == pid)
			return &waiters->list[i];
	if (waiters->count == waiters->room) {
		waiters->room = waiters->room == 0 ? 8 : waiters->room * 2;
		waiters->list = mem_resize(waiters->list, waiters->room, sizeof(*waiters->list));
	}
	return &waiters->list[waiters->count++];
}

void
waiters_hold(struct waiters *waiters, const struct control_request *request,
	     struct control_reply *reply)
{
	(void)snprintf(reply->text, sizeof(reply->text), "wait");
	reply->is_held = request->ticket.control != NULL;
	if (reply->is_held)
		*place_of(waiters, request->pid) = (struct waiter){request->pid, request->ticket};
}

void
waiters_wake(struct waiters *waiters)
{
	static const struct control_reply again = {.text = "again", .fd = -1};

	while (waiters->count > 0)
		(void)control_answer(&waiters->list[--waiters->count].ticket, &again);
}

void
waiters_release(struct waiters *waiters)
{
	free(waiters->list);
	*waiters = (struct waiters){NULL, 0, 0};
}

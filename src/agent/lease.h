/*
 * lease.h - renew the leases of all tasks in one request, and hear what the hub wants of them.
 *
 * lease_new() -> lease_want() whenever tasks came or went -> lease_free(). A heartbeat is
 * sent only while there are tasks; the hub holds it until it has news. A task that came
 * while one is held joins the next, at the latest LEASE_JOIN_MS later. None is taken back,
 * neither for the next one, since its answer may be on its way, nor when the last task ends,
 * so that short tasks do not cost one each.
 * While the hub is away tasks go on.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_LEASE_H
#define AGENT_LEASE_H

struct hub_link;
struct lease;
struct loop;
struct tasks;

enum {
	LEASE_GAP_MS = 5, /* between heartbeats when there is much news: cancels one after the other */
	LEASE_JOIN_MS =
		1000, /* until a held heartbeat is sent anew for the tasks it does not name */
	LEASE_REPLY_MS = 15000, /* for the answer, beyond the time it is held */
};

struct lease *lease_new(struct loop *loop, struct hub_link *link, struct tasks *tasks);
void lease_free(struct lease *lease); /* NULL is fine */

/* Decide anew: free to be called any time. */
void lease_want(struct lease *lease);
/* The same on a new connection: what failed on an old one is tried at once. */
void lease_resume(struct lease *lease);

#endif

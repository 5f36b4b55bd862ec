/*
 * lease.h - who has a task, for how long, and what happens when nobody hears of it.
 *
 * A lease begins with lease_take() (a new epoch), is kept by lease_renew(), and ends when
 * the task ends, is given back, or is lost. Before the task runs it holds
 * RUNNER_LEASE_MS without a heartbeat and a lost task is queued again; once it runs it holds
 * RUNNER_LOST_MS, since it may be going on where nobody sees it, and a lost task has
 * ended. Times are the model's monotonic milliseconds.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_LEASE_H
#define HUB_LEASE_H

#include <stdbool.h>
#include <stdint.h>

#include "hub/model.h"

/* An agent does not name a task it should have: wait so long for word of it; RUNNER_LEASE_MS when it runs. */
enum { LEASE_DOUBT_MS = 10000 };

enum { LEASE_STALL_MS = 1000 }; /* the model's clock is later than that: the hub did not run meanwhile */

enum { AGENT_STOP_BYTES = HUB_NAME_BYTES + 32 }; /* agent_is_stopped()'s sentence */

void lease_take(struct task *task, struct agent *agent, const struct id *claim);

/* Word of the task has come: the lease holds a full period from now. */
void lease_renew(struct task *task);

/* True while agent holds task under that epoch. */
bool lease_is(const struct task *task, const struct id *agent, uint32_t epoch);

/*
 * The agent gives it back before anything ran. False when it was given back RUNNER_UNCLAIM_MOST times already: it
 * stays leased and the agent is to end it.
 */
bool lease_return(struct task *task, const char *reason);

/* Its agent names what it has, and not this: the lease ends soon unless word of it comes. */
void lease_doubt(struct task *task);

/* Its agent says that it has ended with its host: the lease ends now. */
void lease_forget(struct task *task);

/* Any request of the agent: it is there. Counts it in its classes. */
void agent_heard(struct agent *agent);

/* A person wants this of it, also after a restart; what it runs goes on. A held claim is answered. */
void agent_stand(struct agent *agent, enum agent_standing standing, const char *by);

/* The sentence for who is given nothing, in room; NULL: it is given tasks. */
const char *agent_is_stopped(const struct agent *agent, char *room, size_t size);

/* Forget it. False: it has tasks or a request open, and would be here again at once. */
bool agent_remove(struct agent *agent);

/* It serves these classes from now on. */
void agent_serve(struct agent *agent, struct resource_class *const *classes, unsigned count);

/* The hub has not run for so long (a machine that slept, a paused container), and heard nobody:
 * nothing expires within LEASE_DOUBT_MS from now. */
void leases_excuse(struct model *model, uint64_t late_ms);

/* End what has expired: leases, the presence of agents, waits for output. Arms the model's clock anew. */
void leases_check(struct model *model);

#endif

/*
 * lookout.h - what can be seen of the agent from outside.
 *
 * lookout_new() when tasks and uplink are there -> loop -> lookout_free() before them. It serves
 *	the run directory's socket (STATE_SOCKET_NAME), HTTP/2, GET /state: agent/state_view.h,
 *	for runnerctl top; the directory's rights leave it to our user and root;
 *	where --metrics says so, HTTP/1.1, /metrics, /healthz, /readyz: agent/metrics.h, for
 *	scrapers, which learn neither a job's name nor a line that it prints.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_LOOKOUT_H
#define AGENT_LOOKOUT_H

#include <stdint.h>

#include "base/id.h"

struct err;
struct lookout;
struct loop;
struct slots;
struct tasks;
struct uplink;

/* What is looked at; all borrowed. */
struct lookout_sight {
	struct loop *loop;
	const struct slots *slots;
	struct tasks *tasks;
	struct uplink *uplink;
	const char *name; /* of this agent, for people */
	struct id agent;
	int64_t started_ms; /* Unix time of the program's start */
};

/*
 * metrics: "unix:PATH", "ADDRESS:PORT", or a port, which is one of 127.0.0.1's; NULL: not served.
 * run_dir_fd is borrowed until lookout_free(). Fails: ERR_INPUT (metrics), ERR_HOST.
 */
int lookout_new(struct lookout **out, const struct lookout_sight *sight, int run_dir_fd,
		const char *metrics, struct err *err);
void lookout_free(struct lookout *lookout); /* NULL is fine */

#endif

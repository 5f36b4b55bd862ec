/*
 * agent.h - handlers of what agents ask: doc/api.md, "Agent".
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_AGENT_H
#define HUB_API_AGENT_H

#include <stdbool.h>
#include <stdint.h>

#include "hub/api/router.h"

struct agent;
struct err;
struct hub;

void handle_claim(struct call *call);
void handle_heartbeat(struct call *call);
void handle_events(struct call *call);
void handle_output(struct call *call);
void handle_tests(struct call *call);
void handle_timings(struct call *call);
void handle_failed_tests(struct call *call);
void handle_unclaim(struct call *call);

/* The thread that looks at output: before the first call. Fails: ERR_HOST, ERR_LIMIT. */
int output_start_inspector(struct hub *hub, struct err *err);

/* The id in {"agent": {"id": ...}}. Fails: ERR_INPUT. */
int agent_parse_id(const struct json *body, struct id *out, struct err *err);

/* {"task": ..., "epoch": ...} at idx of an array. Fails: ERR_INPUT. */
int agent_parse_lease(const struct json *list, size_t idx, struct id *task, uint32_t *epoch,
		      struct err *err);

/*
 * The agent of that id, if we know it and the call's token is of a class it serves; it has been heard of then. NULL
 * with *is_refused: the reply (403) has been sent; NULL without: unknown, all it holds is gone.
 */
struct agent *agent_of_call(struct call *call, const struct id *id, bool *is_refused);

#endif

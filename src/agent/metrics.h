/*
 * metrics.h - the agent's numbers in OpenMetrics: doc/metrics.md names them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_METRICS_H
#define AGENT_METRICS_H

struct buffer;
struct lookout_sight;

/* Append all of them, as of now. */
void metrics_write(const struct lookout_sight *sight, struct buffer *out);

#endif

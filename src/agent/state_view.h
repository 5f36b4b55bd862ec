/*
 * state_view.h - the agent's state as a document: what runnerctl top shows.
 *
 * Its members are in doc/metrics.md. What tasks use of the host is not in it: whoever asks is on
 * this host and finds that by the pids, so that the loop need not walk through /proc.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_STATE_VIEW_H
#define AGENT_STATE_VIEW_H

struct json;
struct lookout_sight;

struct json *state_view_make(const struct lookout_sight *sight);

#endif

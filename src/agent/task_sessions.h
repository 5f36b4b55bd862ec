/*
 * task_sessions.h - the terminals that people have in the tasks of this host.
 *
 * The hub's word that a person waits -> tasks_open_session(). All of them end before the link to
 * the hub does: tasks_drop_sessions().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_TASK_SESSIONS_H
#define AGENT_TASK_SESSIONS_H

#include "agent/session.h"

struct hub_link;
struct id;
struct json;
struct tasks;

/* Open one, or tell the person why not. It is told once for each session: a second time is no news. */
void tasks_open_session(struct tasks *tasks, struct hub_link *link, const struct id *task,
			const struct session_order *order);

void tasks_drop_sessions(struct tasks *tasks);

#endif

/*
 * report.h - what happened to tasks goes to the hub: the events of all of them in one request.
 *
 * report_new() -> report_want() whenever a journal has something to send -> report_free().
 * One request is under way at a time; what comes meanwhile is the next. Each task's
 * events go in order, from behind what the hub has acknowledged: the journal is the
 * truth, nothing is kept here. A task's last event waits until its output is stored,
 * so that who follows the output until the task has ended gets all of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_REPORT_H
#define AGENT_REPORT_H

struct hub_link;
struct loop;
struct report;
struct tasks;

enum {
	REPORT_GAP_MS = 5, /* between requests while events come */
	REPORT_REPLY_MS = 60000,
	REPORT_TASK_EVENTS_MOST = 64, /* of one task in one request */
};

struct report *report_new(struct loop *loop, struct hub_link *link, struct tasks *tasks);
void report_free(struct report *report); /* NULL is fine */

/* Decide anew: free to be called any time. */
void report_want(struct report *report);
/* The same on a new connection: what failed on an old one is tried at once. */
void report_resume(struct report *report);
/* The same within REPORT_GAP_MS: a step's end and its task's come shortly one after the other. */
void report_gather(struct report *report);

#endif

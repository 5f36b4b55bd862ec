/*
 * uplink.h - between this host's tasks and the hub: who may start, what is sent, when it ends.
 *
 * uplink_new() -> tasks_new() with uplink_hooks() -> tasks_recover() -> uplink_start() ->
 * loop -> uplink_free(), before tasks_free(). It owns the connection and the four
 * senders (claim, lease, report, outbox); tasks and slots are its caller's.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_UPLINK_H
#define AGENT_UPLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "agent/headroom.h"
#include "agent/hindrance.h"
#include "agent/hub_link.h"
#include "agent/tasks.h"

struct err;
struct loop;
struct slots;
struct uplink;

enum {
	UPLINK_TAKE_AGAIN_MS = 30000, /* after this host could not take a task */
	UPLINK_HOST_MS = 2000,      /* between looks at disks, memory and pressure, while there are tasks */
	UPLINK_PATIENCE_MS = 10000,   /* a drain waits so long for a hub that is away, tasks done */
};

struct uplink_settings {
	struct hub_link_settings link; /* on_up and arg are filled here */
	struct slots *slots;	       /* borrowed; classes and tokens in it */
	struct headroom_limits headroom; /* or nothing is claimed; read by uplink_new() */
	bool has_forgotten;	/* what it had before, with the host's restart: the first claim says so */
	unsigned failures_most; /* of infrastructure in a row, until a class is paused; 0: it is not */
	uint64_t pause_ms;	/* for so long at first */
	bool single_task;	  /* end after one */
	uint64_t idle_timeout_ms; /* end after so long without a task; 0: never */
	void *arg;
	void (*on_ready)(void *arg);   /* the first claim was answered */
	void (*on_refused)(void *arg); /* the hub refuses a token */
	void (*on_end)(void *arg);     /* drained, idle for too long, or the single task is over */
	void (*on_change)(void *arg);  /* the hub, slots that are taken or draining may be other now */
};

int uplink_new(struct uplink **out, struct loop *loop, const struct uplink_settings *settings,
	       struct err *err);
void uplink_free(struct uplink *uplink); /* NULL is fine */

/* For tasks_new(). */
struct tasks_hooks uplink_hooks(struct uplink *uplink);

/* Go: the tasks are recovered. tasks is borrowed until uplink_free(). */
void uplink_start(struct uplink *uplink, struct tasks *tasks);

/* Claim nothing more; on_end when the last task is over and the hub has everything. */
void uplink_drain(struct uplink *uplink, const char *why);
bool uplink_is_draining(const struct uplink *uplink);
/* Cancel every task. */
void uplink_cancel_all(struct uplink *uplink, const char *reason);

/* New slots and classes: what is taken is counted anew, the next claim says so. */
void uplink_reload(struct uplink *uplink, const struct slots *next);

/* The sentence goes into room, also where there is none. */
enum hindrance uplink_hindrance(const struct uplink *uplink, char room[HINDRANCE_WHY_BYTES]);

/* The same without what is tasks that it has, for probes: the sentence, or NULL. */
const char *uplink_why_not_ready(const struct uplink *uplink, char room[HINDRANCE_WHY_BYTES]);
bool uplink_is_connected(const struct uplink *uplink);
const char *uplink_hub_text(const struct uplink *uplink); /* "unix:/run/hub.sock" */
struct hub_link_counters uplink_link_counters(const struct uplink *uplink);

/* What the host has of what tasks use, for metrics; borrowed. */
const struct headroom *uplink_headroom(const struct uplink *uplink);

/* One line for the whole, one for each task. */
void uplink_log_state(struct uplink *uplink);

#endif

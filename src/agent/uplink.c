/*
 * uplink.c - between this host's tasks and the hub: who may start, what is sent, when it ends.
 *
 * It tells the four senders when there is something to do for them, and the hub's answers to the
 * tasks, each of which has a berth here (berth.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/uplink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/berth.h"
#include "agent/claim.h"
#include "agent/class_environment.h"
#include "agent/downloads.h"
#include "agent/fuse.h"
#include "agent/headroom.h"
#include "agent/journal.h"
#include "agent/lease.h"
#include "agent/outbox.h"
#include "agent/report.h"
#include "agent/returns.h"
#include "agent/slots.h"
#include "agent/spool.h"
#include "agent/task.h"
#include "agent/task_keep.h"
#include "agent/task_sessions.h"
#include "agent/upload.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "loop/loop.h"
#include "task/names.h"

enum { UPLINK_MAGIC = 0x75706c6e, DRAIN_LOOK_MS = 1000 };

struct uplink {
	uint32_t magic;
	struct loop *loop;
	struct uplink_settings settings;
	struct slots *slots;
	struct tasks *tasks; /* NULL before uplink_start() */
	struct hub_link *link;
	struct returns *returns;
	struct uploads *uploads;
	struct downloads *downloads;
	struct claim *claim;
	struct lease *lease;
	struct report *report;
	struct outbox *outbox;
	struct timer idle, look, headroom_timer;
	struct headroom headroom;
	struct fuses *fuses;
	bool draining;
	char drain_why[96];
	char untaken[256]; /* why this host could not take a task */
	uint64_t take_again_us; /* until then it claims none */
	bool ended; /* on_end was called */
};

static void
changed(struct uplink *uplink)
{
	uplink->settings.on_change(uplink->settings.arg);
}

/* --- the end ------------------------------------------------------------------------------ */

static void
end(struct uplink *uplink)
{
	if (uplink->ended)
		return;
	uplink->ended = true;
	uplink->settings.on_end(uplink->settings.arg);
}

static void
end_if_drained(struct uplink *uplink)
{
	if (uplink->draining && tasks_count(uplink->tasks) == 0 && claim_is_settled(uplink->claim))
		end(uplink);
}

/* Tasks that are done wait in the state directory: a hub that is away does not keep us. */
static void
on_look(void *arg)
{
	struct uplink *uplink = arg;
	uint64_t since_us = hub_link_down_since_us(uplink->link);
	size_t left = tasks_count(uplink->tasks);

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	end_if_drained(uplink);
	if (uplink->ended)
		return;
	if (tasks_running(uplink->tasks) == 0 && since_us > 0 &&
	    loop_now_us(uplink->loop) - since_us >= (uint64_t)UPLINK_PATIENCE_MS * 1000) {
		log_warn("hub is away: ending with %zu tasks not yet reported; the next runnerd "
			 "here reports them",
			 left);
		end(uplink);
		return;
	}
	timer_start_ms(&uplink->look, DRAIN_LOOK_MS);
}

void
uplink_drain(struct uplink *uplink, const char *why)
{
	OBJ_CHECK(uplink, UPLINK_MAGIC);
	if (uplink->draining)
		return;
	uplink->draining = true;
	(void)snprintf(uplink->drain_why, sizeof(uplink->drain_why), "%s", why);
	log_info("draining: %s; %zu tasks to go", why, tasks_count(uplink->tasks));
	timer_stop(&uplink->idle);
	claim_stop(uplink->claim);
	timer_start_us(&uplink->look, 1);
	changed(uplink);
}

bool
uplink_is_draining(const struct uplink *uplink)
{
	return uplink->draining;
}

void
uplink_cancel_all(struct uplink *uplink, const char *reason)
{
	struct task *task = NULL;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	while ((task = tasks_next(uplink->tasks, task)) != NULL)
		task_cancel(task, reason);
}

static void
on_idle(void *arg)
{
	struct uplink *uplink = arg;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	if (tasks_count(uplink->tasks) == 0)
		uplink_drain(uplink, "idle for as long as was allowed");
}

static void
want_idle(struct uplink *uplink)
{
	if (uplink->settings.idle_timeout_ms == 0 || uplink->draining || uplink->tasks == NULL)
		return;
	if (tasks_count(uplink->tasks) > 0)
		timer_stop(&uplink->idle);
	else if (!timer_is_on(&uplink->idle))
		timer_start_ms(&uplink->idle, uplink->settings.idle_timeout_ms);
}

/* --- room --- */

/* The hub hears of what is free with the next claim; who looks on is told now. */
static void
leave_slot(struct uplink *uplink, struct task *task)
{
	berth_leave_slot(task, uplink->slots);
	changed(uplink);
}

static void
begin_if_room(struct uplink *uplink, struct task *task)
{
	berth_begin(task, uplink->slots);
	changed(uplink);
}

/* --- the host -------------------------------------------------------------------------------- */

/* Tasks use it up and give it back: it is looked at from time to time while there are any, else with each claim. */
static void
look_at_host(struct uplink *uplink)
{
	bool low = headroom_look(&uplink->headroom, loop_now_us(uplink->loop));
	char why[HINDRANCE_WHY_BYTES];

	if (low && hindrance_find_shortage(&uplink->headroom, why) == HINDRANCE_DISK)
		(void)tasks_evict_kept(uplink->tasks, "the disk has too little room");
	claim_hold(uplink->claim, low ? why : NULL);
	if ((low || tasks_count(uplink->tasks) > 0 || headroom_is_of_others(&uplink->headroom)) &&
	    !timer_is_on(&uplink->headroom_timer))
		timer_start_ms(&uplink->headroom_timer, UPLINK_HOST_MS);
}

static void
on_headroom(void *arg)
{
	struct uplink *uplink = arg;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	look_at_host(uplink);
}

static void
on_fuse(void *arg)
{
	struct uplink *uplink = arg;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	if (uplink->tasks != NULL)
		claim_want(uplink->claim);
}

static void
on_resumed(void *arg)
{
	struct uplink *uplink = arg;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	fuses_reset(uplink->fuses, "a person has had this agent resumed");
}

/* --- what tasks say ------------------------------------------------------------------------------
 */

static void
on_events(void *arg, struct task *task)
{
	struct uplink *uplink = arg;

	(void)task;
	if (uplink->tasks != NULL)
		report_gather(uplink->report);
}

static void
on_output(void *arg, struct task *task)
{
	struct uplink *uplink = arg;

	(void)task;
	if (uplink->tasks != NULL)
		outbox_want(uplink->outbox);
}

static void
on_done(void *arg, struct task *task)
{
	struct uplink *uplink = arg;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	if (!task_is_dropped(task))
		fuses_note(uplink->fuses, berth_class(uplink->slots, task),
			   task_outcome(task) == OUTCOME_INFRA_FAIL, task_reason(task));
	leave_slot(uplink, task);
	if (uplink->tasks == NULL)
		return;
	look_at_host(uplink);
	berths_begin_waiting(uplink->tasks, uplink->slots);
	lease_want(uplink->lease); /* it may be kept */
	report_want(uplink->report);
	claim_want(uplink->claim);
}

static void
on_removed(void *arg, struct task *task)
{
	struct uplink *uplink = arg;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	leave_slot(uplink, task);
	berth_drop(task);
	if (uplink->tasks == NULL)
		return;
	lease_want(uplink->lease);
	claim_want(uplink->claim);
	want_idle(uplink);
	if (uplink->draining)
		timer_start_us(&uplink->look, 1);
}

static void
on_resting(void *arg, struct task *task)
{
	struct uplink *uplink = arg;

	(void)task;
	OBJ_CHECK(uplink, UPLINK_MAGIC);
	if (uplink->tasks == NULL)
		return;
	lease_want(uplink->lease);
	want_idle(uplink);
	if (uplink->draining)
		timer_start_us(&uplink->look, 1);
}

static void
on_errand(void *arg, struct task *task, const struct errand_kind *kind, const char *key,
	  const struct control_request *request, struct control_reply *reply)
{
	struct uplink *uplink = arg;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	errands_ask(&berth_of(task)->errands, uplink->link, task, kind, key, request,
		    reply);
}

static int
on_channel(void *arg, struct task *task, int fd, struct err *err)
{
	struct uplink *uplink = arg;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	return carriers_take(&berth_of(task)->carriers, uplink->loop, uplink->uploads, task_token(task),
			     fd, err);
}

static bool
on_fetch(void *arg, struct task *task, struct download_spec *spec,
	 const struct control_request *request, struct control_reply *reply, enum download_end *end,
	 char *why)
{
	struct uplink *uplink = arg;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	spec->token = task_token(task);
	return downloads_ask(uplink->downloads, spec, request, reply, end, why);
}

static const struct env_var *
on_environment(void *arg, const struct task *task, struct arena *arena, size_t *count)
{
	struct uplink *uplink = arg;
	unsigned class = berth_class(uplink->slots, task);

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	return class_environment(&uplink->slots->classes[class], task_holding(task), arena, count);
}

static void
on_limits(void *arg, const struct task *task, struct limits *limits)
{
	struct uplink *uplink = arg;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	slots_limits(uplink->slots, berth_class(uplink->slots, task), task_holding(task), limits);
}

static bool
lets_in(void *arg, const struct task *task, bool where_unsaid)
{
	struct uplink *uplink = arg;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	return slots_lets_in(uplink->slots, task_resource_class(task), where_unsaid);
}

struct tasks_hooks
uplink_hooks(struct uplink *uplink)
{
	struct tasks_hooks hooks = {uplink, on_events, on_output, on_done, on_resting, on_removed,
				     on_errand, on_channel, on_fetch, on_environment, on_limits, lets_in};

	return hooks;
}

/* --- what the hub says
 * ---------------------------------------------------------------------------- */

static void
on_task(void *arg, const struct json *document)
{
	struct uplink *uplink = arg;
	struct err err = ERR_INIT;
	struct task *task;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	switch (tasks_add(&task, uplink->tasks, document, &err)) {
	case 0:
		want_idle(uplink);
		begin_if_room(uplink, task);
		if (uplink->settings.single_task)
			uplink_drain(uplink, "one task was asked for");
		break;
	case ERR_GONE:
		log_debug("claimed again: %s", err.text);
		break;
	case ERR_INPUT:
		log_error("the hub gives a task that cannot be named: %s", err.text);
		break;
	default:
		log_line(LOG_ERROR, LOG_AT_TASK(json_get_str(document, "id")),
			 "cannot take a task: %s; it is given back, the next claim is in %d s",
			 err.text, UPLINK_TAKE_AGAIN_MS / 1000);
		(void)snprintf(uplink->untaken, sizeof(uplink->untaken), "%.250s", err.text);
		uplink->take_again_us = loop_now_us(uplink->loop) + UPLINK_TAKE_AGAIN_MS * 1000ull;
		returns_give(uplink->returns, document, err.text);
		claim_pause(uplink->claim, UPLINK_TAKE_AGAIN_MS);
		break;
	}
}

static void
on_answer(void *arg, bool first)
{
	struct uplink *uplink = arg;

	const char *stopped;
	bool drains;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	look_at_host(uplink);
	lease_want(uplink->lease);
	if (first)
		uplink->settings.on_ready(uplink->settings.arg);
	stopped = claim_stopped_by_hub(uplink->claim, &drains);
	if (stopped != NULL && drains)
		uplink_drain(uplink, stopped);
	if (uplink->draining)
		timer_start_us(&uplink->look, 1);
}

/* A task's last event waits for its output. */
static void
on_stored(void *arg)
{
	struct uplink *uplink = arg;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	report_want(uplink->report);
}

static void
on_refused(void *arg, const char *message)
{
	struct uplink *uplink = arg;

	(void)message;
	uplink->settings.on_refused(uplink->settings.arg);
}

static void
put_running(void *arg, struct json *list)
{
	struct uplink *uplink = arg;
	struct task *task = NULL;
	struct json *item;

	while ((task = tasks_next(uplink->tasks, task)) != NULL) {
		if (task_is_dropped(task) || task_state(task) == TASK_UNCLAIMED || task_is_resting(task))
			continue;
		item = json_new_object();
		json_put_str(item, "task", task_id_text(task));
		json_put_int(item, "epoch", task_epoch(task));
		json_push(list, item);
	}
}

/* Where a connection is new its own waits have been kept: none is added for what failed before. */
static void
resume_all(struct uplink *uplink)
{
	report_resume(uplink->report);
	outbox_resume(uplink->outbox);
	lease_resume(uplink->lease);
	claim_resume(uplink->claim);
}

static void
on_up(void *arg)
{
	struct uplink *uplink = arg;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	if (uplink->tasks != NULL)
		resume_all(uplink);
	uploads_want(uplink->uploads);
	downloads_want(uplink->downloads);
	changed(uplink);
}

static void
on_down(void *arg)
{
	struct uplink *uplink = arg;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	changed(uplink);
}

/* --- life
 * -------------------------------------------------------------------------------------------- */

int
uplink_new(struct uplink **out, struct loop *loop, const struct uplink_settings *settings,
	   struct err *err)
{
	struct uplink *uplink = MEM_NEW(struct uplink);
	struct hub_link_settings link = settings->link;
	const struct fuse_settings fuses = {settings->failures_most, settings->pause_ms, uplink, on_fuse};

	assert(settings->slots->class_count > 0);
	uplink->magic = UPLINK_MAGIC;
	uplink->loop = loop;
	uplink->settings = *settings;
	uplink->slots = settings->slots;
	link.on_up = on_up;
	link.on_down = on_down;
	link.arg = uplink;
	if (hub_link_new(&uplink->link, loop, &link, err) < 0) {
		free(uplink);
		return err->code;
	}
	hub_link_set_token(uplink->link, uplink->slots->classes[0].token);
	uplink->returns = returns_new(uplink->link);
	uploads_new(&uplink->uploads, loop, uplink->link);
	downloads_new(&uplink->downloads, loop, uplink->link);
	timer_init(&uplink->idle, loop, on_idle, uplink);
	timer_init(&uplink->look, loop, on_look, uplink);
	timer_init(&uplink->headroom_timer, loop, on_headroom, uplink);
	headroom_init(&uplink->headroom, &settings->headroom);
	uplink->fuses = fuses_new(loop, uplink->slots, &fuses);
	*out = uplink;
	return 0;
}

void
uplink_start(struct uplink *uplink, struct tasks *tasks)
{
	struct claim_hooks hooks = {uplink, on_task, on_answer, on_resumed, on_refused, put_running};
	struct task *task = NULL;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	uplink->tasks = tasks;
	while ((task = tasks_next(tasks, task)) != NULL)
		if (task_state(task) == TASK_PREPARING || task_state(task) == TASK_RUNNING ||
		    task_state(task) == TASK_FINISHING)
			berth_take_slot(task, uplink->slots,
					task_holding(task) != NULL ? task_holding(task) : "");
	uplink->lease = lease_new(uplink->loop, uplink->link, tasks);
	uplink->report = report_new(uplink->loop, uplink->link, tasks);
	uplink->outbox = outbox_new(uplink->loop, uplink->link, tasks, on_stored, uplink);
	uplink->claim = claim_new(uplink->loop, uplink->link, uplink->slots, uplink->settings.has_forgotten, &hooks);
	while ((task = tasks_next(tasks, task)) != NULL)
		if (task_state(task) == TASK_CLAIMED)
			begin_if_room(uplink, task);
	changed(uplink);
	look_at_host(uplink);
	resume_all(uplink);
	want_idle(uplink);
}

void
uplink_free(struct uplink *uplink)
{
	struct task *task = NULL;

	if (uplink == NULL)
		return;
	OBJ_CHECK(uplink, UPLINK_MAGIC);
	if (uplink->tasks != NULL) {
		tasks_drop_sessions(uplink->tasks);
		claim_free(uplink->claim);
		lease_free(uplink->lease);
		report_free(uplink->report);
		outbox_free(uplink->outbox);
		while ((task = tasks_next(uplink->tasks, task)) != NULL)
			berth_drop(task);
	}
	returns_free(uplink->returns);
	uploads_free(uplink->uploads);
	downloads_free(uplink->downloads);
	hub_link_free(uplink->link);
	timer_release(&uplink->idle);
	timer_release(&uplink->look);
	timer_release(&uplink->headroom_timer);
	headroom_release(&uplink->headroom);
	fuses_free(uplink->fuses);
	OBJ_WIPE(uplink);
	free(uplink);
}

void
uplink_reload(struct uplink *uplink, const struct slots *next)
{
	struct task *task = NULL;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	fuses_reset(uplink->fuses, "the settings are read again");
	slots_replace(uplink->slots, next);
	hub_link_set_token(uplink->link, uplink->slots->classes[0].token);
	hub_link_hurry(uplink->link);
	while ((task = tasks_next(uplink->tasks, task)) != NULL)
		berth_retake_slot(task, uplink->slots);
	berths_begin_waiting(uplink->tasks, uplink->slots);
	changed(uplink);
	if (!uplink->draining)
		claim_renew(uplink->claim);
}

/* --- the state, for who looks on ------------------------------------------------------------- */

static struct hindrance_facts
hindrance_facts_of(const struct uplink *uplink)
{
	return (struct hindrance_facts){.now_us = loop_now_us(uplink->loop),
					.drain_why = uplink->draining ? uplink->drain_why : NULL,
					.tasks = tasks_count(uplink->tasks),
					.stuck = tasks_stuck(uplink->tasks),
					.slots = uplink->slots,
					.claim = uplink->claim,
					.link = uplink->link,
					.headroom = &uplink->headroom,
					.untaken = uplink->untaken,
					.take_again_us = uplink->take_again_us};
}

enum hindrance
uplink_hindrance(const struct uplink *uplink, char room[HINDRANCE_WHY_BYTES])
{
	struct hindrance_facts facts = hindrance_facts_of(uplink);

	return hindrance_find(&facts, room);
}

const char *
uplink_why_not_ready(const struct uplink *uplink, char room[HINDRANCE_WHY_BYTES])
{
	struct hindrance_facts facts = hindrance_facts_of(uplink);

	return hindrance_find_trouble(&facts, room) != HINDRANCE_NONE ? room : NULL;
}

bool
uplink_is_connected(const struct uplink *uplink)
{
	return hub_link_is_up(uplink->link);
}

const char *
uplink_hub_text(const struct uplink *uplink)
{
	return hub_link_text(uplink->link);
}

const struct headroom *
uplink_headroom(const struct uplink *uplink)
{
	return &uplink->headroom;
}

struct hub_link_counters
uplink_link_counters(const struct uplink *uplink)
{
	return hub_link_counters(uplink->link);
}

/* --- the state, for people
 * ------------------------------------------------------------------------------ */

static void
log_task(struct task *task)
{
	int step = task_current_step(task);
	struct log_at at = LOG_AT_TASK(task_id_text(task));

	at.step = step;
	log_line(LOG_INFO, at,
		 "state: job '%s', %s%s, outcome %s, %llu bytes of output spooled, %u events not "
		 "acknowledged",
		 task_job_name(task), task_state_name(task_state(task)),
		 berth_waits(task) ? " (waits for room)" : "", outcome_name(task_outcome(task)),
		 (unsigned long long)task_spool(task)->bytes,
		 task_journal(task)->last_seq - task_journal(task)->acked);
}

void
uplink_log_state(struct uplink *uplink)
{
	const struct tasks_counters *counters = tasks_counters(uplink->tasks);
	struct task *task = NULL;
	char room[24];
	uint64_t since_us = hub_link_down_since_us(uplink->link);
	struct hub_link_counters sent = hub_link_counters(uplink->link);
	uint64_t requests = 0, bytes = 0;
	unsigned i;

	OBJ_CHECK(uplink, UPLINK_MAGIC);
	for (i = 0; i < HUB_POST_COUNT; i++) {
		requests += sent.kinds[i].requests;
		bytes += sent.kinds[i].body_bytes;
	}
	log_info("state: hub %s %s%s; %u of %u slots taken, %zu tasks; claimed %llu, done %llu, "
		 "found again %llu; "
		 "turns of the loop %llu, requests %llu of %llu bytes%s",
		 hub_link_text(uplink->link),
		 hub_link_is_up(uplink->link) ? "connected" : "away for ",
		 hub_link_is_up(uplink->link)
			 ? ""
			 : text_duration(room, (loop_now_us(uplink->loop) - since_us) / 1000),
		 uplink->slots->taken, uplink->slots->total, tasks_count(uplink->tasks),
		 (unsigned long long)counters->claimed, (unsigned long long)counters->done,
		 (unsigned long long)counters->recovered,
		 (unsigned long long)loop_turns(uplink->loop),
		 (unsigned long long)requests, (unsigned long long)bytes,
		 uplink->draining ? "; draining" : "");
	while ((task = tasks_next(uplink->tasks, task)) != NULL)
		log_task(task);
}

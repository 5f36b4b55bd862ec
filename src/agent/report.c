/*
 * report.c - what happened to tasks goes to the hub: the events of all of them in one request.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/report.h"

#include <stdio.h>
#include <stdlib.h>

#include "agent/hub_link.h"
#include "agent/journal.h"
#include "agent/pace.h"
#include "agent/spool.h"
#include "agent/task.h"
#include "agent/tasks.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "loop/loop.h"
#include "runner/protocol.h"
#include "task/event.h"

enum { REPORT_MAGIC = 0x7265706f };

struct report {
	uint32_t magic;
	struct hub_link *link;
	struct tasks *tasks;
	struct hub_request *request; /* under way */
	struct pace pace;
	char refused[512]; /* why, as last said; "" when all is well */
	bool is_noted;	   /* the answer has told something new of an event that was sent */
};

static void on_pace(void *arg);

struct report *
report_new(struct loop *loop, struct hub_link *link, struct tasks *tasks)
{
	struct report *report = MEM_NEW(struct report);

	report->magic = REPORT_MAGIC;
	report->link = link;
	report->tasks = tasks;
	pace_init(&report->pace, loop, REPORT_GAP_MS, on_pace, report);
	return report;
}

void
report_free(struct report *report)
{
	if (report == NULL)
		return;
	OBJ_CHECK(report, REPORT_MAGIC);
	hub_request_cancel(report->request);
	pace_release(&report->pace);
	OBJ_WIPE(report);
	free(report);
}

/* --- the answer -------------------------------------------------------------------------- */

static void
note_position(struct report *report, const struct json *item)
{
	const char *id_of = json_get_str(item, "task");
	int64_t seq = json_get_int(item, "seq", 0), before;
	struct task *task;
	struct id id;

	if (id_of == NULL || !id_parse(&id, id_of))
		return;
	task = tasks_find(report->tasks, &id);
	if (task == NULL)
		return;
	before = task_journal(task)->acked;
	if (text_eq(json_get_str(item, "state"), "gone")) {
		report->is_noted = true;
		task_forget(task, "the hub takes no more events of it");
	} else if (seq > before && seq <= task_journal(task)->last_seq) {
		report->is_noted = true;
		task_events_acked(task, (uint32_t)seq);
	}
}

/* Refused as a whole: said once for each sentence, tried again with ever longer waits. */
static void
failed(struct report *report, const struct err *err, const struct hub_answer *answer)
{
	uint64_t wait_ms = pace_failed(&report->pace, answer->retry_after_ms);

	if (err->code != ERR_INPUT) {
		log_debug("events: %s; again in %llu ms", err->text, (unsigned long long)wait_ms);
		return;
	}
	if (text_eq(report->refused, err->text))
		return;
	log_error("events: %s; sending again with longer and longer waits", err->text);
	(void)snprintf(report->refused, sizeof(report->refused), "%s", err->text);
}

static void
on_reported(void *arg, const struct err *err, const struct hub_answer *answer)
{
	struct report *report = arg;
	struct err passed_over = ERR_INIT;
	const struct json *list;
	size_t i;

	OBJ_CHECK(report, REPORT_MAGIC);
	report->request = NULL;
	if (err != NULL) {
		failed(report, err, answer);
		return;
	}
	report->is_noted = false;
	list = json_get(answer->json, "tasks");
	for (i = 0; i < json_count(list); i++)
		note_position(report, json_at(list, i));
	if (report->is_noted) {
		(void)pace_ok(&report->pace);
		report->refused[0] = '\0';
	} else {
		(void)!err_set(&passed_over, ERR_INPUT,
			       "the hub's answer passes over events that were sent");
		failed(report, &passed_over, answer);
	}
	pace_want(&report->pace);
}

/* --- the request -------------------------------------------------------------------------- */

static bool
is_held_back(struct task *task, const struct task_event *event)
{
	return event->type == EVENT_ENDED && !spool_is_acked(task_spool(task));
}

/* Put what one task has to say, at most room events. */
static void
put_events(struct task *task, struct json *list, size_t room)
{
	static struct task_event events[REPORT_TASK_EVENTS_MOST];
	struct err err = ERR_INIT;
	size_t i, count;

	if (room > REPORT_TASK_EVENTS_MOST)
		room = REPORT_TASK_EVENTS_MOST;
	if (journal_unsent(task_journal(task), 0, events, room, &count, &err) < 0) {
		log_line(LOG_ERROR, LOG_AT_TASK(task_id_text(task)), "cannot read its events: %s",
			 err.text);
		task_fail(task, "its journal cannot be read");
		return;
	}
	for (i = 0; i < count && !is_held_back(task, &events[i]); i++)
		json_push(list, task_event_write(&events[i]));
}

static size_t
put_all(struct report *report, struct json *list)
{
	struct task *task = NULL;
	size_t count = 0;

	while (count < RUNNER_EVENTS_MOST && (task = tasks_next(report->tasks, task)) != NULL) {
		if (!task_is_dropped(task) && journal_has_unsent(task_journal(task)))
			put_events(task, list, RUNNER_EVENTS_MOST - count);
		count = json_count(list);
	}
	return count;
}

static void
on_pace(void *arg)
{
	struct report *report = arg;
	struct json *json, *list;
	struct buffer body = BUFFER_INIT;
	struct hub_post post = {.kind = HUB_POST_EVENTS, .body = &body, .timeout_ms = REPORT_REPLY_MS};
	struct err err = ERR_INIT;

	OBJ_CHECK(report, REPORT_MAGIC);
	if (report->request != NULL || !hub_link_is_up(report->link))
		return;
	list = json_new_array();
	if (put_all(report, list) == 0) {
		json_free(list);
		return;
	}
	json = json_new_object();
	json_put(json, "agent", hub_link_identity_short(report->link));
	json_put(json, "events", list);
	hub_body(&body, json);
	pace_sent(&report->pace);
	if (hub_post(&report->request, report->link, &post, on_reported, report, &err) < 0) {
		log_debug("events: %s", err.text);
		(void)pace_failed(&report->pace, 0);
	}
}

void
report_gather(struct report *report)
{
	OBJ_CHECK(report, REPORT_MAGIC);
	pace_gather(&report->pace);
}

void
report_want(struct report *report)
{
	OBJ_CHECK(report, REPORT_MAGIC);
	pace_want(&report->pace);
}

void
report_resume(struct report *report)
{
	OBJ_CHECK(report, REPORT_MAGIC);
	pace_resume(&report->pace);
	pace_want(&report->pace);
}

/*
 * lease.c - renew the leases of all tasks in one request, and hear what the hub wants of them.
 *
 * What the hub said is obeyed and not remembered: task_cancel() and task_forget() are
 * harmless when they come twice.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/lease.h"

#include <stdlib.h>

#include "agent/hub_link.h"
#include "agent/pace.h"
#include "agent/task.h"
#include "agent/task_keep.h"
#include "agent/task_sessions.h"
#include "agent/tasks.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "loop/loop.h"
#include "runner/protocol.h"

enum { LEASE_MAGIC = 0x6c656173 };

struct lease;

struct beat {
	struct lease *lease;
	struct hub_request *request; /* under way, or NULL */
};

/*
 * Of two beats one is the newest. The other one may be under way, too, when it was sent anew: the
 * hub answers it then, and what it had to say may be on its way already.
 */
struct lease {
	uint32_t magic;
	struct hub_link *link;
	struct tasks *tasks;
	struct beat beats[2];
	unsigned newest; /* index in beats */
	struct pace pace;
	struct timer join;
	size_t kept;	      /* so many were told to be, last */
	uint64_t keep_named;  /* tasks_keep_changes() then */
	uint64_t added_named; /* tasks ever added when the request was made: others are not named */
};

static void on_pace(void *arg);

static void on_join(void *arg);

struct lease *
lease_new(struct loop *loop, struct hub_link *link, struct tasks *tasks)
{
	struct lease *lease = MEM_NEW(struct lease);

	lease->magic = LEASE_MAGIC;
	lease->link = link;
	lease->tasks = tasks;
	lease->beats[0].lease = lease->beats[1].lease = lease;
	pace_init(&lease->pace, loop, LEASE_GAP_MS, on_pace, lease);
	timer_init(&lease->join, loop, on_join, lease);
	return lease;
}

void
lease_free(struct lease *lease)
{
	if (lease == NULL)
		return;
	OBJ_CHECK(lease, LEASE_MAGIC);
	hub_request_cancel(lease->beats[0].request);
	hub_request_cancel(lease->beats[1].request);
	pace_release(&lease->pace);
	timer_release(&lease->join);
	OBJ_WIPE(lease);
	free(lease);
}

/* --- the answer ------------------------------------------------------------------------ */

static void
obey(struct lease *lease, const struct json *item)
{
	const char *id_of = json_get_str(item, "task"), *state = json_get_str(item, "state");
	const char *reason = json_get_str(item, "reason");
	struct task *task;
	struct id id;

	if (id_of == NULL || !id_parse(&id, id_of))
		return;
	task = tasks_find(lease->tasks, &id);
	if (task == NULL || json_get_int(item, "epoch", task_epoch(task)) != task_epoch(task))
		return;
	if (text_eq(state, "cancel"))
		task_cancel(task, reason != NULL ? reason : "canceled");
	else if (text_eq(state, "gone"))
		task_forget(task, "the hub says that its lease is gone");
}

/* A person waits for a terminal in one of ours. */
static void
open_session(struct lease *lease, const struct json *item)
{
	const char *session_of = json_get_str(item, "session"), *task_of = json_get_str(item, "task");
	const char *who = json_get_str(item, "who");
	struct session_order order = {.who = who != NULL ? who : "somebody"};
	struct id task;

	if (session_of != NULL && task_of != NULL && id_parse(&order.session, session_of) &&
	    id_parse(&task, task_of))
		tasks_open_session(lease->tasks, lease->link, &task, &order);
}

/* A person wants one kept, or kept no longer; what came of it the next heartbeat says. */
static void
keep(struct lease *lease, const struct json *item)
{
	const char *task_of = json_get_str(item, "task");
	struct err err = ERR_INIT;
	struct task *task = NULL;
	struct id id;

	if (task_of != NULL && id_parse(&id, task_of))
		task = tasks_find(lease->tasks, &id);
	if (task != NULL && task_keep(task, (uint64_t)json_get_int(item, "ms", 0), &err) < 0)
		log_line(LOG_WARN, LOG_AT_TASK(task_of), "%s", err.text);
}

static void
take_answer(struct lease *lease, const struct json *answer)
{
	const struct json *list = json_get(answer, "tasks");
	size_t i;

	for (i = 0; i < json_count(list); i++)
		obey(lease, json_at(list, i));
	list = json_get(answer, "sessions");
	for (i = 0; i < json_count(list); i++)
		open_session(lease, json_at(list, i));
	list = json_get(answer, "keep");
	for (i = 0; i < json_count(list); i++)
		keep(lease, json_at(list, i));
}

static void
on_heartbeat(void *arg, const struct err *err, const struct hub_answer *answer)
{
	struct beat *beat = arg;
	struct lease *lease = beat->lease;
	bool is_newest = beat == &lease->beats[lease->newest];
	uint64_t wait_ms;

	OBJ_CHECK(lease, LEASE_MAGIC);
	beat->request = NULL;
	if (is_newest)
		timer_stop(&lease->join);
	if (err != NULL && !is_newest)
		return;
	if (err != NULL) {
		wait_ms = pace_failed(&lease->pace, answer->retry_after_ms);
		log_debug("heartbeat: %s; again in %llu ms", err->text,
			  (unsigned long long)wait_ms);
		return;
	}
	if (is_newest)
		(void)pace_ok(&lease->pace);
	take_answer(lease, answer->json);
	pace_want(&lease->pace);
}

/* --- the request ------------------------------------------------------------------------ */

static bool
is_leased(const struct task *task)
{
	return !task_is_dropped(task) && task_state(task) != TASK_UNCLAIMED && !task_is_resting(task);
}

static size_t
put_tasks(struct lease *lease, struct json *list)
{
	struct task *task = NULL;
	struct json *item;

	while ((task = tasks_next(lease->tasks, task)) != NULL) {
		if (!is_leased(task))
			continue;
		item = json_new_object();
		json_put_str(item, "task", task_id_text(task));
		json_put_int(item, "epoch", task_epoch(task));
		json_push(list, item);
	}
	return json_count(list);
}

/* Those that are kept, or are to be when they fail. */
static size_t
put_kept(struct lease *lease, struct json *list)
{
	struct task *task = NULL;
	const struct keep *keep;
	struct json *item;

	while ((task = tasks_next(lease->tasks, task)) != NULL) {
		keep = task_keep_of(task);
		if (keep->asked_ms == 0 && keep->until_ms == 0)
			continue;
		item = json_new_object();
		json_put_str(item, "task", task_id_text(task));
		json_put_str(item, "job", task_job_name(task));
		json_put_int(item, "asked_ms", (int64_t)keep->asked_ms);
		json_put_int(item, "until_ms", keep->until_ms);
		json_push(list, item);
	}
	return json_count(list);
}

/* What a held heartbeat may not have said. */
static uint64_t
tasks_ever(const struct lease *lease)
{
	return tasks_counters(lease->tasks)->claimed + tasks_counters(lease->tasks)->recovered +
	       tasks_keep_changes(lease->tasks);
}

static void
send_heartbeat(struct lease *lease)
{
	struct json *json = json_new_object(), *list = json_new_array(), *kept = json_new_array();
	struct buffer body = BUFFER_INIT;
	struct hub_post post = {.kind = HUB_POST_HEARTBEAT,
				.body = &body,
				.timeout_ms = RUNNER_HEARTBEAT_WAIT_MS + LEASE_REPLY_MS};
	struct err err = ERR_INIT;
	size_t count = put_tasks(lease, list), kept_before = lease->kept;
	struct beat *beat = &lease->beats[lease->newest];

	lease->kept = put_kept(lease, kept);

	json_put(json, "agent", hub_link_identity_short(lease->link));
	json_put_int(json, "wait_ms", RUNNER_HEARTBEAT_WAIT_MS);
	json_put(json, "tasks", list);
	json_put_bool(json, "sessions", true);
	json_put(json, "kept", kept);
	if (count + lease->kept + kept_before == 0) {
		json_free(json);
		return;
	}
	hub_body(&body, json);
	lease->added_named = tasks_ever(lease);
	lease->keep_named = tasks_keep_changes(lease->tasks);
	pace_sent(&lease->pace);
	if (hub_post(&beat->request, lease->link, &post, on_heartbeat, beat, &err) < 0) {
		log_debug("heartbeat: %s", err.text);
		(void)pace_failed(&lease->pace, 0);
	}
}

static void
on_pace(void *arg)
{
	struct lease *lease = arg;

	OBJ_CHECK(lease, LEASE_MAGIC);
	if (!hub_link_is_up(lease->link))
		return;
	if (lease->beats[lease->newest].request == NULL) {
		send_heartbeat(lease);
	} else if (lease->keep_named != tasks_keep_changes(lease->tasks)) {
		on_join(lease); /* a person may want to enter it now */
	} else if (lease->added_named != tasks_ever(lease) && !timer_is_on(&lease->join)) {
		timer_start_ms(&lease->join, LEASE_JOIN_MS);
	}
}

static void
on_join(void *arg)
{
	struct lease *lease = arg;
	unsigned next = 1 - lease->newest;

	OBJ_CHECK(lease, LEASE_MAGIC);
	if (lease->beats[lease->newest].request == NULL || lease->added_named == tasks_ever(lease))
		return;
	if (lease->beats[next].request != NULL)
		return; /* with its answer we come again */
	lease->newest = next;
	send_heartbeat(lease);
}

void
lease_want(struct lease *lease)
{
	OBJ_CHECK(lease, LEASE_MAGIC);
	pace_want(&lease->pace);
}

void
lease_resume(struct lease *lease)
{
	OBJ_CHECK(lease, LEASE_MAGIC);
	pace_resume(&lease->pace);
	pace_want(&lease->pace);
}

/*
 * kept.c - failed tasks that agents keep for people to enter, and what people want of that.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/kept.h"

#include <stdio.h>
#include <stdlib.h>
#include <utlist.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "hub/api/people.h"
#include "hub/dispatch.h"
#include "hub/hub.h"
#include "loop/clock.h"
#include "runner/session.h"

enum { ORDER_MAGIC = 0x6b656570 };

/* A person waits for what comes of it. */
struct keep_order {
	uint32_t magic;
	struct hub *hub;
	struct call *call;
	struct id task, agent;
	int64_t ms; /* 0: let it go */
	bool is_told;
	bool is_doubted; /* a heartbeat says otherwise, which may have crossed it */
	struct timer timer;
	struct keep_order *prev, *next;
};

/* --- what agents say ------------------------------------------------------------------------- */

static struct kept *
find(const struct hub *hub, const struct id *task)
{
	struct kept *kept;

	HASH_FIND(hh, hub->kept, task, sizeof(*task), kept);
	return kept;
}

const struct kept *
kept_find(const struct hub *hub, const struct id *task)
{
	const struct kept *kept = find(hub, task);

	return kept != NULL && kept->until_ms > clock_unix_ms() ? kept : NULL;
}

static void
note_one(struct hub *hub, const struct agent *agent, const struct json *item)
{
	const char *text = json_get_str(item, "task"), *job = json_get_str(item, "job");
	struct kept *kept;
	struct id task;

	if (text == NULL || !id_parse(&task, text))
		return;
	kept = find(hub, &task);
	if (kept == NULL) {
		kept = MEM_NEW(struct kept);
		kept->task = task;
		HASH_ADD(hh, hub->kept, task, sizeof(kept->task), kept);
	}
	kept->agent = agent->row.id;
	kept->asked_ms = json_get_int(item, "asked_ms", 0);
	kept->until_ms = json_get_int(item, "until_ms", 0);
	kept->is_named = true;
	(void)snprintf(kept->job, sizeof(kept->job), "%s", job != NULL ? job : "");
}

static void answer_orders(struct hub *hub, const struct agent *agent);

void
kept_note(struct hub *hub, const struct agent *agent, const struct json *heartbeat)
{
	const struct json *list = json_get(heartbeat, "kept");
	struct kept *kept, *next;
	size_t i;

	for (i = 0; i < json_count(list) && i < KEPT_MOST_OF_AGENT; i++)
		note_one(hub, agent, json_at(list, i));
	HASH_ITER(hh, hub->kept, kept, next) {
		if (id_eq(&kept->agent, &agent->row.id) && !kept->is_named) {
			HASH_DEL(hub->kept, kept);
			free(kept);
		} else {
			kept->is_named = false;
		}
	}
	answer_orders(hub, agent);
}

void
kept_forget_all(struct hub *hub)
{
	struct kept *kept, *next;

	HASH_ITER(hh, hub->kept, kept, next) {
		HASH_DEL(hub->kept, kept);
		free(kept);
	}
}

void
kept_put_view(const struct hub *hub, struct json *view, const struct id *task)
{
	const struct kept *kept = kept_find(hub, task);

	json_put_time(view, "kept_until", kept != NULL ? kept->until_ms : 0);
}

/* --- what people want -------------------------------------------------------------------------- */

static struct call *
order_end(struct keep_order *order)
{
	struct call *call = order->call;

	OBJ_CHECK(order, ORDER_MAGIC);
	DL_DELETE(order->hub->keep_orders, order);
	timer_release(&order->timer);
	OBJ_WIPE(order);
	free(order);
	call->on_close = NULL;
	return call;
}

static void
on_no_answer(void *arg)
{
	call_reply_message(order_end(arg), 503,
			   "the agent does not answer: it is away, or is being restarted");
}

static void
on_person_gone(struct call *call)
{
	call_drop(order_end(call->user));
}

/* A heartbeat behind the answer that told it says what came of it. */
static void
answer_order(struct keep_order *order)
{
	const struct kept *kept = find(order->hub, &order->task);
	bool is_done = order->ms > 0 ? kept != NULL && kept->asked_ms == order->ms
				     : kept == NULL || (kept->asked_ms == 0 && kept->until_ms == 0);
	struct json *json;
	char text[ID_TEXT_BYTES];

	if (!is_done && !order->is_doubted) {
		order->is_doubted = true;
		return;
	}
	if (!is_done) {
		call_reply_message(order_end(order), 409,
				   order->ms > 0 ? "the task has ended, and is not kept"
						 : "the agent has not let it go");
		return;
	}
	json = json_new_object();
	json_put_str(json, "task", id_text(text, &order->task));
	json_put_int(json, "seconds", order->ms / 1000);
	kept_put_view(order->hub, json, &order->task);
	call_reply_json(order_end(order), 200, json);
}

static void
answer_orders(struct hub *hub, const struct agent *agent)
{
	struct keep_order *order, *next;

	DL_FOREACH_SAFE (hub->keep_orders, order, next)
		if (order->is_told && id_eq(&order->agent, &agent->row.id))
			answer_order(order);
}

bool
kept_wait_for(const struct hub *hub, const struct agent *agent)
{
	const struct keep_order *order;

	DL_FOREACH (hub->keep_orders, order)
		if ((!order->is_told || order->is_doubted) && id_eq(&order->agent, &agent->row.id))
			return true;
	return false;
}

void
kept_put_orders(struct hub *hub, const struct agent *agent, struct json *answer)
{
	struct json *list = json_new_array(), *item;
	struct keep_order *order;
	char text[ID_TEXT_BYTES];

	DL_FOREACH (hub->keep_orders, order) {
		if (order->is_told || !id_eq(&order->agent, &agent->row.id))
			continue;
		order->is_told = true;
		item = json_new_object();
		json_put_str(item, "task", id_text(text, &order->task));
		json_put_int(item, "ms", order->ms);
		json_push(list, item);
	}
	json_put(answer, "keep", list);
}

static void
order_new(struct call *call, const struct id *task, struct agent *agent, int64_t ms)
{
	struct keep_order *order = MEM_NEW(struct keep_order);
	char text[ID_TEXT_BYTES];

	order->magic = ORDER_MAGIC;
	order->hub = call->hub;
	order->call = call;
	order->task = *task;
	order->agent = agent->row.id;
	order->ms = ms;
	timer_init(&order->timer, call->hub->loop, on_no_answer, order);
	timer_start_ms(&order->timer, KEEP_ANSWER_MS);
	DL_APPEND(call->hub->keep_orders, order);
	call->user = order;
	call_on_close(call, on_person_gone);
	log_line(LOG_INFO, LOG_AT_TASK(id_text(text, task)), "'%s' wants it kept for %lld s", call->login,
		 (long long)(ms / 1000));
	if (agent->heartbeat != NULL)
		agent->heartbeat->hurry(agent->heartbeat);
}

/* Who has it: the agent that runs it, or that keeps it. */
static struct agent *
agent_of(struct hub *hub, const struct id *id)
{
	const struct task *task = model_task(&hub->model, id);
	const struct kept *kept = find(hub, id);

	if (task != NULL && task->agent != NULL)
		return task->agent;
	return kept != NULL ? model_agent(&hub->model, &kept->agent) : NULL;
}

static void
keep(struct call *call, int64_t ms)
{
	const struct keep_order *order;
	struct agent *agent;
	struct id id;
	int count;

	if (!call_var_id(call, 0, &id))
		return;
	DL_COUNT(call->hub->keep_orders, order, count);
	agent = agent_of(call->hub, &id);
	if (agent == NULL)
		call_reply_message(call, 409, "no agent has it: it waits, or has ended and is not kept");
	else if (!agent->knows_sessions)
		call_reply_message(call, 409, "agent '%s' is of an older version, which keeps no tasks",
				   agent->row.name);
	else if (count >= KEEP_ORDERS_MOST)
		call_reply_message(call, 503, "too many such requests wait");
	else
		order_new(call, &id, agent, ms);
}

static void
put_keep(struct call *call)
{
	struct err err = ERR_INIT;
	struct json *body;
	int64_t seconds;
	int rc = call_body(call, &body, &err);

	if (rc == 0) {
		rc = json_need_int(body, "seconds", 1, SESSION_KEEP_MOST_S, &seconds, &err);
		json_free(body);
	}
	if (rc < 0)
		call_reply_err(call, &err);
	else
		keep(call, seconds * 1000);
}

static void
delete_keep(struct call *call)
{
	keep(call, 0);
}

const struct route kept_routes[] = {
	{"PUT", "/api/runner/v1/tasks/{id}/keep", WHO_PERSON, put_keep},
	{"DELETE", "/api/runner/v1/tasks/{id}/keep", WHO_PERSON, delete_keep},
	{NULL, NULL, WHO_ANYONE, NULL},
};

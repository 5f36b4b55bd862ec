/*
 * agent_heartbeat.c - POST /api/v3/runner/heartbeat: every lease renewed, cancellations brought.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "format/json.h"
#include "hub/api/agent.h"
#include "hub/api/kept.h"
#include "hub/api/sessions.h"
#include "hub/dispatch.h"
#include "hub/hub.h"
#include "hub/lease.h"

enum { LEASES_MOST = 65536 };

struct held_heartbeat {
	struct heartbeat heartbeat; /* first: hurry() is given its address */
	struct agent *agent;
	struct call *call;
	struct timer timer;
};

static void
add_task(struct json *list, const struct id *id, uint32_t epoch, const char *state, const char *reason)
{
	struct json *item = json_new_object();
	char text[ID_TEXT_BYTES];

	json_put_str(item, "task", id_text(text, id));
	json_put_int(item, "epoch", epoch);
	json_put_str(item, "state", state);
	if (reason != NULL)
		json_put_str(item, "reason", reason);
	json_push(list, item);
}

static void
add_canceled(struct json *list, struct agent *agent)
{
	char reason[RUNNER_REASON_BYTES];
	struct task *task;

	for (task = agent->leases; task != NULL; task = task->lease_next) {
		if (task->row.cancel_by[0] == '\0')
			continue;
		snprintf(reason, sizeof(reason), "canceled by %.150s", task->row.cancel_by);
		add_task(list, &task->row.id, task->row.epoch, "cancel", reason);
		task->is_told = true;
	}
}

static bool
has_news(const struct hub *hub, const struct agent *agent)
{
	const struct task *task;

	for (task = agent->leases; task != NULL; task = task->lease_next)
		if (task->row.cancel_by[0] != '\0' && !task->is_told)
			return true;
	return sessions_wait_for(hub, agent) || kept_wait_for(hub, agent);
}

/* agent NULL: we do not know it. Takes list. */
static void
reply(struct call *call, const struct agent *agent, struct json *list)
{
	struct json *body = json_new_object();

	json_put_int(body, "lease_ms", RUNNER_LEASE_MS);
	json_put(body, "tasks", list);
	if (agent != NULL && agent->knows_sessions) {
		sessions_put_orders(call->hub, agent, body);
		kept_put_orders(call->hub, agent, body);
	}
	/* A cancellation may be of this very turn. */
	call_reply_json_after_commit(call, 200, body);
}

static struct call *
held_end(struct held_heartbeat *held)
{
	struct call *call = held->call;

	assert(held->agent->heartbeat == &held->heartbeat);
	held->agent->heartbeat = NULL;
	timer_release(&held->timer);
	free(held);
	return call;
}

static void
answer_held(struct held_heartbeat *held)
{
	struct json *list = json_new_array();
	struct agent *agent = held->agent;

	add_canceled(list, agent);
	reply(held_end(held), agent, list);
}

static void
on_wait_over(void *arg)
{
	answer_held(arg);
}

static void
on_hurry(struct heartbeat *heartbeat)
{
	answer_held((struct held_heartbeat *)heartbeat);
}

static void
on_client_gone(struct call *call)
{
	call_drop(held_end(call->user));
}

static void
hold(struct call *call, struct agent *agent, int64_t wait_ms)
{
	struct held_heartbeat *held = MEM_NEW(struct held_heartbeat);

	held->heartbeat.hurry = on_hurry;
	held->agent = agent;
	held->call = call;
	timer_init(&held->timer, call->hub->loop, on_wait_over, held);
	timer_start_ms(&held->timer, (uint64_t)wait_ms);
	agent->heartbeat = &held->heartbeat;
	call->user = held;
	call_on_close(call, on_client_gone);
}

/* Renew what is the agent's; what is not goes to list. */
static int
renew_all(struct model *model, const struct id *agent, const struct json *tasks, struct json *list,
	  struct err *err)
{
	uint32_t epoch;
	struct id id;
	size_t i;

	for (i = 0; i < json_count(tasks); i++) {
		struct task *task;

		if (agent_parse_lease(tasks, i, &id, &epoch, err) < 0)
			return err_wrap(err, "tasks[%zu]", i);
		task = model_task(model, &id);
		if (task != NULL && lease_is(task, agent, epoch))
			lease_renew(task);
		else
			add_task(list, &id, epoch, "gone", NULL);
	}
	return 0;
}

/* agent NULL: we do not know it. Takes list. */
static void
answer(struct call *call, struct agent *agent, struct json *list, int64_t wait_ms)
{
	if (agent != NULL && agent->heartbeat != NULL)
		answer_held((struct held_heartbeat *)agent->heartbeat);
	if (agent != NULL && wait_ms > 0 && json_count(list) == 0 && !has_news(call->hub, agent)) {
		json_free(list);
		hold(call, agent, wait_ms);
		return;
	}
	if (agent != NULL)
		add_canceled(list, agent);
	reply(call, agent, list);
}

static void
handle_body(struct call *call, const struct json *body)
{
	struct json *tasks, *list = json_new_array();
	struct err err = ERR_INIT;
	struct agent *agent;
	bool is_refused;
	int64_t wait_ms;
	struct id id;

	if (agent_parse_id(body, &id, &err) < 0 ||
	    json_need_int(body, "wait_ms", 0, INT32_MAX, &wait_ms, &err) < 0 ||
	    json_need_array(body, "tasks", LEASES_MOST, &tasks, &err) < 0 ||
	    renew_all(&call->hub->model, &id, tasks, list, &err) < 0) {
		json_free(list);
		call_reply_err(call, &err);
		return;
	}
	agent = agent_of_call(call, &id, &is_refused);
	if (is_refused) {
		json_free(list);
		return;
	}
	if (wait_ms > RUNNER_HEARTBEAT_WAIT_MS)
		wait_ms = RUNNER_HEARTBEAT_WAIT_MS;
	if (agent != NULL) {
		agent->knows_sessions = json_get_bool(body, "sessions", false);
		kept_note(call->hub, agent, body);
	}
	answer(call, agent, list, wait_ms);
}

void
handle_heartbeat(struct call *call)
{
	struct err err = ERR_INIT;
	struct json *body;

	if (call_body(call, &body, &err) < 0) {
		call_reply_err(call, &err);
		return;
	}
	handle_body(call, body);
	json_free(body);
}

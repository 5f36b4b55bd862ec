/*
 * agents.c - what people see of agents, and want of them: paused, drained, gone.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <string.h>

#include "format/json.h"
#include "hub/api/people.h"
#include "hub/api/views.h"
#include "hub/hub.h"
#include "hub/lease.h"
#include "hub/offer.h"

static struct json *
classes_of(const struct agent_row *row)
{
	struct json *list = json_new_array();
	char name[HUB_NAME_BYTES];
	const char *at = row->classes;
	size_t len;

	while (*at != '\0') {
		len = strcspn(at, " ");
		(void)snprintf(name, sizeof(name), "%.*s", (int)len, at);
		json_push(list, json_new_string(name));
		at += len;
		at += strspn(at, " ");
	}
	return list;
}

/* By itself, not by a person: classes whose tasks have failed there. */
static struct json *
paused_of(const struct agent *agent)
{
	struct json *list = json_new_array(), *item;
	unsigned i;

	for (i = 0; agent->offer != NULL && i < agent->offer->class_count; i++) {
		if (agent->offer->classes[i].paused[0] == '\0')
			continue;
		item = json_new_object();
		json_put_str(item, "resource_class", agent->offer->classes[i].class->row.name);
		json_put_str(item, "message", agent->offer->classes[i].paused);
		json_push(list, item);
	}
	return list;
}

static struct json *
view_one(const struct agent *agent)
{
	const struct agent_row *row = &agent->row;
	struct json *view = json_new_object();

	view_put_id(view, "id", &row->id);
	json_put_str(view, "name", row->name);
	json_put_str(view, "version", row->version);
	json_put_str(view, "os", row->os);
	json_put_str(view, "arch", row->arch);
	json_put_int(view, "slots", row->slots);
	json_put_int(view, "slots_taken", agent->lease_count);
	json_put_bool(view, "connected", agent->is_present);
	json_put_str(view, "state", agent_standing_name(row->standing));
	view_put_text(view, "state_by", row->standing_by);
	json_put_time(view, "state_since", row->standing_ms);
	view_put_text(view, "held", agent->offer != NULL ? agent->offer->held : "");
	json_put(view, "paused", paused_of(agent));
	json_put(view, "resource_classes", classes_of(row));
	json_put_time(view, "first_connected", row->first_ms);
	json_put_time(view, "last_connected", row->last_ms);
	json_put_time(view, "last_used", row->used_ms);
	return view;
}

static struct json *
tasks_of(const struct agent *agent)
{
	struct json *list = json_new_array(), *item;
	const struct task *task;

	for (task = agent->leases; task != NULL; task = task->lease_next) {
		item = json_new_object();
		view_put_id(item, "id", &task->row.id);
		json_put_str(item, "job", task->job->row.name);
		json_put_int(item, "node_index", task->row.node_index);
		json_put_int(item, "pipeline_number", task->job->row.pipeline_number);
		json_push(list, item);
	}
	return list;
}

/* NULL, and the reply is sent, when there is none. */
static struct agent *
agent_of_path(struct call *call)
{
	struct agent *agent;
	struct id id;

	if (!call_var_id(call, 0, &id))
		return NULL;
	agent = model_agent(&call->hub->model, &id);
	if (agent == NULL)
		people_not_found(call, "agent");
	return agent;
}

static void
list_all(struct call *call)
{
	struct json *list = json_new_object(), *items = json_new_array();
	const struct agent *agent;

	for (agent = call->hub->model.agents; agent != NULL; agent = agent->hh.next)
		json_push(items, view_one(agent));
	json_put(list, "items", items);
	call_reply_json(call, 200, list);
}

static void
show(struct call *call)
{
	const struct agent *agent = agent_of_path(call);
	struct json *view;

	if (agent == NULL)
		return;
	view = view_one(agent);
	json_put(view, "tasks", tasks_of(agent));
	call_reply_json(call, 200, view);
}

static void
stand(struct call *call, enum agent_standing standing)
{
	struct agent *agent = agent_of_path(call);

	if (agent == NULL)
		return;
	agent_stand(agent, standing, call->login);
	call_reply_json_after_commit(call, 200, view_one(agent));
}

static void
pause_one(struct call *call)
{
	stand(call, AGENT_PAUSED);
}

static void
drain_one(struct call *call)
{
	stand(call, AGENT_DRAINING);
}

static void
resume_one(struct call *call)
{
	stand(call, AGENT_ACTIVE);
}

static void
remove_one(struct call *call)
{
	struct agent *agent = agent_of_path(call);

	if (agent == NULL)
		return;
	if (agent_remove(agent))
		call_reply_json_after_commit(call, 200, people_message("agent removed"));
	else
		call_reply_message(call, 409, "agent '%s' is connected or has tasks, it would be here again: drain it first",
				   agent->row.name);
}

const struct route people_agent_routes[] = {
	{"GET", "/api/runner/v1/agents", WHO_PERSON, list_all},
	{"GET", "/api/runner/v1/agents/{id}", WHO_PERSON, show},
	{"POST", "/api/runner/v1/agents/{id}/pause", WHO_PERSON, pause_one},
	{"POST", "/api/runner/v1/agents/{id}/drain", WHO_PERSON, drain_one},
	{"POST", "/api/runner/v1/agents/{id}/resume", WHO_PERSON, resume_one},
	{"DELETE", "/api/runner/v1/agents/{id}", WHO_PERSON, remove_one},
	{NULL, NULL, WHO_ANYONE, NULL},
};

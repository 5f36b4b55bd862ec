/*
 * agent_events.c - POST /api/v3/runner/events: what happened to tasks.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdlib.h>

#include "base/err.h"
#include "base/mem.h"
#include "format/json.h"
#include "hub/api/agent.h"
#include "hub/hub.h"
#include "hub/progress.h"
#include "task/event.h"

/* What a task named in the request is told. */
struct told {
	struct id task;
	uint32_t seq;
	enum progress progress;
};

struct told_list {
	struct told *items;
	size_t count;
};

static struct told *
told_of(struct told_list *list, const struct id *task)
{
	size_t i;

	/* Events of one task mostly lie together. */
	for (i = list->count; i > 0; i--)
		if (id_eq(&list->items[i - 1].task, task))
			return &list->items[i - 1];
	list->items[list->count].task = *task;
	return &list->items[list->count++];
}

static void
take_event(struct call *call, const struct id *agent, const struct task_event *event,
	   struct told_list *list)
{
	struct told *told = told_of(list, &event->task);

	told->progress = progress_event(&call->hub->model, agent, event, &told->seq);
}

static int
parse_events(const struct json *body, struct task_event **out, size_t *count, struct err *err)
{
	struct json *list;
	size_t i;
	int rc = json_need_array(body, "events", RUNNER_EVENTS_MOST, &list, err);

	if (rc < 0)
		return rc;
	*count = json_count(list);
	*out = MEM_NEW_ARRAY(struct task_event, *count + 1);
	for (i = 0; i < *count; i++)
		if (task_event_parse(&(*out)[i], json_at(list, i), err) < 0) {
			free(*out);
			return err_wrap(err, "events[%zu]", i);
		}
	return 0;
}

static struct json *
write_told(const struct told *told)
{
	struct json *item = json_new_object();
	char id[ID_TEXT_BYTES];

	json_put_str(item, "task", id_text(id, &told->task));
	json_put_int(item, "seq", told->seq);
	json_put_str(item, "state", told->progress == PROGRESS_GONE ? "gone" : "ok");
	return item;
}

static void
reply(struct call *call, const struct told_list *list)
{
	struct json *body = json_new_object(), *tasks = json_new_array();
	size_t i;

	for (i = 0; i < list->count; i++)
		json_push(tasks, write_told(&list->items[i]));
	json_put(body, "tasks", tasks);
	call_reply_json_after_commit(call, 200, body);
}

static void
take_events(struct call *call, const struct id *agent, const struct task_event *events, size_t count)
{
	struct told_list list = {MEM_NEW_ARRAY(struct told, count + 1), 0};
	bool is_refused;
	size_t i;

	(void)agent_of_call(call, agent, &is_refused);
	if (!is_refused) {
		for (i = 0; i < count; i++)
			take_event(call, agent, &events[i], &list);
		reply(call, &list);
	}
	free(list.items);
}

void
handle_events(struct call *call)
{
	struct task_event *events;
	struct err err = ERR_INIT;
	struct json *body;
	struct id agent;
	size_t count;

	if (call_body(call, &body, &err) < 0) {
		call_reply_err(call, &err);
		return;
	}
	if (agent_parse_id(body, &agent, &err) < 0 || parse_events(body, &events, &count, &err) < 0) {
		call_reply_err(call, &err);
	} else {
		take_events(call, &agent, events, count);
		free(events);
	}
	json_free(body);
}

/*
 * state_view.c - the agent's state as a document: what runnerctl top shows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/state_view.h"

#include <unistd.h>

#include "agent/berth.h"
#include "agent/lookout.h"
#include "agent/slots.h"
#include "agent/spool.h"
#include "agent/task.h"
#include "agent/tasks.h"
#include "agent/uplink.h"
#include "format/json.h"
#include "loop/clock.h"
#include "loop/loop.h"
#include "task/names.h"

static struct json *
make_agent(const struct lookout_sight *sight)
{
	struct json *agent = json_new_object();
	char id[ID_TEXT_BYTES];

	json_put_str(agent, "id", id_text(id, &sight->agent));
	json_put_str(agent, "name", sight->name);
	json_put_str(agent, "version", RUNNER_VERSION);
	json_put_int(agent, "pid", getpid());
	json_put_time(agent, "started_at", sight->started_ms);
	json_put_int(agent, "up_ms", clock_unix_ms() - sight->started_ms);
	return agent;
}

static struct json *
make_hub(struct uplink *uplink)
{
	struct json *hub = json_new_object();
	char why[HINDRANCE_WHY_BYTES];

	json_put_str(hub, "url", uplink_hub_text(uplink));
	json_put_bool(hub, "connected", uplink_is_connected(uplink));
	json_put_bool(hub, "draining", uplink_is_draining(uplink));
	json_put_str(hub, "why_not_ready", uplink_why_not_ready(uplink, why));
	return hub;
}

static struct json *
make_claiming(const struct uplink *uplink)
{
	struct json *claiming = json_new_object();
	char why[HINDRANCE_WHY_BYTES];

	json_put_str(claiming, "hindrance", hindrance_name(uplink_hindrance(uplink, why)));
	json_put_str(claiming, "message", why);
	return claiming;
}

static struct json *
make_slots(const struct slots *slots)
{
	struct json *json = json_new_object(), *classes = json_new_array(), *class;
	unsigned i;

	json_put_int(json, "total", slots->total);
	json_put_int(json, "taken", slots->taken);
	for (i = 0; i < slots->class_count; i++) {
		class = json_new_object();
		json_put_str(class, "resource_class", slots->classes[i].name);
		json_put_int(class, "tasks", slots->classes[i].taken);
		json_put_int(class, "room", slots_offer(slots, i));
		json_put_str(class, "paused", slots->classes[i].paused[0] != '\0' ? slots->classes[i].paused : NULL);
		json_push(classes, class);
	}
	json_put(json, "classes", classes);
	return json;
}

static struct json *
make_output(struct tasks *tasks)
{
	struct json *json = json_new_object();
	struct tasks_output output;

	tasks_measure_output(tasks, &output);
	json_put_int(json, "bytes", (int64_t)tasks_counters(tasks)->output_bytes);
	json_put_int(json, "memory_bytes",
		     (int64_t)(output.memory.chunk_bytes + output.memory.charged_bytes));
	json_put_int(json, "memory_limit_bytes", (int64_t)output.memory.limit_bytes);
	json_put_int(json, "spool_bytes", (int64_t)output.spool_bytes);
	json_put_int(json, "oldest_unsent_ms", (int64_t)output.oldest_unsent_ms);
	return json;
}

static struct json *
make_step(const struct task *task)
{
	int step = task_current_step(task);

	return step >= 0 ? json_new_int(step) : json_new_null();
}

static struct json *
make_running(const struct task *task)
{
	int64_t since_ms = task_running_ms(task);

	return since_ms != 0 ? json_new_int(clock_unix_ms() - since_ms) : json_new_null();
}

static struct json *
make_task(struct task *task)
{
	struct json *json = json_new_object();
	enum outcome outcome = task_outcome(task);
	pid_t pid = task_supervisor_pid(task);

	json_put_str(json, "id", task_id_text(task));
	json_put_str(json, "job", task_job_name(task));
	json_put_str(json, "resource_class", task_resource_class(task));
	json_put_str(json, "state", task_state_name(task_state(task)));
	json_put_bool(json, "waits_for_room", berth_waits(task));
	json_put_str(json, "outcome", outcome == OUTCOME_NONE ? NULL : outcome_name(outcome));
	json_put_str(json, "reason", task_reason(task)[0] != '\0' ? task_reason(task) : NULL);
	json_put_time(json, "running_since", task_running_ms(task));
	json_put(json, "running_ms", make_running(task));
	json_put(json, "step", make_step(task));
	json_put_str(json, "step_name", task_current_step_name(task));
	json_put_str(json, "last_line", task_last_line(task));
	json_put_int(json, "output_bytes", (int64_t)spool_total(task_spool(task)));
	json_put_int(json, "spool_bytes", (int64_t)task_spool(task)->bytes);
	json_put(json, "supervisor_pid", pid > 0 ? json_new_int(pid) : json_new_null());
	return json;
}

struct json *
state_view_make(const struct lookout_sight *sight)
{
	struct json *view = json_new_object(), *list = json_new_array();
	struct task *task = NULL;

	json_put_int(view, "version", 1);
	json_put_time(view, "time", clock_unix_ms());
	json_put(view, "agent", make_agent(sight));
	json_put(view, "hub", make_hub(sight->uplink));
	json_put(view, "claiming", make_claiming(sight->uplink));
	json_put(view, "slots", make_slots(sight->slots));
	json_put(view, "output", make_output(sight->tasks));
	while ((task = tasks_next(sight->tasks, task)) != NULL)
		json_push(list, make_task(task));
	json_put(view, "tasks", list);
	return view;
}

/*
 * lease.c - who has a task, for how long, and what happens when nobody hears of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/lease.h"

#include <stdio.h>
#include <string.h>

#include "base/assert.h"
#include "base/log.h"
#include "base/text.h"
#include "hub/dispatch.h"
#include "hub/states.h"

static struct model *
model_of(const struct task *task)
{
	return task->job->workflow->pipeline->model;
}

static bool
task_runs(const struct task *task)
{
	return task->row.phase >= TASK_RUNNING;
}

void
lease_renew(struct task *task)
{
	struct model *model = model_of(task);
	uint64_t period = task_runs(task) ? RUNNER_LOST_MS : RUNNER_LEASE_MS;

	task->lease_until_ms = model->mono_ms(model) + period;
	task->is_doubted = false;
	model_want_clock(model, task->lease_until_ms);
}

void
lease_take(struct task *task, struct agent *agent, const struct id *claim)
{
	task->agent = agent;
	task->row.agent = agent->row.id;
	snprintf(task->row.agent_name, sizeof(task->row.agent_name), "%s", agent->row.name);
	task->row.claim = *claim;
	task->row.epoch++;
	task->row.event_seq = 0;
	task->row.phase = TASK_CLAIMED;
	agent->row.used_ms = agent->model->unix_ms();
	task_enter(task, HUB_LEASED, OUTCOME_NONE, "");
	lease_renew(task);
}

bool
lease_is(const struct task *task, const struct id *agent, uint32_t epoch)
{
	return task->row.state == HUB_LEASED && task->row.epoch == epoch &&
	       id_eq(&task->row.agent, agent);
}

/* Back to the queue, or ended where somebody canceled it meanwhile. */
static void
queue_again(struct task *task, const char *reason)
{
	char by[RUNNER_REASON_BYTES];

	task->row.phase = TASK_CLAIMED;
	if (task->row.cancel_by[0] != '\0') {
		snprintf(by, sizeof(by), "canceled by %.150s", task->row.cancel_by);
		task->is_abandoned = true;
		task_enter(task, HUB_ENDED, OUTCOME_CANCELED, by);
		return;
	}
	task_enter(task, HUB_QUEUED, OUTCOME_NONE, reason);
}

bool
lease_return(struct task *task, const char *reason)
{
	assert(task->row.state == HUB_LEASED);
	if (task->row.returned >= RUNNER_UNCLAIM_MOST)
		return false;
	task->row.returned++;
	queue_again(task, reason);
	return true;
}

/* Lost before it ran: once is bad luck. An agent that says that it does not have it has given it back. */
static bool
queue_lost(struct task *task)
{
	uint32_t *times = task->is_doubted ? &task->row.returned : &task->row.lost;
	char reason[RUNNER_REASON_BYTES];

	if (*times >= (task->is_doubted ? RUNNER_UNCLAIM_MOST : RUNNER_LOST_MOST))
		return false;
	snprintf(reason, sizeof(reason),
		 task->is_doubted ? "agent '%.100s' does not have it" : "agent '%.100s' was not heard from before it ran",
		 task->row.agent_name);
	++*times;
	queue_again(task, reason);
	return true;
}

static void
lease_lose(struct task *task, const char *cause)
{
	char reason[RUNNER_REASON_BYTES];
	bool runs = task_runs(task);

	if (!runs && queue_lost(task))
		return;
	if (runs && task->is_doubted)
		snprintf(reason, sizeof(reason), "agent '%.100s' came back without this task, which had been running%s",
			 task->row.agent_name, cause);
	else if (runs)
		snprintf(reason, sizeof(reason),
			 "agent '%.100s' was not heard from for %d min while it ran this task",
			 task->row.agent_name, RUNNER_LOST_MS / 60000);
	else if (task->is_doubted)
		snprintf(reason, sizeof(reason), "it was given to an agent and not run %d times",
			 RUNNER_UNCLAIM_MOST + 1);
	else
		snprintf(reason, sizeof(reason),
			 "agent '%.100s' was not heard from before it ran, and it had been lost so before",
			 task->row.agent_name);
	task->is_abandoned = true;
	task_enter(task, HUB_ENDED,
		   task->row.cancel_by[0] != '\0' ? OUTCOME_CANCELED : OUTCOME_INFRA_FAIL, reason);
}

void
lease_forget(struct task *task)
{
	task->is_doubted = true;
	lease_lose(task, ": its host was restarted");
}

void
lease_doubt(struct task *task)
{
	struct model *model = model_of(task);
	uint64_t until = model->mono_ms(model) + (task_runs(task) ? RUNNER_LEASE_MS : LEASE_DOUBT_MS);

	if (task->lease_until_ms <= until)
		return;
	task->is_doubted = true;
	task->lease_until_ms = until;
	model_want_clock(model, until);
}

/* --- agents ---------------------------------------------------------------------------------- */

static void
count_classes(struct agent *agent, bool more)
{
	unsigned i;

	for (i = 0; i < agent->class_count; i++) {
		struct resource_class *class = agent->classes[i];

		class->agents = more ? class->agents + 1 : class->agents - 1;
		class_check_waiting(class);
	}
}

void
agent_heard(struct agent *agent)
{
	struct model *model = agent->model;
	int64_t now = model->unix_ms();

	agent->heard_ms = model->mono_ms(model);
	if (now - agent->row.last_ms >= RUNNER_LEASE_MS) {
		agent->row.last_ms = now;
		agent_touch(agent);
	}
	if (agent->is_present)
		return;
	agent->is_present = true;
	model->counts.agents++;
	count_classes(agent, true);
	model_want_clock(model, agent->heard_ms + RUNNER_LEASE_MS);
	log_info("agent '%s' is here", agent->row.name);
}

static void
agent_leave(struct agent *agent)
{
	agent->is_present = false;
	agent->model->counts.agents--;
	count_classes(agent, false);
	log_warn("agent '%s' has not been heard of for %d s", agent->row.name, RUNNER_LEASE_MS / 1000);
}

void
agent_serve(struct agent *agent, struct resource_class *const *classes, unsigned count)
{
	assert(count <= MODEL_CLASSES_OF_AGENT);
	if (count == agent->class_count &&
	    (count == 0 || memcmp(classes, agent->classes, count * sizeof(*classes)) == 0))
		return;
	if (agent->is_present)
		count_classes(agent, false);
	memcpy(agent->classes, classes, count * sizeof(*classes));
	agent->class_count = count;
	if (agent->is_present)
		count_classes(agent, true);
}

void
agent_stand(struct agent *agent, enum agent_standing standing, const char *by)
{
	agent->row.standing = standing;
	(void)snprintf(agent->row.standing_by, sizeof(agent->row.standing_by), "%s", by);
	agent->row.standing_ms = agent->model->unix_ms();
	agent_touch(agent);
	log_info("agent '%s' is %s, by '%s'; it has %u tasks", agent->row.name, agent_standing_name(standing), by,
		 agent->lease_count);
	if (agent->claim != NULL)
		agent->claim->granted(agent->claim);
}

const char *
agent_is_stopped(const struct agent *agent, char *room, size_t size)
{
	if (agent->row.standing == AGENT_ACTIVE)
		return NULL;
	(void)snprintf(room, size, "%s by '%s'", agent->row.standing == AGENT_PAUSED ? "paused" : "drained",
		       agent->row.standing_by);
	return room;
}

bool
agent_remove(struct agent *agent)
{
	if (agent->leases != NULL || agent->claim != NULL || agent->heartbeat != NULL)
		return false;
	log_info("agent '%s' is removed", agent->row.name);
	if (agent->is_present) {
		agent->is_present = false;
		agent->model->counts.agents--;
		count_classes(agent, false);
	}
	agent_delete(agent);
	return true;
}

/* --- the clock ---------------------------------------------------------------------------------- */

static uint64_t
earlier(uint64_t a, uint64_t b)
{
	return a == 0 || b < a ? b : a;
}

static uint64_t
check_agent(struct agent *agent, uint64_t now, uint64_t due)
{
	struct task *task, *next;

	for (task = agent->leases; task != NULL; task = next) {
		next = task->lease_next;
		if (task->lease_until_ms <= now)
			lease_lose(task, "");
		else
			due = earlier(due, task->lease_until_ms);
	}
	if (!agent->is_present)
		return due;
	/* An open request is a sign of life. */
	if (agent->claim != NULL || agent->heartbeat != NULL)
		agent->heard_ms = now;
	if (agent->heard_ms + RUNNER_LEASE_MS <= now) {
		agent_leave(agent);
		return due;
	}
	return earlier(due, agent->heard_ms + RUNNER_LEASE_MS);
}

static void
excuse(uint64_t *until_ms, uint64_t least_ms)
{
	if (*until_ms != 0 && *until_ms < least_ms)
		*until_ms = least_ms;
}

void
leases_excuse(struct model *model, uint64_t late_ms)
{
	uint64_t least_ms = model->mono_ms(model) + LEASE_DOUBT_MS;
	struct agent *agent, *next_agent;
	struct task *task, *next_task;
	char took[24];

	log_warn("the hub has not run for %s: agents have another %d s to be heard of", text_duration(took, late_ms),
		 LEASE_DOUBT_MS / 1000);
	HASH_ITER(hh, model->agents, agent, next_agent) {
		for (task = agent->leases; task != NULL; task = task->lease_next)
			excuse(&task->lease_until_ms, least_ms);
		if (agent->is_present && agent->heard_ms + RUNNER_LEASE_MS < least_ms)
			agent->heard_ms = least_ms - RUNNER_LEASE_MS;
	}
	HASH_ITER(hh, model->tasks, task, next_task)
		excuse(&task->output_until_ms, least_ms);
}

void
leases_check(struct model *model)
{
	uint64_t now = model->mono_ms(model), due = 0;
	struct agent *agent, *next_agent;
	struct task *task, *next_task;

	HASH_ITER(hh, model->agents, agent, next_agent)
		due = check_agent(agent, now, due);
	HASH_ITER(hh, model->tasks, task, next_task) {
		if (task->row.state != HUB_ENDED || task->output_until_ms == 0 || !task->row.output_open)
			continue;
		if (task->output_until_ms <= now)
			task_close_output(task);
		else
			due = earlier(due, task->output_until_ms);
	}
	if (due != 0)
		model_want_clock(model, due);
}

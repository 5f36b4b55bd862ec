/*
 * follow_watch.c - the lines of a pipeline's watch (doc/api.md), as facts of its nodes.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/mem.h"
#include "base/text.h"
#include "ctl/follow_private.h"
#include "format/json.h"

static enum job_look
look_of(const char *outcome)
{
	if (text_eq(outcome, "success"))
		return JOB_SUCCESS;
	if (text_eq(outcome, "canceled"))
		return JOB_CANCELED;
	if (text_eq(outcome, "not_run") || text_eq(outcome, "skipped"))
		return JOB_NOT_RUN;
	return JOB_FAILED;
}

/* Milliseconds from one RFC 3339 time to another, UINT64_MAX where one is missing. */
static uint64_t
between_ms(const char *from, const char *to)
{
	struct tm tm[2];
	const char *text[2] = {from, to}, *rest;
	int64_t ms[2];
	int i;

	for (i = 0; i < 2; i++) {
		if (text[i] == NULL)
			return UINT64_MAX;
		memset(&tm[i], 0, sizeof(tm[i]));
		rest = strptime(text[i], "%Y-%m-%dT%H:%M:%S", &tm[i]);
		if (rest == NULL)
			return UINT64_MAX;
		ms[i] = (int64_t)timegm(&tm[i]) * 1000;
		if (rest[0] == '.')
			ms[i] += (int64_t)(strtod(rest, NULL) * 1000 + 0.5);
	}
	return ms[1] >= ms[0] ? (uint64_t)(ms[1] - ms[0]) : UINT64_MAX;
}

static void
node_start(struct follow *follow, struct node *node)
{
	if (node->started)
		return;
	node->started = true;
	display_job_started(follow->display, node->shown, 0);
}

static void
node_end(struct follow *follow, struct node *node, const struct json *what)
{
	struct fact fact = {.type = FACT_JOB_ENDED, .look = look_of(json_get_str(what, "outcome"))};
	const char *reason = json_get_str(what, "reason");

	if (node->ended)
		return;
	node->ended = true;
	fact.reason = (char *)(uintptr_t)reason;
	fact.took_ms =
		between_ms(json_get_str(what, "started_at"), json_get_str(what, "stopped_at"));
	if (fact.took_ms != UINT64_MAX)
		node_start(follow, node);
	node_queue(follow, node, &fact);
}

static void
enter_task(struct follow *follow, struct node *node, const char *id)
{
	struct task_of *known;

	HASH_FIND_STR(follow->tasks, id, known);
	if (known != NULL)
		return;
	known = MEM_NEW(struct task_of);
	(void)snprintf(known->id, sizeof(known->id), "%s", id);
	known->node = node;
	HASH_ADD_STR(follow->tasks, id, known);
}

static void
take_task(struct follow *follow, const struct json *job, const char *job_id,
	  const struct json *task)
{
	const char *id = json_get_str(task, "id"), *state = json_get_str(task, "state");
	int64_t attempt = json_get_int(task, "attempt", 1);
	struct node *node;
	struct id parsed;

	node = node_of(follow, job, job_id, (unsigned)json_get_int(task, "node_index", 0) % 10000);
	if (node == NULL || !id_parse(&parsed, id != NULL ? id : "") || attempt < node->attempt)
		return;
	node_renew(node, id, attempt);
	enter_task(follow, node, id);
	if (json_get_str(task, "started_at") != NULL && !text_eq(state, "queued"))
		node_start(follow, node);
	if (text_eq(state, "ended"))
		node_end(follow, node, task);
}

/* A job that could run and waits for its turn; said once. */
static void
note_waiting(struct follow *follow, struct node *node, const char *why)
{
	char room[512];

	if (why == NULL || node->is_waiting)
		return;
	node->is_waiting = true;
	(void)snprintf(room, sizeof(room), "job '%.200s' waits: %.200s", node->name, why);
	display_note(follow->display, room);
}

static void
take_job(struct follow *follow, const struct json *job)
{
	const struct json *tasks = json_get(job, "tasks");
	const char *id = json_get_str(job, "id");
	struct node *node;
	struct id parsed;
	size_t i;

	if (id == NULL || !id_parse(&parsed, id))
		return;
	node = node_of(follow, job, id, 0);
	if (node != NULL && text_eq(json_get_str(job, "state"), "blocked"))
		note_waiting(follow, node, json_get_str(job, "waiting"));
	for (i = 0; i < json_count(tasks); i++)
		take_task(follow, job, id, json_at(tasks, i));
	/* A job that never had a task: not run, canceled while it waited, or of a kind that does
	 * not run. */
	if (node != NULL && node->task[0] == '\0' && text_eq(json_get_str(job, "state"), "ended"))
		node_end(follow, node, job);
}

/* A step that began and ended between two lines is told of by its end alone: it has begun, too. */
static void
note_step_start(struct follow *follow, struct node *node, const struct fact *end)
{
	struct fact start = {.type = FACT_STEP_STARTED, .step = end->step, .attempt = end->attempt};

	if (node_knows_start(node, end->step, end->attempt) || text_eq(end->end.outcome, "skipped"))
		return;
	start.end.step = end->end.step;
	node_queue(follow, node, &start);
}

static void
take_step(struct follow *follow, const struct json *line)
{
	const struct json *step = json_get(line, "step");
	const char *id = json_get_str(line, "task"), *name = json_get_str(step, "name");
	const char *outcome = json_get_str(step, "outcome");
	struct fact fact = {.type = FACT_STEP_STARTED};
	struct task_of *task = NULL;
	struct node *node;

	if (id != NULL)
		HASH_FIND_STR(follow->tasks, id, task);
	if (task == NULL || strcmp(task->node->task, id) != 0)
		return;
	node = task->node;
	node_start(follow, node);
	fact.step = (uint32_t)json_get_int(step, "index", 0);
	fact.attempt = (uint32_t)json_get_int(step, "attempt", 1);
	fact.end.step = name != NULL ? name : "";
	if (fact.step >= FOLLOW_STEPS_MOST)
		return;
	(void)node_received(node, fact.step, 0);
	if (!text_eq(json_get_str(step, "state"), "ended")) {
		node_queue(follow, node, &fact);
		return;
	}
	fact.type = FACT_STEP_ENDED;
	fact.output_bytes = (uint64_t)json_get_int(step, "output_bytes", 0);
	fact.end.outcome = outcome != NULL ? outcome : "failed";
	fact.end.exit_code = (int)json_get_int(step, "exit_code", -1);
	fact.end.signal = (int)json_get_int(step, "signal", 0);
	fact.end.wall_ms = (uint64_t)json_get_int(step, "wall_ms", 0);
	note_step_start(follow, node, &fact);
	node_queue(follow, node, &fact);
}

void
watch_take_line(struct follow *follow, const struct json *line)
{
	const char *type = json_get_str(line, "type"), *outcome;

	follow->seq = json_get_int(line, "seq", follow->seq);
	if (text_eq(type, "job")) {
		take_job(follow, json_get(line, "job"));
	} else if (text_eq(type, "step")) {
		take_step(follow, line);
	} else if (text_eq(type, "waiting")) {
		if (json_get_str(line, "message") != NULL)
			display_note(follow->display, json_get_str(line, "message"));
	} else if (text_eq(type, "pipeline") && text_eq(json_get_str(line, "state"), "ended")) {
		outcome = json_get_str(line, "outcome");
		(void)snprintf(follow->outcome, sizeof(follow->outcome), "%s",
			       outcome != NULL ? outcome : "failed");
	}
}

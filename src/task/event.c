/*
 * event.c - what happened to a task, as JSON and back.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "task/event.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "format/json.h"
#include "task/names.h"

static bool
has_step(enum event_type type)
{
	return type == EVENT_STEP_STARTED || type == EVENT_STEP_ENDED;
}

static bool
has_outcome(enum event_type type)
{
	return type == EVENT_STEP_ENDED || type == EVENT_ENDED;
}

static void
write_step_end(struct json *json, const struct task_event *event)
{
	if (event->exit_code != EVENT_NO_EXIT_CODE)
		json_put_int(json, "exit_code", event->exit_code);
	if (event->signal != 0)
		json_put_int(json, "signal", event->signal);
	json_put_int(json, "output_bytes", (int64_t)event->output_bytes);
	json_put_int(json, "wall_ms", (int64_t)event->wall_ms);
	json_put_int(json, "user_us", (int64_t)event->user_us);
	json_put_int(json, "system_us", (int64_t)event->system_us);
	json_put_int(json, "max_rss_bytes", (int64_t)event->max_rss_bytes);
	json_put_int(json, "peak_bytes", (int64_t)event->peak_bytes);
	json_put_int(json, "read_bytes", (int64_t)event->read_bytes);
	json_put_int(json, "write_bytes", (int64_t)event->write_bytes);
}

struct json *
task_event_write(const struct task_event *event)
{
	struct json *json = json_new_object();
	char id[ID_TEXT_BYTES];

	json_put_str(json, "task", id_text(id, &event->task));
	json_put_int(json, "epoch", event->epoch);
	json_put_int(json, "seq", event->seq);
	json_put_int(json, "time_ms", event->time_ms);
	json_put_str(json, "type", event_name(event->type));
	if (has_step(event->type)) {
		json_put_int(json, "step", event->step);
		json_put_int(json, "attempt", event->attempt);
	}
	if (has_outcome(event->type)) {
		json_put_str(json, "outcome", outcome_name(event->outcome));
		if (event->reason[0] != '\0')
			json_put_str(json, "reason", event->reason);
	}
	if (event->type == EVENT_STEP_ENDED)
		write_step_end(json, event);
	return json;
}

static int
parse_identity(struct task_event *event, const struct json *json, struct err *err)
{
	const char *text = NULL;
	int64_t value = 0;
	int rc;

	rc = json_need_str(json, "task", &text, err);
	if (rc < 0)
		return rc;
	if (!id_parse(&event->task, text))
		return err_set(err, ERR_INPUT, "member 'task' must be a UUID");
	rc = json_need_int(json, "epoch", 1, UINT32_MAX, &value, err);
	if (rc < 0)
		return rc;
	event->epoch = (uint32_t)value;
	rc = json_need_int(json, "seq", 1, UINT32_MAX, &value, err);
	if (rc < 0)
		return rc;
	event->seq = (uint32_t)value;
	rc = json_need_int(json, "time_ms", 0, INT64_MAX, &event->time_ms, err);
	if (rc < 0)
		return rc;
	rc = json_need_str(json, "type", &text, err);
	if (rc < 0)
		return rc;
	if (!event_parse(&event->type, text))
		return err_set(err, ERR_INPUT, "member 'type' is '%.32s', which is no kind of event", text);
	return 0;
}

static int
parse_step(struct task_event *event, const struct json *json, struct err *err)
{
	int64_t step = 0, attempt = 0;
	int rc;

	rc = json_need_int(json, "step", 0, RUNNER_TASK_STEPS_MOST - 1, &step, err);
	if (rc == 0)
		rc = json_need_int(json, "attempt", 1, 1000, &attempt, err);
	if (rc < 0)
		return rc;
	event->step = (uint32_t)step;
	event->attempt = (uint32_t)attempt;
	return 0;
}

static int
parse_outcome(struct task_event *event, const struct json *json, struct err *err)
{
	const char *text = NULL, *reason;
	int rc = json_need_str(json, "outcome", &text, err);

	if (rc < 0)
		return rc;
	if (!outcome_parse(&event->outcome, text) || event->outcome == OUTCOME_NONE)
		return err_set(err, ERR_INPUT, "member 'outcome' is '%.32s', which is no outcome", text);
	reason = json_get_str(json, "reason");
	(void)snprintf(event->reason, sizeof(event->reason), "%s", reason != NULL ? reason : "");
	return 0;
}

static uint64_t
get_count(const struct json *json, const char *key)
{
	int64_t value = json_get_int(json, key, 0);

	return value > 0 ? (uint64_t)value : 0;
}

static void
parse_step_end(struct task_event *event, const struct json *json)
{
	int64_t code = json_get_int(json, "exit_code", EVENT_NO_EXIT_CODE);
	int64_t signal = json_get_int(json, "signal", 0);

	event->exit_code = code >= 0 && code <= 255 ? (int32_t)code : EVENT_NO_EXIT_CODE;
	event->signal = signal > 0 && signal < 128 ? (int32_t)signal : 0;
	event->output_bytes = get_count(json, "output_bytes");
	event->wall_ms = get_count(json, "wall_ms");
	event->user_us = get_count(json, "user_us");
	event->system_us = get_count(json, "system_us");
	event->max_rss_bytes = get_count(json, "max_rss_bytes");
	event->peak_bytes = get_count(json, "peak_bytes");
	event->read_bytes = get_count(json, "read_bytes");
	event->write_bytes = get_count(json, "write_bytes");
}

int
task_event_parse(struct task_event *out, const struct json *json, struct err *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	out->exit_code = EVENT_NO_EXIT_CODE;
	rc = parse_identity(out, json, err);
	if (rc == 0 && has_step(out->type))
		rc = parse_step(out, json, err);
	if (rc == 0 && has_outcome(out->type))
		rc = parse_outcome(out, json, err);
	if (rc == 0 && out->type == EVENT_STEP_ENDED)
		parse_step_end(out, json);
	return rc;
}

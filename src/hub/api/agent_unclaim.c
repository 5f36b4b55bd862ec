/*
 * agent_unclaim.c - POST /api/v3/runner/unclaim: a task given back before anything ran.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "base/err.h"
#include "base/id.h"
#include "format/json.h"
#include "hub/api/agent.h"
#include "hub/hub.h"
#include "hub/lease.h"

/* The body names the task once more and proves it by its own token. */
static int
check_body(struct call *call, const struct json *body, struct err *err)
{
	const char *text, *token;
	uint32_t epoch;
	struct id id;

	if (json_need_str(body, "task_id", &text, err) < 0 ||
	    json_need_str(body, "task_token", &token, err) < 0)
		return err->code;
	if (!id_parse(&id, text) || !id_eq(&id, &call->task))
		return err_set(err, ERR_INPUT, "member 'task_id' is not the task of the token");
	if (!task_token_read(token, &call->hub->key, &id, &epoch) || !id_eq(&id, &call->task))
		return err_set(err, ERR_INPUT, "member 'task_token' is not the task's");
	return 0;
}

static void
unclaim(struct call *call)
{
	struct task *task = model_task(&call->hub->model, &call->task);

	/* Sent again: it is queued since the first time, and the epoch is still the same. */
	if (task->row.state == HUB_QUEUED) {
		call_reply_empty_after_commit(call, 204);
		return;
	}
	if (task->row.phase >= TASK_RUNNING) {
		call_reply_message(call, 409, "the task runs already: end it instead");
		return;
	}
	if (!lease_return(task, "its agent gave it back")) {
		call_reply_message(call, 409, "the task was given back %d times already: end it as infra-fail",
				   RUNNER_UNCLAIM_MOST);
		return;
	}
	call_reply_empty_after_commit(call, 204);
}

void
handle_unclaim(struct call *call)
{
	struct err err = ERR_INIT;
	struct json *body;
	int rc;

	rc = call_body(call, &body, &err);
	if (rc < 0) {
		call_reply_err(call, &err);
		return;
	}
	rc = check_body(call, body, &err);
	json_free(body);
	if (rc < 0)
		call_reply_err(call, &err);
	else
		unclaim(call);
}

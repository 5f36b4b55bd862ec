/*
 * agent.c - the agents' table of routes, and what its handlers share.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hub/api/agent.h"

#include <string.h>

#include "base/err.h"
#include "format/json.h"
#include "hub/hub.h"
#include "hub/lease.h"

const struct route agent_routes[] = {
	{"POST", "/api/v3/runner/output", WHO_AGENT, handle_output},
	{"POST", "/api/v3/runner/events", WHO_AGENT, handle_events},
	{"POST", "/api/v3/runner/heartbeat", WHO_AGENT, handle_heartbeat},
	{"POST", "/api/v3/runner/claim", WHO_AGENT, handle_claim},
	{"POST", "/api/v3/runner/tests", WHO_TASK, handle_tests},
	{"POST", "/api/v3/runner/tests/timings", WHO_TASK, handle_timings},
	{"POST", "/api/v3/runner/tests/failed", WHO_TASK, handle_failed_tests},
	{"POST", "/api/v3/runner/unclaim", WHO_TASK, handle_unclaim},
	{NULL, NULL, WHO_ANYONE, NULL},
};

int
agent_parse_id(const struct json *body, struct id *out, struct err *err)
{
	struct json *agent;
	const char *text;
	int rc;

	rc = json_need_object(body, "agent", &agent, err);
	if (rc == 0)
		rc = json_need_str(agent, "id", &text, err);
	if (rc < 0)
		return rc;
	if (!id_parse(out, text))
		return err_set(err, ERR_INPUT, "member 'agent.id' must be a UUID");
	return 0;
}

int
agent_parse_lease(const struct json *list, size_t idx, struct id *task, uint32_t *epoch,
		  struct err *err)
{
	const struct json *item = json_at(list, idx);
	const char *text;
	int64_t number;
	int rc;

	rc = json_need_str(item, "task", &text, err);
	if (rc == 0)
		rc = json_need_int(item, "epoch", 1, UINT32_MAX, &number, err);
	if (rc < 0)
		return rc;
	if (!id_parse(task, text))
		return err_set(err, ERR_INPUT, "member 'task' must be a UUID");
	*epoch = (uint32_t)number;
	return 0;
}

/* One of the blank-separated words. */
static bool
has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	while (*words != '\0') {
		size_t n = strcspn(words, " ");

		if (n == len && memcmp(words, word, n) == 0)
			return true;
		words += n;
		words += strspn(words, " ");
	}
	return false;
}

struct agent *
agent_of_call(struct call *call, const struct id *id, bool *is_refused)
{
	struct agent *agent = model_agent(&call->hub->model, id);

	*is_refused = false;
	if (agent == NULL)
		return NULL;
	if (!has_word(agent->row.classes, call->token->row.name)) {
		*is_refused = true;
		call_reply_message(call, 403, "agent '%s' does not serve class '%s'", agent->row.name,
				   call->token->row.name);
		return NULL;
	}
	agent_heard(agent);
	return agent;
}

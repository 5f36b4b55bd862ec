/*
 * returns.c - tasks that this host cannot take, on their way back to the hub.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/returns.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/hub_link.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "format/json.h"
#include "loop/clock.h"
#include "task/event.h"
#include "task/task_doc.h"

enum { RETURNS_MAGIC = 0x72657475, STATUS_CONFLICT = 409 };

struct one {
	struct returns *returns;
	struct one *next;
	struct hub_request *request; /* always one */
	struct id task;
	uint32_t epoch;
	char *token;
	char reason[RUNNER_REASON_BYTES];
};

struct returns {
	uint32_t magic;
	struct hub_link *link;
	struct one *first;
};

struct returns *
returns_new(struct hub_link *link)
{
	struct returns *returns = MEM_NEW(struct returns);

	returns->magic = RETURNS_MAGIC;
	returns->link = link;
	return returns;
}

static void
forget(struct one *one)
{
	struct one **at = &one->returns->first;

	while (*at != one)
		at = &(*at)->next;
	*at = one->next;
	hub_request_cancel(one->request);
	free(one->token);
	free(one);
}

void
returns_free(struct returns *returns)
{
	if (returns == NULL)
		return;
	OBJ_CHECK(returns, RETURNS_MAGIC);
	while (returns->first != NULL)
		forget(returns->first);
	OBJ_WIPE(returns);
	free(returns);
}

static void
give_up(struct one *one, const char *why)
{
	char id[ID_TEXT_BYTES];

	log_line(LOG_WARN, LOG_AT_TASK(id_text(id, &one->task)),
		 "cannot give it back: %s; its lease will lapse", why);
	forget(one);
}

/* --- the end of one that nobody could take -------------------------------------------------------
 */

static void
on_ended(void *arg, const struct err *err, const struct hub_answer *answer)
{
	struct one *one = arg;

	(void)answer;
	OBJ_CHECK(one->returns, RETURNS_MAGIC);
	one->request = NULL;
	if (err != NULL)
		give_up(one, err->text);
	else
		forget(one);
}

static void
send_end(struct one *one)
{
	struct task_event event = {.task = one->task,
				   .epoch = one->epoch,
				   .seq = 1,
				   .time_ms = clock_unix_ms(),
				   .type = EVENT_ENDED,
				   .outcome = OUTCOME_INFRA_FAIL};
	struct json *json = json_new_object(), *list = json_new_array();
	struct buffer body = BUFFER_INIT;
	struct hub_post post = {
		.kind = HUB_POST_EVENTS, .body = &body, .timeout_ms = RETURNS_REPLY_MS};
	struct err err = ERR_INIT;
	char id[ID_TEXT_BYTES];

	log_line(LOG_INFO, LOG_AT_TASK(id_text(id, &one->task)),
		 "it was given back too often already: it ends as infra-fail");
	(void)snprintf(event.reason, sizeof(event.reason),
		       "no agent could take it, this one last: %.150s", one->reason);
	json_push(list, task_event_write(&event));
	json_put(json, "agent", hub_link_identity_short(one->returns->link));
	json_put(json, "events", list);
	hub_body(&body, json);
	if (hub_post(&one->request, one->returns->link, &post, on_ended, one, &err) < 0)
		give_up(one, err.text);
}

/* --- giving it back ------------------------------------------------------------------------------
 */

static void
on_unclaimed(void *arg, const struct err *err, const struct hub_answer *answer)
{
	struct one *one = arg;

	OBJ_CHECK(one->returns, RETURNS_MAGIC);
	one->request = NULL;
	if (err == NULL)
		forget(one);
	else if (answer->status == STATUS_CONFLICT)
		send_end(one);
	else
		give_up(one, err->text);
}

void
returns_give(struct returns *returns, const struct json *document, const char *reason)
{
	struct one *one = MEM_NEW(struct one);
	struct json *json = json_new_object();
	struct buffer body = BUFFER_INIT;
	struct hub_post post = {
		.kind = HUB_POST_UNCLAIM, .body = &body, .timeout_ms = RETURNS_REPLY_MS};
	struct err err = ERR_INIT;
	const char *token;
	bool is_named = task_doc_identity(document, &one->task, &one->epoch, &token);

	OBJ_CHECK(returns, RETURNS_MAGIC);
	assert(is_named);
	one->returns = returns;
	one->next = returns->first;
	returns->first = one;
	one->token = mem_strdup(token);
	(void)snprintf(one->reason, sizeof(one->reason), "%s", reason);
	post.token = one->token;
	json_put_str(json, "task_id", json_get_str(document, "id"));
	json_put_str(json, "task_token", one->token);
	hub_body(&body, json);
	if (hub_post(&one->request, returns->link, &post, on_unclaimed, one, &err) < 0)
		give_up(one, err.text);
}

/*
 * agent_claim.c - POST /api/v3/runner/claim: tasks for free slots, held while there are none.
 *
 * The leases are of the claim's id and are stored before the reply leaves. So a lost
 * reply costs nothing: the same claim sent again finds its leases, also after a restart of the
 * hub.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/assert.h"
#include "base/err.h"
#include "base/mem.h"
#include "format/json.h"
#include "hub/api/agent.h"
#include "hub/dispatch.h"
#include "hub/document.h"
#include "hub/hub.h"
#include "hub/lease.h"
#include "hub/oidc.h"
#include "hub/tokens.h"

enum { SLOTS_MOST = 65536 };

/* What a claim says. */
struct asked {
	struct agent_row row;
	struct id claim;
	int64_t wait_ms;
	struct offer offer;
	struct resource_class *classes[MODEL_CLASSES_OF_AGENT];
	struct json *running; /* borrowed from the body; NULL: it names none */
	bool forgot;	      /* what it had before has ended with its host */
	const char *stopped;  /* what it was told last, borrowed; NULL: it does not say */
};

struct held_claim {
	struct claim claim; /* first: granted() is given its address */
	struct call *call;
	struct timer timer;
};

/* What we show to people and write to the log. */
static bool
is_printable(const char *text)
{
	const unsigned char *at = (const unsigned char *)text;

	while (*at >= 0x20 && *at != 0x7f)
		at++;
	return *at == '\0' && text[0] != '\0';
}

/* --- read ------------------------------------------------------------------------------------ */

static int
take_text(const struct json *json, const char *key, char *room, size_t size, struct err *err)
{
	const char *text;
	int rc = json_need_str(json, key, &text, err);

	if (rc < 0)
		return rc;
	if (strlen(text) >= size)
		return err_set(err, ERR_INPUT, "member '%s' has %zu bytes, %zu are allowed", key,
			       strlen(text), size - 1);
	if (!is_printable(text))
		return err_set(err, ERR_INPUT, "member '%s' must be printable text", key);
	memcpy(room, text, strlen(text) + 1);
	return 0;
}

static int
parse_agent(struct asked *asked, const struct json *body, struct err *err)
{
	struct agent_row *row = &asked->row;
	const struct json *agent = json_get(body, "agent");
	int64_t slots = 0;

	if (agent_parse_id(body, &row->id, err) < 0 ||
	    take_text(agent, "name", row->name, sizeof(row->name), err) < 0 ||
	    take_text(agent, "version", row->version, sizeof(row->version), err) < 0 ||
	    take_text(agent, "os", row->os, sizeof(row->os), err) < 0 ||
	    take_text(agent, "arch", row->arch, sizeof(row->arch), err) < 0 ||
	    json_need_int(agent, "slots", 1, SLOTS_MOST, &slots, err) < 0)
		return err->code;
	row->slots = (uint32_t)slots;
	asked->offer.total = row->slots;
	return 0;
}

static int
parse_claim(struct asked *asked, const struct json *body, struct err *err)
{
	const char *text;

	if (json_need_str(body, "claim_id", &text, err) < 0 ||
	    json_need_int(body, "wait_ms", 0, INT32_MAX, &asked->wait_ms, err) < 0 ||
	    offer_parse_free(&asked->offer, body, err) < 0)
		return err->code;
	if (!id_parse(&asked->claim, text))
		return err_set(err, ERR_INPUT, "member 'claim_id' must be a UUID");
	if (asked->wait_ms > RUNNER_CLAIM_WAIT_MS)
		asked->wait_ms = RUNNER_CLAIM_WAIT_MS;
	asked->running = json_get(body, "running");
	asked->forgot = json_get_bool(body, "forgot", false);
	asked->stopped = json_get_str(body, "stopped");
	return 0;
}

/* ERR_GONE: the token of a class is unknown. */
static int
parse_class(struct asked *asked, struct model *model, const struct json *item, size_t idx,
	    struct err *err)
{
	struct offer *offer = &asked->offer;
	const struct token *token;
	const char *text;
	size_t used = strlen(asked->row.classes);
	int n;

	if (json_need_str(item, "token", &text, err) < 0 ||
	    offer_parse_class(offer, &offer->classes[idx], item, err) < 0)
		return err_wrap(err, "class %zu", idx + 1);
	token = token_find(model, TOKEN_CLASS, text);
	if (token == NULL)
		return err_set(err, ERR_GONE, "the token of class %zu is unknown", idx + 1);
	n = snprintf(asked->row.classes + used, sizeof(asked->row.classes) - used, "%s%s",
		     used > 0 ? " " : "", token->row.name);
	if ((size_t)n >= sizeof(asked->row.classes) - used)
		return err_set(err, ERR_LIMIT, "the names of the classes are too long together");
	asked->classes[idx] = model_class(model, token->row.name);
	offer->classes[idx].class = asked->classes[idx];
	offer->class_count++;
	return 0;
}

static int
parse_classes(struct asked *asked, struct model *model, const struct json *body, struct err *err)
{
	struct json *classes;
	size_t i;
	int rc;

	rc = json_need_array(body, "classes", MODEL_CLASSES_OF_AGENT, &classes, err);
	for (i = 0; rc == 0 && i < json_count(classes); i++)
		rc = parse_class(asked, model, json_at(classes, i), i, err);
	if (rc == 0 && asked->offer.class_count == 0)
		return err_set(err, ERR_INPUT, "member 'classes' must name a class at least");
	return rc;
}

/* --- the agent ---------------------------------------------------------------------------------- */

/* Two of one id, both connected, would take each other's tasks for their own. A new name alone is no crime. */
static bool
is_another(const struct agent *agent, const struct asked *asked)
{
	return strcmp(agent->row.name, asked->row.name) != 0 &&
	       (agent->claim != NULL || agent->heartbeat != NULL);
}

static struct agent *
meet_agent(struct model *model, const struct asked *asked)
{
	struct agent *agent = model_agent(model, &asked->row.id);
	struct agent_row row = asked->row;

	row.first_ms = row.last_ms = model->unix_ms();
	if (agent == NULL) {
		agent = agent_new(model, &row);
		agent_touch(agent);
	} else {
		row.first_ms = agent->row.first_ms;
		row.used_ms = agent->row.used_ms;
		row.last_ms = agent->row.last_ms;
		row.standing = agent->row.standing;
		memcpy(row.standing_by, agent->row.standing_by, sizeof(row.standing_by));
		row.standing_ms = agent->row.standing_ms;
		if (memcmp(&row, &agent->row, sizeof(row)) != 0) {
			agent->row = row;
			agent_touch(agent);
		}
	}
	agent_serve(agent, asked->classes, asked->offer.class_count);
	if (agent->offer == NULL)
		agent->offer = MEM_NEW(struct offer);
	*agent->offer = asked->offer;
	agent_heard(agent);
	return agent;
}

static bool
is_named(const struct json *running, const struct task *task)
{
	struct err err = ERR_INIT;
	uint32_t epoch;
	struct id id;
	size_t i;

	for (i = 0; i < json_count(running); i++)
		if (agent_parse_lease(running, i, &id, &epoch, &err) == 0 &&
		    id_eq(&id, &task->row.id) && epoch == task->row.epoch)
			return true;
	return false;
}

/* What it holds by its own word and by ours. */
static void
compare_leases(struct agent *agent, const struct asked *asked)
{
	struct task *task, *next;

	for (task = agent->leases; task != NULL; task = next) {
		next = task->lease_next;
		if (is_named(asked->running, task))
			lease_renew(task);
		else if (id_eq(&task->row.claim, &asked->claim))
			continue;
		else if (asked->forgot)
			lease_forget(task);
		else
			lease_doubt(task);
	}
}

/* --- the reply ------------------------------------------------------------------------------------ */

/* A reply whose tokens are being signed. */
struct signed_reply {
	struct call *call;
	struct json *body;
};

static const char *const token_names[] = {"CIRCLE_OIDC_TOKEN", "CIRCLE_OIDC_TOKEN_V2"};

enum { TOKENS_OF_TASK = sizeof(token_names) / sizeof(token_names[0]) };

/* The document says by null which tokens its task gets. */
static void
want_tokens(struct oidc_batch *batch, const struct hub *hub, struct task *task, struct json *document)
{
	struct json *environment = json_get(document, "environment");
	size_t i;

	for (i = 0; i < TOKENS_OF_TASK; i++) {
		const struct oidc_wish wish = {.has_origin_in_subject = i > 0};

		if (task_sets_variable(task, token_names[i]))
			continue;
		oidc_batch_add(batch, oidc_claims(hub, task, &wish));
		json_put(environment, token_names[i], json_new_null());
	}
}

/* Masked is the signature, without which a token is worth nothing: agents look for less then. */
static void
put_token(struct json *document, const char *name, const char *token)
{
	struct json *mask = json_get(document, "mask");
	const char *signature = strrchr(token, '.') + 1;

	if (mask == NULL) {
		mask = json_new_array();
		json_put(document, "mask", mask);
	}
	json_push(mask, json_new_string(signature));
	json_put_int(document, "mask_own", json_get_int(document, "mask_own", 0) + 1);
	json_put_str(json_get(document, "environment"), name, token);
}

static void
on_signed(void *arg, struct oidc_batch *batch)
{
	struct signed_reply *reply = arg;
	struct json *list = json_get(reply->body, "tasks");
	size_t i, j, n = 0;

	for (i = 0; i < json_count(list); i++)
		for (j = 0; j < TOKENS_OF_TASK; j++)
			if (json_is_null(json_get(json_get(json_at(list, i), "environment"), token_names[j])))
				put_token(json_at(list, i), token_names[j], oidc_batch_token(batch, n++));
	call_reply_json(reply->call, 200, reply->body);
	oidc_batch_free(batch);
	free(reply);
}

/* Where too many wait for theirs the agent is told to ask again: its tasks are leased and stay so. */
static void
reply_signed(struct call *call, struct json *body, struct oidc_batch *batch)
{
	struct signed_reply *reply = MEM_NEW(struct signed_reply);
	struct err err = ERR_INIT;

	*reply = (struct signed_reply){call, body};
	if (oidc_batch_start(batch, call->hub, on_signed, reply, &err) == 0)
		return;
	call_reply_err(call, &err);
	json_free(body);
	oidc_batch_free(batch);
	free(reply);
}

/* *batch is made when the first task comes. */
static void
add_document(struct json *list, struct hub *hub, struct task *task, struct oidc_batch **batch)
{
	struct json *document = task_document(task, &hub->key);

	if (*batch == NULL && hub->oidc != NULL)
		*batch = oidc_batch_new(hub);
	if (*batch != NULL)
		want_tokens(*batch, hub, task, document);
	json_push(list, document);
}

/* An agent that a person has stopped is told so; and when one has resumed it, so that it forgets what it has paused itself. */
static void
put_stop(struct json *body, const struct agent *agent)
{
	char room[AGENT_STOP_BYTES];

	if (agent == NULL)
		return;
	if (agent_is_stopped(agent, room, sizeof(room)) == NULL) {
		if (agent->row.standing_ms != 0)
			json_put_int(body, "resumed_ms", agent->row.standing_ms);
		return;
	}
	json_put_str(body, "stopped", room);
	json_put_bool(body, "drain", agent->row.standing == AGENT_DRAINING);
}

static void
reply_documents(struct call *call, struct json *list, struct oidc_batch *batch, const struct agent *agent)
{
	struct json *body = json_new_object();

	json_put(body, "tasks", list);
	put_stop(body, agent);
	if (batch != NULL)
		reply_signed(call, body, batch);
	else
		call_reply_json(call, 200, body);
}

/* A reply that waits for its leases to be stored, and for their documents to be read. */
struct granted {
	struct call *call;
	struct id agent, claim;
};

static void
on_stored(void *arg)
{
	struct granted *granted = arg;
	struct hub *hub = granted->call->hub;
	struct agent *agent = model_agent(&hub->model, &granted->agent);
	struct task *task;
	struct json *list = json_new_array();
	struct oidc_batch *batch = NULL;

	for (task = agent == NULL ? NULL : agent->leases; task != NULL; task = task->lease_next)
		if (id_eq(&task->row.claim, &granted->claim))
			add_document(list, hub, task, &batch);
	reply_documents(granted->call, list, batch, agent);
	free(granted);
}

/* What the agent has leased in the claim's name. */
static void
reply_leases(struct call *call, const struct id *agent, const struct id *claim)
{
	struct granted *granted = MEM_NEW(struct granted);

	*granted = (struct granted){call, *agent, *claim};
	call_on_close(call, NULL);
	model_after_commit(&call->hub->model, on_stored, granted);
}

/* Take it off the agent; the call is the caller's. */
static struct call *
held_end(struct held_claim *held)
{
	struct call *call = held->call;

	assert(held->claim.agent->claim == &held->claim);
	held->claim.agent->claim = NULL;
	timer_release(&held->timer);
	free(held);
	return call;
}

static void
on_granted(struct claim *claim)
{
	struct id agent = claim->agent->row.id, id = claim->id;

	reply_leases(held_end((struct held_claim *)claim), &agent, &id);
}

static void
on_wait_over(void *arg)
{
	struct held_claim *held = arg;

	on_granted(&held->claim);
}

static void
on_client_gone(struct call *call)
{
	call_drop(held_end(call->user));
}

/* A claim that is sent again brings what the first one got. */
static bool
reply_again(struct call *call, struct agent *agent, const struct id *claim)
{
	const struct task *task;

	for (task = agent->leases; task != NULL; task = task->lease_next)
		if (id_eq(&task->row.claim, claim))
			break;
	if (task == NULL)
		return false;
	reply_leases(call, &agent->row.id, claim);
	return true;
}

static void
hold(struct call *call, struct agent *agent, const struct asked *asked)
{
	struct model *model = &call->hub->model;
	struct held_claim *held = MEM_NEW(struct held_claim);

	held->claim.agent = agent;
	held->claim.id = asked->claim;
	held->claim.offer = asked->offer;
	held->claim.offer.since = ++model->claims;
	held->claim.granted = on_granted;
	held->call = call;
	timer_init(&held->timer, model->loop, on_wait_over, held);
	timer_start_ms(&held->timer, (uint64_t)asked->wait_ms);
	agent->claim = &held->claim;
	call->user = held;
	call_on_close(call, on_client_gone);
	model_want_dispatch(model);
}

/* It was paused, drained or resumed since it was told last. */
static bool
is_news(const struct agent *agent, const struct asked *asked)
{
	char room[AGENT_STOP_BYTES];
	const char *stop = agent_is_stopped(agent, room, sizeof(room));

	return asked->stopped != NULL && strcmp(asked->stopped, stop != NULL ? stop : "") != 0;
}

static void
answer(struct call *call, const struct asked *asked)
{
	struct model *model = &call->hub->model;
	struct agent *agent = model_agent(model, &asked->row.id);

	if (agent != NULL && is_another(agent, asked)) {
		call_reply_message(call, 409, "agent '%s' uses this id now: give each agent a state directory of its own",
				   agent->row.name);
		return;
	}
	agent = meet_agent(model, asked);
	compare_leases(agent, asked);
	if (agent->claim != NULL)
		on_wait_over(agent->claim);
	if (reply_again(call, agent, &asked->claim))
		return;
	if (asked->wait_ms == 0 || is_news(agent, asked))
		reply_leases(call, &agent->row.id, &asked->claim);
	else
		hold(call, agent, asked);
}

void
handle_claim(struct call *call)
{
	struct asked asked;
	struct err err = ERR_INIT;
	struct json *body;

	memset(&asked, 0, sizeof(asked));
	if (call_body(call, &body, &err) < 0) {
		call_reply_err(call, &err);
		return;
	}
	if (parse_agent(&asked, body, &err) == 0 && parse_claim(&asked, body, &err) == 0 &&
	    parse_classes(&asked, &call->hub->model, body, &err) == 0)
		answer(call, &asked);
	else if (err.code == ERR_GONE)
		call_reply_message(call, 401, "%s", err.text);
	else
		call_reply_err(call, &err);
	json_free(body);
}

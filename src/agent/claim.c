/*
 * claim.c - ask the hub for tasks, for all free slots in one request.
 *
 * The very first claim has wait_ms 0: it is answered at once, shows that the token is
 * good and tells the hub what is free and running. The others are held.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/claim.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "agent/hub_link.h"
#include "agent/pace.h"
#include "agent/slots.h"
#include "base/assert.h"
#include "base/buffer.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "format/json.h"
#include "loop/loop.h"
#include "runner/protocol.h"

enum { CLAIM_MAGIC = 0x636c6169, CLAIM_HELD_BYTES = 640 };

struct claim {
	uint32_t magic;
	struct loop *loop;
	struct hub_link *link;
	struct slots *slots;
	struct claim_hooks hooks;
	struct pace pace;
	struct timer leisure;
	struct hub_request *request; /* under way */
	struct id id;		     /* of the claim whose answer was not read yet */
	bool has_id;
	bool answered; /* at least once */
	bool forgot;   /* what it had, with the host's restart */
	bool stopped;
	char held[CLAIM_HELD_BYTES]; /* why this host takes nothing; "": it does */
	bool asked_held;	     /* the request says that it takes nothing */
	bool is_odd;	   /* the last answer was none, and the log says so */
	uint64_t hasty_us; /* none to give, and it need not have been said before then */
	int64_t resumed_ms; /* when a person had us resumed; 0: never; -1: the hub has not said yet */
	char barred[256]; /* a person stopped us at the hub, as it says; "": none */
	bool barred_drains;
	char failed[512]; /* what the last answer was instead; "": one */
	char refused[512];		    /* why, as last said; "" when the token is good */
	unsigned asked[SLOTS_CLASSES_MOST]; /* room of each class as the request says it */
	unsigned asked_free;
};

static void on_pace(void *arg);

static void on_leisure(void *arg);

struct claim *
claim_new(struct loop *loop, struct hub_link *link, struct slots *slots, bool forgot,
	  const struct claim_hooks *hooks)
{
	struct claim *claim = MEM_NEW(struct claim);

	claim->magic = CLAIM_MAGIC;
	claim->loop = loop;
	claim->link = link;
	claim->slots = slots;
	claim->forgot = forgot;
	claim->hooks = *hooks;
	claim->resumed_ms = -1;
	pace_init(&claim->pace, loop, CLAIM_GAP_MS, on_pace, claim);
	timer_init(&claim->leisure, loop, on_leisure, claim);
	return claim;
}

void
claim_free(struct claim *claim)
{
	if (claim == NULL)
		return;
	OBJ_CHECK(claim, CLAIM_MAGIC);
	hub_request_cancel(claim->request);
	pace_release(&claim->pace);
	timer_release(&claim->leisure);
	OBJ_WIPE(claim);
	free(claim);
}

bool
claim_is_answered(const struct claim *claim)
{
	return claim->answered;
}

const char *
claim_refusal(const struct claim *claim)
{
	return claim->refused[0] != '\0' ? claim->refused : NULL;
}

const char *
claim_failure(const struct claim *claim)
{
	return claim->request == NULL && claim->failed[0] != '\0' ? claim->failed : NULL;
}

const char *
claim_stopped_by_hub(const struct claim *claim, bool *drain)
{
	*drain = claim->barred_drains;
	return claim->barred[0] != '\0' ? claim->barred : NULL;
}

/* --- decide --------------------------------------------------------------------------- */

static bool
is_held(const struct claim *claim)
{
	return claim->held[0] != '\0';
}

static unsigned
room_of(const struct claim *claim, unsigned class)
{
	return is_held(claim) ? 0 : slots_offer(claim->slots, class);
}

static bool
any_room(const struct claim *claim)
{
	unsigned i;

	for (i = 0; i < claim->slots->class_count; i++)
		if (room_of(claim, i) > 0)
			return true;
	return false;
}

/* A class that the held claim cannot be given tasks of could run some now; or one that it could be is paused. */
static bool
is_blocking(const struct claim *claim)
{
	unsigned i;

	for (i = 0; i < claim->slots->class_count; i++)
		if ((claim->asked[i] == 0 && room_of(claim, i) > 0) ||
		    (claim->asked[i] > 0 && claim->slots->classes[i].paused[0] != '\0'))
			return true;
	return false;
}

static void send_claim(struct claim *claim);

static void
resend(struct claim *claim)
{
	hub_request_cancel(claim->request);
	claim->request = NULL;
	send_claim(claim);
}

static void
on_pace(void *arg)
{
	struct claim *claim = arg;

	OBJ_CHECK(claim, CLAIM_MAGIC);
	if (!hub_link_is_up(claim->link))
		return;
	if (claim->stopped) {
		if (claim->has_id && claim->request == NULL)
			send_claim(claim);
		return;
	}
	if (claim->request == NULL) {
		if (!claim->answered || claim->has_id || is_held(claim) ||
		    slots_any_paused(claim->slots) || any_room(claim))
			send_claim(claim);
	} else if (is_blocking(claim) || claim->asked_held != is_held(claim)) {
		resend(claim);
	} else if (claim->asked_free != slots_free(claim->slots) && !timer_is_on(&claim->leisure)) {
		timer_start_ms(&claim->leisure, CLAIM_LEISURE_MS);
	}
}

static void
on_leisure(void *arg)
{
	struct claim *claim = arg;

	OBJ_CHECK(claim, CLAIM_MAGIC);
	if (claim->request != NULL && !claim->stopped &&
	    claim->asked_free != slots_free(claim->slots))
		resend(claim);
}

void
claim_want(struct claim *claim)
{
	OBJ_CHECK(claim, CLAIM_MAGIC);
	pace_want(&claim->pace);
}

void
claim_resume(struct claim *claim)
{
	OBJ_CHECK(claim, CLAIM_MAGIC);
	pace_resume(&claim->pace);
	pace_want(&claim->pace);
}

void
claim_renew(struct claim *claim)
{
	OBJ_CHECK(claim, CLAIM_MAGIC);
	hub_request_cancel(claim->request);
	claim->request = NULL;
	claim->refused[0] = '\0';
	(void)pace_ok(&claim->pace);
	pace_stop(&claim->pace);
	claim->pace.earliest_us = 0;
	pace_want(&claim->pace);
}

void
claim_pause(struct claim *claim, unsigned ms)
{
	OBJ_CHECK(claim, CLAIM_MAGIC);
	pace_stop(&claim->pace);
	claim->pace.earliest_us = loop_now_us(claim->loop) + (uint64_t)ms * 1000;
}

void
claim_hold(struct claim *claim, const char *why)
{
	bool was_held = is_held(claim);

	OBJ_CHECK(claim, CLAIM_MAGIC);
	(void)snprintf(claim->held, sizeof(claim->held), "%s", why != NULL ? why : "");
	if (is_held(claim) != was_held)
		pace_want(&claim->pace);
}

void
claim_stop(struct claim *claim)
{
	OBJ_CHECK(claim, CLAIM_MAGIC);
	claim->stopped = true;
	timer_stop(&claim->leisure);
	hub_request_cancel(claim->request);
	claim->request = NULL;
	pace_stop(&claim->pace);
	claim->pace.earliest_us = 0;
	pace_want(&claim->pace);
}

bool
claim_is_settled(const struct claim *claim)
{
	return claim->stopped && claim->request == NULL && !claim->has_id;
}

/* --- the answer ------------------------------------------------------------------------- */

/* Said once for each sentence; asked again every CLAIM_REFUSED_MS. */
static void
refused(struct claim *claim, const struct err *err)
{
	if (!text_eq(claim->refused, err->text)) {
		log_error("%s; asking again every %d s", err->text, CLAIM_REFUSED_MS / 1000);
		(void)snprintf(claim->refused, sizeof(claim->refused), "%s", err->text);
	}
	(void)pace_failed(&claim->pace, CLAIM_REFUSED_MS);
	claim->hooks.on_refused(claim->hooks.arg, err->text);
}

static void
give_tasks(struct claim *claim, const struct json *json)
{
	const struct json *tasks = json_get(json, "tasks");
	size_t i, count = json_count(tasks);

	if (count > RUNNER_CLAIM_TASKS_MOST) {
		log_error("hub gives %zu tasks at once, %d are taken", count,
			  RUNNER_CLAIM_TASKS_MOST);
		count = RUNNER_CLAIM_TASKS_MOST;
	}
	for (i = 0; i < count; i++)
		claim->hooks.on_task(claim->hooks.arg, json_at(tasks, i));
}

/* No word of tasks: those that the hub may have leased come with the same claim's next answer. */
static void
ask_again(struct claim *claim)
{
	(void)pace_failed(&claim->pace, 0);
	(void)snprintf(claim->failed, sizeof(claim->failed), "the hub's answer has no tasks, not even none");
	if (!claim->is_odd)
		log_error("claim: the hub's answer has no tasks, not even none; sending again with "
			  "longer and longer waits");
	claim->is_odd = true;
}

/* A hub that has nothing to give and says so at once, although it may wait, is not asked in a loop.
 */
static bool
is_hasty(const struct claim *claim, const struct json *json)
{
	return json_count(json_get(json, "tasks")) == 0 &&
	       loop_now_us(claim->loop) < claim->hasty_us;
}

/* Said when it begins and when it ends. */
static void
read_stop(struct claim *claim, const struct json *json)
{
	const char *stopped = json_get_str(json, "stopped");

	claim->barred_drains = stopped != NULL && json_get_bool(json, "drain", false);
	if (text_eq(claim->barred, stopped != NULL ? stopped : ""))
		return;
	(void)snprintf(claim->barred, sizeof(claim->barred), "%s", stopped != NULL ? stopped : "");
	if (stopped != NULL)
		log_warn("the hub gives this agent no more tasks: it is %.200s", claim->barred);
	else
		log_info("the hub gives this agent tasks again");
}

/* The same time again is no news, and the first one may be of long ago. */
static void
read_resumed(struct claim *claim, const struct json *json)
{
	int64_t resumed_ms = json_get_int(json, "resumed_ms", 0);
	bool news = claim->resumed_ms >= 0 && resumed_ms != 0 && resumed_ms != claim->resumed_ms;

	claim->resumed_ms = resumed_ms;
	if (news)
		claim->hooks.on_resumed(claim->hooks.arg);
}

static void
on_claimed(void *arg, const struct err *err, const struct hub_answer *answer)
{
	struct claim *claim = arg;
	bool first = !claim->answered;
	uint64_t wait_ms;

	OBJ_CHECK(claim, CLAIM_MAGIC);
	claim->request = NULL;
	timer_stop(&claim->leisure);
	if (err != NULL && err->code == ERR_INPUT) {
		claim->has_id = false; /* what was refused gave no task: nothing is to be asked back */
		refused(claim, err);
		return;
	}
	if (err != NULL) {
		(void)snprintf(claim->failed, sizeof(claim->failed), "%s", err->text);
		wait_ms = pace_failed(&claim->pace, answer->retry_after_ms);
		log_debug("claim: %s; again in %llu ms", err->text, (unsigned long long)wait_ms);
		return;
	}
	if (answer->status != 204 && !json_is_array(json_get(answer->json, "tasks"))) {
		ask_again(claim);
		return;
	}
	claim->has_id = false;
	claim->answered = true;
	claim->is_odd = false;
	claim->failed[0] = '\0';
	claim->refused[0] = '\0';
	if (is_hasty(claim, answer->json))
		(void)pace_failed(&claim->pace, 0);
	else
		(void)pace_ok(&claim->pace);
	read_stop(claim, answer->json);
	read_resumed(claim, answer->json);
	give_tasks(claim, answer->json);
	claim->hooks.on_answer(claim->hooks.arg, first);
	pace_want(&claim->pace);
}

/* --- the request ---------------------------------------------------------------------------- */

static void
make_body(struct claim *claim, uint64_t wait_ms, struct buffer *body)
{
	struct json *json = json_new_object(), *running = json_new_array();
	char text[ID_TEXT_BYTES];

	json_put(json, "agent", hub_link_identity(claim->link, claim->slots->total));
	json_put_str(json, "claim_id", id_text(text, &claim->id));
	json_put_int(json, "wait_ms", (int64_t)wait_ms);
	slots_write(claim->slots, claim->stopped || is_held(claim), json);
	if (is_held(claim))
		json_put_str(json, "held", claim->held);
	claim->hooks.put_running(claim->hooks.arg, running);
	json_put(json, "running", running);
	if (claim->forgot && !claim->answered)
		json_put_bool(json, "forgot", true);
	json_put_str(json, "stopped", claim->barred);
	hub_body(body, json);
}

static void
send_claim(struct claim *claim)
{
	uint64_t wait_ms = claim->answered && !claim->stopped ? RUNNER_CLAIM_WAIT_MS : 0;
	struct buffer body = BUFFER_INIT;
	struct hub_post post = {
		.kind = HUB_POST_CLAIM, .body = &body, .timeout_ms = wait_ms + CLAIM_REPLY_MS};
	struct err err = ERR_INIT;
	unsigned i;

	if (!claim->has_id)
		id_random(&claim->id);
	claim->has_id = true;
	claim->asked_held = is_held(claim);
	claim->asked_free = slots_free(claim->slots);
	for (i = 0; i < claim->slots->class_count; i++)
		claim->asked[i] = room_of(claim, i);
	claim->hasty_us = wait_ms > 0 ? loop_now_us(claim->loop) + CLAIM_HASTY_MS * 1000ull : 0;
	make_body(claim, wait_ms, &body);
	pace_sent(&claim->pace);
	if (hub_post(&claim->request, claim->link, &post, on_claimed, claim, &err) < 0) {
		log_debug("claim: %s", err.text);
		(void)pace_failed(&claim->pace, 0);
	}
}

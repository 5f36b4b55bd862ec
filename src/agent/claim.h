/*
 * claim.h - ask the hub for tasks, for all free slots in one request.
 *
 * claim_new() -> claim_want() whenever room may have changed -> claim_free(). One
 * claim is under way at a time, held by the hub until there is work. It keeps its
 * claim_id until its answer was read, however often it is sent: the hub gives the
 * same tasks for the same id, so a lost reply loses none and doubles none. When a
 * class that had no room in the held claim has some now, the claim is reset and sent
 * again under its id; more room of a kind that was asked for anyhow is told at leisure.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CLAIM_H
#define AGENT_CLAIM_H

#include <stdbool.h>
#include <stddef.h>

struct claim;
struct hub_link;
struct json;
struct loop;
struct slots;

enum {
	CLAIM_GAP_MS = 5,	  /* between claims while tasks come: they gather meanwhile */
	CLAIM_LEISURE_MS = 1000,  /* until a held claim is corrected for the sake of numbers */
	CLAIM_HASTY_MS = 1000,	  /* an empty answer that comes sooner, though it may be held */
	CLAIM_REFUSED_MS = 30000, /* until a refused token is tried again */
	CLAIM_REPLY_MS = 30000,	  /* for the answer, beyond the time it is held */
};

struct claim_hooks {
	void *arg;
	void (*on_task)(void *arg, const struct json *document); /* borrowed for the call */
	/* A claim was answered, with tasks or not; first: for the first time. */
	void (*on_answer)(void *arg, bool first);
	/* A person has had this agent resumed at the hub. */
	void (*on_resumed)(void *arg);
	/* The hub refuses the token; message is its sentence. */
	void (*on_refused)(void *arg, const char *message);
	/* Fill "running" with {"task", "epoch"} of each task held. */
	void (*put_running)(void *arg, struct json *list);
};

/* forgot: this agent had tasks that ended with its host, and says so until the first answer. */
struct claim *claim_new(struct loop *loop, struct hub_link *link, struct slots *slots, bool forgot,
			const struct claim_hooks *hooks);
void claim_free(struct claim *claim); /* NULL is fine */

/* Decide anew: free to be called any time. */
void claim_want(struct claim *claim);
/* The same on a new connection: what failed on an old one is tried at once. */
void claim_resume(struct claim *claim);

/* Was one answered with success since the start? */
bool claim_is_answered(const struct claim *claim);
/* Why the hub refuses the token, as it says; NULL when it does not. */
const char *claim_refusal(const struct claim *claim);

/* What the last answer was instead of tasks or none, while the next claim waits; else NULL. */
const char *claim_failure(const struct claim *claim);

/* A person has stopped this agent at the hub, as it says; NULL: none has. */
const char *claim_stopped_by_hub(const struct claim *claim, bool *drain);

/* New tokens: what is held was asked with the old ones; ask anew at once. */
void claim_renew(struct claim *claim);

/* Ask for nothing during the next ms milliseconds: this host cannot take a task just now. */
void claim_pause(struct claim *claim, unsigned ms);

/*
 * This host takes nothing for now, and why, or again (NULL): the claim says that no class has room. It
 * is still sent, so that the hub hears of us. Tasks that the hub has given before come.
 */
void claim_hold(struct claim *claim, const char *why);

/*
 * Ask for nothing more. The claim that is under way is taken back with its id: tasks the hub
 * has given for it still come.
 */
void claim_stop(struct claim *claim);
/* True when nothing is under way after claim_stop(), so that no task can come any more. */
bool claim_is_settled(const struct claim *claim);

#endif

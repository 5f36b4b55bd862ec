/*
 * contexts.h - contexts that come with a command line: --context NAME=FILE.
 *
 * contexts_add() for each -> contexts_note_missing() -> contexts_send() -> contexts_release().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_CONTEXTS_H
#define CTL_CONTEXTS_H

#include <stddef.h>

struct api;
struct err;
struct given_context;
struct plan;

enum { CONTEXTS_MOST = 100 };

/* Zeroed: none. */
struct contexts {
	struct given_context *items;
	size_t count;
};

void contexts_release(struct contexts *contexts);

/* "NAME=FILE", a file as dotenv.h has it; "NAME": a context without variables. Given again, a
 * context gets the variables of both, the later above the earlier. Fails: ERR_INPUT, ERR_LIMIT,
 * ERR_HOST. */
int contexts_add(struct contexts *contexts, const char *typed, struct err *err);

/* A remark on standard error for each context that a job of the plan names and nobody gave. */
void contexts_note_missing(const struct contexts *contexts, const struct plan *plan);

/* Make them at a hub, for that organization ("vcs/owner"). Fails: as api_call(). */
int
contexts_send(const struct contexts *contexts, struct api *api, const char *org, struct err *err);

#endif

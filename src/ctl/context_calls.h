/*
 * context_calls.h - a hub's contexts: what the commands ask of them.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_CONTEXT_CALLS_H
#define CTL_CONTEXT_CALLS_H

struct api;
struct environment;
struct err;
struct json;

/* Make a context of that organization ("vcs/owner"). *out, the hub's answer, is the caller's.
 * Fails: as api_call(). */
int context_make(struct json **out, struct api *api, const char *org, const char *name,
		 struct err *err);

/* Set a variable of the context at that path ("/api/v2/context/ID"). Fails: as api_call(). */
int context_put(struct api *api, const char *context, const char *name, const char *value,
		struct err *err);

/* Each of them; the error names the one that failed. */
int context_put_all(struct api *api, const char *context, const struct environment *from,
		    struct err *err);

#endif

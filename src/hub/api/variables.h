/*
 * variables.h - what contexts.c and projects.c share: bodies with values, pages of variables.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_API_VARIABLES_H
#define HUB_API_VARIABLES_H

#include "hub/secrets.h"

struct call;
struct json;

typedef struct json *variable_view_fn(const struct model *model, const struct variable *variable);

/* A page of them by name, as "page-token" asks for it; replies. */
void
variables_reply_page(struct call *call, const struct variables *variables, variable_view_fn *view);

/* Set one and reply with it, that status, after the commit; or reply why not. */
void variables_set(struct call *call, struct variables *variables, const char *name,
		   const char *value, int status, variable_view_fn *view);

/* Delete the one named and reply; 404 when there is none (variables may be NULL). */
void variables_delete(struct call *call, struct variables *variables, const char *name);

/* Which of count things "page-token" asks for: [from, to), next -1 at the end. False: the reply
 * (400) is sent. */
bool variables_page(struct call *call, size_t count, size_t *from, size_t *to, int64_t *next);

#endif

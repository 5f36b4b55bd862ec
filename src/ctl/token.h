/*
 * token.h - tokens of resource classes, as made and shown.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_TOKEN_H
#define CTL_TOKEN_H

struct api;
struct err;
struct json;

/* Ask the hub for a token of a resource class; *out is its answer and the caller's. */
int token_make(struct json **out, struct api *api, const char *resource_class, const char *nickname,
	       struct err *err);

/* Print it, the one time that it can be: the bare token, so that it can go to a file; or with
 * --json all. */
int token_print(const struct json *token);

#endif

/*
 * show.h - what the hub has at a path, printed as a list or as one thing with its lists; what a
 * call to it came to.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

struct api;
struct buffer;
struct column;
struct err;
struct json;
struct option;

/* Add "?NAME=VALUE" to a path, or "&NAME=VALUE" behind another, percent-encoded; nothing where
 * value is NULL. */
void show_ask(struct buffer *path, const char *name, const char *value);

/* For args_read(): option --NAME VALUE asks path, a struct buffer, for NAME=VALUE. A bad --limit is
 * ERR_INPUT. */
int show_option(void *path, const struct option *option, const char *value, struct err *err);

/* What a list's items are in; the caller frees. Fails like api_get(). */
typedef int show_fetch_fn(struct json **out, struct api *api, const void *arg, struct err *err);

/* Print the items of what fetch brings: where its path is to be found out at the hub first, or by
 * git. Returns the exit status. */
int show_fetched(show_fetch_fn *fetch, const void *arg, const struct column *columns);

/* The same of what is at path, which is taken. */
int show_list(char *path, const struct column *columns);

struct show_part {
	const char *member; /* of the thing: "steps"; NULL ends the parts */
	char *path; /* where the hub has it as items; NULL: it is in the thing itself. Taken. */
	const struct column *columns;
};

/* Print the thing at path, which is taken, and its parts that are not empty; as JSON one document.
 * Returns the exit status. */
int show_thing(char *path, const struct column *lines, const struct show_part *parts);

/* Make a call that brings nothing and asks for nothing: "POST", "DELETE". path is taken. Returns
 * the exit status. */
int show_call(const char *method, char *path);

#endif

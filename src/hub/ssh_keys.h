/*
 * ssh_keys.h - the private SSH keys of projects: what checkout and add_ssh_keys use.
 *
 * A key is sealed and kept as variables are (secrets.h), under an owner that follows from the
 * project's id; its name is its fingerprint, its value hostname, MD5 fingerprint and key, a line
 * between each. A job that has use for keys gets them with its lease (grant.h).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_SSH_KEYS_H
#define HUB_SSH_KEYS_H

#include <stdbool.h>

#include "base/buffer.h"

struct err;
struct id;
struct json;
struct model;
struct project;
struct variable;
struct variables;

enum { SSH_KEYS_MOST = 64, SSH_KEYS_HOST_BYTES = 254 };

/* Under which the store has the keys of a project. */
void ssh_keys_owner(struct id *out, const struct id *project);

/* Could it be added. Fails: ERR_INPUT (no key, no host), ERR_LIMIT. */
int ssh_key_check(const struct variables *keys, const char *hostname, const char *text,
		  struct err *err);
/* hostname "": for every host. One with the same fingerprint is replaced. Fails as
 * ssh_key_check(). */
int ssh_key_add(struct variable **out, struct model *model, struct project *project,
		const char *hostname, const char *text, struct err *err);

/* A key's parts; they point into clear, which the caller gives to secrets_forget(). */
struct ssh_key_parts {
	struct buffer clear;
	const char *hostname, *md5, *text;
};

/* value is "" or a key's, NUL-terminated, changed. False: it is none. */
bool ssh_key_split(struct ssh_key_parts *parts, char *value);
/* Fails: ERR_HOST when it does not open. */
int ssh_key_open(struct ssh_key_parts *parts, const struct model *model, const struct variable *key,
		 struct err *err);

/* Is a name of a lease's value a key's? */
bool ssh_key_is_name(const char *name);
/* The member "ssh_keys" of a task document gets one more. */
void ssh_key_put(struct json *list, const char *fingerprint, const char *value);

#endif

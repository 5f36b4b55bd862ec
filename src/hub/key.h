/*
 * key.h - the hub's secret key: the task tokens it signs, the values it seals.
 *
 * A task token names its task and the lease's epoch and carries an HMAC of both: the
 * hub checks it without having stored it, gives the same one when a claim is
 * repeated, and a token of an older lease is worth nothing.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_KEY_H
#define HUB_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"

struct err;

enum { HUB_KEY_BYTES = 32, TASK_TOKEN_BYTES = 120, CONTINUATION_KEY_BYTES = 112 };

struct hub_key {
	unsigned char bytes[HUB_KEY_BYTES];
};

/*
 * The key's own name, which says nothing of the key: the database keeps that of the key its
 * values are sealed with.
 */
void hub_key_name(unsigned char out[HUB_KEY_BYTES], const struct hub_key *key);
/* The key that values are sealed with; it follows from the secret key. Zero it after use. */
void hub_key_of_seals(unsigned char out[HUB_KEY_BYTES], const struct hub_key *key);

/* Make a new one in a file that must not exist, 64 hexadecimal digits, mode 0600. */
int hub_key_make(const char *path, struct err *err);
/* Fails: ERR_HOST; ERR_INPUT when it is no key, or others may read it. */
int hub_key_load(struct hub_key *key, const char *path, struct err *err);

/* Where a rotation makes the key to come: PATH.new. The caller frees. */
char *hub_key_next_path(const char *path);
/*
 * Is it the key of that name, which the database's values are sealed with (NULL: none are). Where it is not and PATH.new
 * is, a rotation was cut off after its commit: that one is put in place and read. Fails: ERR_INPUT: a
 * database goes with its key; ERR_HOST.
 */
int hub_key_settle(struct hub_key *key, const char *path, const unsigned char *name,
		   struct err *err);
/* PATH.new becomes PATH, durably. Fails: ERR_HOST. */
int hub_key_replace(const char *path, struct err *err);

const char *task_token_write(char room[TASK_TOKEN_BYTES], const struct hub_key *key,
			     const struct id *task, uint32_t epoch);
/* False when it is none of ours. Whether the epoch is still the task's is the caller's to ask. */
bool task_token_read(const char *token, const struct hub_key *key, struct id *task, uint32_t *epoch);

/*
 * A continuation key names a setup pipeline, and likewise needs not be stored: whoever has it may continue the
 * pipeline, once.
 */
const char *continuation_key_write(char room[CONTINUATION_KEY_BYTES], const struct hub_key *key,
				   const struct id *pipeline);
bool continuation_key_read(const char *text, const struct hub_key *key, struct id *pipeline);

#endif

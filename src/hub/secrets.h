/*
 * secrets.h - contexts, and the variables of contexts and projects (a project's keys too).
 *
 * All are in memory and in the store, each value sealed with a key that follows from the hub's
 * secret key and bound to its owner and name. A value is opened when its tail is shown
 * and when a lease is made or handed out, and nowhere else; our buffers of clear text are zeroed
 * after use, and a hub leaves no core (serve.c).
 *
 * Changes are submitted to the store with the turn; reply after model_after_commit().
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_SECRETS_H
#define HUB_SECRETS_H

#include <stdbool.h>
#include <stddef.h>
#include <uthash.h>

#include "hub/key.h"
#include "hub/rows.h"

struct buffer;
struct err;
struct model;
struct store_snapshot;

enum {
	SECRETS_VALUE_MOST_BYTES = 64 << 10,
	SECRETS_VARIABLES_MOST = 1000, /* of one owner */
	SECRETS_CONTEXTS_MOST = 1000,
	SECRETS_MASKED_BYTES = 9, /* "xxxx", four characters, NUL */
};

struct variable {
	struct variable_row row; /* row.sealed is ours */
	UT_hash_handle hh;	 /* by row.name */
};

/* Of one context or project. */
struct variables {
	struct id owner;
	struct variable *table;
};

struct context {
	struct context_row row;
	struct variables variables;
	UT_hash_handle hh; /* by row.id */
};

struct context *context_find(struct model *model, const struct id *id);
struct context *context_find_name(struct model *model, const char *owner, const char *name);

/* "gh/ada" of "gh/ada/engine". Returns room. */
const char *secrets_owner_of(char room[HUB_NAME_BYTES], const char *slug);

/* Fails: ERR_INPUT (a name that is none, or is taken), ERR_LIMIT. */
int context_make(struct context **out, struct model *model, const char *owner, const char *name,
		 struct err *err);
/* With its variables. */
void context_delete(struct model *model, struct context *context);

struct variable *variable_find(const struct variables *variables, const char *name);
/* Could it be set. Fails: ERR_INPUT (a name that is none), ERR_LIMIT. */
int variable_check(const struct variables *variables, const char *name, const char *value,
		   struct err *err);
/* Make or change one. Fails like variable_check(). */
int variable_set(struct variable **out, struct model *model, struct variables *variables,
		 const char *name, const char *value, struct err *err);
/* The same without a check: its name and value are what the caller wants them to be. */
struct variable *variable_put(struct model *model, struct variables *variables, const char *name,
			      const char *value);
void variable_delete(struct model *model, struct variables *variables, struct variable *variable);

/* Append the value and a NUL. Fails: ERR_HOST when it does not open: damaged, or sealed with
 * another key. */
int variable_open(struct buffer *out, const struct model *model, const struct variable *variable,
		  struct err *err);
/* "xxxx" and the last four characters of a value of eight or more. Returns room. */
const char *variable_masked(char room[SECRETS_MASKED_BYTES], const struct model *model,
			    const struct variable *variable);

/* --- what variables and leases share ----------------------------------------------------- */

/* key: hub_key_of_seals(). Seal into *sealed (from malloc). name "": what a lease was given. */
void secrets_seal(unsigned char **sealed, size_t *sealed_len, const unsigned char key[HUB_KEY_BYTES],
		  const struct id *owner, const char *name, const void *bytes, size_t len);
/* Append the clear text and a NUL; the caller zeroes it. False: it does not open. */
bool secrets_open(struct buffer *out, const unsigned char key[HUB_KEY_BYTES], const struct id *owner,
		  const char *name, const unsigned char *sealed, size_t len);
/* Zero what it holds and release it. */
void secrets_forget(struct buffer *clear);

/* --- start and end ----------------------------------------------------------------------- */

/* The key, settled (hub_key_settle()). The first one's name goes to the store. */
void secrets_take_key(struct model *model, const struct hub_key *key,
		      const struct store_snapshot *snapshot);
/* Contexts and variables into the model, once projects and tasks are there. Fails: ERR_INPUT. */
int secrets_load(struct model *model, const struct store_snapshot *snapshot, struct err *err);
void variables_release(struct variables *variables);
void secrets_release(struct model *model);

#endif

/*
 * grant.h - the values of contexts and project variables that a lease was given.
 *
 * Worked out when a task is about to be leased, sealed, and stored with the lease: a claim
 * that is asked again gets the same values, whatever has been changed meanwhile. A task without
 * any has no grant. It goes when the lease ends.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_GRANT_H
#define HUB_GRANT_H

struct err;
struct json;
struct task;

enum { GRANT_MOST_BYTES = 512 << 10 }; /* of the values, as JSON */

/*
 * Of a queued task. Fails: ERR_GONE (a context of its job does not exist), ERR_LIMIT (too much),
 * ERR_HOST (a value does not open).
 */
int grant_make(struct task *task, struct err *err);

/*
 * Into a task document: environment gains the variables it does not have yet (all that is there
 * stands above contexts and projects), document its "mask", and its "key_environment" the values
 * that it has none of.
 */
void grant_apply(const struct task *task, struct json *document, struct json *environment);

/* NULL-safe: harmless when there is none. */
void grant_drop(struct task *task);

#endif

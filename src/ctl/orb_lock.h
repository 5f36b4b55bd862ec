/*
 * orb_lock.h - the lock file beside a config: which version each of its orbs is, and its digest.
 *
 * A line an orb, sorted, made to be kept with the config and to be read in a diff:
 *
 *	circleci/node@5 5.2.0 sha256:6f1f...
 *
 * A reference as the config has it, the exact version it stood for when it was fetched, and
 * the SHA-256 of the orb's bytes. Lines that begin with '#' say what the file is.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_ORB_LOCK_H
#define CTL_ORB_LOCK_H

#include <stddef.h>

#include "compile/orb_ref.h"
#include "format/digest.h"

struct err;

enum { ORB_LOCK_MAX_BYTES = 256 * 1024, ORB_LOCK_LINES_MAX = 1000 };

struct orb_pin {
	struct orb_ref ref;
	struct orb_version version;
	char digest[DIGEST_TEXT_BYTES];
};

/* Zeroed: empty. */
struct orb_lock {
	struct orb_pin *pins;
	size_t count;
};

/* A file that is not there is an empty lock. Fails: ERR_INPUT with the line, ERR_HOST, ERR_LIMIT.
 */
int orb_lock_read(struct orb_lock *lock, const char *path, struct err *err);
void orb_lock_release(struct orb_lock *lock);

/* NULL: there is none for this reference. Borrowed until the next change. */
const struct orb_pin *orb_lock_get(const struct orb_lock *lock, const struct orb_ref *ref);
/* A pin of that exact version, whatever the reference says; or NULL. */
const struct orb_pin *orb_lock_get_exact(const struct orb_lock *lock, const struct orb_ref *ref,
					 const struct orb_version *version);

/* Adds it, or replaces the one of this reference. Fails: ERR_LIMIT. */
int orb_lock_put(struct orb_lock *lock, const struct orb_pin *pin, struct err *err);

/* Fails: ERR_HOST. */
int orb_lock_write(const struct orb_lock *lock, const char *path, struct err *err);

#endif

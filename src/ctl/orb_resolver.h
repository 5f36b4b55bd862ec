/*
 * orb_resolver.h - which orb on disk a reference means: shelves in their order, held to the lock.
 *
 * The shelves are "orbs" beside the config and $XDG_DATA_HOME/runner/orbs; the lock is
 * "orbs.lock" beside the config. A reference that is locked means its locked version and
 * nothing else; others the highest version that the first shelf with one has.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_ORB_RESOLVER_H
#define CTL_ORB_RESOLVER_H

#include <stddef.h>

#include "ctl/orb_lock.h"

struct buffer;
struct err;

enum { ORB_SHELVES = 2 };

struct orb_resolver {
	char *shelves[ORB_SHELVES]; /* [1] is NULL where there is no home */
	char *lock_path;
	struct orb_lock lock;
};

/* directory is the config's. Fails: ERR_INPUT (the lock file, with its line), ERR_HOST. */
int orb_resolver_init(struct orb_resolver *resolver, const char *directory, struct err *err);
void orb_resolver_release(struct orb_resolver *resolver); /* a zeroed one is fine */

/*
 * Find an orb: its exact version, its file's path (the caller frees) and its bytes (appended).
 * Fails: ERR_INPUT when it is not what the lock has, ERR_GONE with where it was looked for,
 * ERR_HOST, ERR_LIMIT.
 */
int
orb_resolver_find(const struct orb_resolver *resolver, const struct orb_ref *ref,
		  struct orb_version *version, char **path, struct buffer *bytes, struct err *err);

/* A compile_orb_fn; arg is the resolver. */
int orb_resolver_give(void *arg, const char *text, void **bytes, size_t *len, char **path,
		      char **resolved, struct err *err);

#endif

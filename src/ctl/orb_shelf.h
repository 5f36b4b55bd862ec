/*
 * orb_shelf.h - a directory of orbs: ROOT/NS/NAME/VERSION.yml, exact versions only.
 *
 * What lies there is checked when it is read: a regular file of at most ORB_MAX_BYTES.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_ORB_SHELF_H
#define CTL_ORB_SHELF_H

#include <stddef.h>

#include "compile/compile.h"
#include "compile/orb_ref.h"

struct buffer;
struct err;

enum { ORB_MAX_BYTES = COMPILE_CONFIG_MAX_BYTES };

/* The path of a version's file; the caller frees. */
char *
orb_shelf_path(const char *root, const struct orb_ref *ref, const struct orb_version *version);

/* The highest version there that ref accepts. Fails: ERR_GONE when there is none. */
int orb_shelf_find(const char *root, const struct orb_ref *ref, struct orb_version *out,
		   struct err *err);

/* Append the orb. Fails: ERR_GONE when it is not there, ERR_HOST, ERR_LIMIT. */
int orb_shelf_read(const char *root, const struct orb_ref *ref, const struct orb_version *version,
		   struct buffer *out, struct err *err);

/* Put it there, with the directories that are missing; another of that version is replaced.
 * Fails: ERR_HOST. */
int orb_shelf_write(const char *root, const struct orb_ref *ref, const struct orb_version *version,
		    const struct buffer *bytes, struct err *err);

/* Each orb there, in the order of names, versions rising; ref->version is exact. Names that cannot
 * be an orb's are passed over. A root that is not there has none. */
typedef void orb_shelf_fn(void *arg, const struct orb_ref *ref);
void orb_shelf_each(const char *root, orb_shelf_fn *fn, void *arg);

#endif

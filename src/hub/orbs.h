/*
 * orbs.h - the registry orbs that the hub keeps, and how its compiler finds them.
 *
 * All are in memory and in the store. A released version (X.Y.Z) never changes; dev:LABEL
 * may. What is kept was imported once by the compiler, so it is an orb.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_ORBS_H
#define HUB_ORBS_H

#include <stdbool.h>
#include <stddef.h>
#include <uthash.h>

#include "compile/compile.h"
#include "compile/orb_ref.h"
#include "hub/rows.h"

struct diags;
struct err;
struct json;
struct model;
struct store_snapshot;

enum {
	ORBS_MOST = 2000,
	ORBS_MOST_BYTES = 64 << 20, /* of all that are kept */
	ORBS_SENT_MOST = 100,	    /* along with a config */
};

struct orb_entry {
	struct orb_row row; /* row.source is ours */
	struct orb_ref ref; /* of row.name */
	UT_hash_handle hh;  /* by row.name */
};

/* Who imports: the hub's own orbs, and above them those that came along with the config. */
struct orb_finder {
	struct model *model;
	const struct json *sent; /* array of {"ref","source"}; NULL: none */
};

/* compile_input.orb, in any thread; arg is a struct orb_finder. */
compile_orb_fn orbs_find;

/* Is it an array of at most ORBS_SENT_MOST of {"ref": exact, "source"}. Fails: ERR_INPUT,
 * ERR_LIMIT. */
int orbs_check_sent(const struct json *sent, struct err *err);

/* The highest that ref accepts; NULL: none. */
const struct orb_entry *orb_find(const struct model *model, const struct orb_ref *ref);

/*
 * Import it once, in any thread: it takes as long as a config does. Fails: ERR_INPUT; *diags (set always, the caller frees) says why.
 */
int orb_check(struct model *model, const struct orb_ref *ref, const char *source,
	      struct diags **diags);

/*
 * Keep one that was checked; ref is exact. *is_new is false when it is kept as it is already. Reply
 * after model_after_commit(). Fails: ERR_GONE (a released version with another source is kept),
 * ERR_LIMIT.
 */
int orb_keep(const struct orb_entry **out, struct model *model, const struct orb_ref *ref,
	     const char *source, bool *is_new, struct err *err);
void orb_delete(struct model *model, const struct orb_ref *ref); /* exact; one that is kept */

void orbs_load(struct model *model, const struct store_snapshot *snapshot);
void orbs_release(struct model *model);

#endif

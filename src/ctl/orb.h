/*
 * orb.h - what the orb commands share: their words, and the orbs that are kept for a config.
 *
 * orbs_begin() -> ... -> orbs_end(), whatever orbs_begin() returned.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_ORB_H
#define CTL_ORB_H

#include <stdbool.h>

#include "base/options.h"
#include "ctl/orb_resolver.h"

struct buffer;
struct err;

/* clang-format off */
#define ORB_CONFIG_OPTION                                                                      \
	{"config", 'c', "FILE", "the config the orbs are for (default: .circleci/config.yml)"}
/* clang-format on */

struct orbs {
	const char *config;	     /* NULL: the default */
	const char *from, *registry; /* of fetch */
	const char *to;		     /* of add */
	bool update;
	struct orb_resolver resolver; /* the shelves beside the config and at home, and the lock */
};

/* Read the words, of which there must be count, and the lock: ARGS_GO, or the status to end with.
 */
int orbs_begin(struct orbs *orbs, const struct command *command, int count, int argc, char **argv);
void orbs_end(struct orbs *orbs);

/* Fails: ERR_INPUT with the forms there are. */
int orbs_parse_ref(struct orb_ref *ref, const char *text, struct err *err);

/* The lock has other bytes for that version of it. Fails: ERR_INPUT, unless --update. */
int orbs_check_lock(const struct orbs *orbs, const struct orb_pin *pin, struct err *err);

/* Put it beside the config, and its pin into the lock; the lock is not written yet. Fails:
 * ERR_HOST, ERR_LIMIT. */
int orbs_keep(struct orbs *orbs, const struct orb_pin *pin, const struct buffer *bytes,
	      struct err *err);

#endif

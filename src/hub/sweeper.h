/*
 * sweeper.h - what is older than it is kept is deleted, all the time and a little at a time.
 *
 * The times are settings (settings.h). The store deletes, in operations that are short (store.h,
 * STORE_SWEEP); here it is decided when, and that no pipeline goes which is in memory or on its way there.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_SWEEPER_H
#define HUB_SWEEPER_H

#include <stdint.h>

#include "hub/rows.h"

struct hub;

/* Deleted since the start; kept. */
struct sweeper_numbers {
	uint64_t deleted[KEPT_KIND_COUNT], bytes[KEPT_KIND_COUNT];
	uint64_t kept[USAGE_COUNT]; /* bytes of all projects, when it looked last */
};

/* Once the store has started: the first look is some moments later. */
void sweeper_start(struct hub *hub);
/* NULL-safe: harmless when it was not started. */
void sweeper_stop(struct hub *hub);

struct sweeper_numbers sweeper_numbers(const struct hub *hub);

#endif

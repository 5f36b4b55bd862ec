/*
 * run_hold.h - "run --keep-failed" on a terminal: wait while a person looks at what has failed.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_RUN_HOLD_H
#define CTL_RUN_HOLD_H

#include <stdbool.h>

struct api;
struct loop;
struct private_pair;

/*
 * Say how each failed job of the pipeline is entered, and run the loop until *stop, or *died. Where
 * nobody sits at a terminal: nothing. Returns whether it has waited.
 */
bool run_hold(struct loop *loop, struct api *api, const struct private_pair *pair,
	      const char *pipeline, const bool *stop, const bool *died);

#endif

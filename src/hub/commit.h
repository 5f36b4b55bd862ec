/*
 * commit.h - this turn's changes of the model, on their way to the store and to watchers.
 *
 * What modules call is in model.h (the *_touch() functions, model_after_commit(), ...); this is
 * what the model itself needs of it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_COMMIT_H
#define HUB_COMMIT_H

#include "hub/model.h"

/* arg is the model: decide what is to be decided, then hand this turn's changes over as one transaction. */
void commit_turn(void *arg);

/* At the end: forget what is under way; nobody is told. */
void commits_release(struct model *model);

#endif

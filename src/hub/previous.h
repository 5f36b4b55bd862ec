/*
 * previous.h - of each job on each branch the builds before: CIRCLE_PREVIOUS_BUILD_NUM.
 *
 * The last few numbers are kept for a project, branch and name, so that a job that was queued long
 * knows the one before it, and not one behind. A build of the same pipeline is none before.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HUB_PREVIOUS_H
#define HUB_PREVIOUS_H

#include <stdint.h>

struct job;
struct model;
struct previous;
struct store_snapshot;

/* A job has its number. Telling it twice is harmless. */
void previous_note(struct model *model, const struct job *job);
/* Number of the build before this one; 0: there is none, or it is on no branch. */
int64_t previous_of(const struct model *model, const struct job *job);

/* What ended before the start. */
void previous_load(struct model *model, const struct store_snapshot *snapshot);
void previous_release(struct model *model);

#endif

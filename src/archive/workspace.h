/*
 * workspace.h - the steps persist_to_workspace and attach_workspace, from within the job.
 *
 * The agent holds the layers and knows which of them this task may have; what is in them is made
 * and unpacked here, with the job's rights. What is told goes to the step's output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_WORKSPACE_H
#define ARCHIVE_WORKSPACE_H

#include <stddef.h>

struct err;

/*
 * Persist what patterns[0..count) match below root, as the layer of the step of that number. Fails:
 * ERR_INPUT (no root; nothing matches; a pattern leads out of root), ERR_HOST, ERR_LIMIT.
 */
int workspace_persist(const char *step, const char *root, char **patterns, size_t count,
		      struct err *err);

/*
 * Unpack in the directory at, which is made, what the jobs upstream have persisted. None is no
 * error. Fails: ERR_INPUT (two of them persisted one file side by side: all such files are told; a
 * layer that is no archive of ours), ERR_HOST (a layer is not to be had), ERR_LIMIT.
 */
int workspace_attach(const char *at, struct err *err);

#endif

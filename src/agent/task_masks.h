/*
 * task_masks.h - values that a task's own processes want masked, kept over a restart of runnerd.
 *
 * The file is doc/state-directory.md's "masks": appended to, one write(2) a value.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_TASK_MASKS_H
#define AGENT_TASK_MASKS_H

#include <stddef.h>

struct err;
struct mask;

/* Append a value. *total are the bytes of the file; 0 when there is none yet. Fails: ERR_HOST,
 * ERR_LIMIT. */
int task_masks_append(int dir_fd, const void *value, size_t len, size_t *total, struct err *err);

/* Add all values to mask; one that was cut short by a crash is cut off: nobody was told that it
 * counts. No file is no error. Fails: ERR_HOST, ERR_INPUT. */
int task_masks_recover(int dir_fd, struct mask *mask, size_t *total, struct err *err);

#endif

/*
 * quota.h - what holds a task to its class's disk: the file system of the work directory, if it can.
 *
 * The limit itself is set by the launcher (launcher/quota.h), which is root, for tasks that have users of their own. A
 * directory that has one tells everybody by statvfs(2): a limit's size is its size.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_QUOTA_H
#define AGENT_QUOTA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { QUOTA_WHY_BYTES = 160 };

/* Does the file system of that directory hold projects to their limits? Else why says what is missing. */
bool quota_is_on(int dir_fd, char why[QUOTA_WHY_BYTES]);

/*
 * Why a step has failed whose work directory, with a limit, is dir: "its disk of 10.0 GiB is full". False, and room is
 * untouched, when it is not.
 */
bool quota_explain(const char *dir, char *room, size_t size);

#endif

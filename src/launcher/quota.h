/*
 * quota.h - a work directory and all that comes to be in it takes so much of the disk, and no more.
 *
 * By a project quota of the file system (ext4, xfs): what is made in a directory belongs to the
 * directory's project, whoever makes it.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LAUNCHER_QUOTA_H
#define LAUNCHER_QUOTA_H

#include <stdint.h>
#include <sys/types.h>

/*
 * An empty directory that is to be that user's holds at most so many MiB. What earlier tasks of the user
 * have left, and is still being deleted, does not count. Returns errno, or 0.
 */
int quota_hold(int dir, uid_t uid, uint32_t most_mib);

#endif

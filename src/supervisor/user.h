/*
 * user.h - runner-init as root becomes its task's user, and so does all that it starts.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_USER_H
#define SUPERVISOR_USER_H

#include <sys/types.h>

/*
 * For good: no capability is left, nor a way to get one by executing a program. Behind everything that
 * needs root, before anybody is listened to. Returns 0 or an errno.
 */
int user_become(uid_t uid, gid_t gid);

/* Whose rights files are opened and made with from now on, and whose they are then. */
void user_for_files(uid_t uid, gid_t gid);

#endif

/*
 * rights.h - of root's rights, those that the launcher keeps.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LAUNCHER_RIGHTS_H
#define LAUNCHER_RIGHTS_H

#include "launcher/ground.h"
#include "runner/launcher.h"

/*
 * The slots' users are ours from here on, as long as we live: whoever cleans up behind a user ends all
 * of it. *sys: errno.
 */
enum launcher_fault rights_take_users(const struct ground *ground, int *sys);

/* For us and all that comes from us, for good. Returns 0 or an errno. */
int rights_keep_needed(void);

#endif

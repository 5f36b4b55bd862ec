/*
 * linger.h - will the run directory outlive its user's last session?
 *
 * logind removes /run/user/UID when the user has logged out everywhere, and the state of running
 * tasks with it, unless the user lingers: then there is a file of the user's name in
 * LINGER_DIR (systemd: logind-user.c, user_check_linger_file()).
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_LINGER_H
#define AGENT_LINGER_H

#include <stdbool.h>
#include <sys/types.h>

#define LINGER_DIR "/var/lib/systemd/linger"

enum { LINGER_USER_BYTES = 256 };

/*
 * Does logind remove run_dir one day? Not where it lies elsewhere, or the user lingers. user is
 * then who it is, for "loginctl enable-linger". Asks the user database: not for the loop.
 */
bool linger_is_missing(const char *run_dir, char user[LINGER_USER_BYTES]);

/* The same for a user of that id and name; linger_dir is LINGER_DIR. */
bool
linger_is_missing_for(const char *run_dir, uid_t uid, const char *user, const char *linger_dir);

#endif

/*
 * ground.h - what the launcher was started with: all that it ever knows.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef LAUNCHER_GROUND_H
#define LAUNCHER_GROUND_H

#include <stdint.h>
#include <sys/types.h>

struct ground {
	uint32_t first_uid, slots; /* slot n has first_uid + n; all have the group first_uid */
	uint32_t agent_uid, agent_gid;
	const char *init;	/* runner-init's path */
	const char *home;	/* what slots' users have as their HOME; NULL: nothing of the host's */
	const char *work_dir;	/* path of LAUNCHER_WORK_FD, for a user's home */
};

static inline uid_t
ground_uid(const struct ground *ground, uint32_t slot)
{
	return (uid_t)(ground->first_uid + slot);
}

static inline gid_t
ground_gid(const struct ground *ground)
{
	return (gid_t)ground->first_uid;
}

#endif

/*
 * privilege.h - started by root, runnerd becomes a user of its own that can do nothing more.
 *
 * privilege_choose() says who that will be; while we are root still: privilege_give_dir() for what is to
 * be that user's, launcher_new(); then privilege_drop(), for good. Without root, or with the user
 * root, none of it: is_split is false.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_PRIVILEGE_H
#define AGENT_PRIVILEGE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct err;

#define PRIVILEGE_USER	    "runnerd"		     /* who we become where nothing is said */
#define PRIVILEGE_SLOT_UIDS "1900000000-1900004095" /* nobody's: systemd's UIDS-GIDS, "unused" */

struct privilege {
	bool is_split;	   /* runnerd becomes uid; tasks have users of their own */
	char user[64];	   /* its name */
	char home[256];
	uid_t uid;
	gid_t gid;
	uint32_t first_uid, slots; /* the tasks' users; first_uid is their group, too */
};

/*
 * user and slot_uids are the settings; NULL: nothing is said. jobs: so many slots are needed.
 * Fails: ERR_INPUT (no such user, no range, one that is in use); ERR_HOST.
 */
int privilege_choose(struct privilege *privilege, const char *user, const char *slot_uids,
		     uint64_t jobs, struct err *err);

/*
 * Tasks of a runnerd that was root hear root alone: they must end before another user takes over the run directory.
 * Fails: ERR_HOST.
 */
int privilege_check_tasks(const struct privilege *privilege, const char *run_dir, struct err *err);

/*
 * What is root's of a directory, and all that lies in it, becomes the user's: an earlier runnerd was root. One that is
 * somebody's already stays. Fails: ERR_HOST.
 */
int privilege_give_dir(const struct privilege *privilege, const char *path, struct err *err);

/* Of a directory that is the user's: who else gets to what lies in it. Fails: ERR_HOST. */
int privilege_open_dir(const struct privilege *privilege, const char *path, mode_t mode,
		       bool of_slots, struct err *err);

/* From here on we are the user, and nothing that we execute is more. Fails: ERR_HOST. */
int privilege_drop(const struct privilege *privilege, struct err *err);

#endif

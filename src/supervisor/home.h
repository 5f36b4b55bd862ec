/*
 * home.h - the HOME of slots' users: a directory of the host that each task sees as its own user's,
 * and changes for itself alone.
 *
 * Root has named it at runnerd's start (--slot-home), and runner-launcher says it to each
 * runner-init: what is done with root's rights here is done to no other.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef SUPERVISOR_HOME_H
#define SUPERVISOR_HOME_H

#include <sys/types.h>

struct shelter_row;

struct home {
	const char *path; /* NULL: there is none */
	uid_t uid; /* whose it is in the task; 0: we are that user already */
	gid_t gid;
};

/*
 * Lay it over as row says, whose first path is the home's; as root, who has uid's rights to files
 * before and behind it. What its owner has there is uid's in this mount namespace; changes lie in
 * directories of uid's, which are made. Returns 0 or an errno.
 */
int home_lay_over(const struct home *home, const struct shelter_row *row);

/* Can its owner's files be made uid's here? Nothing is changed. Returns 0 or an errno. */
int home_probe(const struct home *home);

#endif

/*
 * skeleton.h - what every task's work directory begins with: home, home/project, tmp, bash_env.
 *
 * A directory that a job has left just as it was made can be the next task's under another
 * name: making and deleting five inodes a task costs milliseconds on some file systems.
 * skeleton_renew() decides it, and lets nothing of the earlier task through: another owner,
 * mode, attribute or flag, one more entry, room set aside or a mount point makes it refuse, and so
 * does a kernel that cannot say (openat2(2) is of Linux 5.6).
 *
 * Names are relative to the directory of all work directories, whose descriptor is dirs.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_SKELETON_H
#define AGENT_SKELETON_H

#include <stdbool.h>
#include <sys/types.h>

struct err;

/* How what we make looks here; it depends on our umask and on the file system. */
struct skeleton {
	int dirs;      /* borrowed */
	mode_t masked; /* our umask */
	uid_t uid;
	gid_t gid;
	struct skeleton_flags {
		unsigned flags;  /* as of chattr(1) */
		unsigned xflags; /* the same and more, where the file system knows them */
		unsigned extent_size, cow_extent_size, project;
	} inherits; /* what a file system gives to what is made in dirs */
};

void skeleton_init(struct skeleton *skeleton, int dirs);

/* Make it below name; what is there already is no error. Fails: ERR_HOST, ERR_LIMIT. */
int skeleton_make(const struct skeleton *skeleton, const char *name, struct err *err);

/* Remove what of it is empty, and name itself. True when name is gone. */
bool skeleton_remove(const struct skeleton *skeleton, const char *name);

/*
 * Is it as skeleton_make() left it? Times are set to now, and directories in its tmp with nothing in
 * them are removed: mount points of an isolated task. No process may be left that uses it.
 */
bool skeleton_renew(const struct skeleton *skeleton, const char *name);

#endif

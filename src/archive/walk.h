/*
 * walk.h - the regular files below a directory, each opened without leaving it.
 *
 * No name on the way is trusted: it may be exchanged for a link while we look. Directories are
 * entered where they are no links; a file may be a link that leads to a regular file below the same
 * directory, and never one that leads out.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_WALK_H
#define ARCHIVE_WALK_H

#include <stdint.h>

struct err;

enum { WALK_DEPTH_MOST = 200 };

struct walk_hooks {
	void *arg;
	/* name is relative to the directory ("a/b"); fd is the callee's. Negative ends the walk. */
	int (*file)(void *arg, const char *name, int fd, uint64_t size, struct err *err);
	/* What is no file to keep is passed over: why. */
	void (*left_out)(void *arg, const char *name, const char *why);
	/* What should be kept and cannot be read. */
	void (*unreadable)(void *arg, const char *name, const char *why);
};

/*
 * dir is an absolute path; it may be a link, or lead through some. Names come in the order of their
 * bytes, a directory at a time. Fails: ERR_HOST (it cannot be opened), or what a hook has failed
 * with.
 */
int walk(const char *dir, const struct walk_hooks *hooks, struct err *err);

#endif

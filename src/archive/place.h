/*
 * place.h - where a path of a job lies in an archive, and where it comes back to.
 *
 * HOME and the directories in it are another's in each task, so an archive has two trees:
 * "home/" for what lies in HOME and "root/" for all else. An archive of a workspace has one alone,
 * "workspace/", whose directory each step names.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_PLACE_H
#define ARCHIVE_PLACE_H

#include <limits.h>
#include <stdbool.h>

struct err;

enum place_tree { PLACE_HOME, PLACE_ROOT, PLACE_WORKSPACE, PLACE_TREES };

struct place {
	char home[PATH_MAX];	  /* absolute, no link in it */
	char cwd[PATH_MAX];	  /* likewise */
	char workspace[PATH_MAX]; /* likewise; "": this is no workspace */
};

/* Of this process. Fails: ERR_HOST, ERR_INPUT (HOME is no absolute path). */
int place_init(struct place *place, struct err *err);

/*
 * "~", "~/x", "x" (in the working directory) or "/x" as an absolute path without "." and "..";
 * nothing is looked up. Fails: ERR_INPUT when it is too long.
 */
int place_resolve(const struct place *place, const char *path, char out[PATH_MAX], struct err *err);

/* Both: what a step's one path is. Fails as they do. */
int place_init_at(struct place *place, const char *path, char out[PATH_MAX], struct err *err);

/* Names are relative to dir from now on, which exists. Fails: ERR_HOST. */
int place_enter_workspace(struct place *place, const char *dir, struct err *err);

/*
 * "home/project/x" for what place_resolve() gave. False when it is too long, or outside the
 * workspace.
 */
bool place_name(const struct place *place, const char *absolute, char out[PATH_MAX]);

/*
 * What place_resolve() gave as a name that is the same in each task: in HOME the path from there,
 * else the absolute one without its first slash; "" for either directory itself. Not of a
 * workspace.
 */
const char *place_lasting_name(const struct place *place, const char *absolute);

/*
 * The tree of an archive's name and what follows it ("." for the tree itself). False: it is in
 * none that this place has, or leads out of it.
 */
bool
place_parse(const struct place *place, const char *name, enum place_tree *tree, const char **rest);

/* The directory that a tree's names are relative to. */
const char *place_dir(const struct place *place, enum place_tree tree);

#endif

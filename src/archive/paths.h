/*
 * paths.h - the paths that are packed: absolute ones, each once, and none that lies in another.
 *
 * paths_add() -> paths_settle() -> what is in the list -> paths_release(), which is harmless at any
 * time.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_PATHS_H
#define ARCHIVE_PATHS_H

#include <stdbool.h>
#include <stddef.h>

struct err;

struct paths {
	char **list;
	size_t count;
};

#define PATHS_INIT                                                                                 \
	{                                                                                          \
		NULL, 0                                                                            \
	}

void paths_release(struct paths *paths);

/* A path as place_resolve() gives it. False where nothing is there: it is left out. */
bool paths_add(struct paths *paths, const char *absolute);

/*
 * Add what a pattern matches below dir: * ? [..] [^..] within a name, \c for c itself, as in Go's
 * filepath.Match. *any is whether it is something. Fails: ERR_INPUT (it leads out of dir, or is no
 * pattern), ERR_HOST.
 */
int paths_add_pattern(struct paths *paths, const char *dir, const char *pattern, bool *any,
		      struct err *err);

/* Sort, and drop those that lie in another. */
void paths_settle(struct paths *paths);

#endif

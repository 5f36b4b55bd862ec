/*
 * cache.h - the steps save_cache and restore_cache, from within the job.
 *
 * The agent holds the caches and hands out files; what is in them is made and unpacked here, with
 * the job's rights. What is told goes to the step's output.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef ARCHIVE_CACHE_H
#define ARCHIVE_CACHE_H

#include <stddef.h>

struct err;

/*
 * Save paths[0..count) under the key of a template. A key that has a cache keeps it, and where none
 * of the paths is there nothing is saved: both are told, and no error. Fails: ERR_INPUT (the
 * template), ERR_HOST, ERR_LIMIT.
 */
int cache_save(const char *key, char **paths, size_t count, struct err *err);

/*
 * Restore the newest cache whose key begins with the first of the templates for which there is any.
 * None is no error; a damaged one is told, and counts as none. Fails: as cache_save().
 */
int cache_restore(char **keys, size_t count, struct err *err);

#endif

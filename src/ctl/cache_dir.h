/*
 * cache_dir.h - where the caches of this user's runs are.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_CACHE_DIR_H
#define CTL_CACHE_DIR_H

struct err;

/*
 * What an agent of this user would take: $XDG_CACHE_HOME/runner, or ~/.cache/runner. The caller
 * frees. Fails: ERR_HOST when neither XDG_CACHE_HOME nor HOME is an absolute path.
 */
int cache_dir_of_user(char **out, struct err *err);

#endif

/*
 * login.h - the personal tokens that "runnerctl login" keeps: a file a hub.
 *
 * $XDG_CONFIG_HOME/runner/tokens/DIGEST, mode 0600, where DIGEST is SHA-256 of the hub's URL as
 * it was given: a token is never sent to another hub than the one it was kept for.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_LOGIN_H
#define CTL_LOGIN_H

struct err;

/* The file for that hub; NULL where there is no home. The caller frees. */
char *login_path(const char *url);

/* *out NULL: none is kept. The caller frees. Fails: ERR_HOST when it is there and cannot be taken:
 * others may read it, it holds no token. */
int login_read(char **out, const char *url, struct err *err);

#endif

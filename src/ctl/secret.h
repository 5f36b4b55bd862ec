/*
 * secret.h - a value that must not stand on the command line.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_SECRET_H
#define CTL_SECRET_H

struct err;

enum { SECRET_MAX_BYTES = 64 * 1024 };

/*
 * Read it: from variable of the environment where that is not NULL, else from the file of that path
 * ("-" or NULL: standard input; a terminal does not show it). One newline at its end is taken off a
 * file's. The caller zeroes it by secret_free(). Fails: ERR_INPUT (not there, not UTF-8, with a NUL
 * in it), ERR_LIMIT, ERR_HOST.
 */
int secret_read(char **out, const char *path, const char *variable, struct err *err);
void secret_free(char *secret); /* NULL is fine */

#endif

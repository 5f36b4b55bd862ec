/*
 * file.h - whole files of a bounded size: read, and replaced in one move.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_FILE_H
#define CTL_FILE_H

#include <stddef.h>

struct buffer;
struct err;

/* Append all of a regular file. Fails: ERR_HOST (err->sys says why it cannot be opened), ERR_LIMIT
 * above most bytes. */
int file_read(const char *path, size_t most, struct buffer *out, struct err *err);

/* Write it beside the place and move it there: nobody sees a part of it. A file that was there
 * keeps its mode. Fails: ERR_HOST. */
int file_write(const char *path, const struct buffer *bytes, struct err *err);

/* The directories above path that are missing. Fails: ERR_HOST. */
int file_make_parents(const char *path, struct err *err);

#endif

/*
 * download.h - artifacts from the hub into a directory.
 *
 * downloads_new() -> downloads_add() for each -> downloads_run() -> downloads_free(). Several come
 * at a time; each is complete, and has the digest that the hub says, when it gets its name. One
 * that is cut goes on where it was. Whoever named an artifact chose its path: none leads out of the
 * directory, by ".." or by a link.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef CTL_DOWNLOAD_H
#define CTL_DOWNLOAD_H

#include <stdint.h>

struct api;
struct downloads;
struct err;
struct json;

enum { DOWNLOADS_AT_ONCE = 8, DOWNLOAD_TRIES = 5 };

/* Of all that were added. */
struct downloads_sum {
	uint64_t files, bytes, failed; /* each of those was said */
	uint64_t took_ms;
};

/* dir is made where it is not there, with those above it. Fails: ERR_HOST. */
int downloads_new(struct downloads **out, struct api *api, const char *dir, struct err *err);

/* An Artifact (doc/api.md), to lie below a directory of that name in dir; "": in dir itself. */
void downloads_add(struct downloads *downloads, const struct json *artifact, const char *below);

/* Until each has come, or failed. */
void downloads_run(struct downloads *downloads, struct downloads_sum *sum);
void downloads_free(struct downloads *downloads); /* NULL is fine */

#endif

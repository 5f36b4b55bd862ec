/*
 * cache_file.h - a cache in its directory: one file with a head that says what it is.
 *
 * The head is JSON and zeros, CACHE_FILE_HEAD_BYTES together; the archive follows. A file appears
 *under its name when all of it is there, and is never changed. Its name follows from project and
 *key, so that of two that save the same key the first one wins, and a head that was tampered with
 *is seen.
 *
 *	{"version": 1, "project": "gh/o/r", "key": "v1-deps", "created_ms": 1769850000123,
 *	 "size_bytes": 1048576, "sha256": "64 digits", "keep_ms": 86400000}
 *
 * "keep_ms" is there where the job's config says it; who does not know it keeps the file for CACHE_KEEP_MS.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef TASK_CACHE_FILE_H
#define TASK_CACHE_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "format/digest.h"

struct err;

enum {
	CACHE_FILE_HEAD_BYTES = 8192,
	CACHE_FILE_NAME_BYTES = 48,
	CACHE_KEY_MOST = 900,	  /* bytes of a key */
	CACHE_PROJECT_MOST = 512, /* bytes of a project's slug */
	CACHE_KEEP_MS =
		15 * 24 * 3600 * 1000, /* at most and where nothing is stated; after that it
					* counts as none (TTL of caches, CircleCI) */
};

#define CACHE_FILE_DIR	  "caches" /* in the cache directory */
#define CACHE_FILE_SUFFIX ".cache"

struct cache_file {
	char project[CACHE_PROJECT_MOST + 1], key[CACHE_KEY_MOST + 1];
	char digest[DIGEST_TEXT_BYTES]; /* SHA-256 of the archive */
	uint64_t size;			/* of the archive */
	int64_t created_ms;
	int64_t keep_ms; /* 0: not stated */
};

/* False: one of the texts is too long. */
bool cache_file_init(struct cache_file *file, const char *project, const char *key,
		     const char *digest);

/* What it is called. Returns room. */
const char *cache_file_name(char room[CACHE_FILE_NAME_BYTES], const char *project, const char *key);

/* Write the head at the file's beginning. Fails: ERR_HOST, ERR_LIMIT (the disk is full). */
int cache_file_write_head(int fd, const struct cache_file *file, struct err *err);

/*
 * Read and check the head of the file of that name; where it is too short or not what its name says
 * it is damaged. The descriptor's offset is the archive's beginning then. Fails: ERR_INPUT,
 * ERR_HOST.
 */
int cache_file_read_head(int fd, const char *name, struct cache_file *file, struct err *err);

#endif

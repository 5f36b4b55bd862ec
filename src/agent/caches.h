/*
 * caches.h - the archives that this host's jobs have saved: a directory with a ceiling.
 *
 * caches_begin() gives a job a file without a name; caches_save() gives the file its name when the
 * job has filled it: what has a name is complete. A key of a project has one cache, which never
 * changes: the first that is saved. caches_find() takes the newest whose key begins with what is
 * asked for. Beyond the ceiling those go that were not used for longest. Several runnerds may share
 * a directory.
 *
 * Of two kinds, each in a directory of its own: caches, and the layers of workspaces, whose key is
 * the layer's name (task/layers.h).
 *
 * What is in a file is checked by who unpacks it (its digest is in its head); heads are read here.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef AGENT_CACHES_H
#define AGENT_CACHES_H

#include <stdint.h>

#include "task/cache_file.h"

struct caches;
struct err;
struct loop;

enum { CACHES_MOST = 65536 }; /* in the directory; beyond that the oldest used go, too */

enum caches_kind { CACHES_OF_JOBS, CACHES_OF_WORKSPACES };

/* dir is made if absent, and one of the kind in it. most_bytes 0: no ceiling. Fails: ERR_HOST. */
int caches_new(struct caches **out, struct loop *loop, enum caches_kind kind, const char *dir,
	       uint64_t most_bytes, struct err *err);
void caches_free(struct caches *caches); /* NULL is fine */

/*
 * A file to write an archive to, from its offset on; *fd is the caller's. Fails: ERR_GONE when the
 * key has a cache; ERR_INPUT (the key); ERR_HOST, ERR_LIMIT.
 */
int
caches_begin(struct caches *caches, const char *project, const char *key, int *fd, struct err *err);

/* What becomes a cache. */
struct cache_offer {
	const char *project, *key;
	const char *digest; /* the SHA-256 of its archive in hexadecimal */
	uint64_t keep_ms;   /* for so long; 0: CACHE_KEEP_MS */
	int64_t created_ms; /* when it was made; 0: now */
};

/*
 * The file of caches_begin() is complete: it becomes the cache. Fails: ERR_GONE when the key has got a cache meanwhile; ERR_INPUT (key,
 * digest, or it is no such file); ERR_HOST, ERR_LIMIT.
 */
int caches_save(struct caches *caches, const struct cache_offer *offer, int fd, struct err *err);

/*
 * The newest cache whose key begins with key: what its head says, and the file, to be read from its
 * offset on; *fd is the caller's. Fails: ERR_GONE when there is none; ERR_HOST.
 */
int caches_find(struct caches *caches, const char *project, const char *key,
		struct cache_file *found, int *fd, struct err *err);

/* The cache of that key, and no other; else as caches_find(). */
int caches_get(struct caches *caches, const char *project, const char *key,
	       struct cache_file *found, int *fd, struct err *err);

/* Its file is not what was saved: remove it. */
void caches_lose(struct caches *caches, const char *project, const char *key);

#endif

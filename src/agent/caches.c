/*
 * caches.c - the caches that this host's jobs have saved.
 *
 * The table follows the directory: it is read again when the directory's time of change is
 * another than ours. The time of last use is the file's own access time, which only we set.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "agent/caches.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uthash.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/text.h"
#include "loop/child.h"
#include "loop/clock.h"

enum { REMOVE_MOST = 64 /* with one rm */ };

#define GONE_SUFFIX ".gone" /* behind its name, while rm is at it */

struct cache {
	char name[CACHE_FILE_NAME_BYTES];
	char *project, *key;
	uint64_t size; /* of the file */
	int64_t created_ms, used_ms, keep_ms;
	bool seen; /* by the scan under way */
	UT_hash_handle hh;
};

static const struct {
	const char *dir, *noun;
} kinds[] = {
	[CACHES_OF_JOBS] = {CACHE_FILE_DIR, "cache"},
	[CACHES_OF_WORKSPACES] = {"layers", "workspace layer"},
};

struct caches {
	struct loop *loop;
	const char *noun; /* of one of them, for people */
	char *path;
	int fd;
	uint64_t most_bytes, bytes;
	struct cache *by_name;
	struct timespec scanned; /* the directory's time of change then */
	struct child rm;
	char *going[REMOVE_MOST]; /* names that rm is told next */
	size_t going_count;
};

/* --- removal: a large file's may take long, so a child does it ------------------------------- */

static void remove_want(struct caches *caches);

static void
on_removed(void *arg, int status, const struct rusage *usage)
{
	struct caches *caches = arg;

	(void)usage;
	if (status != 0)
		log_warn("cannot remove files in '%s'", caches->path);
	remove_want(caches);
}

static void
remove_want(struct caches *caches)
{
	static char rm[] = "rm", force[] = "-f", end[] = "--";
	char *argv[REMOVE_MOST + 4] = {rm, force, end};
	struct child_spec spec = {.path = "/bin/rm", .argv = argv, .cwd = caches->path};
	struct err err = ERR_INIT;
	size_t i;

	if (child_is_running(&caches->rm) || caches->going_count == 0)
		return;
	for (i = 0; i < caches->going_count; i++)
		argv[3 + i] = caches->going[i];
	if (child_start(&caches->rm, caches->loop, &spec, on_removed, caches, &err) < 0)
		log_warn("cannot remove files in '%s': %s", caches->path, err.text);
	for (i = 0; i < caches->going_count; i++)
		free(caches->going[i]);
	caches->going_count = 0;
}

/* More than fit into the list are found by the next scan. */
static void
remove_gone(struct caches *caches, const char *gone)
{
	if (caches->going_count < REMOVE_MOST)
		caches->going[caches->going_count++] = mem_strdup(gone);
	remove_want(caches);
}

/* It is no cache from now on, whenever rm comes to it. */
static void
remove_file(struct caches *caches, const char *name)
{
	char gone[CACHE_FILE_NAME_BYTES + sizeof(GONE_SUFFIX)];

	(void)snprintf(gone, sizeof(gone), "%s" GONE_SUFFIX, name);
	if (renameat(caches->fd, name, caches->fd, gone) == 0)
		remove_gone(caches, gone);
	else if (errno != ENOENT)
		log_warn("cannot remove '%s/%s': %s", caches->path, name, strerror(errno));
}

/* --- the table ---------------------------------------------------------------------------------
 */

static struct cache *
find_named(struct caches *caches, const char *name)
{
	struct cache *cache;

	HASH_FIND_STR(caches->by_name, name, cache);
	return cache;
}

static void
forget(struct caches *caches, struct cache *cache)
{
	HASH_DEL(caches->by_name, cache);
	caches->bytes -= cache->size;
	free(cache->project);
	free(cache->key);
	free(cache);
}

static struct cache *
remember(struct caches *caches, const char *name, const struct cache_file *file, int64_t used_ms)
{
	struct cache *cache = MEM_NEW(struct cache);

	(void)snprintf(cache->name, sizeof(cache->name), "%s", name);
	cache->project = mem_strdup(file->project);
	cache->key = mem_strdup(file->key);
	cache->size = CACHE_FILE_HEAD_BYTES + file->size;
	cache->created_ms = file->created_ms;
	cache->keep_ms = file->keep_ms > 0 ? file->keep_ms : CACHE_KEEP_MS;
	cache->used_ms = used_ms;
	cache->seen = true;
	caches->bytes += cache->size;
	HASH_ADD_STR(caches->by_name, name, cache);
	return cache;
}

static int64_t
ms_of(const struct timespec *time)
{
	return (int64_t)time->tv_sec * 1000 + time->tv_nsec / 1000000;
}

static void
look_at(struct caches *caches, const char *name)
{
	struct cache *cache = find_named(caches, name);
	struct cache_file file;
	struct err err = ERR_INIT;
	struct stat st;
	LOCAL_FD fd = -1;

	if (cache != NULL) {
		cache->seen = true;
		return;
	}
	fd = openat(caches->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid())
		return; /* another's, or gone meanwhile */
	if (cache_file_read_head(fd, name, &file, &err) == 0) {
		(void)remember(caches, name, &file, ms_of(&st.st_atim));
		return;
	}
	log_warn("%s: it is removed", err.text);
	remove_file(caches, name);
}

static void
scan(struct caches *caches)
{
	struct cache *cache, *next;
	struct dirent *entry;
	DIR *dir = fdopendir(openat(caches->fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));

	if (dir == NULL) {
		log_warn("cannot read '%s': %s", caches->path, strerror(errno));
		return;
	}
	HASH_ITER (hh, caches->by_name, cache, next)
		cache->seen = false;
	while ((entry = readdir(dir)) != NULL) {
		if (text_ends(entry->d_name, CACHE_FILE_SUFFIX) &&
		    strlen(entry->d_name) < CACHE_FILE_NAME_BYTES)
			look_at(caches, entry->d_name);
		else if (text_ends(entry->d_name, CACHE_FILE_SUFFIX GONE_SUFFIX))
			remove_gone(caches, entry->d_name);
	}
	(void)closedir(dir);
	HASH_ITER (hh, caches->by_name, cache, next)
		if (!cache->seen)
			forget(caches, cache);
}

/* Another runnerd may have saved or removed one. */
static void
refresh(struct caches *caches)
{
	struct stat st;

	if (fstat(caches->fd, &st) != 0 || (st.st_mtim.tv_sec == caches->scanned.tv_sec &&
					    st.st_mtim.tv_nsec == caches->scanned.tv_nsec))
		return;
	caches->scanned = st.st_mtim;
	scan(caches);
}

/* --- the ceiling -------------------------------------------------------------------------------
 */

static int
by_use(const struct cache *a, const struct cache *b)
{
	return a->used_ms < b->used_ms ? -1 : a->used_ms > b->used_ms;
}

static bool
is_too_old(const struct cache *cache)
{
	return cache->created_ms + cache->keep_ms < clock_unix_ms();
}

static void
evict(struct caches *caches, const struct cache *keep)
{
	struct cache *cache, *next;

	HASH_SORT(caches->by_name, by_use);
	HASH_ITER (hh, caches->by_name, cache, next) {
		bool too_much = (caches->most_bytes > 0 && caches->bytes > caches->most_bytes) ||
				HASH_COUNT(caches->by_name) > CACHES_MOST;

		if (cache == keep || (!too_much && !is_too_old(cache)))
			continue;
		log_info("the %s '%s' of project '%s' goes: %s", caches->noun, cache->key,
			 cache->project, too_much ? "its directory is full" : "it is too old");
		remove_file(caches, cache->name);
		forget(caches, cache);
	}
}

/* --- life ------------------------------------------------------------------------------------- */

int
caches_new(struct caches **out, struct loop *loop, enum caches_kind kind, const char *dir,
	   uint64_t most_bytes, struct err *err)
{
	struct caches *caches = MEM_NEW(struct caches);
	int rc = 0;

	caches->loop = loop;
	caches->most_bytes = most_bytes;
	caches->rm = (struct child)CHILD_INIT;
	caches->noun = kinds[kind].noun;
	caches->path = mem_printf("%s/%s", dir, kinds[kind].dir);
	caches->fd = -1;
	if ((mkdir(dir, 0700) != 0 && errno != EEXIST) ||
	    (mkdir(caches->path, 0700) != 0 && errno != EEXIST))
		rc = err_sys(err, "cannot make directory '%s'", caches->path);
	else
		caches->fd = open(caches->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (rc == 0 && caches->fd < 0)
		rc = err_sys(err, "cannot open directory '%s'", caches->path);
	if (rc < 0) {
		caches_free(caches);
		return rc;
	}
	refresh(caches);
	evict(caches, NULL);
	*out = caches;
	return 0;
}

void
caches_free(struct caches *caches)
{
	struct cache *cache, *next;

	if (caches == NULL)
		return;
	child_release(&caches->rm);
	while (caches->going_count > 0)
		free(caches->going[--caches->going_count]);
	HASH_ITER (hh, caches->by_name, cache, next)
		forget(caches, cache);
	if (caches->fd >= 0)
		(void)close(caches->fd);
	free(caches->path);
	free(caches);
}

/* --- save ---------------------------------------------------------------------------------------
 */

static int
check_key(const char *project, const char *key, struct err *err)
{
	size_t len = strlen(key);

	if (len == 0 || len > CACHE_KEY_MOST || strchr(key, '\n') != NULL ||
	    !text_is_utf8(key, len))
		return err_set(err, ERR_INPUT, "a cache's key is one line of 1 to %d bytes",
			       CACHE_KEY_MOST);
	if (strlen(project) > CACHE_PROJECT_MOST)
		return err_set(err, ERR_INPUT, "the project's slug is too long");
	return 0;
}

static int
has_cache(struct err *err)
{
	return err_set(err, ERR_GONE, "there is one of that key");
}

int
caches_begin(struct caches *caches, const char *project, const char *key, int *fd, struct err *err)
{
	char name[CACHE_FILE_NAME_BYTES];
	struct cache *cache;
	int rc = check_key(project, key, err);

	if (rc < 0)
		return rc;
	refresh(caches);
	cache = find_named(caches, cache_file_name(name, project, key));
	if (cache != NULL && !is_too_old(cache))
		return has_cache(err);
	*fd = openat(caches->fd, ".", O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (*fd < 0)
		return err_sys(err, "cannot make a file in '%s'", caches->path);
	if (lseek(*fd, CACHE_FILE_HEAD_BYTES, SEEK_SET) >= 0)
		return 0;
	rc = err_sys(err, "cannot make a file in '%s'", caches->path);
	(void)close(*fd);
	return rc;
}

static bool
is_digest(const char *text)
{
	return strlen(text) == DIGEST_TEXT_BYTES - 1 &&
	       strspn(text, "0123456789abcdef") == DIGEST_TEXT_BYTES - 1;
}

/* A file of caches_begin(): ours, in this directory, without a name. */
static int
check_new_file(struct caches *caches, int fd, struct cache_file *file, struct err *err)
{
	struct stat st, dir;

	if (fstat(fd, &st) != 0 || fstat(caches->fd, &dir) != 0)
		return err_sys(err, "cannot look at the new cache");
	if (!S_ISREG(st.st_mode) || st.st_nlink != 0 || st.st_uid != geteuid() ||
	    st.st_dev != dir.st_dev || st.st_size < CACHE_FILE_HEAD_BYTES)
		return err_set(err, ERR_INPUT, "this is no file that was given out for a cache");
	file->size = (uint64_t)st.st_size - CACHE_FILE_HEAD_BYTES;
	return 0;
}

static int
name_file(struct caches *caches, int fd, const char *name, struct err *err)
{
	char path[40];

	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (linkat(AT_FDCWD, path, caches->fd, name, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	return errno == EEXIST ? has_cache(err) : err_sys(err, "cannot keep the new cache");
}

int
caches_save(struct caches *caches, const struct cache_offer *offer, int fd, struct err *err)
{
	struct cache_file file = {.created_ms = offer->created_ms > 0 ? offer->created_ms : clock_unix_ms(),
				  .keep_ms = (int64_t)offer->keep_ms};
	char name[CACHE_FILE_NAME_BYTES];
	struct cache *old;
	int rc = check_key(offer->project, offer->key, err);

	if (rc == 0 && !is_digest(offer->digest))
		rc = err_set(err, ERR_INPUT, "this is no digest");
	if (rc == 0)
		rc = check_new_file(caches, fd, &file, err);
	if (rc < 0)
		return rc;
	(void)strcpy(file.project, offer->project);
	(void)strcpy(file.key, offer->key);
	(void)strcpy(file.digest, offer->digest);
	refresh(caches);
	old = find_named(caches, cache_file_name(name, offer->project, offer->key));
	if (old != NULL && is_too_old(old)) {
		remove_file(caches, name);
		forget(caches, old);
	}
	rc = cache_file_write_head(fd, &file, err);
	if (rc == 0)
		rc = name_file(caches, fd, name, err);
	if (rc < 0)
		return rc;
	evict(caches, remember(caches, name, &file, clock_unix_ms()));
	return 0;
}

/* --- find ----------------------------------------------------------------------------------------
 */

static struct cache *
find_newest(struct caches *caches, const char *project, const char *prefix)
{
	struct cache *cache, *next, *newest = NULL;

	HASH_ITER (hh, caches->by_name, cache, next)
		if (text_starts(cache->key, prefix) && text_eq(cache->project, project) &&
		    !is_too_old(cache) &&
		    (newest == NULL || cache->created_ms > newest->created_ms))
			newest = cache;
	return newest;
}

static int
open_cache(struct caches *caches, struct cache *cache, struct cache_file *found, int *fd,
	   struct err *err)
{
	const struct timespec times[] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
	int file = openat(caches->fd, cache->name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC), rc;

	if (file < 0)
		return err_sys(err, "cannot open the cache '%s'", cache->name);
	rc = cache_file_read_head(file, cache->name, found, err);
	if (rc < 0) {
		(void)close(file);
		return rc;
	}
	cache->used_ms = clock_unix_ms();
	(void)futimens(file, times);
	*fd = file;
	return 0;
}

static struct cache *
find_exact(struct caches *caches, const char *project, const char *key)
{
	char name[CACHE_FILE_NAME_BYTES];
	struct cache *cache = find_named(caches, cache_file_name(name, project, key));

	return cache != NULL && !is_too_old(cache) ? cache : NULL;
}

typedef struct cache *choose_fn(struct caches *caches, const char *project, const char *key);

static int
open_chosen(struct caches *caches, choose_fn *choose, const char *project, const char *key,
	    struct cache_file *found, int *fd, struct err *err)
{
	struct cache *cache;

	refresh(caches);
	while ((cache = choose(caches, project, key)) != NULL) {
		if (open_cache(caches, cache, found, fd, err) == 0)
			return 0;
		log_warn("%s: it is removed", err->text);
		remove_file(caches, cache->name);
		forget(caches, cache);
		*err = (struct err)ERR_INIT;
	}
	return err_set(err, ERR_GONE, "no %s is found", caches->noun);
}

int
caches_find(struct caches *caches, const char *project, const char *key, struct cache_file *found,
	    int *fd, struct err *err)
{
	return open_chosen(caches, find_newest, project, key, found, fd, err);
}

int
caches_get(struct caches *caches, const char *project, const char *key, struct cache_file *found,
	   int *fd, struct err *err)
{
	return open_chosen(caches, find_exact, project, key, found, fd, err);
}

void
caches_lose(struct caches *caches, const char *project, const char *key)
{
	char name[CACHE_FILE_NAME_BYTES];
	struct cache *cache = find_named(caches, cache_file_name(name, project, key));

	if (cache == NULL)
		return;
	log_warn("the %s '%s' of project '%s' is damaged: it is removed", caches->noun, key,
		 project);
	remove_file(caches, name);
	forget(caches, cache);
}

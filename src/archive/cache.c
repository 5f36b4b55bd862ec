/*
 * cache.c - the steps save_cache and restore_cache, from within the job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/cache.h"

#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "archive/cache_key.h"
#include "archive/pack.h"
#include "archive/place.h"
#include "archive/unpack.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "format/digest.h"
#include "helper/control_client.h"

enum { THREADS_MOST = 64 };

static void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

static void
say(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)fflush(stdout);
}

static uint64_t
now_ms(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* As many threads as the task has processors. */
static unsigned
thread_count(void)
{
	cpu_set_t set;
	int n = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	return n < 1 ? 1 : n > THREADS_MOST ? THREADS_MOST : (unsigned)n;
}

static enum control_result
ask(const char *verb, const char *value, int fd, struct control_answer *answer)
{
	return control_ask(&(struct control_question){verb, value, strlen(value), fd, NULL},
			   answer);
}

static int
refused(enum control_result result, const struct control_answer *answer, struct err *err)
{
	return err_set(err, result == CONTROL_SILENT ? ERR_AGAIN : ERR_HOST, "%s", answer->text);
}

/* --- save --------------------------------------------------------------------------------- */

static int
add_paths(struct pack *pack, const struct place *place, char **paths, size_t count, bool *any,
	  struct err *err)
{
	char absolute[PATH_MAX];
	bool found;
	size_t i;
	int rc = 0;

	*any = false;
	for (i = 0; rc == 0 && i < count; i++) {
		rc = place_resolve(place, paths[i], absolute, err);
		if (rc == 0)
			rc = pack_add(pack, absolute, &found, err);
		if (rc == 0 && !found)
			(void)fprintf(stderr, "warning: there is no '%s': it is left out\n",
				      paths[i]);
		*any |= rc == 0 && found;
	}
	return rc;
}

static int
pack_paths(int fd, char **paths, size_t count, struct pack_sum *sum, bool *any, struct err *err)
{
	static struct place place;
	struct pack *pack = NULL;
	int rc = place_init(&place, err);

	if (rc == 0)
		rc = pack_new(&pack, fd, thread_count(), &place, err);
	if (rc == 0)
		rc = add_paths(pack, &place, paths, count, any, err);
	if (rc == 0)
		rc = pack_finish(pack, sum, err);
	pack_free(pack);
	return rc;
}

static int
commit(const char *key, int fd, const struct pack_sum *sum, uint64_t started_ms, struct err *err)
{
	char digest[DIGEST_TEXT_BYTES], files[24], stored[24], took[24];
	struct buffer value = BUFFER_INIT;
	struct control_answer answer;
	enum control_result result;

	buffer_printf(&value, "%s %s", digest_hex(digest, sum->digest), key);
	result = ask(CONTROL_VERB_CACHE_SAVE, buffer_text(&value), fd, &answer);
	buffer_release(&value);
	if (result == CONTROL_NONE)
		say("Another job has saved a cache for key '%s' meanwhile: that one stays\n", key);
	else if (result != CONTROL_OK)
		return refused(result, &answer, err);
	else
		say("Saved %llu file%s, %s, as %s in %s\n", (unsigned long long)sum->files,
		    sum->files == 1 ? "" : "s", text_bytes(files, sum->bytes),
		    text_bytes(stored, sum->archive_bytes),
		    text_duration(took, now_ms() - started_ms));
	return 0;
}

static int
save(const char *key, char **paths, size_t count, struct err *err)
{
	uint64_t started_ms = now_ms();
	struct control_answer answer;
	enum control_result result = ask(CONTROL_VERB_CACHE_BEGIN, key, -1, &answer);
	LOCAL_FD fd = answer.fd;
	struct pack_sum sum;
	bool any = false;
	int rc;

	if (result == CONTROL_NONE) {
		say("There is a cache for key '%s' already: nothing is saved\n", key);
		return 0;
	}
	if (result != CONTROL_OK || fd < 0)
		return refused(result, &answer, err);
	say("Saving a cache for key '%s'\n", key);
	rc = pack_paths(fd, paths, count, &sum, &any, err);
	if (rc < 0)
		return rc;
	if (!any) {
		say("None of the paths is there: nothing is saved\n");
		return 0;
	}
	return commit(key, fd, &sum, started_ms, err);
}

int
cache_save(const char *template, char **paths, size_t count, struct err *err)
{
	struct cache_key_facts facts;
	struct buffer key = BUFFER_INIT;
	int rc;

	cache_key_facts_of_process(&facts);
	rc = cache_key_render(&key, template, &facts, err);
	if (rc == 0)
		rc = save(buffer_text(&key), paths, count, err);
	buffer_release(&key);
	return rc;
}

/* --- restore ------------------------------------------------------------------------------ */

/* "DIGEST SIZE KEY". */
static bool
read_found(const char *text, char digest[DIGEST_TEXT_BYTES], uint64_t *size, const char **key)
{
	char number[24];
	struct err err = ERR_INIT;
	int at = 0;

	if (sscanf(text, "%64s %20s %n", digest, number, &at) != 2 || at == 0)
		return false;
	*key = text + at;
	return text_parse_u64(number, UINT64_MAX, size, &err) == 0;
}

static int
check_file(int fd, const char *wanted, uint64_t wanted_size, bool *intact, struct err *err)
{
	unsigned char digest[DIGEST_BYTES];
	char text[DIGEST_TEXT_BYTES];
	uint64_t size;
	int rc = unpack_digest(fd, digest, &size, err);

	*intact = rc == 0 && size == wanted_size && strcmp(digest_hex(text, digest), wanted) == 0;
	return rc;
}

static int
unpack_found(int fd, const char *key, uint64_t size, struct err *err)
{
	static struct place place;
	uint64_t started_ms = now_ms();
	struct unpack_sum sum;
	char stored[24], files[24], took[24];
	int rc;

	say("Found a cache for key '%s' (%s)\n", key, text_bytes(stored, size));
	rc = place_init(&place, err);
	if (rc == 0)
		rc = unpack(fd, &place, &sum, err);
	if (rc == 0)
		say("Restored %llu entries, %s, in %s\n", (unsigned long long)sum.entries,
		    text_bytes(files, sum.bytes), text_duration(took, now_ms() - started_ms));
	return rc;
}

/* One that the agent has found; *restored stays false where it is damaged. */
static int
restore(const struct control_answer *found, bool *restored, struct err *err)
{
	char digest[DIGEST_TEXT_BYTES];
	struct control_answer answer;
	const char *key;
	uint64_t size;
	bool intact;
	int rc;

	if (found->fd < 0 || !read_found(found->text, digest, &size, &key))
		return err_set(err, ERR_HOST, "the agent's answer cannot be read");
	rc = check_file(found->fd, digest, size, &intact, err);
	if (rc < 0)
		return rc;
	if (!intact) {
		(void)fprintf(stderr, "warning: the cache for key '%s' is damaged: it is removed\n",
			      key);
		(void)ask(CONTROL_VERB_CACHE_LOSE, key, -1, &answer);
		return 0;
	}
	*restored = true;
	return unpack_found(found->fd, key, size, err);
}

static int
find_and_restore(const char *keys, char *const *rendered, size_t count, struct err *err)
{
	struct control_answer answer;
	enum control_result result;
	bool restored = false;
	size_t i;
	int rc = 0;

	/* Behind a damaged one there may be an older one; each look removes one. */
	do {
		result = ask(CONTROL_VERB_CACHE_FIND, keys, -1, &answer);
		if (result == CONTROL_OK)
			rc = restore(&answer, &restored, err);
		else if (result != CONTROL_NONE)
			rc = refused(result, &answer, err);
		if (answer.fd >= 0)
			(void)close(answer.fd);
	} while (rc == 0 && !restored && result == CONTROL_OK);
	for (i = 0; rc == 0 && !restored && i < count; i++)
		say("No cache is found for key: %s\n", rendered[i]);
	return rc;
}

int
cache_restore(char **templates, size_t count, struct err *err)
{
	struct cache_key_facts facts;
	struct buffer all = BUFFER_INIT, key = BUFFER_INIT;
	LOCAL_FREE char **rendered = calloc(count, sizeof(*rendered));
	size_t i;
	int rc = 0;

	if (rendered == NULL)
		return err_set(err, ERR_HOST, "there is no memory");
	cache_key_facts_of_process(&facts);
	for (i = 0; rc == 0 && i < count; i++) {
		rc = cache_key_render(&key, templates[i], &facts, err);
		if (rc < 0)
			break;
		buffer_printf(&all, "%s%s", i > 0 ? "\n" : "", buffer_text(&key));
		rendered[i] = buffer_take_text(&key);
	}
	if (rc == 0)
		rc = find_and_restore(buffer_text(&all), rendered, count, err);
	for (i = 0; i < count; i++)
		free(rendered[i]);
	buffer_release(&all);
	buffer_release(&key);
	return rc;
}

/*
 * cache.c - the steps save_cache and restore_cache, from within the job.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "archive/cache.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "archive/cache_key.h"
#include "archive/pack.h"
#include "archive/paths.h"
#include "archive/place.h"
#include "archive/share.h"
#include "archive/step.h"
#include "archive/unpack.h"
#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/text.h"
#include "format/digest.h"

/* --- save --------------------------------------------------------------------------------- */

static int
find_paths(struct paths *found, const struct place *place, char **paths, size_t count,
	   struct err *err)
{
	char absolute[PATH_MAX];
	size_t i;

	for (i = 0; i < count; i++) {
		if (place_resolve(place, paths[i], absolute, err) < 0)
			return err->code;
		if (!paths_add(found, absolute))
			step_warn("there is no '%s': it is left out", paths[i]);
	}
	paths_settle(found);
	return 0;
}

/* *any false: none of the paths is there, and nothing was packed. */
static int
pack(int fd, char **paths, size_t count, struct pack_sum *sum, bool *any, struct err *err)
{
	static struct place place;
	struct paths found = PATHS_INIT;
	int rc = place_init(&place, err);

	if (rc == 0)
		rc = find_paths(&found, &place, paths, count, err);
	*any = found.count > 0;
	if (rc == 0 && *any)
		rc = pack_paths(fd, step_threads(), &place, &found, sum, err);
	paths_release(&found);
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
	result = step_ask(CONTROL_VERB_CACHE_SAVE, buffer_text(&value), fd, &answer);
	buffer_release(&value);
	if (result == CONTROL_NONE)
		step_say("Another job has saved a cache for key '%s' meanwhile: that one stays",
			 key);
	else if (result != CONTROL_OK)
		return step_refused(result, &answer, err);
	else
		step_say("Saved %llu file%s, %s, as %s in %s", (unsigned long long)sum->files,
			 sum->files == 1 ? "" : "s", text_bytes(files, sum->bytes),
			 text_bytes(stored, sum->archive_bytes),
			 text_duration(took, step_now_ms() - started_ms));
	return 0;
}

/* Jobs on this host have it; that the hub has it not is no reason to fail. */
static int
share_cache(const char *key, struct err *err)
{
	if (share(CONTROL_VERB_CACHE_SHARE, key, BLOB_CACHE, err) < 0) {
		step_warn("the hub has it not, so that only jobs on this host do: %s", err->text);
		*err = (struct err)ERR_INIT;
	}
	return 0;
}

static int
save(const char *key, char **paths, size_t count, struct err *err)
{
	uint64_t started_ms = step_now_ms();
	struct control_answer answer;
	enum control_result result = step_ask(CONTROL_VERB_CACHE_BEGIN, key, -1, &answer);
	LOCAL_FD fd = answer.fd;
	struct pack_sum sum;
	bool any = false;
	int rc;

	if (result == CONTROL_NONE) {
		step_say("There is a cache for key '%s' already: nothing is saved", key);
		return share_cache(key, err);
	}
	if (result != CONTROL_OK || fd < 0)
		return step_refused(result, &answer, err);
	step_say("Saving a cache for key '%s'", key);
	rc = pack(fd, paths, count, &sum, &any, err);
	if (rc < 0)
		return rc;
	if (!any) {
		step_say("None of the paths is there: nothing is saved");
		return 0;
	}
	rc = commit(key, fd, &sum, started_ms, err);
	return rc == 0 ? share_cache(key, err) : rc;
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

static int
unpack_found(int fd, const char *key, uint64_t size, struct err *err)
{
	static struct place place;
	uint64_t started_ms = step_now_ms();
	struct unpack_sum sum;
	char stored[24], files[24], took[24];
	int rc;

	step_say("Found a cache for key '%s' (%s)", key, text_bytes(stored, size));
	rc = place_init(&place, err);
	if (rc == 0)
		rc = unpack(fd, &place, NULL, NULL, &sum, err);
	if (rc == 0)
		step_say("Restored %llu entr%s, %s, in %s", (unsigned long long)sum.entries,
			 sum.entries == 1 ? "y" : "ies", text_bytes(files, sum.bytes),
			 text_duration(took, step_now_ms() - started_ms));
	return rc;
}

/* One that the agent has found; *restored stays false where it is damaged. */
static int
restore(const struct control_answer *found, bool *restored, struct err *err)
{
	struct step_archive archive;
	int rc = step_take_archive(&archive, found, "the cache for key", CONTROL_VERB_CACHE_LOSE,
				   restored, err);

	return rc == 0 && *restored ? unpack_found(found->fd, archive.name, archive.size, err) : rc;
}

/* The newest cache whose key begins with key; *restored stays false where there is none. */
static int
find_and_restore(const char *key, bool *restored, struct err *err)
{
	struct control_answer answer;
	enum control_result result;
	int rc = 0;

	/* Behind a damaged one there may be an older one; each look removes one. */
	do {
		result = step_ask(CONTROL_VERB_CACHE_FIND, key, -1, &answer);
		if (result == CONTROL_OK)
			rc = restore(&answer, restored, err);
		else if (result != CONTROL_NONE)
			rc = step_refused(result, &answer, err);
		else if (answer.text[0] != '\0')
			step_warn("the hub could not be asked: %s", answer.text);
		if (answer.fd >= 0)
			(void)close(answer.fd);
	} while (rc == 0 && !*restored && result == CONTROL_OK);
	return rc;
}

static int
restore_first(char *const *keys, size_t count, struct err *err)
{
	bool restored = false;
	size_t i;
	int rc = 0;

	for (i = 0; rc == 0 && !restored && i < count; i++)
		rc = find_and_restore(keys[i], &restored, err);
	for (i = 0; rc == 0 && !restored && i < count; i++)
		step_say("No cache is found for key: %s", keys[i]);
	return rc;
}

/* All keys are made before the first is looked for: a wrong one is told whatever there is. */
int
cache_restore(char **templates, size_t count, struct err *err)
{
	struct cache_key_facts facts;
	struct buffer key = BUFFER_INIT;
	LOCAL_FREE char **keys = calloc(count, sizeof(*keys));
	size_t i;
	int rc = 0;

	if (keys == NULL)
		return err_set(err, ERR_HOST, "there is no memory");
	cache_key_facts_of_process(&facts);
	for (i = 0; rc == 0 && i < count; i++) {
		rc = cache_key_render(&key, templates[i], &facts, err);
		keys[i] = buffer_take_text(&key);
	}
	if (rc == 0)
		rc = restore_first(keys, count, err);
	for (i = 0; i < count; i++)
		free(keys[i]);
	buffer_release(&key);
	return rc;
}

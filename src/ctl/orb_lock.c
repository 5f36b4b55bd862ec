/*
 * orb_lock.c - the lock file beside a config: which version each of its orbs is, and its digest.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/orb_lock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/file.h"

#define ALGORITHM "sha256:"

void
orb_lock_release(struct orb_lock *lock)
{
	free(lock->pins);
	memset(lock, 0, sizeof(*lock));
}

static bool
is_same_orb(const struct orb_ref *a, const struct orb_ref *b)
{
	return text_eq(a->space, b->space) && text_eq(a->name, b->name);
}

const struct orb_pin *
orb_lock_get(const struct orb_lock *lock, const struct orb_ref *ref)
{
	size_t i;

	for (i = 0; i < lock->count; i++)
		if (is_same_orb(&lock->pins[i].ref, ref) &&
		    text_eq(lock->pins[i].ref.version.text, ref->version.text))
			return &lock->pins[i];
	return NULL;
}

const struct orb_pin *
orb_lock_get_exact(const struct orb_lock *lock, const struct orb_ref *ref,
		   const struct orb_version *version)
{
	size_t i;

	for (i = 0; i < lock->count; i++)
		if (is_same_orb(&lock->pins[i].ref, ref) &&
		    text_eq(lock->pins[i].version.text, version->text))
			return &lock->pins[i];
	return NULL;
}

int
orb_lock_put(struct orb_lock *lock, const struct orb_pin *pin, struct err *err)
{
	struct orb_pin *there = (struct orb_pin *)(uintptr_t)orb_lock_get(lock, &pin->ref);

	if (there != NULL) {
		*there = *pin;
		return 0;
	}
	if (lock->count == ORB_LOCK_LINES_MAX)
		return err_set(err, ERR_LIMIT, "a lock file has at most %d orbs",
			       ORB_LOCK_LINES_MAX);
	lock->pins = mem_resize(lock->pins, lock->count + 1, sizeof(*lock->pins));
	lock->pins[lock->count++] = *pin;
	return 0;
}

/* --- the file ------------------------------------------------------------------------- */

static bool
parse_digest(char room[DIGEST_TEXT_BYTES], const char *text)
{
	size_t len = strlen(ALGORITHM);

	if (!text_starts(text, ALGORITHM) || strlen(text) != len + DIGEST_TEXT_BYTES - 1 ||
	    text[len + strspn(text + len, "0123456789abcdef")] != '\0')
		return false;
	memcpy(room, text + len, DIGEST_TEXT_BYTES);
	return true;
}

static bool
parse_pin(struct orb_pin *pin, char *line)
{
	char *ref = strsep(&line, " "), *version = strsep(&line, " ");

	return version != NULL && line != NULL && orb_ref_parse(&pin->ref, ref) &&
	       orb_version_parse(&pin->version, version) &&
	       orb_ref_accepts(&pin->ref, &pin->version) && parse_digest(pin->digest, line);
}

static int
parse_lines(struct orb_lock *lock, char *text, const char *path, struct err *err)
{
	struct orb_pin pin;
	unsigned number = 0;
	char *line;

	while ((line = strsep(&text, "\n")) != NULL) {
		number++;
		line[strcspn(line, "\r")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		if (!parse_pin(&pin, line)) {
			if (err_set(err, ERR_INPUT,
				    "%s:%u: a line is NS/NAME@VERSION VERSION sha256:DIGEST", path,
				    number) < 0)
				err_hint(err,
					 "remove the line; 'runnerctl orb fetch' writes it anew");
			return err->code;
		}
		if (orb_lock_put(lock, &pin, err) < 0)
			return err->code;
	}
	return 0;
}

int
orb_lock_read(struct orb_lock *lock, const char *path, struct err *err)
{
	struct buffer bytes = BUFFER_INIT;
	char *text;
	int rc;

	memset(lock, 0, sizeof(*lock));
	rc = file_read(path, ORB_LOCK_MAX_BYTES, &bytes, err);
	if (rc < 0 && err->sys == ENOENT) {
		memset(err, 0, sizeof(*err));
		rc = 0;
	} else if (rc == 0) {
		text = buffer_take_text(&bytes);
		rc = parse_lines(lock, text, path, err);
		free(text);
	}
	buffer_release(&bytes);
	if (rc < 0)
		orb_lock_release(lock);
	return rc;
}

static int
by_ref(const void *left, const void *right)
{
	const struct orb_pin *a = left, *b = right;
	int order = strcmp(a->ref.space, b->ref.space);

	if (order == 0)
		order = strcmp(a->ref.name, b->ref.name);
	return order != 0 ? order : strcmp(a->ref.version.text, b->ref.version.text);
}

int
orb_lock_write(const struct orb_lock *lock, const char *path, struct err *err)
{
	struct buffer text = BUFFER_INIT;
	char ref[ORB_REF_MAX_BYTES];
	size_t i;
	int rc;

	if (lock->count > 0)
		qsort(lock->pins, lock->count, sizeof(lock->pins[0]), by_ref);
	buffer_puts(&text, "# What the orbs of the config beside this file are. Written by "
			   "'runnerctl orb fetch';\n# keep it with the config.\n");
	for (i = 0; i < lock->count; i++)
		buffer_printf(&text, "%s %s " ALGORITHM "%s\n",
			      orb_ref_text(ref, &lock->pins[i].ref, &lock->pins[i].ref.version),
			      lock->pins[i].version.text, lock->pins[i].digest);
	rc = file_make_parents(path, err);
	if (rc == 0)
		rc = file_write(path, &text, err);
	buffer_release(&text);
	return rc;
}

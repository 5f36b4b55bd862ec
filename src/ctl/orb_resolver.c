/*
 * orb_resolver.c - which orb on disk a reference means: shelves in their order, held to the lock.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/orb_resolver.h"

#include <stdlib.h>
#include <string.h>

#include "base/buffer.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/orb_shelf.h"

static char *
home_shelf(void)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

	if (data != NULL && data[0] == '/')
		return mem_printf("%s/runner/orbs", data);
	return home != NULL && home[0] == '/' ? mem_printf("%s/.local/share/runner/orbs", home)
					      : NULL;
}

int
orb_resolver_init(struct orb_resolver *resolver, const char *directory, struct err *err)
{
	memset(resolver, 0, sizeof(*resolver));
	resolver->shelves[0] = mem_printf("%s/orbs", directory);
	resolver->shelves[1] = home_shelf();
	resolver->lock_path = mem_printf("%s/orbs.lock", directory);
	return orb_lock_read(&resolver->lock, resolver->lock_path, err);
}

void
orb_resolver_release(struct orb_resolver *resolver)
{
	size_t i;

	for (i = 0; i < ORB_SHELVES; i++)
		free(resolver->shelves[i]);
	free(resolver->lock_path);
	orb_lock_release(&resolver->lock);
	memset(resolver, 0, sizeof(*resolver));
}

static int
refuse_missing(const struct orb_resolver *resolver, const struct orb_pin *pin, struct err *err)
{
	const char *home = resolver->shelves[1];

	if (err_set(err, ERR_GONE, "%s%s%s not in '%s'%s%s%s",
		    pin != NULL ? "its locked version " : "it is",
		    pin != NULL ? pin->version.text : "", pin != NULL ? " is" : "",
		    resolver->shelves[0], home != NULL ? " nor in '" : "", home != NULL ? home : "",
		    home != NULL ? "'" : "") < 0)
		err_hint(err, "'runnerctl orb fetch' gets orbs; or write the orb inline");
	return err->code;
}

static int
check_digest(const struct orb_pin *pin, const char *path, const struct buffer *bytes,
	     const char *lock_path, struct err *err)
{
	char digest[DIGEST_TEXT_BYTES];

	if (pin == NULL || text_eq(digest_sha256_hex(digest, bytes->data, bytes->len), pin->digest))
		return 0;
	if (err_set(err, ERR_INPUT, "'%s' is not what '%s' has: its digest differs", path,
		    lock_path) < 0)
		err_hint(err, "'runnerctl orb fetch' gets the locked one again; to keep this one, "
			      "remove its line from the lock file");
	return err->code;
}

int
orb_resolver_find(const struct orb_resolver *resolver, const struct orb_ref *ref,
		  struct orb_version *version, char **path, struct buffer *bytes, struct err *err)
{
	const struct orb_pin *pin = orb_lock_get(&resolver->lock, ref);
	struct err missing = ERR_INIT;
	struct orb_ref wanted = *ref;
	const char *shelf;
	size_t i;

	if (pin != NULL)
		wanted.version = pin->version;
	else
		pin = orb_lock_get_exact(&resolver->lock, ref, &ref->version);
	for (i = 0; i < ORB_SHELVES && resolver->shelves[i] != NULL; i++) {
		shelf = resolver->shelves[i];
		if (orb_shelf_find(shelf, &wanted, version, &missing) < 0)
			continue;
		if (orb_shelf_read(shelf, ref, version, bytes, err) < 0)
			return err->code;
		*path = orb_shelf_path(shelf, ref, version);
		if (pin == NULL)
			pin = orb_lock_get_exact(&resolver->lock, ref, version);
		if (check_digest(pin, *path, bytes, resolver->lock_path, err) == 0)
			return 0;
		free(*path);
		*path = NULL;
		return err->code;
	}
	return refuse_missing(resolver, pin, err);
}

int
orb_resolver_give(void *arg, const char *text, void **bytes, size_t *len, char **path,
		  char **resolved, struct err *err)
{
	struct buffer found = BUFFER_INIT;
	struct orb_version version;
	char room[ORB_REF_MAX_BYTES];
	struct orb_ref ref;

	if (!orb_ref_parse(&ref, text))
		return err_set(err, ERR_GONE, "it is no reference");
	if (orb_resolver_find(arg, &ref, &version, path, &found, err) < 0) {
		buffer_release(&found);
		return err->code;
	}
	*len = found.len;
	*bytes = buffer_take_text(&found);
	*resolved = mem_strdup(orb_ref_text(room, &ref, &version));
	buffer_release(&found);
	return 0;
}

/*
 * orb_shelf.c - a directory of orbs: ROOT/NS/NAME/VERSION.yml, exact versions only.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "ctl/orb_shelf.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/cleanup.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/text.h"
#include "ctl/file.h"

#define SUFFIX ".yml"

char *
orb_shelf_path(const char *root, const struct orb_ref *ref, const struct orb_version *version)
{
	return mem_printf("%s/%s/%s/%s" SUFFIX, root, ref->space, ref->name, version->text);
}

/* "1.2.3.yml" is 1.2.3. */
static bool
version_of_file(struct orb_version *out, const char *name)
{
	char text[ORB_VERSION_MAX_BYTES];
	size_t len = strlen(name);

	if (!text_ends(name, SUFFIX) || len - strlen(SUFFIX) >= sizeof(text))
		return false;
	len -= strlen(SUFFIX);
	memcpy(text, name, len);
	text[len] = '\0';
	return orb_version_parse(out, text) && orb_version_is_exact(out);
}

int
orb_shelf_find(const char *root, const struct orb_ref *ref, struct orb_version *out,
	       struct err *err)
{
	LOCAL_FREE char *path = mem_printf("%s/%s/%s", root, ref->space, ref->name);
	DIR *directory = opendir(path);
	struct orb_version version;
	const struct dirent *entry;
	bool found = false;

	while (directory != NULL && (entry = readdir(directory)) != NULL) {
		if (!version_of_file(&version, entry->d_name) || !orb_ref_accepts(ref, &version) ||
		    (found && orb_version_order(&version, out) <= 0))
			continue;
		*out = version;
		found = true;
	}
	if (directory != NULL)
		(void)closedir(directory);
	return found ? 0 : err_set(err, ERR_GONE, "'%s' has no such version", path);
}

int
orb_shelf_read(const char *root, const struct orb_ref *ref, const struct orb_version *version,
	       struct buffer *out, struct err *err)
{
	LOCAL_FREE char *path = orb_shelf_path(root, ref, version);

	if (file_read(path, ORB_MAX_BYTES, out, err) < 0) {
		if (err->sys == ENOENT || err->sys == ENOTDIR)
			err->code = ERR_GONE;
		return err->code;
	}
	return 0;
}

int
orb_shelf_write(const char *root, const struct orb_ref *ref, const struct orb_version *version,
		const struct buffer *bytes, struct err *err)
{
	LOCAL_FREE char *path = orb_shelf_path(root, ref, version);

	return file_make_parents(path, err) < 0 ? err->code : file_write(path, bytes, err);
}

/* --- all of them ---------------------------------------------------------------------- */

/* The names in a directory, sorted; the caller frees each and the list. None when it is not there.
 */
static int
list_names(struct dirent ***out, const char *path)
{
	int count = scandir(path, out, NULL, alphasort);

	if (count < 0)
		*out = NULL;
	return count < 0 ? 0 : count;
}

static int
by_version(const void *a, const void *b)
{
	return orb_version_order(a, b);
}

static void
each_version(const char *path, struct orb_ref *ref, orb_shelf_fn *fn, void *arg)
{
	struct orb_version *versions;
	struct dirent **names;
	int i, count = list_names(&names, path), kept = 0;

	versions = MEM_NEW_ARRAY(struct orb_version, (size_t)count + 1);
	for (i = 0; i < count; i++) {
		kept += version_of_file(&versions[kept], names[i]->d_name);
		free(names[i]);
	}
	free(names);
	qsort(versions, (size_t)kept, sizeof(versions[0]), by_version);
	for (i = 0; i < kept; i++) {
		ref->version = versions[i];
		fn(arg, ref);
	}
	free(versions);
}

/* The names are those of an orb when a reference can be made of them. */
static bool
is_orb(struct orb_ref *ref, const char *space, const char *name)
{
	LOCAL_FREE char *text = mem_printf("%s/%s@1", space, name);

	return orb_ref_parse(ref, text);
}

static void
each_name(const char *root, const char *space, orb_shelf_fn *fn, void *arg)
{
	LOCAL_FREE char *directory = mem_printf("%s/%s", root, space);
	struct dirent **names;
	struct orb_ref ref;
	char *path;
	int i, count = list_names(&names, directory);

	for (i = 0; i < count; i++) {
		if (is_orb(&ref, space, names[i]->d_name)) {
			path = mem_printf("%s/%s", directory, names[i]->d_name);
			each_version(path, &ref, fn, arg);
			free(path);
		}
		free(names[i]);
	}
	free(names);
}

void
orb_shelf_each(const char *root, orb_shelf_fn *fn, void *arg)
{
	struct dirent **spaces;
	struct orb_ref ref;
	int i, count = list_names(&spaces, root);

	for (i = 0; i < count; i++) {
		if (is_orb(&ref, spaces[i]->d_name, "orb"))
			each_name(root, spaces[i]->d_name, fn, arg);
		free(spaces[i]);
	}
	free(spaces);
}
